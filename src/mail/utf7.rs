//! UTF-7 (RFC 2152). mail-parser's decoder takes whatever ends a shifted sequence for its end mark, so that a line end
//! after it disappears, and with it the line below.

use super::transfer::sextet;

/// The text that `bytes` are in UTF-7. `direct` decodes what is written directly, which is ASCII when all is well. A `+`
/// that begins no sequence stands for itself.
pub fn decode(bytes: &[u8], direct: impl Fn(&[u8]) -> String) -> String {
    let mut text = String::with_capacity(bytes.len());
    let mut rest = bytes;
    // Where the direct text begins that has not been decoded yet.
    let mut plain = bytes;
    while let Some(plus) = rest.iter().position(|byte| *byte == b'+') {
        let after = rest.get(plus + 1..).unwrap_or_default();
        let length = after.iter().take_while(|byte| sextet(**byte).is_some()).count();
        let (shifted, end) = after.split_at_checked(length).unwrap_or((after, &[]));
        let units = units(shifted);
        let escaped_plus = shifted.is_empty() && end.first() == Some(&b'-');
        if units.is_empty() && !escaped_plus {
            rest = end;
            continue;
        }
        let before = plain.len() - rest.len() + plus;
        text.push_str(&direct(plain.get(..before).unwrap_or_default()));
        if escaped_plus {
            text.push('+');
        }
        text.extend(char::decode_utf16(units).map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER)));
        rest = end.strip_prefix(b"-").unwrap_or(end);
        plain = rest;
    }
    text.push_str(&direct(plain));
    text
}

/// The UTF-16 units of modified base64; bits that fill no unit are padding.
fn units(shifted: &[u8]) -> Vec<u16> {
    let mut units = Vec::with_capacity(shifted.len() * 6 / 16);
    let (mut bits, mut count) = (0_u32, 0);
    for sextet in shifted.iter().copied().filter_map(sextet) {
        bits = (bits << 6 | u32::from(sextet)) & 0x3f_ffff;
        count += 6;
        if count >= 16 {
            count -= 16;
            units.extend(u16::try_from(bits >> count & 0xffff));
        }
    }
    units
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(text: &str) -> String {
        decode(text.as_bytes(), |bytes| String::from_utf8_lossy(bytes).into_owned())
    }

    #[test]
    fn the_examples_of_the_rfc() {
        assert_eq!(decoded("A+ImIDkQ."), "A≢Α.");
        assert_eq!(decoded("Hi Mom -+Jjo--!"), "Hi Mom -☺-!");
        assert_eq!(decoded("+ZeVnLIqe"), "日本語");
        assert_eq!(decoded("Item 3 is +AKM-1."), "Item 3 is £1.");
    }

    #[test]
    fn only_a_hyphen_that_ends_a_sequence_is_taken_with_it() {
        assert_eq!(decoded("+ZeVnLIqe\ndb1 is DOWN\r\n"), "日本語\ndb1 is DOWN\r\n");
        assert_eq!(decoded("+ZeVnLIqe db1"), "日本語 db1");
        assert_eq!(decoded("+ZeVnLIqe--"), "日本語-");
        assert_eq!(decoded("+ZeVnLIqe-+ZeVnLIqe-"), "日本語日本語");
    }

    #[test]
    fn a_plus_that_begins_nothing_stands_for_itself() {
        assert_eq!(decoded("1 +- 1 + 1 = 3, C++\n+"), "1 + 1 + 1 = 3, C++\n+");
        assert_eq!(decoded("+A"), "+A");
    }

    #[test]
    fn half_a_pair_is_a_replacement() {
        assert_eq!(decoded("+2D3eAA-"), "😀");
        assert_eq!(decoded("+2D0-x"), "\u{fffd}x");
    }

    #[test]
    fn direct_text_that_is_no_ascii_is_decoded_as_a_whole() {
        assert_eq!(decoded("größer +AKM- süß"), "größer £ süß");
    }
}

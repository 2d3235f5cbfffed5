//! The short code that a person types to name an alert: how it is chosen. Knows no backend: which code is free is asked.

use crate::alert::Code;

/// The first character. A code begins with a digit, so it can never be a word that a carrier acts upon (`STOP`,
/// `END`, `QUIT`, …). Without 0 and 1, which look like O, I and L.
const DIGITS: [char; 8] = ['2', '3', '4', '5', '6', '7', '8', '9'];

/// The others. No vowels, so no words; of the letters that rhyme (B C D E G P T V Z, A J K, F S, M N, I Y, Q U) one
/// each, so that a code read out by a voice is heard right; none that looks like a digit (B G I L O S Z).
const LETTERS: [char; 10] = ['F', 'H', 'K', 'M', 'Q', 'R', 'T', 'W', 'X', 'Y'];

/// How many codes of one length are tried before a longer one is. All 80 of the shortest; of the longer, enough to
/// find a free one unless nearly all are taken, and then the search ends rather than drags on.
const TRIES: u64 = 80;

/// The longest code: a digit and 9 letters, 8 thousand million of them.
const LONGEST: u32 = 10;

/// How long a code is not used again.
pub const REST: jiff::SignedDuration = jiff::SignedDuration::from_hours(30 * 24);

/// A code that is not taken: two characters while there are any left, else three, and so on. `random` decides which, so
/// that consecutive alerts have codes that are not easily mistaken for each other. `first_free` tells the first of some codes
/// that is not taken: asked for each of them, ten thousand open alerts would cost the next one hundreds of questions.
pub fn choose<E>(
    random: &mut dyn FnMut() -> u128,
    mut first_free: impl FnMut(&[Code]) -> Result<Option<Code>, E>,
) -> Result<Code, E> {
    let mut last = None;
    for length in 2..=LONGEST {
        let count = 8 * 10_u64.pow(length - 1);
        let bits = random();
        let start = below(bits, count);
        // A stride that has no factor in common with 8 · 10ⁿ meets every code once before it meets one twice.
        let stride = below(bits >> 64, count / 10) * 10 + [1, 3, 7, 9].get((bits >> 124) as usize % 4).unwrap_or(&1);
        let nth = |step| (u128::from(start) + u128::from(stride) * u128::from(step)) % u128::from(count);
        let mut codes: Vec<Code> = (0..TRIES.min(count)).map(|step| spell(nth(step), length)).collect();
        if let Some(free) = first_free(&codes)? {
            return Ok(free);
        }
        last = codes.pop().or(last);
    }
    // Some 10¹⁰ alerts in 30 days, or no chance in `random`: a code used twice names the newer alert, which is better
    // than a mail refused.
    Ok(last.unwrap_or_else(|| Code(String::new())))
}

/// A number from 0 to `count` - 1 made of 63 of these bits. `count` is far below 2⁶³: the bias is too small to matter.
fn below(bits: u128, count: u64) -> u64 {
    u64::try_from(bits >> 1 & u128::from(u64::MAX >> 1)).unwrap_or(0) % count.max(1)
}

/// The `nth` code of this length.
fn spell(nth: u128, length: u32) -> Code {
    let mut rest = nth;
    let mut text = String::new();
    let digit = usize::try_from(rest % 8).unwrap_or(0);
    text.extend(DIGITS.get(digit));
    rest /= 8;
    for _ in 1..length {
        text.extend(LETTERS.get(usize::try_from(rest % 10).unwrap_or(0)));
        rest /= 10;
    }
    Code(text)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::convert::Infallible;

    use proptest::prelude::*;

    use super::*;

    fn from_seed(mut seed: u128) -> impl FnMut() -> u128 {
        move || {
            seed = seed.wrapping_mul(0x2360_ED05_1FC6_5DA4_4385_DF64_9FCC_F645).wrapping_add(0x5851_F42D);
            seed ^ (seed >> 64)
        }
    }

    /// The first that is not taken.
    #[allow(clippy::unnecessary_wraps, reason = "a store may fail where this one does not")]
    fn free(codes: &[Code], is_taken: impl Fn(&Code) -> bool) -> Result<Option<Code>, Infallible> {
        Ok(codes.iter().find(|code| !is_taken(code)).cloned())
    }

    #[test]
    fn all_two_character_codes_are_used_before_a_longer_one() {
        let mut random = from_seed(1);
        let mut used = HashSet::new();
        for _ in 0..80 {
            let code = choose(&mut random, |codes| free(codes, |code| used.contains(code))).unwrap();
            assert_eq!(code.0.len(), 2, "{code}");
            assert!(used.insert(code));
        }
        let code = choose(&mut random, |codes| free(codes, |code| used.contains(code))).unwrap();
        assert_eq!(code.0.len(), 3);
    }

    #[test]
    fn the_search_ends_although_nearly_every_code_is_taken() {
        let mut asked = 0;
        let code = choose(&mut from_seed(2), |codes| {
            asked += codes.len();
            free(codes, |code| code.0.len() < 5)
        })
        .unwrap();
        assert_eq!(code.0.len(), 5);
        assert_eq!(asked, 4 * 80);
    }

    #[test]
    fn a_trouble_in_asking_is_told() {
        assert_eq!(choose(&mut || 0, |_| Err("disk")), Err("disk"));
    }

    #[test]
    fn the_letters_leave_out_vowels_and_look_alikes() {
        for letter in LETTERS {
            assert!(!"AEIOULSZBG".contains(letter), "{letter}");
        }
    }

    proptest! {
        /// Whatever chance says (all bits zero, all bits one), a code is a digit and letters.
        #[test]
        fn a_code_is_a_digit_and_letters(bits: u128, shortest in 2_usize..11) {
            let code = choose(&mut || bits, |codes| free(codes, |code| code.0.len() < shortest)).unwrap();
            prop_assert_eq!(code.0.len(), shortest);
            let (digit, letters) = code.0.split_at(1);
            prop_assert!(digit.chars().all(|c| DIGITS.contains(&c)));
            prop_assert!(letters.chars().all(|c| LETTERS.contains(&c)));
        }

        /// With any chance at all, every code of two characters is met within the tries.
        #[test]
        fn every_short_code_is_found(bits: u128, free in 0_u128..80) {
            let left = spell(free, 2);
            let code = choose(&mut || bits, |codes| super::tests::free(codes, |code| *code != left)).unwrap();
            prop_assert_eq!(code, left);
        }
    }
}

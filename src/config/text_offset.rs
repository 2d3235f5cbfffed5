//! From an offset in a text's content to the offset in its TOML, quotes and escapes included, so that a caret can
//! stand under the wrong character of a regular expression.

/// The offset in `raw` (the text as written, with its quotes) of the byte `offset` of its content.
pub(super) fn in_source(raw: &str, offset: usize) -> usize {
    let Some(quote) = raw.chars().next().filter(|c| matches!(c, '"' | '\'')) else { return 0 };
    let triple = raw.len() >= 6 && raw.chars().take(3).all(|c| c == quote);
    let mut at = if triple { 3 } else { 1 };
    if triple {
        // A line end right after the opening quotes is not part of the content.
        let rest = raw.get(at..).unwrap_or_default();
        at += if rest.starts_with("\r\n") { 2 } else { usize::from(rest.starts_with('\n')) };
    }
    let mut content = 0;
    loop {
        let rest = raw.get(at..).unwrap_or_default();
        let Some(first) = rest.chars().next() else { break };
        let (written, meant) =
            if quote == '"' && first == '\\' { escape(rest) } else { (first.len_utf8(), first.len_utf8()) };
        // What takes no place in the content is passed over even when the offset is reached.
        if content >= offset && meant > 0 {
            break;
        }
        at += written;
        content += meant;
    }
    at.min(raw.len())
}

/// How many bytes the escape at the start of `rest` takes in the file, and in the content.
fn escape(rest: &str) -> (usize, usize) {
    let code = |digits: usize| {
        let number = rest.get(2..2 + digits).and_then(|hex| u32::from_str_radix(hex, 16).ok());
        (2 + digits, number.and_then(char::from_u32).map_or(1, char::len_utf8))
    };
    match rest.chars().nth(1) {
        Some('x') => code(2),
        Some('u') => code(4),
        Some('U') => code(8),
        Some(c) if c.is_whitespace() => {
            // A backslash at the end of a line swallows all white space up to the next character.
            let kept = rest.get(1..).unwrap_or_default().trim_start().len();
            (rest.len() - kept, 0)
        }
        Some(c) => (1 + c.len_utf8(), 1),
        None => (1, 1),
    }
}

#[cfg(test)]
mod tests {
    use super::in_source;

    #[test]
    fn escapes_and_quotes_are_counted() {
        assert_eq!(in_source(r"'a\db'", 3), 4);
        assert_eq!(in_source(r#""a\\db""#, 3), 5);
        assert_eq!(in_source("\"\\u00e4X\"", 2), 7);
        assert_eq!(in_source("'''\nabc'''", 1), 5);
        assert_eq!(in_source("\"\"\"a \\\n   b\"\"\"", 2), 10);
        assert_eq!(in_source("'abc'", 99), 5);
        assert_eq!(in_source("17", 1), 0);
    }

    proptest::proptest! {
        /// The bytes before the place in the file mean the bytes before the offset in the content.
        #[test]
        fn agrees_with_the_parser(raw in "\"([a-cä ]|\\\\n|\\\\\\\\|\\\\u00e4|\\\\x41){0,12}\"") {
            let value = toml::de::DeValue::parse(&raw).unwrap();
            let content = value.get_ref().as_str().unwrap();
            for (offset, _) in content.char_indices() {
                let cut = format!("{}\"", &raw[..in_source(&raw, offset)]);
                let before = toml::de::DeValue::parse(&cut).unwrap();
                proptest::prop_assert_eq!(before.get_ref().as_str().unwrap(), &content[..offset]);
            }
        }
    }
}

//! Which parts of a rule file's text may be secrets. Works on text that need not be TOML, because a syntax error may
//! stand on the same line as a token; when in doubt, it is a secret.

use std::ops::Range;

/// Keys in `[twilio]`, `[providers.NAME]`, `[users.NAME]` and `[tokens.NAME]` whose values are no secrets.
const PLAIN: &[&str] = &[
    "account_sid",
    "api_url",
    "argv",
    "calls_per_second",
    "carries",
    "contact",
    "delivered",
    "env",
    "failed",
    "file",
    "from",
    "id",
    "kind",
    "machine_detection",
    "messaging_service",
    "method",
    "permanent",
    "reason",
    "role",
    "sent",
    "status",
    "success",
    "timeout",
    "user",
];

/// Where secrets may stand in `text`, in order.
pub(super) fn secrets(text: &str) -> Vec<Range<usize>> {
    let mut scanner =
        Scanner { text, at: 0, found: Vec::new(), section: false, frame: Frame::default(), stack: vec![] };
    while scanner.step() {}
    scanner.found
}

/// The keys and values at one level of brackets.
#[derive(Default, Clone, Copy)]
struct Frame<'t> {
    /// Opened by `{`, so that a comma begins a new key.
    table: bool,
    /// Everything within is a secret unless its key says that it is not.
    secret: bool,
    /// The key that was read last.
    key: Option<&'t str>,
    /// Whether its `=` was read, too.
    equals: bool,
}

struct Scanner<'t> {
    text: &'t str,
    at: usize,
    found: Vec<Range<usize>>,
    /// Within a table that holds secrets.
    section: bool,
    frame: Frame<'t>,
    stack: Vec<Frame<'t>>,
}

impl<'t> Scanner<'t> {
    /// Takes one token; false at the end.
    fn step(&mut self) -> bool {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let Some(first) = rest.chars().next() else { return false };
        match first {
            '\n' => {
                self.at += 1;
                if self.stack.is_empty() {
                    self.frame = Frame::default();
                    self.header();
                } else if self.frame.table {
                    (self.frame.key, self.frame.equals) = (None, false);
                }
            }
            '#' => self.at += rest.find('\n').unwrap_or(rest.len()),
            '"' | '\'' => self.literal(rest, first),
            '[' if self.at == 0 => self.header(),
            '{' | '[' => {
                self.at += 1;
                let outer = self.frame;
                self.stack.push(outer);
                let secret = outer.secret || outer.key.is_some_and(|key| holds_secrets(key) || sounds_secret(key));
                self.frame = if first == '{' {
                    Frame { table: true, secret, key: None, equals: false }
                } else {
                    Frame { table: false, ..outer }
                };
            }
            '}' | ']' => {
                self.at += 1;
                self.frame = self.stack.pop().unwrap_or_default();
            }
            ',' => {
                self.at += 1;
                if self.frame.table {
                    (self.frame.key, self.frame.equals) = (None, false);
                }
            }
            '=' => {
                self.at += 1;
                self.frame.equals = true;
            }
            c if c.is_whitespace() => self.at += c.len_utf8(),
            _ => self.word(rest),
        }
        true
    }

    /// At the start of a line: takes a table header if there is one.
    fn header(&mut self) {
        let line = self.text.get(self.at..).unwrap_or_default().split('\n').next().unwrap_or_default();
        if line.trim_start().starts_with('[') {
            let name = line.trim_matches(|c: char| c == '[' || c.is_whitespace());
            self.section = holds_secrets(name);
            self.at += line.len();
        }
    }

    /// A quoted text: a key, or a value.
    fn literal(&mut self, rest: &'t str, quote: char) {
        let triple: String = std::iter::repeat_n(quote, 3).collect();
        let (mark, lines) = if rest.starts_with(&triple) { (3, true) } else { (1, false) };
        let inner = rest.get(mark..).unwrap_or_default();
        let length = literal_length(inner, quote, lines);
        let content = inner.get(..length).unwrap_or_default();
        let start = self.at + mark;
        let ended = inner.len() > length && !inner.get(length..).unwrap_or_default().starts_with('\n');
        self.at = start + length + if ended { mark } else { 0 };
        self.token(start, content);
    }

    /// An unquoted word: a key, or what should have been quoted.
    fn word(&mut self, rest: &'t str) {
        let ends = |c: char| c.is_whitespace() || matches!(c, '=' | ',' | '{' | '}' | '[' | ']' | '#' | '"' | '\'');
        let length = rest.find(ends).unwrap_or(rest.len()).max(1);
        let start = self.at;
        self.at += length;
        self.token(start, rest.get(..length).unwrap_or_default());
    }

    fn token(&mut self, start: usize, content: &'t str) {
        // A second word without `=` between is a value whose `=` was forgotten.
        match self.frame.key {
            None if self.stack.is_empty() || self.frame.table => self.frame.key = Some(content),
            Some(key) if self.is_secret(key) => self.found.push(start..start + content.len()),
            Some(_) | None => {}
        }
    }

    fn is_secret(&self, key: &str) -> bool {
        let name = key.rsplit('.').next().unwrap_or(key);
        if sounds_secret(name) {
            return true;
        }
        let within = self.section || self.frame.secret || (key.contains('.') && holds_secrets(key));
        within && !PLAIN.contains(&name)
    }
}

/// The length of a quoted text's content in bytes.
fn literal_length(inner: &str, quote: char, lines: bool) -> usize {
    let mut escaped = false;
    let triple: String = std::iter::repeat_n(quote, 3).collect();
    for (index, c) in inner.char_indices() {
        if escaped {
            escaped = false;
        } else if c == '\\' && quote == '"' {
            escaped = true;
        } else if lines {
            if c == quote && inner.get(index..).is_some_and(|rest| rest.starts_with(&triple)) {
                return index;
            }
        } else if c == '\n' || c == quote {
            return index;
        }
    }
    inner.len()
}

/// Whether a table of this (dotted) name holds secrets.
fn holds_secrets(name: &str) -> bool {
    let first = name.split(['.', ']']).next().unwrap_or_default();
    let first = first.trim_matches(|c: char| c.is_whitespace() || c == '"' || c == '\'');
    matches!(first, "twilio" | "providers" | "users" | "tokens")
}

/// Whether a key of this name holds a secret wherever it stands.
pub(super) fn sounds_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    ["token", "secret", "passw"].iter().any(|part| name.contains(part))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn masked(text: &str) -> Vec<&str> {
        secrets(text).into_iter().map(|span| &text[span]).collect()
    }

    #[test]
    fn a_token_is_found_wherever_it_stands() {
        assert_eq!(masked("[twilio]\naccount_sid = \"AC1\"\nauth_token = \"one\"\n"), ["one"]);
        assert_eq!(
            masked("twilio = { account_sid = \"AC1\", auth_token = 'two', frm = \"three\" }\n"),
            ["two", "three"]
        );
        assert_eq!(masked("twilio.auth_token = \"\"\"\nfour\"\"\"\n"), ["\nfour"]);
        assert_eq!(masked("x = 1\n[ providers . gate ] # y\npassword = \"five\"\nkind = \"http\"\n"), ["five"]);
        assert_eq!(masked("[a]\nmy_password = [\"six\", \"seven\"]\n"), ["six", "seven"]);
    }

    #[test]
    fn mistakes_do_not_uncover_it() {
        assert_eq!(masked("[twilio]\nauth_tokn = \"one\"\n"), ["one"], "a key that does not exist");
        assert_eq!(masked("[twilio]\nauth_token = \"two\nfrom = \"+1\"\n"), ["two"], "no closing quote");
        assert_eq!(masked("[twilio]\nauth_token = three\n"), ["three"], "no quotes");
        assert_eq!(masked("[twilio]\nauth_token \"four\"\n"), ["four"], "no equals sign");
        assert_eq!(masked("[twilio]\nauth_token: five\n"), ["five"], "another language's");
        assert_eq!(masked("[twilio]\nauth_token = { value = \"six\" }\n"), ["six"], "a table");
        assert_eq!(masked("[twilio\nauth_token = \"seven\"\n"), ["seven"], "no closing bracket");
    }

    #[test]
    fn passwords_and_tokens_are_found_even_where_they_do_not_belong() {
        assert_eq!(masked("[users.david]\npasword = \"one\"\nrole = \"act\"\ncontact = \"d\"\n"), ["one"]);
        assert_eq!(masked("[users]\ndavid = { pw = \"two\", role = \"act\" }\n"), ["two"]);
        assert_eq!(masked("[tokens.grafana]\nsha256 = \"three\"\nrole = \"view\"\n"), ["three"]);
        assert_eq!(masked("tokens.grafana = { sha256 = \"four\", role = \"view\" }\n"), ["four"]);
    }

    #[test]
    fn what_is_no_secret_stays_readable() {
        let text = "include = [\"a\"]\n[twilio]\nauth_token = { env = \"TOKEN\" }\nfrom = \"+64\" # \"x\"\n\
                    [contacts]\ndavid = { name = \"David\" }\n[[rules]]\nwhen = [ { text = 'x' } ]\nkey = \"k\"\n";
        assert_eq!(masked(text), Vec::<&str>::new());
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_scanned_to_its_end(text in "[\\[\\]{}=,#\"'\\\\\n a-cäé.]{0,80}") {
            for span in secrets(&text) {
                proptest::prop_assert!(text.get(span).is_some());
            }
        }
    }
}

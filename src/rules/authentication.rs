//! `Authentication-Results` (RFC 8601), as far as a rule asks for a method and its result.
//!
//! Only the topmost field counts. A mail server puts its own above what the mail came with, and all that lies below may
//! be the sender's invention; RFC 8601, section 5, wants such forgeries removed, but not every server does. So `auth`
//! is only as good as the server: one that adds no such field lets the sender write the topmost one.

/// What one `Authentication-Results` field says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Results {
    /// Who says so: the server's name. Missing in the fields of Exchange Online.
    pub(crate) authserv_id: Option<String>,
    /// Method and result in lower case, in order: `("dkim", "pass")`. A method may come several times.
    pub(crate) results: Vec<(String, String)>,
}

impl Results {
    /// Reads the value of a field. What comes after an unclosed quotation or comment is not believed.
    pub(crate) fn parse(value: &str) -> Self {
        let mut read = Self::default();
        for (number, part) in parts(value).into_iter().enumerate() {
            if number == 0
                && let Some(Token::Word(name)) = part.first()
                && part.get(1) != Some(&Token::Sign('='))
            {
                read.authserv_id = Some(name.clone());
            } else if let Some(result) = method_and_result(&part) {
                read.results.push(result);
            }
        }
        read
    }

    /// Whether the method had this result. With several signatures, one of them is enough.
    pub(crate) fn tell(&self, method: &str, result: &str) -> bool {
        self.results.iter().any(|(m, r)| m.eq_ignore_ascii_case(method) && r.eq_ignore_ascii_case(result))
    }
}

/// `method ["/" version] "=" result …`
fn method_and_result(part: &[Token]) -> Option<(String, String)> {
    let (Token::Word(method), rest) = part.split_first()? else { return None };
    let rest = match rest {
        [Token::Sign('/'), Token::Word(_), rest @ ..] | rest => rest,
    };
    match rest {
        [Token::Sign('='), Token::Word(result), ..] => Some((method.to_ascii_lowercase(), result.to_ascii_lowercase())),
        _ => None,
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    Word(String),
    /// A quoted string is never a method or a result.
    Quoted,
    /// `=` or `/`.
    Sign(char),
}

/// The parts between semicolons, in tokens, without comments. A part that does not end properly is left out.
fn parts(value: &str) -> Vec<Vec<Token>> {
    let (mut parts, mut part, mut word) = (Vec::new(), Vec::new(), String::new());
    let mut chars = value.chars();
    while let Some(c) = chars.next() {
        if !matches!(c, '(' | '"' | ';' | '=' | '/') && !c.is_whitespace() {
            word.push(c);
            continue;
        }
        if !word.is_empty() {
            part.push(Token::Word(std::mem::take(&mut word)));
        }
        match c {
            '(' if !skip_comment(&mut chars) => return parts,
            '"' if !skip_quoted(&mut chars) => return parts,
            '"' => part.push(Token::Quoted),
            ';' => parts.push(std::mem::take(&mut part)),
            '=' | '/' => part.push(Token::Sign(c)),
            _ => {}
        }
    }
    if !word.is_empty() {
        part.push(Token::Word(word));
    }
    parts.push(part);
    parts
}

/// Goes behind the comment that was just opened; comments nest (RFC 5322, section 3.2.2).
fn skip_comment(chars: &mut std::str::Chars<'_>) -> bool {
    let mut depth = 1_usize;
    while let Some(c) = chars.next() {
        match c {
            '\\' => drop(chars.next()),
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return true;
        }
    }
    false
}

/// Goes behind the quotation that was just opened.
fn skip_quoted(chars: &mut std::str::Chars<'_>) -> bool {
    while let Some(c) = chars.next() {
        match c {
            '\\' => drop(chars.next()),
            '"' => return true,
            _ => {}
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn results(value: &str) -> Vec<String> {
        Results::parse(value).results.iter().map(|(method, result)| format!("{method}={result}")).collect()
    }

    #[test]
    fn the_examples_of_rfc_8601_are_read() {
        assert_eq!(results("example.org 1; none"), [""; 0]);
        assert_eq!(results("example.com; spf=pass smtp.mailfrom=example.net"), ["spf=pass"]);
        assert_eq!(
            results(
                "example.com; auth=pass (cram-md5) smtp.auth=sender@example.net; spf=pass smtp.mailfrom=example.net"
            ),
            ["auth=pass", "spf=pass"]
        );
        assert_eq!(
            results(
                "foo.example.net (foobar) 1 (baz); dkim (Because I like it) / 1 (One yay) = (wait for it) fail \
                 policy (A dot can go here) . (like that) expired (this surprised me) = (as I wasn't expecting it) 1362471462"
            ),
            ["dkim=fail"]
        );
    }

    #[test]
    fn a_field_of_gmail_and_one_of_exchange_are_read() {
        let gmail = "mx.google.com;\n dkim=pass header.i=@example.com header.s=s1 header.b=\"a/b=;c\";\n spf=pass \
                     (google.com: domain of a@example.com designates 1.2.3.4 as permitted; sender) smtp.mailfrom=a@example.com; \
                     dmarc=PASS (p=REJECT) header.from=example.com";
        assert_eq!(results(gmail), ["dkim=pass", "spf=pass", "dmarc=pass"]);
        assert_eq!(Results::parse(gmail).authserv_id.as_deref(), Some("mx.google.com"));
        let exchange = "spf=pass (sender IP is 1.2.3.4) smtp.mailfrom=example.com; dkim=none (message not signed)";
        assert_eq!(results(exchange), ["spf=pass", "dkim=none"]);
        assert_eq!(Results::parse(exchange).authserv_id, None);
    }

    #[test]
    fn what_a_sender_can_place_in_comments_and_quotations_is_no_result() {
        assert_eq!(results(r#"mx; dkim=fail header.i="@x; dkim=pass""#), ["dkim=fail"]);
        assert_eq!(results("mx; spf=fail (from (a; b) ; dkim=pass)"), ["spf=fail"]);
        assert_eq!(results(r#"mx; dkim=fail reason="a\"; dkim=pass;""#), ["dkim=fail"]);
        assert_eq!(results(r"mx; spf=fail (\); dkim=pass; )"), ["spf=fail"]);
        assert_eq!(results("mx; spf=pass; dkim=fail (open; dkim=pass"), ["spf=pass"]);
        assert_eq!(results(r#"mx; "dkim"=pass; dkim="pass""#), [""; 0]);
    }

    #[test]
    fn one_passing_signature_of_several_is_enough() {
        let read = Results::parse("mx; dkim=fail; dkim=pass");
        assert!(read.tell("DKIM", "pass") && read.tell("dkim", "fail") && !read.tell("spf", "pass"));
    }

    proptest! {
        #[test]
        fn any_text_is_read(value in "[a-z0-9=/;()\"\\\\ .]{0,60}") {
            Results::parse(&value);
        }
    }
}

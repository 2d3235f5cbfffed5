//! `application/x-www-form-urlencoded`, as the WHATWG URL standard reads it.

/// The pairs of a form body or a query, decoded, in their order.
pub(super) fn pairs(text: &str) -> Vec<(String, String)> {
    form_urlencoded::parse(text.as_bytes()).into_owned().collect()
}

/// Decodes `%XX` alone, as in a path.
pub(super) fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        let mut ahead = rest.clone();
        let digit = |byte: Option<u8>| byte.and_then(|b| char::from(b).to_digit(16)).and_then(|d| u8::try_from(d).ok());
        match (byte, digit(ahead.next()), digit(ahead.next())) {
            (b'%', Some(high), Some(low)) => {
                bytes.push(high * 16 + low);
                rest = ahead;
            }
            _ => bytes.push(byte),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_are_decoded() {
        let expected = [("To", "+6421"), ("Body", "a b&c=ü"), ("Empty", ""), ("Bare", ""), ("To", "100%")];
        let expected: Vec<_> = expected.map(|(n, v)| (n.to_owned(), v.to_owned())).into();
        assert_eq!(pairs("To=%2B6421&Body=a+b%26c%3D%C3%BC&Empty=&Bare&&To=100%"), expected);
        assert_eq!(percent_decoded("/phones/+64%32"), "/phones/+642");
    }
}

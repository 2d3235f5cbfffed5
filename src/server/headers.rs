//! The header fields that keep a browser from doing with our pages what others would have it do.

use super::http::Response;

/// Nothing but what we serve ourselves; no script and no style within a page; framed by nobody.
const CONTENT: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; \
                       form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// What pages may not ask a browser for: all that a browser would ask its user for, and more.
const PERMISSIONS: &str = "accelerometer=(), camera=(), display-capture=(), geolocation=(), gyroscope=(), magnetometer=(), \
                           microphone=(), midi=(), payment=(), publickey-credentials-get=(), screen-wake-lock=(), usb=()";

/// For everybody who sees a page.
const ALWAYS: [(&str, &str); 6] = [
    ("Content-Security-Policy", CONTENT),
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "same-origin"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("Permissions-Policy", PERMISSIONS),
];

/// The answer with them; what it has already stays. `https`: whether people reach us so, and only so, from then on for a year.
#[must_use]
pub fn secure(mut response: Response, https: bool) -> Response {
    let transport = https.then_some(("Strict-Transport-Security", "max-age=31536000"));
    let cache = ("Cache-Control", "no-store");
    for (name, value) in ALWAYS.into_iter().chain([cache]).chain(transport) {
        if !response.headers.iter().any(|(known, _)| known.eq_ignore_ascii_case(name)) {
            response = response.with_header(name, value);
        }
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(response: &Response, name: &str) -> Vec<String> {
        let of_name = response.headers.iter().filter(|(known, _)| known.eq_ignore_ascii_case(name));
        of_name.map(|(_, value)| value.clone()).collect()
    }

    #[test]
    fn a_page_is_kept_to_itself() {
        let page = secure(Response::html(200, "x"), true);
        let policy = field(&page, "Content-Security-Policy").join("");
        for part in [
            "default-src 'none'",
            "script-src 'self'",
            "form-action 'self'",
            "frame-ancestors 'none'",
            "base-uri 'none'",
        ] {
            assert!(policy.split("; ").any(|one| one == part), "{policy}");
        }
        assert!(!policy.contains("unsafe"), "{policy}");
        for (name, value) in [
            ("X-Content-Type-Options", "nosniff"),
            ("Referrer-Policy", "same-origin"),
            ("Cross-Origin-Opener-Policy", "same-origin"),
            ("Cross-Origin-Resource-Policy", "same-origin"),
            ("Cache-Control", "no-store"),
            ("Strict-Transport-Security", "max-age=31536000"),
        ] {
            assert_eq!(field(&page, name), [value], "{name}");
        }
        assert!(field(&page, "Permissions-Policy").join("").contains("camera=()"));
    }

    #[test]
    fn http_is_not_bound_to_https() {
        assert!(field(&secure(Response::html(200, "x"), false), "Strict-Transport-Security").is_empty());
    }

    #[test]
    fn what_a_page_says_of_itself_stays() {
        let page = Response::html(200, "x").with_header("cache-control", "max-age=3600");
        assert_eq!(field(&secure(page, true), "Cache-Control"), ["max-age=3600"]);
    }
}

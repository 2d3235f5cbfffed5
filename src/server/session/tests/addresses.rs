//! From which address somebody asks.

use super::*;

fn asks(proxy: &str, remote: &str, forwarded: &[&str]) -> String {
    let config = config(&format!("proxy = {{ addresses = [{proxy}] }}"), &HASH);
    let headers: Vec<(&str, &str)> = forwarded.iter().map(|value| ("X-Forwarded-For", *value)).collect();
    let asked = if remote == "unix" { Request { remote: None, ..request(&headers) } } else { from(remote, &headers) };
    shown(client(&asked, &config.server.proxy))
}

#[test]
fn the_proxy_says_who_asked_it() {
    let ours = "\"127.0.0.1\", \"10.0.0.2\", \"::1\"";
    for (remote, forwarded, expected) in [
        ("127.0.0.1", &["203.0.113.5"][..], "203.0.113.5"),
        ("::1", &["203.0.113.5"], "203.0.113.5"),
        ("127.0.0.1", &["6.6.6.6, 203.0.113.5"], "203.0.113.5"),
        ("127.0.0.1", &["6.6.6.6", "203.0.113.5"], "203.0.113.5"),
        ("127.0.0.1", &["6.6.6.6, 203.0.113.5, 10.0.0.2"], "203.0.113.5"),
        ("127.0.0.1", &["203.0.113.5:4711"], "203.0.113.5"),
        ("127.0.0.1", &["[2001:db8::1]:4711"], "2001:db8::1"),
        ("127.0.0.1", &["2001:db8::1"], "2001:db8::1"),
        ("127.0.0.1", &["::ffff:203.0.113.5"], "203.0.113.5"),
        ("127.0.0.1", &["203.0.113.5, unknown"], "127.0.0.1"),
        ("127.0.0.1", &["203.0.113.5, unknown, 10.0.0.2"], "10.0.0.2"),
        ("127.0.0.1", &["10.0.0.2"], "10.0.0.2"),
        ("127.0.0.1", &[""], "127.0.0.1"),
        ("127.0.0.1", &[], "127.0.0.1"),
        // No proxy of ours.
        ("192.0.2.1", &["203.0.113.5"], "192.0.2.1"),
        ("unix", &["203.0.113.5"], "unix"),
    ] {
        assert_eq!(asks(ours, remote, forwarded), expected, "{remote} {forwarded:?}");
    }
    assert_eq!(asks("\"unix\"", "unix", &["203.0.113.5"]), "203.0.113.5");
    assert_eq!(asks("\"unix\"", "unix", &[]), "unix");
}

#[test]
fn a_chain_without_end_is_not_followed() {
    let chain = "10.0.0.2, ".repeat(1000) + "10.0.0.2";
    assert_eq!(asks("\"10.0.0.2\"", "10.0.0.2", &[&chain]), "10.0.0.2");
}

//! The link in a text, in the hands of others.

use super::{ask, get, post, users};
use crate::support::{DOWN, PAGE, PEOPLE, Test};

/// Two alerts, and the end of the link in the text about each.
fn linked() -> (Test, String, String) {
    let by_text = PAGE.replace("by = \"call\"", "by = \"sms\"");
    let mut test = Test::new().server("link = \"token\"").rules(&format!("{}{PEOPLE}{by_text}{DOWN}", users())).serve();
    for host in ["db1", "db2"] {
        let mail = test.mail(host, &format!("{host} is DOWN"));
        test.deliver(&mail).exit(0).done();
    }
    test.wait_until(|test| test.texts().len() == 2, "no texts");
    let link_of = |host: &str| {
        let text = test.texts().into_iter().find(|text| text.body.contains(host)).unwrap().body;
        text.split("/a/").nth(1).unwrap().split_whitespace().next().unwrap().to_owned()
    };
    let (first, second) = (link_of("db1"), link_of("db2"));
    (test, first, second)
}

fn states(test: &Test) -> Vec<String> {
    test.alerts().iter().map(|alert| alert["state"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_link_that_was_changed_or_is_old_leads_nowhere() {
    let (mut test, link, other) = linked();
    assert_eq!(get(&test, &format!("/a/{link}"), "").status, 200);
    let (start, proof) = link.rsplit_once('.').unwrap();
    let (start_of_other, _) = other.rsplit_once('.').unwrap();
    let flipped = format!("{}{}", &proof[..proof.len() - 1], if proof.ends_with('A') { 'Q' } else { 'A' });
    for forged in [
        format!("{start_of_other}.{proof}"),
        format!("{start}.{flipped}"),
        format!("{start}.{}", &proof[..proof.len() - 1]),
        format!("{start}.{proof}="),
        format!("{start}."),
        format!("{start}.{}", "A".repeat(22)),
        format!("1.2.{proof}"),
        format!("99.1.{proof}"),
        format!("01.1.{proof}"),
        proof.to_owned(),
        String::new(),
    ] {
        let answer = get(&test, &format!("/a/{forged}"), "");
        assert_eq!(answer.status, 404, "{forged}");
        assert!(!answer.body.contains("DOWN") && !answer.body.contains("Systems"), "{forged}: {}", answer.body);
        for what in ["acknowledge", "pass-on", "resolve", "take-over"] {
            assert_eq!(post(&test, &format!("/a/{forged}/{what}"), &[], &[]).status, 404, "{forged}");
        }
    }
    assert_eq!(states(&test), ["open", "open"]);
    test.advance("25h");
    assert_eq!(get(&test, &format!("/a/{link}"), "").status, 404);
    assert_eq!(post(&test, &format!("/a/{link}/acknowledge"), &[], &[]).status, 404);
    assert!(states(&test).iter().all(|state| state != "acknowledged"));
}

#[test]
fn a_link_is_good_for_its_alert_and_for_what_its_page_offers() {
    let (test, link, _) = linked();
    let path = |what: &str| format!("/a/{link}/{what}");
    // Previews look, and ask for whatever there is.
    for what in ["", "acknowledge", "resolve"] {
        get(&test, &path(what), "");
        ask(&test, "HEAD", &path(what), &[], "");
    }
    assert_eq!(states(&test), ["open", "open"]);
    assert_eq!(post(&test, &path("acknowledge"), &[], &[("Sec-Fetch-Site", "cross-site")]).status, 403);
    // It has no button that ends what nobody has taken, so that nothing else ends it.
    assert!(!get(&test, &format!("/a/{link}"), "").body.contains("Resolve"));
    post(&test, &path("resolve"), &[], &[]);
    post(&test, &path("prune"), &[], &[]);
    assert_eq!(states(&test), ["open", "open"]);
    // It opens no other page.
    for page in ["/", "/alerts/1", "/alerts"] {
        assert_eq!(get(&test, page, "").status, 303, "{page}");
    }
    let answer = post(&test, &path("acknowledge"), &[], &[]);
    assert_eq!(answer.status, 303);
    assert!(answer.header("set-cookie").is_none(), "{answer:?}");
    assert_eq!(states(&test), ["acknowledged", "open"]);
    post(&test, &path("resolve"), &[], &[]);
    assert_eq!(states(&test), ["resolved", "open"]);
}

//! What is looked at: the list and its search, an alert, the rules, statistics, a mail that is tried, the link in a text.

use super::{HASH, HOUSE, Look, USERS, by_darren, complaints, down, house, on_both, sign_in};
use crate::support::{DAVID, PAGE, Test, mail};

/// A reply with its history, which opens an alert.
const REPLY: &str = "ORA-01653: tablespace USERS is full again.\n\n\
     On Mon, 2 Nov 2026 at 01:00, Monitoring <monitoring@example.com> wrote:\n\
     > Disk of db7 is at 80 %.\n> Nothing to do yet.\n";

on_both!(
    the_list_is_searched_and_paged_and_saved,
    older_alerts_are_a_page_away,
    an_alert_tells_all_of_itself,
    rules_trials_and_figures,
    the_link_in_a_text_lets_one_take_the_alert
);

fn the_list_is_searched_and_paged_and_saved(look: Look) {
    let mut test = house().serve();
    for number in 0..3 {
        down(&mut test, &format!("db{number}"));
    }
    let reply = test.mail("Re: ORA-01653 on customer 1", REPLY);
    test.deliver_to(&["cust1-dba@sms.example.com"], &reply).exit(0).done();
    by_darren(&test, "ack", "1");
    by_darren(&test, "resolve", "2");
    let Some(browser) = look.signed_in(&test, "david") else { return };
    let lines = || browser.count(".line");
    let all = format!("{}/alerts", test.url());
    browser.open(&all);
    assert_eq!(lines(), 4);
    look.picture(&browser, "alerts");
    browser.click(".searching summary");
    browser.choose("[name=state]", "acknowledged");
    browser.press("Search");
    browser.wait_until("one", |text| !text.contains("db2"));
    assert_eq!((lines(), browser.text(".line a").contains("db0")), (1, true));
    browser.open(&all);
    browser.click(".searching summary");
    browser.choose("[name=group]", "oracle-dba");
    browser.press("Search");
    browser.wait_until("one", |text| !text.contains("warehouse"));
    assert_eq!(lines(), 1);
    for (field, words, count) in
        [("text", "warehouse", 3), ("text", "nothing like it", 0), ("recipient", "cust1-dba@sms.example.com", 1)]
    {
        browser.open(&all);
        browser.click(".searching summary");
        browser.fill(&format!("[name={field}]"), words);
        browser.press("Search");
        browser.wait_until("searched", |_| browser.path().contains(field));
        assert_eq!(lines(), count, "{field} {words}");
    }
    look.picture(&browser, "alerts-search");
    for (day, count) in [("2026-11-02", 4), ("2026-10-01", 0)] {
        browser.open(&format!("{all}?from={day}&to={day}"));
        assert_eq!(lines(), count, "{day}");
    }
    browser.open(&format!("{all}?from=yesterday"));
    assert!(browser.text("[role=alert]").contains("“yesterday” is no date"));

    // The link to the table is that of what is shown.
    browser.open(&format!("{all}?state=open"));
    let table = browser.script_until_done(
        "const done = arguments[0]; fetch([...document.links].find((a) => a.href.includes('.csv')).href)\
         .then(async (a) => done([a.headers.get('content-type'), a.headers.get('content-disposition'), await a.text()]))",
    );
    assert!(table[0].as_str().unwrap().starts_with("text/csv"), "{table}");
    assert!(table[1].as_str().unwrap().starts_with("attachment"), "{table}");
    assert_eq!(table[2].as_str().unwrap().lines().count(), 3, "{table}");
    assert_eq!(complaints(&browser), Vec::<String>::new());
}

fn older_alerts_are_a_page_away(look: Look) {
    let mut test = house().serve();
    for number in 0..53 {
        down(&mut test, &format!("h{number}"));
    }
    let Some(browser) = look.signed_in(&test, "david") else { return };
    browser.open(&format!("{}/alerts", test.url()));
    assert_eq!(browser.count(".line"), 50);
    browser.follow("Older");
    browser.wait_until("the older ones", |text| text.contains("h0 of the warehouse"));
    assert_eq!(browser.count(".line"), 3);
    // The first page shows a part of them, and says so.
    browser.open(&test.url());
    assert!(browser.text("h2").starts_with("30+ open"), "{}", browser.text("h2"));
    assert_eq!(browser.count(".cards .card"), 30);
}

fn an_alert_tells_all_of_itself(look: Look) {
    let mut test = house().serve();
    let reply = test.mail("Re: ORA-01653 on customer 1", REPLY);
    test.deliver_to(&["cust1-dba@sms.example.com"], &reply).exit(0).done();
    test.wait_until(|test| test.calls().first().is_some_and(|call| !call.heard.is_empty()), "no call");
    by_darren(&test, "ack", "1");
    let Some(browser) = look.signed_in(&test, "david") else { return };
    browser.open(&format!("{}/alerts/1", test.url()));
    look.picture(&browser, "alert");
    let text = browser.text("main");
    for words in
        ["Re: ORA-01653 on customer 1", "Darren has it", "tablespace USERS is full again", "The story", "tablespace"]
    {
        assert!(text.contains(words), "no `{words}` in {text}");
    }
    // What was quoted is folded, and one click away.
    assert!(!text.contains("Nothing to do yet"), "{text}");
    browser.click(".quoted summary");
    browser.wait_for("Nothing to do yet");
    assert!(browser.text("table").contains("completed") || browser.text("table").contains("David"), "{text}");
    assert!(browser.count(".story li") >= 4, "{text}");
    // What one has opened to read stays open when the page brings itself up to date.
    by_darren(&test, "resolve", "1");
    browser.wait_for("resolved by Darren");
    assert!(browser.text("main").contains("Nothing to do yet"));
    browser.open(&format!("{}/alerts/99", test.url()));
    assert!(browser.text("main").contains("There is no such alert"));
    assert_eq!(complaints(&browser), Vec::<String>::new());
}

fn rules_trials_and_figures(look: Look) {
    let mut test = house().serve();
    down(&mut test, "db1");
    let Some(browser) = look.signed_in(&test, "david") else { return };
    browser.open(&format!("{}/rules", test.url()));
    look.picture(&browser, "rules");
    let rules = browser.text("main");
    assert!(rules.contains("2 rules never matched") && rules.contains("not counted"), "{rules}");
    browser.click("tbody summary");
    assert!(browser.text("tbody").contains("ORA-"), "{}", browser.text("tbody"));

    browser.open(&format!("{}/try", test.url()));
    let pasted = String::from_utf8(mail("<t@x>", "Warehouse", "db5 is DOWN")).unwrap().replace('\r', "");
    browser.fill("[name=recipient]", "systems@sms.example.com");
    browser.fill("[name=mail]", &pasted);
    browser.press("Explain");
    browser.wait_for("What would happen");
    look.picture(&browser, "try");
    let explained = browser.text("main");
    for words in
        ["Call to David Okonkwo at once", "Systems", "host db5", "Host D B 5 is down.", "matches", "does not match"]
    {
        assert!(explained.contains(words), "no `{words}` in {explained}");
    }
    assert_eq!(browser.script("return document.querySelector('[name=recipient]').value"), "systems@sms.example.com");
    assert_eq!(test.alerts().len(), 1, "a mail that is tried opened an alert");

    browser.open(&format!("{}/statistics", test.url()));
    look.picture(&browser, "statistics");
    assert_eq!(browser.text(".figures li b"), "1");
    browser.follow("7 days");
    assert_eq!(browser.count(".chart .column"), 7);

    // Conditions of rules are for administrators.
    browser.forget();
    sign_in(&browser, &test, "vera");
    browser.open(&format!("{}/rules", test.url()));
    assert!(!browser.text("main").contains("ORA-") && browser.count("tbody summary") == 0);
    // Who may only look has no buttons.
    browser.open(&test.url());
    assert!(browser.text("main").contains("1 open"));
    assert_eq!(browser.count("main button"), 0);
    browser.open(&format!("{}/groups/systems", test.url()));
    assert_eq!(browser.count("main button"), 0);
    assert_eq!(complaints(&browser), Vec::<String>::new());
}

/// The link that the text of an alert ends with.
pub(super) fn link(test: &Test) -> String {
    test.wait_until(|test| !test.texts().is_empty(), "no text");
    let body = test.texts()[0].body.clone();
    let start = body.find("http").unwrap_or_else(|| panic!("no link in {body}"));
    body[start..].split_whitespace().next().unwrap().to_owned()
}

/// A house whose texts end with a link that lets in.
pub(super) fn house_with_links() -> Test {
    let by_text = PAGE.replace("by = \"call\"", "by = \"sms\"");
    let rules = format!("{}{by_text}{HOUSE}", USERS.replace("HASH", HASH));
    Test::new().server("link = \"token\"").rules(&rules)
}

fn the_link_in_a_text_lets_one_take_the_alert(look: Look) {
    let mut test = house_with_links().serve();
    down(&mut test, "db1");
    let link = link(&test);
    let Some(browser) = look.browser() else { return };
    browser.open(&link);
    look.picture(&browser, "link");
    let text = browser.text("body");
    assert!(text.contains("for David Okonkwo") && text.contains("db1 is DOWN"), "{text}");
    // It shows this alert and nothing else.
    assert!(!text.contains("Statistics") && !text.contains("Sign out"), "{text}");
    assert_eq!(test.state(), "open", "looking changed something");
    browser.press("Acknowledge");
    browser.wait_for("David Okonkwo has it");
    look.picture(&browser, "link-taken");
    assert_eq!(test.state(), "acknowledged");
    browser.follow("Sign in to see all of it");
    browser.wait_for("Password");
    assert_eq!(browser.path(), "/sign-in?to=%2Falerts%2F1");
    assert!(
        test.called().is_empty() && test.texts().iter().all(|text| text.to == DAVID || text.body.contains("David"))
    );
    assert_eq!(complaints(&browser), Vec::<String>::new());
}

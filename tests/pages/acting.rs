//! What a night is made of: an alert is seen, taken, passed on, ended, and who is on call is changed.

use super::{Look, by_darren, complaints, down, house, on_both, sign_in};
use crate::support::{DARREN, DAVID};

on_both!(
    one_tap_takes_an_alert_and_the_page_keeps_itself_up_to_date,
    the_next_person_is_called_and_a_storm_is_taken_with_one_click,
    everything_can_be_done_without_a_script,
    who_is_on_call_is_changed_for_a_while_and_back
);

fn one_tap_takes_an_alert_and_the_page_keeps_itself_up_to_date(look: Look) {
    let mut test = house().serve();
    let Some(browser) = look.signed_in(&test, "david") else { return };
    assert!(browser.text("main").contains("Nothing is open"));
    look.picture(&browser, "now-calm");

    // Without a reload.
    browser.script("window.stays = true");
    down(&mut test, "db1");
    browser.wait_for("db1 of the warehouse does not answer");
    browser.wait_for("calling David Okonkwo");
    assert!(browser.script("return document.title").as_str().unwrap().starts_with("(1) Now"));
    down(&mut test, "db2");
    browser.wait_for("2 open");
    assert_eq!(browser.script("return window.stays === true"), true, "the page was loaded again");
    look.picture(&browser, "now-two-open");

    // One tap, on the first screen.
    let in_sight =
        "const b = document.querySelector('button.main').getBoundingClientRect(); return b.bottom <= innerHeight";
    assert_eq!(browser.script(in_sight), true, "the button is below the first screen");
    browser.press("Acknowledge alert");
    browser.wait_for("David Okonkwo has it");
    assert_eq!(browser.path(), "/");
    assert!(browser.text("main").contains("1 open"));
    test.wait_until(|test| test.alerts().iter().filter(|one| one["state"] == "acknowledged").count() == 1, "not taken");

    // Somebody else takes the other one meanwhile.
    browser.script("window.stays = true");
    let id = test.alerts().iter().find(|one| one["state"] == "open").unwrap()["id"].as_i64().unwrap();
    by_darren(&test, "ack", &id.to_string());
    browser.wait_for("Darren has it");
    browser.wait_for("Nothing is open");
    assert_eq!(browser.script("return window.stays === true"), true, "the page was loaded again");
    look.picture(&browser, "now-taken");

    // It is taken from them, from the page of the alert, and ended.
    browser.follow("db");
    browser.open(&format!("{}/alerts/{id}", test.url()));
    browser.press("Take over");
    browser.wait_for("David Okonkwo has it");
    assert_eq!(browser.path(), format!("/alerts/{id}"));
    browser.press("Resolve");
    browser.wait_for("resolved");
    browser.wait_until("no buttons", |text| !text.contains("Resolve alert"));
    assert_eq!(test.alerts().iter().filter(|one| one["state"] == "resolved").count(), 1);
    assert_eq!(complaints(&browser), Vec::<String>::new());
}

fn the_next_person_is_called_and_a_storm_is_taken_with_one_click(look: Look) {
    let mut test = house().serve();
    let Some(browser) = look.signed_in(&test, "david") else { return };
    down(&mut test, "db1");
    test.wait_for_calls(&[DAVID]);
    browser.open(&test.url());
    browser.press("Next person");
    test.wait_for_calls(&[DAVID, DARREN]);
    browser.wait_for("calling Darren");
    look.picture(&browser, "now");

    for host in ["db2", "db3", "db4"] {
        down(&mut test, host);
    }
    browser.wait_for("4 open");
    look.picture(&browser, "now-storm");
    browser.press("Acknowledge these 4");
    browser.wait_for("Nothing is open");
    assert!(
        test.alerts().iter().all(|one| one["state"] == "acknowledged" && one["acknowledged_by"] == "David Okonkwo")
    );
    // What one has can be given back.
    browser.press("Give back");
    browser.wait_for("1 open");
    assert_eq!(complaints(&browser), Vec::<String>::new());
}

fn everything_can_be_done_without_a_script(look: Look) {
    let mut test = house().serve();
    let Some(browser) = look.browser() else { return };
    browser.scripts(false);
    sign_in(&browser, &test, "david");
    down(&mut test, "db1");
    down(&mut test, "db2");
    test.wait_until(|test| test.called().contains(&DAVID.to_owned()), "no call");
    browser.open(&test.url());
    browser.press("Acknowledge alert");
    browser.wait_for("David Okonkwo has it");
    browser.press("Next person");
    // Without a script a page is as old as when it was asked for.
    test.wait_until(|test| test.called().contains(&DARREN.to_owned()), "Darren is not called");
    browser.open(&test.url());
    browser.wait_for("calling Darren");
    browser.open(&format!("{}/alerts/1", test.url()));
    browser.press("Acknowledge");
    browser.wait_for("David Okonkwo has it");
    browser.press("Resolve");
    browser.wait_until("over", |text| !text.contains("Resolve"));
    browser.open(&format!("{}/alerts", test.url()));
    browser.click(".searching summary");
    browser.fill("[name=text]", "db1");
    browser.press("Search");
    browser.wait_until("what was searched for", |text| !text.contains("db2"));
    assert_eq!(browser.count(".line"), 1);
    browser.open(&format!("{}/groups/systems", test.url()));
    browser.choose("[name=contact]", "simon");
    browser.press("Put on call");
    browser.wait_for("On call: Simon Ó Briain");
    browser.press("End them");
    browser.wait_for("On call: David Okonkwo");
    browser.open(&format!("{}/try", test.url()));
    browser.fill("[name=mail]", "Subject: x\n\ndb9 is DOWN\n");
    browser.press("Explain");
    browser.wait_for("What would happen");
    browser.press("Sign out");
    browser.wait_for("Password");
}

fn who_is_on_call_is_changed_for_a_while_and_back(look: Look) {
    let test = house().serve();
    let Some(browser) = look.signed_in(&test, "david") else { return };
    let group = format!("{}/groups/oracle-dba", test.url());
    browser.open(&group);
    look.picture(&browser, "group");
    assert!(browser.count(".calendar .bar") >= 4, "four weeks have four turns");
    assert_eq!(browser.count(".calendar .today"), 1);
    let turns = browser.text(".calendar");
    assert!(turns.contains("David") || turns.contains("Darren"), "{turns}");

    // What cannot be is refused, with words.
    for (from, until, trouble) in [
        ("2026-11-05T09:00", "2026-11-04T09:00", "It would end before it begins."),
        ("2026-11-01T09:00", "2026-11-08T09:00", "It would begin in the past."),
    ] {
        browser.choose("[name=contact]", "simon");
        browser.set("[name=from]", from);
        browser.set("[name=until]", until);
        browser.press("Put on call");
        browser.wait_for(trouble);
        assert!(browser.text("main").contains("Nothing was changed."));
        // What was typed is still there.
        assert_eq!(browser.script("return document.querySelector('[name=until]').value"), until);
        assert_eq!(browser.script("return document.querySelector('[name=contact]').value"), "simon");
    }
    look.picture(&browser, "group-trouble");
    browser.set("[name=from]", "2026-11-05T09:00");
    browser.set("[name=until]", "2026-11-07T09:00");
    browser.press("Put on call");
    browser.wait_for("Changes that hold or will");
    browser.wait_for("by web:david");
    look.picture(&browser, "group-changed");
    let list = test.run(&["oncall", "oracle-dba", "--next", "14d", "--json"], b"");
    assert!(list.out.contains("simon"), "{list:?}");
    assert_eq!(browser.path(), "/groups/oracle-dba");
    browser.press("End them");
    browser.wait_until("no changes", |text| !text.contains("Changes that hold or will"));
    // Nobody was called for any of this.
    assert!(test.called().is_empty());
    assert_eq!(complaints(&browser), Vec::<String>::new());
}

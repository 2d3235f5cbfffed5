//! What holds of every page, whatever it shows: accessible to who cannot see or cannot see well, nothing from elsewhere, no
//! complaint of the browser, nothing that sticks out of a telephone's screen, and few bytes.

use serde_json::Value;

use super::looking::{house_with_links, link};
use super::{by_darren, complaints, down, house, sign_in};
use crate::support::{Browser, Colours, Screen, Test, axe};

const LOOKS: [(Screen, Colours, &str); 4] = [
    (Screen::Phone, Colours::Dark, "phone-dark"),
    (Screen::Phone, Colours::Light, "phone-light"),
    (Screen::Desktop, Colours::Light, "desktop-light"),
    (Screen::Desktop, Colours::Dark, "desktop-dark"),
];

/// What is wrong with this page in each look.
fn faults(browser: &Browser, url: &str, axe: Option<&str>, name: &str) -> Vec<String> {
    let mut faults = Vec::new();
    for (screen, colours, look) in LOOKS {
        browser.look_with(screen, colours);
        browser.open(url);
        let name = format!("{name}-{look}");
        browser.screenshot(&format!("all-{name}"));
        let wide = "return document.documentElement.scrollWidth - innerWidth";
        if browser.script(wide).as_i64().is_none_or(|excess| excess > 0) {
            faults.push(format!("{name}: wider than the screen: {}", browser.script(wide)));
        }
        // A finger needs 24 CSS pixels (WCAG 2.2, 2.5.8); what is pressed at night gets 44.
        let small = "return [...document.querySelectorAll('main button.main, main .buttons button, nav a')]\
                     .filter((b) => b.getBoundingClientRect().height < (innerWidth < 600 ? 44 : 24)).map((b) => b.innerText)";
        let small = browser.script(small);
        if small.as_array().is_none_or(|list| !list.is_empty()) {
            faults.push(format!("{name}: too small for a finger: {small}"));
        }
        // The newest alert is taken without scrolling, however long its subject is.
        let below = "const b = document.querySelector('main button.main[id^=acknowledge]'); \
                     return b ? b.getBoundingClientRect().bottom - innerHeight : 0";
        if browser.script(below).as_f64().is_none_or(|excess| excess > 0.0) {
            faults.push(format!("{name}: the button is below the first screen"));
        }
        // Who goes from one to the next by keyboard sees where they are (WCAG 2.2, 2.4.11).
        let covered = "const hidden = []; for (const one of document.querySelectorAll('main a, main button, main input, main summary')) \
                       { one.focus(); if (document.activeElement !== one) continue; const r = one.getClientRects()[0]; \
                       const seen = document.elementFromPoint(r.x + Math.min(r.width, 9) / 2, r.y + r.height / 2); \
                       if (seen && seen.closest('nav')) hidden.push(one.outerHTML.slice(0, 80)) } \
                       document.activeElement.blur(); return hidden";
        let covered = browser.script(covered);
        if covered.as_array().is_none_or(|list| !list.is_empty()) {
            faults.push(format!("{name}: focused under the navigation: {covered}"));
        }
        // Before the checker is let in, which is nobody's script but the test's.
        faults.extend(complaints(browser).into_iter().map(|line| format!("{name}: {line}")));
        let Some(axe) = axe else { continue };
        let found = browser.script_until_done(&format!(
            "const done = arguments[0]; {axe}; axe.run({{ resultTypes: ['violations'] }}).then((r) => done(r.violations\
             .filter((v) => ['serious', 'critical'].includes(v.impact)).map((v) => v.id + ': ' + v.nodes[0].html + ' ' \
             + v.nodes[0].failureSummary)), (e) => done([String(e)]))"
        ));
        let found = found.as_array().cloned().unwrap_or_else(|| vec![Value::from("no result")]);
        faults.extend(found.iter().map(|one| format!("{name}: {one}")));
        browser.complaints();
    }
    faults
}

/// A house after a night: something of every kind.
fn lived_in() -> Test {
    let mut test = house().serve();
    for host in ["db1", "db2", "db3"] {
        down(&mut test, host);
    }
    by_darren(&test, "ack", "1");
    by_darren(&test, "resolve", "2");
    let long = format!("ORA-01653 {}", "unbreakable_".repeat(30));
    let reply = test.mail(&long, "tablespace USERS is full\n\n> quoted\n> more of it\n");
    test.deliver_to(&["cust1-dba@sms.example.com"], &reply).exit(0).done();
    test.run(&["oncall", "oracle-dba", "simon", "--until", "2026-11-03 09:00"], b"").exit(0).done();
    test
}

#[test]
fn every_page_can_be_read_by_everybody_and_asks_nobody_else_for_anything() {
    let Some(browser) = Browser::start() else { return };
    let axe = axe().map(|path| std::fs::read_to_string(path).unwrap());
    let test = lived_in();
    let mut faults_found = faults(&browser, &format!("{}/sign-in", test.url()), axe.as_deref(), "sign-in");
    sign_in(&browser, &test, "david");
    for (path, name) in [
        ("/", "now"),
        ("/alerts", "alerts"),
        ("/alerts?state=resolved&text=db2", "alerts-searched"),
        ("/alerts/4", "alert"),
        ("/groups/oracle-dba", "group"),
        ("/rules", "rules"),
        ("/try", "try"),
        ("/statistics", "statistics"),
        ("/nothing", "message"),
    ] {
        faults_found.extend(faults(&browser, &format!("{}{path}", test.url()), axe.as_deref(), name));
    }
    assert!(faults_found.is_empty(), "{}", faults_found.join("\n"));
    let elsewhere: Vec<String> = browser.fetched().into_iter().map(|one| one.url).collect();
    assert!(elsewhere.len() > 40, "only {} requests seen", elsewhere.len());
    let ours = |url: &String| url.starts_with(&test.url()) || url.starts_with("data:") || url == "about:blank";
    let elsewhere: Vec<String> = elsewhere.into_iter().filter(|url| !ours(url)).collect();
    assert_eq!(elsewhere, Vec::<String>::new());
}

#[test]
fn the_page_behind_a_link_can_be_read_by_everybody() {
    let Some(browser) = Browser::start() else { return };
    let axe = axe().map(|path| std::fs::read_to_string(path).unwrap());
    let mut test = house_with_links().serve();
    down(&mut test, "db1");
    let found = faults(&browser, &link(&test), axe.as_deref(), "link");
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn the_first_page_weighs_less_than_a_picture() {
    let Some(browser) = Browser::start() else { return };
    let mut test = house().serve();
    for host in ["db1", "db2", "db3", "db4", "db5", "db6", "db7", "db8", "db9", "db10"] {
        down(&mut test, host);
    }
    sign_in(&browser, &test, "david");
    // As somebody comes who was never here but for the cookie.
    browser.command("Network.clearBrowserCache", &serde_json::json!({}));
    browser.fetched();
    browser.open(&test.url());
    browser.wait_for("10 open");
    std::thread::sleep(std::time::Duration::from_millis(500));
    let fetched = browser.fetched();
    let bytes: f64 = fetched.iter().filter(|one| one.kind != "Fetch").map(|one| one.bytes).sum();
    assert!(fetched.iter().any(|one| one.url.contains("style.")), "{fetched:#?}");
    assert!(fetched.iter().any(|one| one.url.contains("live.")), "{fetched:#?}");
    assert!((2_000.0..50_000.0).contains(&bytes), "{bytes} bytes: {fetched:#?}");
    eprintln!("first page with ten open alerts: {bytes} bytes");
}

//! Signing in and out.

use super::{Look, PASSWORD, complaints, house, on_both, sign_in};

on_both!(who_signs_in_gets_where_they_wanted_to_and_who_signs_out_is_out);

fn who_signs_in_gets_where_they_wanted_to_and_who_signs_out_is_out(look: Look) {
    let Some(browser) = look.browser() else { return };
    let test = house().serve();

    browser.open(&format!("{}/alerts?state=open", test.url()));
    assert_eq!(browser.path(), "/sign-in?to=%2Falerts%3Fstate%3Dopen");
    look.picture(&browser, "sign-in");
    browser.fill("[name=name]", "david");
    browser.fill("[name=password]", "wrong");
    browser.press("Sign in");
    browser.wait_for("The name or the password is wrong.");
    look.picture(&browser, "sign-in-wrong");
    // The name is still there, and the cursor is where it is needed.
    assert_eq!(browser.script("return document.querySelector('[name=name]').value"), "david");
    assert_eq!(browser.script("return document.activeElement.name"), "password");
    assert_eq!(browser.script("return document.querySelector('[name=password]').value"), "");
    browser.fill("[name=password]", PASSWORD);
    browser.press("Sign in");
    browser.wait_for("Sign out");
    assert_eq!(browser.path(), "/alerts?state=open");

    // No script of a page sees the cookie.
    assert_eq!(browser.script("return document.cookie"), "");
    browser.press("Sign out");
    browser.wait_for("Password");
    browser.open(&test.url());
    assert_eq!(browser.path(), "/sign-in");
    // A page of before is not shown again by going back.
    browser.script("history.back()");
    browser.wait_for("Password");
    assert!(!browser.text("body").contains("Sign out"));
    assert_eq!(complaints(&browser), Vec::<String>::new());

    // A session outlives a new start of the server.
    sign_in(&browser, &test, "vera");
    let mut test = test;
    test.stop_server();
    test.start_server();
    browser.open(&test.url());
    assert_eq!(browser.path(), "/");
    assert!(browser.text("body").contains("vera"));
}

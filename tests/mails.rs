//! E-mail as a channel: mails about alerts through a mail server, and what its faults come to.

use crate::support::{DAVID, DOWN, MailServer, Phone, Test, Turn};

const PEOPLE: &str = r#"
[contacts]
david = { name = "David", phone = "+64211110001", email = "david@example.com" }
ann   = { name = "Ann", email = "ann@example.com" }

[groups.systems]
name = "Systems"
members = ["david", "ann"]
oncall = "david"
"#;

/// A mail, then a call.
const MAIL: &str = r#"
[policies.page]
repeat = 0
steps = [
  { notify = "oncall", by = "email", wait = "10m" },
  { notify = "oncall", by = "call", wait = "5m" },
]
"#;

fn with(policy: &str, providers: &str) -> Test {
    Test::new().rules(&format!("{PEOPLE}{policy}{DOWN}{providers}"))
}

fn down(test: &mut Test) {
    let mail = test.mail("PROBLEM: db1", "db1 is DOWN");
    test.deliver(&mail).exit(0).done();
}

fn wait_for_mails(test: &Test, server: &MailServer, count: usize) {
    test.wait_until(|_| server.received().len() == count, &format!("not {count} mails"));
}

#[test]
fn a_mail_tells_of_the_alert_and_acknowledges_nothing() {
    let server = MailServer::start();
    let mut test = with(MAIL, &server.provider()).phone(DAVID, [Phone::press(["1"])]).serve();
    down(&mut test);
    wait_for_mails(&test, &server, 1);
    let mail = &server.received()[0];
    assert_eq!(mail.to, ["<david@example.com>"]);
    assert_eq!(mail.from, "<thialfi@alerts.example.com>");
    let code = test.alerts()[0]["code"].as_str().unwrap().to_owned();
    assert_eq!(mail.field("Subject"), format!("{code} PROBLEM: db1"));
    assert_eq!(mail.field("From"), "\"thialfi\" <thialfi@alerts.example.com>");
    assert_eq!(mail.field("To"), "\"David\" <david@example.com>");
    assert_eq!(mail.field("Auto-Submitted"), "auto-generated");
    assert_eq!(mail.field("List-Id"), "\"Systems\" <systems.alerts.example.com>");
    assert_eq!(mail.field("Date"), "Mon, 02 Nov 2026 02:00:00 +0000");
    let text = mail.text();
    assert!(text.contains("db1 is down\r\n") && text.contains(&format!("Alert {code} of Systems.")), "{text}");
    assert!(text.contains(&format!("thialfi alerts ack {code}")), "{text}");
    test.let_it_turn();
    assert_eq!((test.state().as_str(), test.called().len()), ("open", 0), "sent is not acknowledged");
    let story = test.story(1);
    assert!(story.contains("mailing David (david@example.com), step 1 of 2"), "{story}");
    assert!(
        story.contains("mails has taken the mail to David (david@example.com): 2.0.0 Ok: queued as MAIL1"),
        "{story}"
    );
    test.advance("10m");
    test.wait_for_state("acknowledged");
    assert_eq!(test.called(), [DAVID]);
    assert_eq!(server.received().len(), 1);
}

#[test]
fn without_an_engine_the_delivery_mails_and_the_queue_follows_up() {
    let server = MailServer::start();
    let mut test = with(MAIL, &server.provider()).phone(DAVID, [Phone::press(["1"])]);
    let mail = test.mail("db1", "db1 is DOWN");
    test.deliver(&mail).exit(75).says("no engine follows up").done();
    assert_eq!(server.received().len(), 1);
    test.advance("11m");
    test.deliver(&mail).exit(75).done();
    assert_eq!((server.received().len(), test.called()), (1, vec![DAVID.to_owned()]));
}

#[test]
fn a_mailbox_that_will_not_take_it_is_texted_instead_at_once() {
    let server = MailServer::doing(&[Turn::Answer("RCPT", "550 5.1.1 no such user")]);
    let mut test = with(MAIL, &server.provider()).serve();
    down(&mut test);
    test.wait_until(|test| test.texts().len() == 1, "no text");
    let story = test.story(1);
    assert!(story.contains("the mail to David (david@example.com) was refused: 550 5.1.1 no such user"), "{story}");
    assert!(story.contains("texting David (+64211110001) instead"), "{story}");
}

#[test]
fn what_is_refused_for_now_is_sent_later() {
    for turn in [
        Turn::Answer("RCPT", "450 4.7.1 greylisted"),
        Turn::Answer("end", "451 4.3.0 busy"),
        Turn::Drop("DATA"),
        Turn::Hang("MAIL"),
    ] {
        let server = MailServer::doing(&[turn, Turn::Accept]);
        let mut test = with(MAIL, &format!("{}timeout = \"1s\"\n", server.provider())).serve();
        down(&mut test);
        test.wait_until(|_| server.connections() == 1, "nothing was sent");
        test.wait_until(|test| test.story(1).contains("was not taken"), "the history does not say so");
        test.let_it_turn();
        assert_eq!(server.connections(), 1, "not at once");
        test.advance("10s");
        wait_for_mails(&test, &server, 1);
        assert_eq!(test.texts().len(), 0);
    }
}

#[test]
fn a_doubt_is_sent_once_more_under_the_same_message_id_and_not_a_third_time() {
    let server = MailServer::doing(&[Turn::Drop("end")]);
    let mut test = with(MAIL, &server.provider()).serve();
    down(&mut test);
    wait_for_mails(&test, &server, 1);
    let doubts = |test: &Test| test.story(1).matches("may or may not have been taken").count();
    test.wait_until(|test| doubts(test) == 1, "the history does not say so");
    test.advance("20s");
    wait_for_mails(&test, &server, 2);
    test.wait_until(|test| doubts(test) == 2, "the history does not say so again");
    let [first, second] = server.received().try_into().unwrap();
    assert_eq!(first.field("Message-ID"), second.field("Message-ID"));
    assert!(!first.field("Message-ID").is_empty());
    test.advance("40s");
    test.wait_until(|test| test.texts().len() == 1, "no text instead");
    assert_eq!(server.received().len(), 2, "{}", test.story(1));
}

#[test]
fn a_refused_login_is_shouted_and_the_next_mail_server_takes_it() {
    let broken = MailServer::offering(&["AUTH PLAIN"], &[Turn::Answer("AUTH", "535 5.7.8 wrong")]);
    let server = MailServer::start();
    let providers = format!(
        "{}user = \"me\"\npassword = {{ file = \"token\" }}\n{}[delivery]\nemail = [\"broken\", \"mails\"]\n",
        broken.provider().replace("[providers.mails]", "[providers.broken]"),
        server.provider()
    );
    let policy = MAIL.replace("by = \"email\"", "by = \"email\", attempts = 2");
    let mut test = with(&policy, &providers).serve();
    down(&mut test);
    wait_for_mails(&test, &server, 1);
    // Whoever sends it, the delivery or the engine, tells of it only afterwards.
    test.wait_until(|test| test.story(1).contains("broken REFUSES OUR CREDENTIALS: 535 5.7.8 wrong"), "not shouted");
    // The delivery sent the first one; the engine learns of it with the second.
    test.advance("10m");
    wait_for_mails(&test, &server, 2);
    test.wait_for_log("OUR CREDENTIALS WERE REFUSED");
    let health = test.exchange("GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    assert!(health.1.contains("broken refuses our credentials"), "{health:?}");
}

#[test]
fn who_has_a_mail_address_alone_is_mailed_and_told_by_mail() {
    let server = MailServer::start();
    let policy = r#"
[policies.page]
repeat = 0
steps = [{ notify = "group", by = ["email", "call"], wait = "10m" }]
"#;
    let mut test = with(policy, &server.provider()).phone(DAVID, [Phone::press(["1"])]).serve();
    down(&mut test);
    test.wait_for_state("acknowledged");
    wait_for_mails(&test, &server, 3);
    let told: Vec<(String, String)> =
        server.received().iter().map(|mail| (mail.to[0].clone(), mail.field("Subject"))).collect();
    let code = test.alerts()[0]["code"].as_str().unwrap().to_owned();
    assert!(told.contains(&("<ann@example.com>".to_owned(), format!("{code} David has it: PROBLEM: db1"))), "{told:?}");
    assert!(test.texts().is_empty(), "David did it himself, and Ann has no telephone");
}

#[test]
fn our_own_mail_that_comes_back_pages_nobody() {
    let server = MailServer::start();
    let mut test =
        with(MAIL, &format!("{}[recipients]\n\"oncall@example.com\" = \"systems\"\n", server.provider())).serve();
    down(&mut test);
    wait_for_mails(&test, &server, 1);
    let back = server.received()[0].data.clone();
    test.deliver_to(&["oncall@example.com"], &back).exit(0).says("no rule wants it").done();
    assert_eq!(test.alerts().len(), 1);
}

#[test]
fn a_hostile_subject_is_a_subject() {
    let server = MailServer::start();
    let mut test = with(MAIL, &server.provider()).serve();
    let subject = "=?utf-8?B?eA0KQmNjOiB2aWN0aW1AZXhhbXBsZS5jb20NCg0KLg0KTUFJTA==?= \u{202e}ünï";
    let mail = test.mail(subject, "db1 is DOWN\n.\nQUIT");
    test.deliver(&mail).exit(0).done();
    wait_for_mails(&test, &server, 1);
    let mail = &server.received()[0];
    assert_eq!(mail.to.len(), 1);
    assert_eq!(mail.field("Bcc"), "");
    assert!(mail.text().is_ascii());
    let subject = mail.field("Subject");
    assert!(subject.starts_with("=?utf-8?B?"), "{subject}");
}

#[test]
fn a_test_mail_is_sent_to_a_contact_or_to_any_address() {
    let server = MailServer::start();
    let test = with(MAIL, &server.provider());
    test.run(&["test", "david", "--email"], b"")
        .exit(0)
        .says("The mail to David (david@example.com) was accepted by mails")
        .done();
    test.run(&["test", "--provider", "mails", "--to", "someone@example.com"], b"")
        .exit(0)
        .says("someone@example.com")
        .done();
    test.run(&["test", "ann", "--sms"], b"").exit(1).says("`ann` has no number for texts").done();
    test.run(&["test", "--provider", "twilio", "--to", "someone@example.com"], b"")
        .exit(1)
        .says("carries no mails")
        .done();
    test.run(&["test", "--to", "nobody"], b"").exit(2).says("is not a mail address").done();
    test.run(&["test"], b"").exit(2).done();
    let received = server.received();
    let to: Vec<&str> = received.iter().map(|mail| mail.to[0].as_str()).collect();
    assert_eq!(to, ["<david@example.com>", "<someone@example.com>"]);
    assert!(received[0].text().contains("This is a test of thialfi."), "{}", received[0].text());
    let refusing = MailServer::doing(&[Turn::Answer("RCPT", "550 5.1.1 nobody here")]);
    let test = with(MAIL, &refusing.provider());
    test.run(&["test", "david", "--email"], b"").exit(1).says("was not mailed by mails: 550 5.1.1 nobody here").done();
}

#[test]
fn without_a_store_the_first_person_is_mailed_where_a_policy_mails_alone() {
    let server = MailServer::start();
    let policy = "[policies.page]\nrepeat = 0\nsteps = [{ notify = \"oncall\", by = \"email\", wait = \"10m\" }]\n";
    let mut test = with("", "").rules_with_store(
        std::path::Path::new("/nowhere/at/all.db"),
        &format!("{PEOPLE}{policy}{DOWN}{}", server.provider()),
    );
    let mail = test.mail("db1", "db1 is DOWN");
    test.deliver(&mail).exit(75).says("mailed David (david@example.com) all the same").done();
    assert_eq!(server.received()[0].field("Subject"), "db1");
}

#[test]
fn explain_and_check_know_of_mails() {
    let server = MailServer::start();
    let mut test = with(MAIL, &server.provider());
    let mail = test.mail("db1", "db1 is DOWN");
    let page = test.run(&["explain"], &mail).exit(0).says(" MAIL ").out;
    assert!(page.contains("David at once; if nobody acknowledges, call David at"), "{page}");
    assert!(page.contains("mail David") && page.contains("david@example.com"), "{page}");
    let json = test.run(&["explain", "--json"], &mail).exit(0).json();
    assert_eq!(json["attempts"][0]["by"], "email");
    assert_eq!(json["attempts"][0]["number"], "david@example.com");
    test.run(&["check", "--offline"], b"").exit(0).done();
    let test = with(MAIL, "");
    test.run(&["check", "--offline"], b"").says("no provider carries mails: nobody can be mailed").done();
    let people = PEOPLE.replace(", email = \"david@example.com\"", "");
    let test = Test::new().rules(&format!("{people}{MAIL}{DOWN}{}", server.provider()));
    test.run(&["check", "--offline"], b"")
        .says("`david` has no mail address, which step 1 of the policy `page` needs")
        .done();
}

//! Forwarding: the mail itself goes on by e-mail, once, to whom it should, whatever the mail server does.

use crate::support::{DAVID, DOWN, MailServer, PAGE, Phone, Test, Turn, mail};

/// Contacts and a group that forwards its mails.
fn people(forward: &str) -> String {
    format!(
        r#"
[contacts]
david = {{ name = "David", phone = "+64211110001", email = "david@example.com" }}
ann   = {{ name = "Ann", phone = "+64211110002", email = "ann@example.com" }}
bob   = {{ name = "Bob", phone = "+64211110003" }}

[groups.systems]
name = "Systems"
members = ["david", "ann", "bob"]
oncall = "david"
forward = {forward}
"#
    )
}

/// The telephones ring on, so that the alert stays as it is.
fn with(forward: &str, server: &MailServer) -> Test {
    Test::new().phone("*", [Phone::Ring]).rules(&format!("{}{PAGE}{DOWN}{}", people(forward), server.provider()))
}

/// The mails that were taken, as recipients.
fn to(server: &MailServer) -> Vec<String> {
    let mut to: Vec<String> =
        server.received().iter().map(|mail| mail.to[0].trim_matches(['<', '>']).to_owned()).collect();
    to.sort();
    to
}

fn wait_for_mails(test: &Test, server: &MailServer, count: usize) {
    test.wait_until(|_| server.received().len() == count, &format!("not {count} mails"));
}

#[test]
fn the_mail_goes_to_who_is_on_call_attached_unchanged() {
    let server = MailServer::start();
    let mut test = with("\"oncall\"", &server).serve();
    let mail = test.mail("PROBLEM: db1", "db1 is DOWN\n.\nFrom here on");
    test.deliver(&mail).exit(0).done();
    wait_for_mails(&test, &server, 1);
    let forwarded = &server.received()[0];
    assert_eq!(forwarded.to, ["<david@example.com>"]);
    let code = test.alerts()[0]["code"].as_str().unwrap().to_owned();
    assert_eq!(forwarded.field("Subject"), format!("{code} PROBLEM: db1"));
    assert_eq!(forwarded.field("Auto-Submitted"), "auto-generated");
    assert_eq!(forwarded.field("X-Thialfi-Loop"), "alerts.example.com");
    assert_eq!(forwarded.field("List-Id"), "\"Systems\" <systems.alerts.example.com>");
    let text = forwarded.text();
    assert!(text.contains("Content-Type: message/rfc822"), "{text}");
    assert!(text.contains(&String::from_utf8(mail).unwrap()), "{text}");
    assert!(text.contains(&format!("Alert {code} of Systems.\r\n")), "{text}");
    assert!(text.contains("the rule down wants somebody notified"), "{text}");
    test.wait_until(
        |test| test.story(1).contains("mails has taken mail 1 to david@example.com, forwarded"),
        "not told",
    );
    assert!(test.story(1).contains("forwarding mail 1 to david@example.com"), "{}", test.story(1));
}

#[test]
fn members_and_addresses_get_one_each_and_one_that_refuses_holds_up_nobody() {
    let server = MailServer::start();
    let mut test = with("\"members\"", &server).serve();
    let down = test.mail("db1", "db1 is DOWN");
    test.deliver(&down).exit(0).done();
    wait_for_mails(&test, &server, 2);
    assert_eq!(to(&server), ["ann@example.com", "david@example.com"]);
    assert!(test.story(1).contains("(Bob: no mail address)"), "{}", test.story(1));

    let server = MailServer::doing(&[Turn::Answer("RCPT", "550 5.1.1 nobody"), Turn::Accept]);
    let mut test = with("[\"one@example.com\", \"two@example.com\"]", &server);
    test = test.phone(DAVID, [Phone::press(["1"])]).serve();
    let down = test.mail("db1", "db1 is DOWN");
    test.deliver(&down).exit(0).done();
    wait_for_mails(&test, &server, 1);
    test.wait_until(|test| test.story(1).contains("was not forwarded: 550 5.1.1 nobody"), "not told");
    test.wait_until(|test| test.story(1).contains("forwarded: 2.0.0 Ok"), "not recorded");
    test.advance("1h");
    test.let_it_turn();
    assert_eq!(server.connections(), 2, "what is refused for good is not tried again: {}", test.story(1));
}

#[test]
fn a_mail_that_comes_again_is_forwarded_once() {
    let server = MailServer::start();
    let mut test = with("\"archive@example.com\"", &server).serve();
    let down = test.mail("db1", "db1 is DOWN");
    for _ in 0..3 {
        test.deliver(&down).exit(0).done();
    }
    wait_for_mails(&test, &server, 1);
    let second = test.mail("db1", "db1 is DOWN");
    test.deliver(&second).exit(0).done();
    wait_for_mails(&test, &server, 2);
    assert!(server.received()[1].text().contains("Attached is mail 2 of it"), "{}", server.received()[1].text());
    test.let_it_turn();
    assert_eq!(server.connections(), 2);
}

#[test]
fn without_an_engine_the_delivery_forwards_and_the_queue_sees_to_the_rest() {
    let server = MailServer::doing(&[
        Turn::Answer("RCPT", "450 4.2.0 later"),
        Turn::Answer("MAIL", "451 4.3.0 later"),
        Turn::Accept,
    ]);
    let mut test = with("\"archive@example.com\"", &server);
    let down = test.mail("db1", "db1 is DOWN");
    test.deliver(&down).exit(75).done();
    assert_eq!((server.connections(), server.received().len()), (1, 0));
    // Somebody has it: the mail is all that is still to be done.
    test.run(&["alerts", "ack", "1"], b"").exit(0).done();
    test.deliver(&down).exit(75).says("a mail of alert 1 has not been forwarded yet, and no engine follows up").done();
    assert_eq!(server.connections(), 1, "not before its time");
    test.advance("30s");
    test.deliver(&down).exit(75).done();
    test.advance("1m");
    test.deliver(&down).exit(0).done();
    assert_eq!((server.connections(), server.received().len()), (3, 1));
    test.deliver(&down).exit(0).done();
    assert_eq!(server.connections(), 3);
    let story = test.story(1);
    assert!(story.contains("was not forwarded yet: 450 4.2.0 later"), "{story}");
    assert!(!story.contains("451 4.3.0"), "told once: {story}");
}

#[test]
fn a_mail_server_that_is_away_gets_it_when_it_is_back_even_after_a_crash() {
    let server = MailServer::start();
    let gone = server.provider().replace(&server.port.to_string(), "1");
    let mut test = Test::new().rules(&format!("{}{PAGE}{DOWN}{gone}", people("\"archive@example.com\"")));
    test = test.phone(DAVID, [Phone::press(["1"])]).serve();
    let down = test.mail("db1", "db1 is DOWN");
    test.deliver(&down).exit(0).done();
    test.wait_until(|test| test.story(1).contains("was not forwarded yet"), "not tried");
    test.kill_server();
    test = test.rules(&format!("{}{PAGE}{DOWN}{}", people("\"archive@example.com\""), server.provider()));
    test.start_server();
    test.let_it_turn();
    assert_eq!(server.connections(), 0, "not before its time");
    test.advance("1m");
    wait_for_mails(&test, &server, 1);
}

#[test]
fn what_may_have_been_sent_is_sent_again_as_the_same_mail() {
    let server = MailServer::doing(&[Turn::Drop("end"), Turn::Accept]);
    let mut test = with("\"archive@example.com\"", &server).serve();
    let down = test.mail("db1", "db1 is DOWN");
    test.deliver(&down).exit(0).done();
    wait_for_mails(&test, &server, 1);
    test.wait_until(|test| test.story(1).contains("was not forwarded yet"), "not told");
    test.advance("1m");
    wait_for_mails(&test, &server, 2);
    let received = server.received();
    assert_eq!(received[0].field("Message-ID"), received[1].field("Message-ID"));
    let without_date = |text: String| text.lines().filter(|line| !line.starts_with("Date: ")).collect::<String>();
    assert_eq!(without_date(received[0].text()), without_date(received[1].text()));
}

#[test]
fn a_storm_floods_no_mailbox() {
    let server = MailServer::start();
    let mut test = with("\"archive@example.com\"", &server).serve();
    for _ in 0..13 {
        let down = test.mail("db1", "db1 is DOWN");
        test.deliver(&down).exit(0).done();
    }
    wait_for_mails(&test, &server, 10);
    test.let_it_turn();
    assert_eq!(server.received().len(), 10);
    let story = test.story(1);
    assert_eq!(story.matches("is not forwarded: 10 mails of this alert were").count(), 1, "{story}");
    assert!(story.contains("mail 13 joined"), "{story}");
}

#[test]
fn what_comes_back_or_answers_by_itself_goes_no_further() {
    let server = MailServer::start();
    let anything = "[[rules]]\nname = \"anything\"\nwhen = [{ auto = true }]\naction = \"page\"\ngroup = \"systems\"\n";
    let rules = format!("{}{PAGE}{DOWN}{anything}{}", people("\"archive@example.com\""), server.provider());
    let mut test = Test::new().rules(&rules).serve();
    let down = test.mail("db1", "db1 is DOWN");
    test.deliver(&down).exit(0).done();
    wait_for_mails(&test, &server, 1);
    let back = server.received()[0].data.clone();
    test.deliver(&back).exit(0).says("opened alert 2").done();
    let bounce = mail("<bounce@mx.example>", "Undelivered Mail Returned to Sender", "db1 is DOWN");
    test.run(&["deliver", "-f", "<>", "x@example.com"], &bounce).exit(0).says("opened alert 3").done();
    test.let_it_turn();
    assert_eq!(server.connections(), 1);
    for id in [2, 3] {
        assert!(test.story(id).contains("mail 1 is not forwarded: it is an automatic answer"), "{}", test.story(id));
    }
}

#[test]
fn a_redirected_mail_is_the_mail() {
    let server = MailServer::start();
    let mut test = with("{ to = \"oncall\", as = \"redirect\" }", &server).serve();
    let down = test.mail("db1", "db1 is DOWN");
    let lf = [
        b"From nagios@mon.example Mon Nov  2 02:00:00 2026\n".to_vec(),
        down.iter().copied().filter(|b| *b != b'\r').collect(),
    ]
    .concat();
    test.deliver(&lf).exit(0).done();
    wait_for_mails(&test, &server, 1);
    let received = &server.received()[0];
    assert_eq!(received.field("From"), "Monitoring <monitoring@example.com>");
    assert_eq!(received.field("Resent-To"), "\"David\" <david@example.com>");
    assert!(received.data.ends_with(&down), "{}", received.text());
    // What is no mail cannot be redirected.
    let mut test = with("{ to = \"oncall\", as = \"redirect\" }", &server).serve();
    let odd = test.mail("db1", &format!("db1 is DOWN {}", "x".repeat(2000)));
    test.deliver(&odd).exit(0).done();
    wait_for_mails(&test, &server, 2);
    assert!(server.received()[1].text().contains("Content-Type: application/octet-stream; name=\"mail.eml\""));
}

#[test]
fn the_link_to_the_alert_goes_with_it_where_links_are_wanted() {
    for (form, field) in [("attachment", None), ("redirect", Some("X-Thialfi-Link"))] {
        let server = MailServer::start();
        let mut test = with(&format!("{{ to = \"oncall\", as = \"{form}\" }}"), &server);
        let rules = std::fs::read_to_string(test.path("rules.toml")).unwrap();
        std::fs::write(test.path("rules.toml"), rules.replace("[server]\n", "[server]\nlink = true\n")).unwrap();
        test = test.serve();
        let down = test.mail("db1", "db1 is DOWN");
        test.deliver(&down).exit(0).done();
        wait_for_mails(&test, &server, 1);
        let link = format!("{}/alerts/1", test.url());
        let received = &server.received()[0];
        match field {
            Some(name) => assert_eq!(received.field(name), link, "{}", received.text()),
            None => assert!(received.text().contains(&format!("\r\n{link}\r\n")), "{}", received.text()),
        }
    }
}

#[test]
fn a_large_mail_goes_whole_and_of_a_huge_one_the_beginning() {
    let server = MailServer::start();
    let mut test = with("\"archive@example.com\"", &server);
    let line = format!("{}\n", "y".repeat(99));
    let large = test.mail("db1", &format!("db1 is DOWN\n{}", line.repeat(25_000)));
    test.deliver(&large).exit(75).done();
    assert!(server.received()[0].data.windows(large.len()).any(|part| part == large));
    let huge = test.mail("db2", &format!("db2 is DOWN\n{}", line.repeat(80_000)));
    test.deliver(&huge).exit(75).done();
    let text = server.received()[1].text();
    assert!(text.contains("All of it is 9 MB: only its beginning is attached.") && text.len() < 2_000_000);
    assert!(text.contains("db2 is DOWN"));
}

#[test]
fn eight_bits_reach_a_server_of_seven() {
    let server = MailServer::offering(&[], &[Turn::Accept]);
    let mut test = with("\"archive@example.com\"", &server).serve();
    let down = test.mail("Größe", "db1 is DOWN\nfür immer");
    test.deliver(&down).exit(0).done();
    wait_for_mails(&test, &server, 1);
    let received = &server.received()[0];
    assert!(received.data.is_ascii());
    assert!(received.text().contains("Content-Transfer-Encoding: base64"), "{}", received.text());
}

#[test]
fn explain_tells_where_a_mail_would_go() {
    let server = MailServer::start();
    let mut test = with("\"members\"", &server);
    let down = test.mail("db1", "db1 is DOWN");
    let page = test.run(&["explain"], &down).exit(0).out;
    assert!(page.contains("to david@example.com (David), ann@example.com (Ann), attached to a mail"), "{page}");
    assert!(page.contains("Bob: no mail address"), "{page}");
    let json = test.run(&["explain", "--json"], &down).exit(0).json();
    assert_eq!(json["forward"]["to"][0], serde_json::json!({ "address": "david@example.com", "contact": "david" }));
    assert_eq!(json["forward"]["as"], "attachment");
    let up = test.mail("db1", "db1 is UP");
    assert_eq!(test.run(&["explain", "--json"], &up).exit(0).json()["forward"], serde_json::Value::Null);
    assert_eq!(server.connections(), 0);
}

#[test]
fn check_refuses_what_would_not_be_forwarded_or_for_ever() {
    let server = MailServer::start();
    let check = |forward: &str, providers: &str| {
        let recipients = "[recipients]\n\"*@sms.example.com\" = \"systems\"\n";
        let test = Test::new().rules(&format!("{}{PAGE}{DOWN}{recipients}{providers}", people(forward)));
        test.run(&["check", "--offline"], b"")
    };
    check("\"members\"", &server.provider()).exit(0).says("cannot be forwarded to bob: no mail address").done();
    check("\"oncall\"", "").exit(1).says("nothing can forward the mails of `systems`").done();
    check("\"dba@sms.example.com\"", &server.provider()).exit(1).says("what is forwarded there comes back").done();
    check("[]", &server.provider()).exit(1).says("this forwards to nobody").done();
    check("\"everybody\"", &server.provider()).exit(1).says("neither `oncall` nor `members` nor a mail address").done();
    check("{ to = \"oncall\", as = \"fax\" }", &server.provider()).exit(1).says("`fax` is none of").done();
    check("{ as = \"redirect\" }", &server.provider()).exit(1).says("`to` is missing").done();
    // At night none of that stops a call.
    let mut test = Test::new().rules(&format!("{}{PAGE}{DOWN}", people("\"oncall\""))).serve();
    let down = test.mail("db1", "db1 is DOWN");
    test.deliver(&down).exit(0).done();
    test.wait_for_calls(&[DAVID]);
    assert!(
        test.story(1).contains("mail 1 is not forwarded: the rule file has no provider for mails"),
        "{}",
        test.story(1)
    );
}

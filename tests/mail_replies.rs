//! Replies by e-mail: to an address with a token, by whom it was sent to, with a command in the first line.

use crate::support::{DAVID, DOWN, MailServer, Phone, Test};

const PEOPLE: &str = r#"
[contacts]
david = { name = "David", phone = "+64211110001", email = "david@example.com" }
ann   = { name = "Ann", phone = "+64211110002", email = "ann@example.com" }

[groups.systems]
name = "Systems"
members = ["david", "ann"]
oncall = "david"
backup = ["ann"]
"#;

/// A mail, and a call to the backup much later.
const MAIL: &str = r#"
[policies.page]
repeat = 0
steps = [
  { notify = "oncall", by = "email", wait = "10m" },
  { notify = "backup", by = "call", wait = "5m" },
]
[defaults]
replies = "thialfi+*@sms.example.com"
"#;

/// An alert of which David has been told by mail.
fn told(server: &MailServer) -> (Test, String) {
    let mut test = Test::new().phone("*", [Phone::Ring]).rules(&format!("{PEOPLE}{MAIL}{DOWN}{}", server.provider()));
    test = test.serve();
    let mail = test.mail("PROBLEM: db1", "db1 is DOWN");
    test.deliver(&mail).exit(0).done();
    test.wait_until(|_| server.received().len() == 1, "no mail");
    let address = reply_to(server, 0);
    (test, address)
}

fn reply_to(server: &MailServer, number: usize) -> String {
    server.received()[number].field("Reply-To").trim_matches(['<', '>']).to_owned()
}

/// A reply with these fields besides the usual ones.
fn reply(id: &str, from: &str, fields: &str, text: &str) -> Vec<u8> {
    format!(
        "From: {from}\r\nTo: thialfi@sms.example.com\r\nSubject: Re: PROBLEM: db1\r\nMessage-ID: <{id}@phone.example>\r\n\
         Date: Mon, 2 Nov 2026 02:01:00 +0000\r\n{fields}\r\n{}",
        text.replace('\n', "\r\n")
    )
    .into_bytes()
}

const DAVIDS: &str = "David <David@Example.com>";

#[test]
fn the_first_line_acknowledges_and_is_answered() {
    let server = MailServer::start();
    let (test, address) = told(&server);
    assert!(address.starts_with("thialfi+") && address.ends_with("@sms.example.com"), "{address}");
    assert!(server.received()[0].text().contains("Reply to this mail with ack"), "{}", server.received()[0].text());
    let mail = reply("1", DAVIDS, "", "ack\n\nOn Mon, thialfi wrote:\n> resolve\n> db1 is DOWN\n");
    test.deliver_to(&[&address], &mail).exit(0).says("reply of David about alert 1").done();
    assert_eq!(test.state(), "acknowledged");
    assert_eq!(test.alerts().len(), 1, "the quoted alert is no alert");
    let code = test.alerts()[0]["code"].as_str().unwrap().to_owned();
    test.wait_until(|_| server.received().len() == 2, "no answer");
    let answer = &server.received()[1];
    assert_eq!(answer.to, ["<david@example.com>"]);
    assert_eq!(answer.field("Subject"), "Re: PROBLEM: db1");
    assert_eq!(answer.field("In-Reply-To"), "<1@phone.example>");
    assert_eq!(answer.field("Auto-Submitted"), "auto-replied");
    assert!(answer.text().ends_with(&format!("\r\n\r\n{code} is yours.\r\n")), "{}", answer.text());
    let story = test.story(1);
    assert!(story.contains("David (david@example.com) mailed “ack”"), "{story}");
    assert!(story.contains("David (by e-mail) has it"), "{story}");
    // The same mail again.
    test.deliver_to(&[&address.to_uppercase()], &mail).exit(0).says("the same mail came before").done();
    assert_eq!(server.received().len(), 2);
    assert!(test.calls().is_empty());
}

#[test]
fn resolve_escalate_and_the_code_mean_what_they_mean_in_texts() {
    for (line, state, answer) in [
        ("resolve", "resolved", "is over."),
        ("escalate", "open", "the next one is called."),
        ("I can't", "open", "the next one is called."),
        ("CODE", "acknowledged", "is yours."),
        ("CODE done", "resolved", "is over."),
        ("ja", "acknowledged", "is yours."),
    ] {
        let server = MailServer::start();
        let (test, address) = told(&server);
        let code = test.alerts()[0]["code"].as_str().unwrap().to_owned();
        test.deliver_to(&[&address], &reply("1", DAVIDS, "", &line.replace("CODE", &code))).exit(0).says(answer).done();
        test.wait_for_state(state);
        if line == "escalate" {
            test.wait_until(|test| test.called() == ["+64211110002"], "Ann is not called");
        }
    }
}

#[test]
fn nobody_else_and_no_machine_acknowledges() {
    let server = MailServer::start();
    let (test, address) = told(&server);
    let ann = "Ann <ann@example.com>";
    for (number, (from, fields, sender)) in [
        (ann, "", "ann@example.com"),
        ("mallory@evil.example", "", "mallory@evil.example"),
        ("\"david@example.com\" <mallory@evil.example>", "", "mallory@evil.example"),
        ("david@example.com, mallory@evil.example", "", "david@example.com"),
        (DAVIDS, "Auto-Submitted: auto-replied\r\n", "david@example.com"),
        (DAVIDS, "Auto-Submitted: auto-generated\r\n", "david@example.com"),
        (DAVIDS, "Precedence: bulk\r\n", "david@example.com"),
        (DAVIDS, "Precedence: junk\r\n", "david@example.com"),
        (DAVIDS, "X-Autoreply: yes\r\n", "david@example.com"),
        (DAVIDS, "X-Thialfi-Loop: x\r\n", "david@example.com"),
        (DAVIDS, "", "<>"),
        (DAVIDS, "Content-Type: multipart/report; boundary=x; report-type=delivery-status\r\n", "david@example.com"),
    ]
    .into_iter()
    .enumerate()
    {
        let mail = reply(&number.to_string(), from, fields, "ack\n");
        test.run(&["deliver", "-f", sender, &address], &mail)
            .one_line()
            .exit(0)
            .says("a reply by e-mail is ignored")
            .done();
        assert_eq!(test.state(), "open", "{from} {fields} {sender}");
    }
    test.let_it_turn();
    assert_eq!(server.received().len(), 1, "strangers and machines are not answered");
    let story = test.story(1);
    assert!(
        story.contains("it is from Ann <ann@example.com>, and the mail was for David (david@example.com)"),
        "{story}"
    );
    assert!(story.contains("it is an automatic answer, or a bounce"), "{story}");
}

#[test]
fn what_is_no_command_does_nothing_and_is_told_so_a_few_times() {
    let server = MailServer::start();
    let (test, address) = told(&server);
    for number in 0..8 {
        let text = "I am out of office until Monday.\nack\n";
        test.deliver_to(&[&address], &reply(&number.to_string(), DAVIDS, "", text)).exit(0).done();
    }
    assert_eq!(test.state(), "open");
    assert_eq!(server.received().len(), 1 + 5);
    let answer = server.received()[1].text();
    assert!(answer.contains("That was no command, and nothing was done"), "{answer}");
    assert!(answer.contains("is still open."), "{answer}");
    test.deliver_to(&[&address], &reply("late", DAVIDS, "", "ack\n")).exit(0).done();
    assert_eq!(test.state(), "acknowledged", "what is not answered is done all the same");
    assert_eq!(server.received().len(), 6);
}

#[test]
fn tokens_that_mean_nothing_or_no_more_leave_a_trace() {
    let server = MailServer::start();
    let (mut test, address) = told(&server);
    let wrong = "thialfi+0123456789abcdef0123456789abcdef@sms.example.com";
    test.deliver_to(&[wrong], &reply("1", DAVIDS, "", "ack\n"))
        .exit(0)
        .says("has a token that names no mail of ours")
        .done();
    test.advance("745h");
    test.deliver_to(&[&address], &reply("2", DAVIDS, "", "ack\n")).exit(0).says("is more than 30 days old").done();
    assert_ne!(test.state(), "acknowledged");
    assert_eq!(server.received().len(), 1);
}

#[test]
fn the_token_of_a_call_is_no_token_of_a_mail() {
    let server = MailServer::start();
    let policy = MAIL.replace("by = \"email\"", "by = \"call\"");
    let mut test = Test::new().rules(&format!("{PEOPLE}{policy}{DOWN}{}", server.provider())).serve();
    test = test.phone(DAVID, [Phone::Listen]);
    let mail = test.mail("db1", "db1 is DOWN");
    test.deliver(&mail).exit(0).done();
    test.wait_until(|test| test.calls().len() == 1, "no call");
    let parameters = test.calls()[0].parameters.clone();
    let url = parameters.iter().find(|(name, _)| name == "Url").unwrap().1.clone();
    let token = url.rsplit('/').next().unwrap();
    let address = format!("thialfi+{token}@sms.example.com");
    test.deliver_to(&[&address], &reply("1", DAVIDS, "", "ack\n")).exit(0).says("names no mail of ours").done();
    assert_eq!(test.state(), "open");
}

#[test]
fn the_other_recipients_of_a_reply_are_judged_as_ever() {
    let server = MailServer::start();
    let (test, address) = told(&server);
    let mail = reply("1", DAVIDS, "", "ack\n\ndb2 is DOWN, too\n");
    test.deliver_to(&[&address, "oncall@example.com"], &mail)
        .exit(0)
        .says("reply of David")
        .says("opened alert 2")
        .done();
    assert_eq!(test.alerts()[0]["state"], "acknowledged");
    assert_eq!(test.alerts()[1]["state"], "open");
    // In the header alone, whoever else got the mail is no recipient of ours.
    let server = MailServer::start();
    let (test, address) = told(&server);
    let mail = reply("1", DAVIDS, "", "ack\n\ndb2 is DOWN, too\n");
    let mail = String::from_utf8(mail)
        .unwrap()
        .replace("To: thialfi@", &format!("Cc: boss@example.com\r\nTo: {address}, thialfi@"));
    test.deliver(mail.as_bytes()).exit(0).says("reply of David").done();
    assert_eq!((test.state().as_str(), test.alerts().len()), ("acknowledged", 1));
}

#[test]
fn a_forwarded_mail_is_answered_like_one_of_ours() {
    let server = MailServer::start();
    let people = PEOPLE
        .replace("oncall = \"david\"", "oncall = \"david\"\nforward = [\"ann@example.com\", \"archive@example.com\"]");
    let policy = MAIL.replace("by = \"email\"", "by = \"sms\"");
    let mut test = Test::new().rules(&format!("{people}{policy}{DOWN}{}", server.provider())).serve();
    let mail = test.mail("db1", "db1 is DOWN");
    test.deliver(&mail).exit(0).done();
    test.wait_until(|_| server.received().len() == 2, "not forwarded");
    let received = server.received();
    let to = |address: &str| received.iter().position(|mail| mail.to[0] == format!("<{address}>")).unwrap();
    assert_eq!(received[to("archive@example.com")].field("Reply-To"), "", "an archive takes no alert");
    let address = reply_to(&server, to("ann@example.com"));
    test.deliver_to(&[&address], &reply("1", DAVIDS, "", "ack\n")).exit(0).says("and the mail was for Ann").done();
    assert_eq!(test.state(), "open");
    test.deliver_to(&[&address], &reply("2", "ann@example.com", "", "ok, on it\n")).exit(0).done();
    test.wait_for_state("acknowledged");
    assert!(test.story(1).contains("Ann (by e-mail) has it"), "{}", test.story(1));
}

#[test]
fn without_an_engine_a_reply_is_acted_upon_and_others_are_told() {
    let server = MailServer::start();
    let policy = MAIL.replace("notify = \"oncall\", by = \"email\"", "notify = \"group\", by = \"email\"");
    let mut test = Test::new().rules(&format!("{PEOPLE}{policy}{DOWN}{}", server.provider()));
    let mail = test.mail("db1", "db1 is DOWN");
    test.deliver(&mail).exit(75).done();
    assert_eq!(server.received().len(), 2);
    let number = server.received().iter().position(|mail| mail.to[0] == "<david@example.com>").unwrap();
    test.deliver_to(&[&reply_to(&server, number)], &reply("1", DAVIDS, "", "ack\n")).exit(0).done();
    let sent: Vec<(String, String)> =
        server.received().iter().skip(2).map(|mail| (mail.to[0].clone(), mail.text())).collect();
    assert!(sent.iter().any(|(to, text)| to == "<ann@example.com>" && text.contains("David has it")), "{sent:?}");
    assert!(sent.iter().any(|(to, text)| to == "<david@example.com>" && text.contains("is yours.")), "{sent:?}");
    test.deliver(&mail).exit(0).done();
}

#[test]
fn a_store_that_fails_keeps_the_reply() {
    let server = MailServer::start();
    let (mut test, address) = told(&server);
    test.stop_server();
    test = test.rules_with_store(
        std::path::Path::new("/nowhere/at/all.db"),
        &format!("{PEOPLE}{MAIL}{DOWN}{}", server.provider()),
    );
    test.deliver_to(&[&address], &reply("1", DAVIDS, "", "ack\n")).exit(75).says("could not be acted upon").done();
    test = test
        .rules_with_store(std::path::Path::new("thialfi.db"), &format!("{PEOPLE}{MAIL}{DOWN}{}", server.provider()));
    test.deliver_to(&[&address], &reply("1", DAVIDS, "", "ack\n")).exit(0).done();
    assert_eq!(test.state(), "acknowledged");
}

#[test]
fn check_and_explain_know_of_replies() {
    let server = MailServer::start();
    let (test, address) = told(&server);
    let page = test.run(&["explain", &address], &reply("1", DAVIDS, "", "ack\n")).exit(0).out;
    assert!(page.contains("a reply to a mail of ours"), "{page}");
    test.run(&["check", "--offline"], b"").exit(0).done();
    let wrong = MAIL.replace("thialfi+*@", "thialfi@");
    let test = Test::new().rules(&format!("{PEOPLE}{wrong}{DOWN}{}", server.provider()));
    test.run(&["check", "--offline"], b"").exit(1).says("has no single `*` before its `@`").done();
}

//! One alert in fifteen shapes. Ten are the alert, however it is written, and ring; five only speak of it and do not.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::support::{PEOPLE, Test};

const ALERT: &str = "Server db1 is DOWN\nState: CRITICAL (load 99%)\n";

/// The rule that somebody would write for it.
const RULE: &str = r#"
[defaults]
group = "systems"

[[rules]]
name = "down"
when = [
  { text = '^Server (?<host>\w+) is DOWN$' },
  { text = '^State: CRITICAL \(load (?<load>\d+)%\)$' },
]
action = "call"
key = "host {{ host }}"
say = "Server {{ host }} is down, load {{ load }}."
"#;

const HEADER: &str = "From: Monitoring <monitoring@example.com>\nTo: oncall@example.com\nSubject: db1\n\
                      Date: Mon, 2 Nov 2026 02:00:00 +0000\nMessage-ID: <shape@example.com>\nMIME-Version: 1.0\n";

fn mail(fields: &str, text: &str) -> Vec<u8> {
    format!("{HEADER}{fields}\n{text}").into_bytes()
}

fn lines_of_base64(bytes: &[u8]) -> String {
    let text = STANDARD.encode(bytes);
    text.as_bytes().chunks(76).map(|line| format!("{}\n", std::str::from_utf8(line).unwrap())).collect()
}

#[track_caller]
fn explained(mail: &[u8]) -> serde_json::Value {
    let test = Test::new().rules(&format!("{PEOPLE}{RULE}"));
    test.run(&["explain", "--json"], mail).exit(0).json()
}

#[track_caller]
fn rings(mail: &[u8]) {
    let explained = explained(mail);
    assert_eq!(explained["action"], "call", "{explained:#}");
    assert_eq!(explained["rule"], "down", "{explained:#}");
    assert_eq!(explained["contact"], "david", "{explained:#}");
    assert_eq!(explained["variables"]["host"].as_str().unwrap().to_lowercase(), "db1", "{explained:#}");
    assert_eq!(explained["variables"]["load"], "99", "{explained:#}");
}

#[track_caller]
fn is_quiet(mail: &[u8]) {
    let explained = explained(mail);
    assert_eq!(explained["action"], serde_json::Value::Null, "{explained:#}");
    // Quiet because the rule sees nothing, not because the mail was not read.
    assert!(explained["new_text"].as_str().unwrap().contains("I am on it"), "{explained:#}");
}

#[test]
fn below_a_from_line() {
    let mail = [b"From monitoring@example.com Mon Nov  2 02:00:00 2026\n".to_vec(), mail("", ALERT)].concat();
    rings(&mail);
}

#[test]
fn with_crlf() {
    rings(String::from_utf8(mail("", ALERT)).unwrap().replace('\n', "\r\n").as_bytes());
}

#[test]
fn in_quoted_printable_with_soft_breaks() {
    let text = "Server db=31 is =\nDO=\nWN\nState: CRITICAL (load=\n 99=25)\n";
    rings(&mail("Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: quoted-printable\n", text));
}

#[test]
fn in_base64() {
    let fields = "Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: base64\n";
    rings(&mail(fields, &lines_of_base64(ALERT.as_bytes())));
}

#[test]
fn in_utf_16_in_base64() {
    let units: Vec<u8> = "\u{feff}".encode_utf16().chain(ALERT.encode_utf16()).flat_map(u16::to_le_bytes).collect();
    let fields = "Content-Type: text/plain; charset=utf-16\nContent-Transfer-Encoding: base64\n";
    rings(&mail(fields, &lines_of_base64(&units)));
}

#[test]
fn in_an_alternative_in_base64() {
    let html = "<html><body><p>Server <b>db1</b> is DOWN</p><p>State: CRITICAL (load 99%)</p></body></html>";
    let text = format!(
        "--b\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: base64\n\n{}--b\n\
         Content-Type: text/html; charset=utf-8\nContent-Transfer-Encoding: base64\n\n{}--b--\n",
        lines_of_base64(ALERT.as_bytes()),
        lines_of_base64(html.as_bytes())
    );
    rings(&mail("Content-Type: multipart/alternative; boundary=\"b\"\n", &text));
}

#[test]
fn in_html_alone() {
    let html = "<html><head><title>db1</title><style>p { color: red }</style></head><body>\n<table><tr>\
                <td>Server&#32;<b>db1</b>\n is <font color=\"red\">DO<wbr>WN</font></td></tr>\n<tr><td>State:</td>\
                <td>CRITICAL&nbsp;(load 99&#37;)</td></tr></table></body></html>\n";
    rings(&mail("Content-Type: text/html; charset=utf-8\n", html));
}

#[test]
fn flowed() {
    let text = "Server db1 \nis DOWN\nState: \nCRITICAL \n(load 99%)\n";
    rings(&mail("Content-Type: text/plain; charset=utf-8; format=flowed\n", text));
}

#[test]
fn with_no_break_spaces() {
    let text = ALERT.replace(' ', "\u{a0}");
    rings(&mail("Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n", &text));
}

#[test]
fn in_another_case() {
    rings(&mail("", "SERVER DB1 IS DOWN\nstate: critical (Load 99%)\n"));
    rings(&mail("", "server Db1 is down\nSTATE: Critical (LOAD 99%)\n"));
}

#[test]
fn quoted_is_quiet() {
    let quoted: String = ALERT.lines().map(|line| format!("> {line}\n")).collect();
    let introduced =
        format!("I am on it.\n\nOn Mon, 2 Nov 2026 at 02:00, Monitoring <monitoring@example.com> wrote:\n{quoted}");
    is_quiet(&mail("In-Reply-To: <1@example.com>\n", &introduced));
    is_quiet(&mail("In-Reply-To: <1@example.com>\n", &format!("{quoted}\nI am on it.\n")));
}

#[test]
fn in_a_header_is_quiet() {
    let fields = "X-Last-Alert: Server db1 is DOWN\n State: CRITICAL (load 99%)\nComments: Server db1 is DOWN\n";
    is_quiet(&mail(fields, "I am on it.\n"));
}

#[test]
fn below_outlooks_header_is_quiet() {
    let text = format!(
        "I am on it.\n\n-----Original Message-----\nFrom: Monitoring <monitoring@example.com>\nSent: Monday, 2 November \
         2026 02:00\nTo: oncall@example.com\nSubject: db1\n\n{ALERT}"
    );
    is_quiet(&mail("In-Reply-To: <1@example.com>\n", &text));
}

#[test]
fn in_a_mail_within_the_mail_is_quiet() {
    let text = format!(
        "--b\nContent-Type: text/plain\n\nI am on it.\n--b\nContent-Type: message/rfc822\n\n{HEADER}\n{ALERT}--b--\n"
    );
    is_quiet(&mail("Content-Type: multipart/mixed; boundary=b\n", &text));
}

#[test]
fn in_an_attached_file_is_quiet() {
    let text = format!(
        "--b\nContent-Type: text/plain\n\nI am on it.\n--b\nContent-Type: text/plain; name=alert.txt\n\
         Content-Disposition: attachment; filename=alert.txt\n\n{ALERT}--b--\n"
    );
    is_quiet(&mail("Content-Type: multipart/mixed; boundary=b\n", &text));
}

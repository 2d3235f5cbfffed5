//! Odd mail passes through `explain` and `newtext`: no panic, no hang, and no more memory than a small multiple of it.

use std::io::{Read as _, Write as _};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use thialfi::mail::message::PARSE_LIMIT;

use crate::support::{PEOPLE, Test, example};

/// In real time, and an unoptimised binary, on a machine that does something else besides. What is not linear takes
/// hours for mails as large as these.
const PATIENCE: Duration = Duration::from_secs(20);

/// What the program takes for itself, in KiB: its code, the rule file, time zones, tables of words.
const BASE: u64 = 24 * 1024;
/// How many times the size of what is kept of it a mail may take. A mail takes ten times its size or so, and one of
/// nothing but line ends sixty times, because each of its lines is a string with marks besides.
const MULTIPLE: u64 = 64;

const MIB: usize = 1024 * 1024;
/// Enough that what is not linear takes minutes, and little enough that a hundred such mails don't.
const LARGE: usize = MIB / 4;

/// Rules that look everywhere, so that nothing of a mail stays unread.
const LOOKING: &str = r#"
[defaults]
group = "systems"

[[rules]]
name = "everywhere"
when = [
  { any = [
    { text = '^NEVER (?<a>\w+)' }, { body = 'NEVER\s+(?<b>.*)' }, { quoted = '(never|ever)$' }, { subject = 'NEVER' },
    { from = 'never' }, { to = 'never' }, { header = "X-Never", matches = '.' }, { attachment = 'never' },
    { sender = 'never' }, { recipient = 'never' }, { auth = "dkim=never" }, { size = "> 1 GiB" },
  ] },
]
action = "ignore"

[[rules]]
name = "all"
when = []
action = "page"
say = "{{ subject }} {{ text }}"
sms = "{{ text | truncate(1000) }} {{ body }}"
"#;

/// How a run over one mail ended.
struct Passed {
    out: String,
    took: Duration,
    /// The most memory that it had at once, in KiB, as far as it was seen.
    peak: u64,
}

/// Passes a mail through a subcommand and complains of all that may not be.
fn pass(test: &Test, what: &str, arguments: &[&str], mail: &[u8]) -> Passed {
    let mut child = test.command().args(arguments).spawn().unwrap();
    let id = child.id();
    let start = Instant::now();
    let (mut stdin, mut stdout, mut stderr) =
        (child.stdin.take().unwrap(), child.stdout.take().unwrap(), child.stderr.take().unwrap());
    let (status, peak, out, err) = std::thread::scope(|scope| {
        scope.spawn(move || {
            stdin.write_all(mail).expect("the mail is read to its end");
        });
        let out = scope.spawn(move || {
            let mut text = Vec::new();
            stdout.read_to_end(&mut text).unwrap();
            text
        });
        let err = scope.spawn(move || {
            let mut text = Vec::new();
            stderr.read_to_end(&mut text).unwrap();
            text
        });
        let (status, peak) = watch(&mut child, id, start);
        (status, peak, out.join().unwrap(), err.join().unwrap())
    });
    let took = start.elapsed();
    let err = String::from_utf8_lossy(&err);
    let label = format!("{what}, {arguments:?}");
    let Some(status) = status else { panic!("{label}: still running after {took:?}") };
    assert_eq!(status.code(), Some(0), "{label}: {status} {err}");
    assert!(!err.contains("panicked"), "{label}: {err}");
    let allowed = BASE + MULTIPLE * mail.len().min(PARSE_LIMIT) as u64 / 1024;
    assert!(peak <= allowed, "{label}: {peak} KiB for a mail of {} KiB, more than {allowed}", mail.len() / 1024);
    let out = String::from_utf8(out).unwrap_or_else(|error| panic!("{label}: {error}"));
    let bad = out.chars().find(|c| c.is_control() && !matches!(c, '\n' | '\t'));
    assert_eq!(bad, None, "{label}: a control character comes through");
    Passed { out, took, peak }
}

/// Waits until the child ends, and looks meanwhile at the most memory that it has had. `None`: it does not end.
fn watch(child: &mut Child, id: u32, start: Instant) -> (Option<std::process::ExitStatus>, u64) {
    let mut peak = 0;
    let ours = std::env::current_exe().unwrap();
    loop {
        // Until the child has become the program, its memory is that of this process.
        let has_begun = std::fs::read_link(format!("/proc/{id}/exe")).is_ok_and(|program| program != ours);
        // The system counts the peak; only what comes in the last millisecond of a process is missed.
        let seen = std::fs::read_to_string(format!("/proc/{id}/status")).unwrap_or_default();
        let now = seen.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB")?.parse().ok());
        peak = peak.max(now.filter(|_| has_begun).unwrap_or(0));
        if let Some(status) = child.try_wait().unwrap() {
            return (Some(status), peak);
        }
        if start.elapsed() > PATIENCE {
            let _ = child.kill();
            let _ = child.wait();
            return (None, peak);
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Both commands. Returns the new text.
#[track_caller]
fn survives(what: &str, mail: &[u8]) -> String {
    let test = Test::new().rules(&format!("{PEOPLE}{LOOKING}"));
    let new_text = pass(&test, what, &["newtext"], mail);
    let json = pass(&test, what, &["explain", "--json"], mail);
    let object: serde_json::Value = serde_json::from_str(&json.out).unwrap();
    assert_eq!(object["new_text"].as_str().map(str::trim_end), Some(new_text.out.trim_end()), "{what}");
    // For whoever wants to see: `cargo test odd_mail -- --nocapture`.
    for (command, passed) in [("newtext", &new_text), ("explain", &json)] {
        eprintln!("{what}: {command} {} ms, {} MiB", passed.took.as_millis(), passed.peak / 1024);
    }
    // The page cuts what it shows; what is large has been seen to pass by now.
    if mail.len() <= MIB / 4 {
        let page = pass(&test, what, &["explain", "oncall@example.com"], mail);
        assert!(page.out.contains("Rules"), "{what}: {}", page.out);
    }
    new_text.out
}

const HEADER: &str = "From: mon@example.com\nTo: oncall@example.com\nSubject: odd\nDate: Sat, 7 Nov 2026 12:00:00 +0000\n\
                      Message-ID: <odd@example.com>\nMIME-Version: 1.0\n";

fn plain(text: &str) -> Vec<u8> {
    format!("{HEADER}\n{text}").into_bytes()
}

fn of_type(content_type: &str, text: &str) -> Vec<u8> {
    format!("{HEADER}Content-Type: {content_type}\n\n{text}").into_bytes()
}

fn html(page: &str) -> Vec<u8> {
    of_type("text/html; charset=utf-8", page)
}

fn encoded(encoding: &str, text: &str) -> Vec<u8> {
    format!("{HEADER}Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: {encoding}\n\n{text}")
        .into_bytes()
}

#[test]
fn nothing_but_a_line_end() {
    for mail in ["\n", "\r\n", "\r", " ", "\0", "\n\n\n", "\u{feff}", "From ", ">From x\n"] {
        assert_eq!(survives(&format!("{mail:?}"), mail.as_bytes()).trim(), "", "{mail:?}");
    }
}

#[test]
fn a_mail_without_a_header_is_all_text() {
    assert_eq!(
        survives("no header", b"db1 is DOWN since noon\nplease call\n"),
        "db1 is DOWN since noon\nplease call\n"
    );
}

#[test]
fn a_header_without_text() {
    assert_eq!(survives("no text", HEADER.as_bytes()), "");
    assert_eq!(survives("half a line", b"Subject: x"), "");
}

#[test]
fn eight_bit_subjects_are_read_as_what_they_are() {
    let test = Test::new().rules(&format!("{PEOPLE}{LOOKING}"));
    for (subject, text) in [
        (b"St\xf6rung: Caf\xe9".as_slice(), "Störung: Café"),
        ("Störung: Café".as_bytes(), "Störung: Café"),
        (b"\xff\xfe\xfd", "ÿþý"),
    ] {
        let mail = [b"From: a@b.example\nSubject: ", subject, b"\n\nx\n"].concat();
        let object = pass(&test, text, &["explain", "--json"], &mail);
        let object: serde_json::Value = serde_json::from_str(&object.out).unwrap();
        assert_eq!(object["variables"]["subject"], text);
    }
}

#[test]
fn nested_multiparts_a_hundred_and_ten_thousand_deep() {
    for depth in [100, 10_000] {
        let mut mail = HEADER.to_owned();
        for level in 0..depth {
            mail.push_str(&format!("Content-Type: multipart/mixed; boundary=b{level}\n\n--b{level}\n"));
        }
        mail.push_str("Content-Type: text/plain\n\ndb1 is DOWN\n");
        let told = survives(&format!("{depth} deep, open"), mail.as_bytes());
        assert!(told.contains("db1 is DOWN"), "{told}");
        for level in (0..depth).rev() {
            mail.push_str(&format!("--b{level}--\n"));
        }
        let told = survives(&format!("{depth} deep"), mail.as_bytes());
        assert!(told.contains("db1 is DOWN"), "{told}");
    }
}

#[test]
fn mails_in_mails_ten_thousand_deep() {
    let inner = "Content-Type: message/rfc822\n\nSubject: inner\n".repeat(10_000);
    survives("rfc822", format!("{HEADER}{inner}\ndb1 is DOWN\n").as_bytes());
}

#[test]
fn parts_by_the_hundred_thousand() {
    let parts = "--b\n\nx\n".repeat(100_000);
    survives("parts", &of_type("multipart/mixed; boundary=b", &parts));
    let empty = "--b\n".repeat(200_000);
    survives("empty parts", &of_type("multipart/alternative; boundary=b", &empty));
}

#[test]
fn two_megabytes_of_one_line() {
    survives("spaces", &plain(&" ".repeat(2 * MIB)));
    survives("words", &plain(&"word ".repeat(2 * MIB / 5)));
    survives("letters", &plain(&"a".repeat(2 * MIB)));
    survives("a subject", format!("Subject: {}\n\nx\n", "a ".repeat(MIB)).as_bytes());
    survives("an attribution", &plain(&format!("On Mon, 2 Nov 2026 at 10:00, {} wrote:\n> x\n", "a".repeat(2 * MIB))));
}

#[test]
fn header_lines_by_the_hundred_thousand() {
    let fields: String = (0..100_000).map(|number| format!("X-{number}: y\n")).collect();
    survives("fields", format!("{fields}Subject: x\n\ndb1 is DOWN\n").as_bytes());
    let folds = " y\n".repeat(100_000);
    survives("folds", format!("Subject: x\n{folds}\ndb1 is DOWN\n").as_bytes());
    survives(
        "received",
        format!("{}\nx\n", "Received: from a by b; Sat, 7 Nov 2026 12:00:00 +0000\n".repeat(20_000)).as_bytes(),
    );
    let addresses = "a@b.example, ".repeat(70_000);
    survives("addresses", format!("To: {addresses}\n\nx\n").as_bytes());
    let words = "=?utf-8?q?=C3=BC?= =?utf-8?b?w7w=?= =?".repeat(20_000);
    survives("encoded words", format!("Subject: {words}\n\nx\n").as_bytes());
    let parameters: String = (0..50_000).map(|number| format!("; name*{number}*=utf-8''%41")).collect();
    survives("parameters", &of_type(&format!("text/plain{parameters}"), "x\n"));
}

#[test]
fn bounces() {
    assert!(survives("bounce", &example("bounce.eml")).is_ascii());
    let qmail = "Return-Path: <>\nFrom: MAILER-DAEMON@example.com\nSubject: failure notice\n\nHi. This is the qmail-send \
                 program.\n\n--- Below this line is a copy of the message.\n\ndb1 is DOWN\n";
    survives("qmail", qmail.as_bytes());
    let report = of_type(
        "multipart/report; report-type=delivery-status",
        "--x\n\nno boundary was ever named\n--x\nContent-Type: message/delivery-status\n\nStatus: 5.1.1\n--x--\n",
    );
    survives("report", &report);
}

#[test]
fn boundaries_that_are_none_or_monstrous() {
    let long = "b".repeat(10 * 1024);
    for (what, boundary, line) in [
        ("empty", String::from("\"\""), String::from("--")),
        ("missing", String::new(), String::from("--")),
        ("10 KiB", format!("\"{long}\""), format!("--{long}")),
        ("dashes", String::from("\"--\""), String::from("----")),
        ("spaces", String::from("\"   \""), String::from("--   ")),
        ("unfinished", String::from("\"b"), String::from("--b")),
    ] {
        let text = format!("{line}\n\ndb1 is DOWN\n{line}\nContent-Type: text/html\n\n<p>x\n{line}--\n");
        survives(what, &of_type(&format!("multipart/mixed; boundary={boundary}"), &text));
    }
    // Each line might be one of them.
    let many: String =
        (0..1000).map(|level| format!("Content-Type: multipart/mixed; boundary={level}\n\n--{level}\n")).collect();
    survives("a thousand", format!("{HEADER}{many}{}", "--x\n".repeat(100_000)).as_bytes());
}

#[test]
fn transfer_encodings_that_end_too_early() {
    assert_eq!(survives("quoted-printable", &encoded("quoted-printable", "db1 is =44=4FWN=")), "db1 is DOWN\n");
    survives("half an escape", &encoded("quoted-printable", "db1 is DOWN=4"));
    survives("soft breaks", &encoded("quoted-printable", &"=\n".repeat(500_000)));
    survives("no breaks", &encoded("quoted-printable", &"=3D".repeat(600_000)));
    assert_eq!(survives("base64", &encoded("base64", "ZGIxIGlzIERPV04")), "db1 is DOWN\n");
    survives("three letters", &encoded("base64", "ZGI"));
    survives("one line", &encoded("base64", &"QUFB".repeat(500_000)));
    survives("padding", &encoded("base64", &"=".repeat(MIB)));
    survives("unknown", &encoded("x-uuencode", "begin 644 a\n#86)C\n`\nend\n"));
}

#[test]
fn encodings_within_encodings() {
    // Like a zip bomb, if anything unpacked more than once. Each level says what the next is.
    let mut inner = "db1 is DOWN\n".to_owned();
    for _ in 0..12 {
        use base64::Engine as _;
        let packed = base64::engine::general_purpose::STANDARD.encode(&inner);
        inner = format!("Content-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\n{packed}\n");
    }
    survives("base64 in base64", format!("{HEADER}{inner}").as_bytes());
    // One byte that becomes many, nowhere: entities, tabs, UTF-7, charsets that grow.
    survives("entities", &html(&"&ThickSpace;&nGg;".repeat(60_000)));
    survives("utf-7", &of_type("text/plain; charset=utf-7", &"+AAA-+//8-+".repeat(90_000)));
    let grown = [of_type("text/plain; charset=ibm866", ""), vec![0xdb; MIB]].concat();
    survives("ibm866", &grown);
}

#[test]
fn charsets_that_are_wrong() {
    let text = b"db1 is DOWN \xff\xfe\x80\xc3\x28\xf0\x9f\x1b$B\n".as_slice();
    for charset in [
        "utf-8",
        "utf-7",
        "utf-16",
        "utf-16le",
        "utf-32",
        "us-ascii",
        "iso-2022-jp",
        "gb18030",
        "hz-gb-2312",
        "big5",
        "shift_jis",
        "euc-kr",
        "iso-2022-kr",
        "koi8-r",
        "tis-620",
        "no-such-charset",
        "\"\"",
        "\"utf-8",
        "utf-8*en",
    ] {
        let mail = [of_type(&format!("text/plain; charset={charset}"), ""), text.to_vec()].concat();
        let told = survives(charset, &mail);
        assert!(!told.is_empty(), "{charset}");
        // Those that are ASCII where ASCII is.
        if ["utf-8", "us-ascii", "koi8-r", "no-such-charset", "\"\""].contains(&charset) {
            assert!(told.contains("db1 is DOWN"), "{charset}: {told}");
        }
    }
}

#[test]
fn nul_and_other_control_characters() {
    assert_eq!(survives("nul", b"Subject: a\0b\n\ndb1\0 is\x07 DO\x1b[31mWN\n"), "db1 is DO[31mWN\n");
    survives("only nul", &plain(&"\0".repeat(2 * MIB)));
    survives("all bytes", &(0..=255).cycle().take(MIB).collect::<Vec<u8>>());
    let marks = "\u{202e}\u{200b}\u{feff}\u{e0041}\u{fffe}".repeat(50_000);
    survives("marks", &plain(&marks));
    survives("accents", &plain(&format!("a{}", "\u{301}".repeat(500_000))));
}

#[test]
fn lines_that_end_in_cr_alone() {
    let mail = String::from_utf8(plain("db1 is DOWN\nHost: db1\n")).unwrap().replace('\n', "\r");
    assert_eq!(survives("cr", mail.as_bytes()), "db1 is DOWN\nHost: db1\n");
    survives("many", &plain(&"\r".repeat(MIB)));
    survives("mixed", &plain(&"a\r\r\nb\n\rc\r".repeat(30_000)));
}

#[test]
fn html_that_opens_and_never_ends() {
    for (what, piece) in [
        ("divs", "<div>"),
        ("tables", "<table><tr><td>"),
        ("blockquotes", "<blockquote>x"),
        ("gmail quotes", "<div class=gmail_quote>x"),
        ("lists", "<ul><li>x"),
        ("spans", "<span style='color:red'>x"),
        ("pre", "<pre>\n"),
        ("comments", "<!-- "),
        ("conditions", "<!--[if mso]>x<![endif]-->"),
        ("scripts", "<script>"),
        ("declarations", "<!"),
        ("instructions", "<?xml "),
        ("end tags", "</div></table></p>"),
        ("attributes", "<a b=\""),
        ("brackets", "<"),
        ("ampersands", "&"),
        ("entities", "&#x1F600;&nbsp;&notanentity;"),
        ("numbers", "&#99999999999999999999;"),
        ("closed", "<b>x</b><br>"),
    ] {
        let count = if ["divs", "tables", "comments", "entities"].contains(&what) { 100_000 } else { 25_000 };
        let page = format!("<p>db1 is DOWN</p>{}", piece.repeat(count));
        let told = survives(what, &html(&page));
        assert!(told.starts_with("db1 is DOWN"), "{what}: {}", told.chars().take(80).collect::<String>());
    }
    let attributes: String = (0..100_000).map(|number| format!(" a{number}='b'")).collect();
    survives("one tag", &html(&format!("<p{attributes}>db1 is DOWN</p>")));
}

#[test]
fn text_of_nothing_but_marks() {
    for (what, piece) in [
        ("quote marks", ">"),
        ("quoted lines", ">\n"),
        ("deeper and deeper", "> > > >\n"),
        ("bars", "|\n"),
        ("dashes", "-"),
        ("rules", "----------\n"),
        ("signatures", "-- \n"),
        ("stars", "* \n"),
        ("colons", ":\n"),
        ("line ends", "\n"),
    ] {
        survives(what, &plain(&piece.repeat(LARGE / piece.len())));
        survives(what, &of_type("text/plain; format=flowed", &piece.repeat(LARGE / piece.len())));
    }
}

#[test]
fn a_megabyte_of_what_looks_like_history() {
    for (what, piece) in [
        ("attributions", "On Mon, 2 Nov 2026 at 10:00, A B <a@b.example> wrote:\n"),
        ("attributions with quotes", "On Mon, 2 Nov 2026 at 10:00, A B wrote:\n> x\nyes\n"),
        ("beginnings", "On Mon, 2 Nov 2026 at 10:00, A B\n"),
        ("ends", "wrote:\n"),
        ("separators", "-----Original Message-----\n"),
        ("forwards", "---------- Forwarded message ---------\nFrom: a\n\n"),
        ("labels", "From: A\nSent: Monday\n\n"),
        ("labels without end", "From: A\n"),
        ("other labels", "Von: A\nGesendet: Montag\nAn: B\nBetreff: x\n\ntext\n\n"),
        ("lotus", "A B/Org\n02/11/2026 10:00 AM\nTo: c\ncc:\n\n"),
        ("dates", "2 Nov 2026 10:00\n\n"),
        ("inline", "> x\nyes\n"),
        ("markers", "Please type your reply above this line\n"),
        ("footers", "_______________________________________________\nlist\n"),
    ] {
        for reply in ["", "In-Reply-To: <a@b>\nSubject: Re: x\n"] {
            let size = if what == "attributions" { MIB } else { LARGE };
            let mail = format!("{reply}{HEADER}\ndb1 is DOWN\n\n{}", piece.repeat(size / piece.len()));
            let told = survives(what, mail.as_bytes());
            assert!(told.contains("db1 is DOWN"), "{what}: {}", told.chars().take(80).collect::<String>());
        }
    }
}

#[test]
fn a_hundred_thousand_short_paragraphs_of_labels() {
    let text: String = (0..100_000).map(|number| format!("From: {number}\nSent: x\n\n")).collect();
    let told = survives("paragraphs", &plain(&format!("db1 is DOWN\n\n{text}")));
    assert!(told.starts_with("db1 is DOWN"));
}

#[test]
fn a_mail_of_sixty_megabytes_takes_no_more_than_one_of_one() {
    let test = Test::new().rules(&format!("{PEOPLE}{LOOKING}"));
    let line = "a line of a log that somebody mails every night\n";
    let mail = plain(&line.repeat(60 * MIB / line.len()));
    let passed = pass(&test, "60 MiB", &["explain", "--json"], &mail);
    assert!(passed.peak > 0, "the peak of memory was never seen");
}

#[test]
fn the_measure_of_memory_measures() {
    // Without this a peak that is never seen would be no peak.
    let mut child = Command::new("sleep").arg("0.2").stdin(Stdio::null()).spawn().unwrap();
    let id = child.id();
    let (status, peak) = watch(&mut child, id, Instant::now());
    assert!(status.unwrap().success());
    assert!(peak > 100, "{peak} KiB");
}

//! `thialfi backtest`: every kind of archive, whole and damaged, over the real binary.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::support::{DOWN, PAGE, PEOPLE, Ran, Test};

const SEPARATOR: &str = "From monitoring@example.com Mon Nov  2 02:00:00 2026\n";

/// A mail of this hour of the day, by its own topmost `Received` field; its `Date` lies.
fn mail(hour: u32, text: &str) -> String {
    format!(
        "Received: from x by y; Mon, 2 Nov 2026 {hour:02}:00:00 +0000\nFrom: Monitoring <monitoring@example.com>\n\
         To: oncall@example.com\nSubject: {text}\nDate: Sun, 1 Nov 2026 00:00:00 +0000\nMessage-ID: <{hour}.{text}@m>\n\n\
         {text}\n"
    )
}

/// An mbox of these mails.
fn mbox(mails: &[String]) -> String {
    mails.iter().fold(String::new(), |mbox, mail| mbox + SEPARATOR + mail + "\n")
}

fn write(test: &Test, name: &str, text: impl AsRef<[u8]>) {
    let path = test.path(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

fn test() -> Test {
    Test::new().rules(&format!("[defaults]\ntime_zone = \"UTC\"\n{PEOPLE}{PAGE}{DOWN}"))
}

/// Runs `backtest` in the test's directory.
fn backtest(test: &Test, arguments: &[&str], input: &[u8]) -> Ran {
    let paths: Vec<String> = arguments
        .iter()
        .map(|argument| match argument.strip_prefix("./") {
            Some(name) => test.path(name).to_string_lossy().into_owned(),
            None => (*argument).to_owned(),
        })
        .collect();
    let mut all = vec!["backtest"];
    all.extend(paths.iter().map(String::as_str));
    test.run(&all, input)
}

/// The alerts of `backtest --json`.
fn alerts(ran: &Ran) -> Vec<Value> {
    ran.out.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))).collect()
}

/// Hour and key of each alert.
fn rung(ran: &Ran) -> Vec<String> {
    let words = |alert: &Value| {
        format!(
            "{} {}",
            &alert["at"].as_str().unwrap()[11..13],
            alert["key"].as_str().unwrap().trim_start_matches("host ")
        )
    };
    alerts(ran).iter().map(words).collect()
}

/// Three mails that ring and one that does not, in no order.
fn four() -> Vec<String> {
    vec![mail(9, "c is DOWN"), mail(3, "a is DOWN"), mail(7, "Newsletter"), mail(5, "b is DOWN")]
}

#[test]
fn a_maildir_with_nested_folders_is_read_in_the_mails_own_order() {
    let test = test();
    let mails = four();
    for (name, mail) in
        ["m/cur/1.x:2,S", "m/new/2.x", "m/.Archive.2026/cur/3.x:2,", "m/sub/folder/new/4.x"].iter().zip(&mails)
    {
        write(&test, name, mail);
    }
    write(&test, "m/tmp/5.x", mail(1, "tmp is DOWN"));
    write(&test, "m/dovecot.index", [0_u8; 64]);
    let ran = backtest(&test, &["--json", "./m"], b"").exit(0);
    assert_eq!(rung(&ran), ["03 a", "05 b", "09 c"]);
    assert_eq!(ran.err, "");
    let first = &alerts(&ran)[0];
    assert_eq!(first["file"].as_str().unwrap(), test.path("m/new/2.x").to_str().unwrap());
    for (key, value) in [("rule", "down"), ("group", "systems"), ("contact", "david"), ("action", "page")] {
        assert_eq!(first[key], value, "{first}");
    }
    assert_eq!((&first["mail"], &first["at"]), (&Value::Null, &Value::from("2026-11-02T03:00:00Z")));
}

#[test]
fn an_mbox_of_each_kind_gives_the_same() {
    let test = test();
    // A line that looks like a separator, in a mail that must not be split there, and one that must not match.
    let tricky = |hour| format!("{}From me\n\nFrom x@y Mon Nov  2 02:00:00 2026\nz is DOWN\n", mail(hour, "t is DOWN"));
    let mails = [mail(9, "c is DOWN"), tricky(4), mail(7, "Newsletter"), mail(5, "b is DOWN")];
    let quoted = mails.clone().map(|mail| mail.replace("\nFrom me", "\n>From me").replace("\nFrom x", "\n>From x"));
    let sized = |mail: &String| {
        let (header, body) = mail.split_once("\n\n").unwrap();
        format!("{header}\nContent-Length: {}\n\n{body}", body.len())
    };
    for (kind, mails) in [
        ("mboxo", quoted.to_vec()),
        ("mboxrd", quoted.to_vec()),
        ("mboxcl", quoted.iter().map(sized).collect()),
        ("mboxcl2", mails.iter().map(sized).collect()),
    ] {
        write(&test, kind, mbox(&mails));
        let ran = backtest(&test, &["--json", &format!("./{kind}")], b"").exit(0);
        // Whatever follows in the same mail belongs to its alert: `t is DOWN` comes first.
        assert_eq!(rung(&ran), ["04 t", "05 b", "09 c"], "{kind}");
        assert_eq!((ran.err.as_str(), &alerts(&ran)[1]["mail"]), ("", &Value::from(4)), "{kind}");
        let crlf = mbox(&mails).replace('\n', "\r\n");
        if !kind.starts_with("mboxcl") {
            let ran = backtest(&test, &["--json", "-"], crlf.as_bytes()).exit(0);
            assert_eq!(rung(&ran), ["04 t", "05 b", "09 c"], "{kind} with CRLF");
        }
    }
}

#[test]
fn damaged_lengths_lose_no_mail_and_are_told() {
    let test = test();
    for length in ["0", "1", "40", "100000", "99999999999999999999", "-3", "many"] {
        let damaged: Vec<String> =
            four().iter().map(|mail| mail.replacen("\n\n", &format!("\nContent-Length: {length}\n\n"), 1)).collect();
        write(&test, "box", mbox(&damaged));
        let ran = backtest(&test, &["--json", "./box"], b"").exit(0).says("Content-Length is wrong");
        assert_eq!(rung(&ran), ["03 a", "05 b", "09 c"], "{length}");
    }
}

#[test]
fn a_folder_of_files_is_read_and_what_is_no_mail_is_passed_over() {
    let test = test();
    for (name, mail) in ["f/a.eml", "f/b/17", "f/b/c/d.eml"].iter().zip(&four()) {
        write(&test, name, mail);
    }
    write(&test, "f/more/archive", mbox(&[mail(11, "d is DOWN")]));
    write(&test, "f/notes.txt", "web1 is DOWN\n");
    let ran = backtest(&test, &["--json", "./f"], b"").exit(0);
    assert_eq!(rung(&ran), ["03 a", "09 c", "11 d"]);
}

#[test]
fn standard_input_is_one_mail_or_an_mbox() {
    let test = test();
    let ran = backtest(&test, &["--json", "-"], mail(3, "a is DOWN").as_bytes()).exit(0);
    assert_eq!((rung(&ran), &alerts(&ran)[0]["file"]), (vec!["03 a".to_owned()], &Value::from("-")));
    let ran = backtest(&test, &["--json", "-"], mbox(&four()).as_bytes()).exit(0);
    assert_eq!(rung(&ran), ["03 a", "05 b", "09 c"]);
    let _ = backtest(&test, &["-"], b"").exit(1).says("no mail to be read");
}

#[test]
fn damaged_files_are_named_and_stop_nothing() {
    let test = test();
    let mut random: Vec<u8> = (0..200_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    write(&test, "random.eml", &random);
    random.splice(0..0, SEPARATOR.bytes());
    write(&test, "random.mbox", &random);
    write(&test, "empty.eml", "");
    write(&test, "old.mbox.gz", [0x1f, 0x8b, 8, 0]);
    write(&test, "cut.mbox", &mbox(&[mail(3, "a is DOWN"), mail(4, "b is DOWN")])[..380]);
    write(&test, "good.eml", mail(9, "c is DOWN"));
    let archives = ["random.eml", "random.mbox", "empty.eml", "old.mbox.gz", "cut.mbox", "gone", "good.eml"];
    let archives: Vec<String> = archives.iter().map(|name| format!("./{name}")).collect();
    let mut arguments = vec!["--json"];
    arguments.extend(archives.iter().map(String::as_str));
    let ran = backtest(&test, &arguments, b"").exit(0);
    assert_eq!(rung(&ran), ["03 a", "09 c"], "{ran:#?}");
    for name in ["empty.eml`: it is empty", "gone`: No such file", "zcat "] {
        assert!(ran.err.contains(name), "{name}: {}", ran.err);
    }
    let _ = backtest(&test, &["./gone", "./empty.eml"], b"").exit(1).says("no mail to be read");
}

#[test]
fn one_alert_rings_once_a_resolve_ends_it_and_a_copy_joins() {
    let test = test();
    let down = mail(3, "a is DOWN");
    let mails =
        [down.clone(), mail(3, "a is DOWN").replace("<3.", "<again."), mail(4, "a is UP"), mail(5, "a is DOWN"), down];
    write(&test, "box", mbox(&mails));
    let ran = backtest(&test, &["--json", "./box"], b"").exit(0);
    assert_eq!(rung(&ran), ["03 a", "05 a"]);
    let first = &alerts(&ran)[0];
    assert_eq!((&first["mails"], &first["state"], &first["calls"]), (&2.into(), &"resolved".into(), &1.into()));
    let second = &alerts(&ran)[1];
    assert_eq!((&second["mails"], &second["state"]), (&1.into(), &"acknowledged".into()));
    // Nobody takes it: the backup is called, too, until the mail resolves it.
    let ran = backtest(&test, &["--json", "--acknowledged-after", "never", "./box"], b"").exit(0);
    let first = &alerts(&ran)[0];
    let who: Vec<&str> =
        first["notifications"].as_array().unwrap().iter().map(|one| one["contact"].as_str().unwrap()).collect();
    assert_eq!(who, ["david", "darren"]);
}

#[test]
fn who_is_on_call_is_who_was_then() {
    let people = PEOPLE.replace(
        "oncall = \"david\"",
        "rotation = { every = \"1 day\", handoff = \"06:00\", time_zone = \"UTC\", start = \"2026-11-01\" }",
    );
    let test = Test::new().rules(&format!("{people}{PAGE}{DOWN}"));
    write(&test, "box", mbox(&[mail(5, "a is DOWN"), mail(7, "b is DOWN")]));
    let ran = backtest(&test, &["--json", "./box"], b"").exit(0);
    let who: Vec<Value> = alerts(&ran).into_iter().map(|alert| alert["contact"].clone()).collect();
    assert_eq!(who, ["david", "darren"]);
}

#[test]
fn the_time_of_a_mail_is_its_own_else_its_separators_else_its_files() {
    let test = test();
    let undated = |text: &str| format!("From: a@b\nSubject: x\n\n{text} is DOWN\n");
    write(&test, "m/cur/1793602800.M1.host:2,S", undated("maildir"));
    write(&test, "box", format!("From a@b Mon Nov  2 08:00:00 2026\n{}", undated("mbox")));
    write(&test, "dated.eml", format!("Date: Mon, 2 Nov 2026 22:00:00 +1300\n{}", undated("date")));
    let ran = backtest(&test, &["--json", "./m", "./box", "./dated.eml"], b"").exit(0);
    assert_eq!(rung(&ran), ["07 maildir", "08 mbox", "09 date"]);
}

#[test]
fn since_and_until_choose_by_the_mails_own_time() {
    let test = test();
    write(&test, "box", mbox(&four()));
    let ran = backtest(&test, &["--json", "--since", "2026-11-02 05:00", "--until", "2026-11-02 09:00", "./box"], b"");
    assert_eq!(rung(&ran.exit(0)), ["05 b"]);
    let _ = backtest(&test, &["--since", "lately", "./box"], b"").exit(2).says("`lately` is no time");
    let _ = backtest(&test, &["--acknowledged-after", "soon", "./box"], b"").exit(2).says("`soon` is no duration");
}

#[test]
fn known_recipients_come_from_the_headers_or_the_command_line() {
    let test =
        Test::new().rules(&format!("{PEOPLE}{PAGE}[recipients]\n\"ops@example.com\" = {{ group = \"systems\" }}\n"));
    write(&test, "to-ops.eml", format!("Delivered-To: ops@example.com\n{}", mail(3, "x")));
    write(&test, "to-others.eml", mail(4, "y"));
    let ran = backtest(&test, &["--json", "./to-ops.eml", "./to-others.eml"], b"").exit(0);
    assert_eq!(alerts(&ran).len(), 1);
    assert_eq!(
        (&alerts(&ran)[0]["rule"], &alerts(&ran)[0]["recipients"][0]),
        (&Value::Null, &"ops@example.com".into())
    );
    let ran = backtest(&test, &["--json", "--recipient", "ops@example.com", "./to-ops.eml", "./to-others.eml"], b"");
    assert_eq!(alerts(&ran.exit(0)).len(), 2);
    let ran = backtest(&test, &["--json", "--recipient", "who@example.com", "./to-ops.eml"], b"").exit(0);
    assert!(ran.err.contains("unknown recipient `who@example.com`") && ran.err.contains("kept 1 mail"), "{ran:#?}");
}

#[test]
fn a_rule_that_counts_counts_in_the_mails_own_time() {
    let rules = DOWN.replacen("is DOWN' }]", "is DOWN' }, { count = \"3 in 3h\" }]", 1);
    let test = Test::new().rules(&format!("{PEOPLE}{PAGE}{rules}"));
    // In no order: at 1, 3, 4, 5 and 9 o'clock. Only that of 5 is the third within three hours.
    write(&test, "box", mbox(&[5, 1, 9, 4, 3].map(|hour| mail(hour, "a is DOWN"))));
    let ran = backtest(&test, &["--json", "./box"], b"").exit(0);
    assert_eq!(rung(&ran), ["05 a"]);
}

#[test]
fn against_another_rule_file_shows_what_is_judged_differently() {
    let test = test();
    write(&test, "box", mbox(&four()));
    let rules = fs::read_to_string(test.path("rules.toml")).unwrap();
    write(&test, "other.toml", rules.replace(r"^(?<host>\w+) is DOWN", r"^(?<host>[ab]) is DOWN"));
    write(&test, "same.toml", format!("# only a comment\n{rules}"));
    let ran = backtest(&test, &["--json", "--against", "./other.toml", "./box"], b"").exit(0);
    let lines = alerts(&ran);
    assert_eq!(lines.len(), 1, "{ran:#?}");
    assert_eq!((&lines[0]["subject"], &lines[0]["mail"]), (&"c is DOWN".into(), &1.into()));
    assert_eq!((&lines[0]["before"][0]["rule"], &lines[0]["after"]), (&"down".into(), &Value::Array(Vec::new())));
    let ran = backtest(&test, &["--against", "./other.toml", "--fail", "./box"], b"").exit(1);
    for words in ["c is DOWN", "- page systems by down, key host c", "+ nothing", "1 mail judged differently", "3 → 2"]
    {
        assert!(ran.out.contains(words), "{words}: {ran:#?}");
    }
    let _ = backtest(&test, &["--against", "./same.toml", "--fail", "./box"], b"").exit(0).says("all judged alike");
}

#[test]
fn a_person_sees_the_alerts_the_calendar_and_the_counts() {
    let test = test();
    write(&test, "box", mbox(&four()));
    let ran = backtest(&test, &["./box"], b"").exit(0);
    for words in [
        "Mon 2026-11-02 03:00  david",
        "host a",
        "box#2",
        "by hour (UTC)",
        "Mon 2026-11-02  ▓▓█ 3 (2 at night)",
        "3 calls, 0 texts; 2 at night",
        "mails/s",
    ] {
        assert!(ran.out.contains(words), "`{words}`: {}", ran.out);
    }
    // Nothing moves and nothing is coloured in a pipe.
    assert!(!ran.out.contains('\x1b') && ran.err.is_empty(), "{ran:#?}");
}

#[test]
fn the_page_needs_no_network_and_trusts_no_mail() {
    let test = test();
    let hostile = mail(3, "<script>alert(1)</script>").replace("\n\n", "\n\na is DOWN\n");
    write(&test, "box", mbox(&[hostile]));
    let _ = backtest(&test, &["--html", "./page.html", "./box"], b"").exit(0);
    let page = fs::read_to_string(test.path("page.html")).unwrap();
    assert!(page.contains("&lt;script&gt;alert(1)&lt;/script&gt;") && page.contains("<svg"));
    for forbidden in ["<script", "http://", "https://", "<link", "@import", "url("] {
        assert!(!page.contains(forbidden), "{forbidden}");
    }
    let _ = backtest(&test, &["--html", "/nonexistent/page.html", "./box"], b"").exit(1).says("could not be written");
}

#[test]
fn nothing_is_sent_stored_or_unlocked() {
    let test = test();
    fs::remove_file(test.path("token")).unwrap();
    write(&test, "box", mbox(&four()));
    let ran = backtest(&test, &["--json", "./box"], b"").exit(0);
    assert_eq!(alerts(&ran).len(), 3);
    assert!(test.calls().is_empty() && test.texts().is_empty() && !test.path("thialfi.db").exists());
}

#[test]
fn an_archive_larger_than_its_memory_is_read() {
    let test = test();
    // Mails of 2 MB, of which 1 MB is kept, and one line of 8 MB; no text, which a debug build is slow to read.
    let large = mail(3, "x").replacen("\n\n", "\nContent-Type: image/png\n\n", 1);
    let mut archive = String::new();
    for number in 0..28 {
        let _ = write!(archive, "{SEPARATOR}{large}\n{}\n\n", format!("line {number}\n").repeat(250_000));
    }
    let _ = write!(archive, "{SEPARATOR}{large}\n{}\n\n", "y".repeat(8_000_000));
    archive += &mbox(&four());
    write(&test, "box", &archive);
    let limited = format!(
        "ulimit -v 100000; MALLOC_ARENA_MAX=1 exec {} backtest --json -j 2 {}",
        env!("CARGO_BIN_EXE_thialfi"),
        test.path("box").display()
    );
    let output = test.command();
    let mut shell = std::process::Command::new("sh");
    shell.args(["-c", &limited]).env_clear().envs(output.get_envs().filter_map(|(key, value)| Some((key, value?))));
    let ran = crate::support::ran(&shell.output().unwrap()).exit(0);
    assert_eq!(rung(&ran), ["03 a", "05 b", "09 c"]);
    assert!(Path::new(&test.path("box")).metadata().unwrap().len() > 60_000_000);
}

//! The rule file as a whole: what loads, what is refused and where the caret then stands, what is warned of.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use jiff::SignedDuration;
use jiff::civil::Weekday;
use secrecy::ExposeSecret;

use super::*;
use crate::alert::{Channel, Target};
use crate::oncall::rotation::Turn;
use crate::oncall::{ContactId, OnCall};
use crate::rules::{Action, Comparison, Condition, Place};

mod rules;
mod schedules;
mod secrets;
mod smtp;
mod users;

/// Files in a directory of their own, and an environment.
struct Files {
    directory: tempfile::TempDir,
    environment: Vec<(String, String)>,
}

impl Files {
    /// A rule file of this text, readable by its owner alone.
    fn of(text: &str) -> Self {
        let files = Self { directory: tempfile::tempdir().unwrap(), environment: Vec::new() };
        files.with("rules.toml", text)
    }

    fn with(self, name: &str, text: &str) -> Self {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        self.mode(name, 0o600)
    }

    fn mode(self, name: &str, mode: u32) -> Self {
        std::fs::set_permissions(self.path(name), std::fs::Permissions::from_mode(mode)).unwrap();
        self
    }

    fn env(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn environment(&self) -> impl Fn(&str) -> Option<String> {
        move |name| self.environment.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone())
    }

    fn load(&self) -> Result<Config, Diagnostics> {
        Config::load_with(&self.path("rules.toml"), &self.environment())
    }

    fn check(&self) -> Report {
        Config::check(&self.path("rules.toml"), &self.environment())
    }

    /// The complaints of `check` as `file:line:column key: message`, without the directory.
    fn complaints(&self) -> Vec<String> {
        let root = format!("{}/", self.directory.path().display());
        let line = |one: &Diagnostic| {
            let letter = &one.severity.word()[..1];
            format!("{letter} {} {}: {}", one.place(), one.key, one.message).replace(&root, "")
        };
        self.check().diagnostics.0.iter().map(line).collect()
    }

    /// The errors of `check` alone.
    fn errors(&self) -> Vec<String> {
        self.complaints().into_iter().filter_map(|line| line.strip_prefix("e ").map(str::to_owned)).collect()
    }

    /// The warnings of `check` alone.
    fn warnings(&self) -> Vec<String> {
        self.complaints().into_iter().filter_map(|line| line.strip_prefix("w ").map(str::to_owned)).collect()
    }
}

const PEOPLE: &str = r#"[contacts]
david = { phone = "+64211110001" }
darren = { phone = "+64211110002" }
[groups.dba]
members = ["david", "darren"]
backup = ["darren"]
"#;

/// Contacts and a group, and then this text, which begins on line 7.
fn with_people(text: &str) -> Files {
    Files::of(&format!("{PEOPLE}{text}"))
}

/// The only complaint that is an error, as `line:column message`, and its hint.
fn only_error(files: &Files) -> (String, Option<String>) {
    let all = files.check().diagnostics.0;
    let errors: Vec<&Diagnostic> = all.iter().filter(|one| one.severity == Severity::Error).collect();
    assert_eq!(errors.len(), 1, "{errors:#?}");
    (format!("{}:{} {}", errors[0].line, errors[0].column, errors[0].message), errors[0].hint.clone())
}

/// What the caret underlines.
fn underlined(diagnostic: &Diagnostic) -> String {
    diagnostic.source_line.chars().skip(diagnostic.column - 1).take(diagnostic.width).collect()
}

fn repository(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(file)
}

fn twilio_environment(name: &str) -> Option<String> {
    match name {
        "TWILIO_ACCOUNT_SID" => Some("AC00000000000000000000000000000000".to_owned()),
        "TWILIO_AUTH_TOKEN" => Some("token-of-the-test".to_owned()),
        _ => None,
    }
}

#[test]
fn the_example_loads_and_check_has_nothing_to_say() {
    let report = Config::check(&repository("rules.example.toml"), &twilio_environment);
    assert_eq!(report.diagnostics.to_string(), "");
    let config = Config::load_with(&repository("rules.example.toml"), &twilio_environment).unwrap();

    let twilio = config.accounts().next().unwrap();
    assert_eq!(twilio.auth_token.expose_secret(), "token-of-the-test");
    assert_eq!(twilio.from.as_ref().unwrap().as_str(), "+6498123450");
    assert_eq!((twilio.api_url.as_str(), twilio.machine_detection), ("https://api.twilio.com", false));
    assert_eq!(config.server.public_url.as_deref(), Some("https://pager.example.com"));
    assert_eq!(config.store, Path::new("/var/lib/thialfi/thialfi.db"));
    assert_eq!(config.voice, Voice { language: "en-NZ".into(), voice: Some("Polly.Aria-Neural".into()) });

    let simon = &config.roster.contacts[&ContactId::new("simon")];
    assert_eq!((simon.name.as_str(), simon.text_number().unwrap().as_str()), ("Simon", "+64211110013"));
    let systems = &config.roster.groups[&GroupId::new("systems")];
    let rotation = schedules::rotation(&systems.on_call);
    assert_eq!((rotation.every, rotation.hand_offs[0].weekday), (Turn::Weeks(1), Some(Weekday::Monday)));
    assert_eq!(rotation.time_zone.iana_name(), Some("Pacific/Auckland"));
    assert_eq!(rotation.start, jiff::civil::date(2026, 11, 2));
    let dba = &config.roster.groups[&GroupId::new("oracle-dba")];
    assert_eq!((dba.name.as_str(), dba.policy.as_deref()), ("Oracle DBA", Some("page")));
    assert_eq!(dba.on_call, OnCall::Fixed(ContactId::new("david")));

    let page = &config.policies["page"];
    assert_eq!((page.steps.len(), page.repeat), (4, 1));
    assert_eq!((page.steps[1].attempts, page.steps[1].wait), (3, SignedDuration::from_mins(5)));
    let relentless = &config.policies["relentless"].steps;
    assert_eq!(relentless[0].by, [Channel::Text, Channel::Call]);
    assert_eq!(relentless[1].notify, Target::Backup);
    assert_eq!(relentless[2].notify, Target::Group);
    assert_eq!(relentless[3].notify, Target::Escalation(Box::new(Target::Contact("simon".into()))));
    assert_eq!(config.defaults.group, Some(GroupId::new("systems")));

    let recipient = config.recipient("Cust7-DBA@sms.example.com").unwrap();
    assert_eq!(recipient.limit, Some(crate::alert::limit::Window::minutes(5, 15)));
    assert_eq!(config.recipient("cust1-dba@sms.example.com").unwrap().limit, None);

    let rule = config.rules.rules.iter().find(|rule| rule.name == "redmine-escalated").unwrap();
    assert_eq!((rule.when.len(), rule.action, rule.goes_on), (3, Action::Call, false));
    assert_eq!(rule.set, [("project".to_owned(), "{{ header('X-Redmine-Project') }}".to_owned())]);
    assert_eq!(rule.window, Some(SignedDuration::from_hours(1)));
    let Condition::Matches { place: Place::Header(name), pattern } = &rule.when[0] else { panic!("{rule:?}") };
    assert_eq!((name.as_str(), pattern.source.as_str()), ("X-Redmine-Project", r"\S"));
}

#[test]
fn the_packs_in_examples_load() {
    let mut found = 0;
    for entry in std::fs::read_dir(repository("examples")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "toml") {
            continue;
        }
        found += 1;
        let include = format!("include = [{path:?}]\n{PEOPLE}");
        assert_eq!(Files::of(&include).errors(), Vec::<String>::new(), "{}", path.display());
        assert!(!Files::of(&include).load().unwrap().rules.rules.is_empty());
    }
    assert!(found > 0);
}

#[test]
fn an_empty_file_is_valid_but_useless() {
    let files = Files::of("");
    let config = files.load().unwrap();
    assert_eq!(config.policies.keys().collect::<Vec<_>>(), ["call", "page", "sms"]);
    assert_eq!(config.policies["call"].steps[0].attempts, 3);
    assert_eq!(config.server.listen, "127.0.0.1:8085");
    assert_eq!(config.defaults.window, SignedDuration::from_hours(1));
    assert_eq!(files.errors(), Vec::<String>::new());
    assert_eq!(
        files.warnings(),
        [
            "rules.toml : there is no `[twilio]`: nobody can be called or texted",
            "rules.toml : there is no rule: no mail notifies anybody",
        ]
    );
}

#[test]
fn all_errors_are_told_at_once_each_with_its_place() {
    let files = with_people(
        r#"[server]
listn = "127.0.0.1:1"
public_url = "https://a_b.example"
[policies.loud]
steps = [ { notify = "oncal", by = "fax", attempts = 0, wait = "1s" } ]
repeat = -1
[[rules]]
name = "x"
when = [ { subjct = 'y' }, { text = 'a(b' } ]
action = "cal"
group = "dbaa"
window = "an hour"
"#,
    );
    assert_eq!(
        files.errors(),
        [
            "rules.toml:8:1 server.listn: there is no key `listn` here",
            "rules.toml:9:14 server.public_url: `https://a_b.example` has an underscore in its host name, which providers refuse",
            "rules.toml:11:22 policies.loud.steps[0].notify: `oncal` is nobody who can be notified",
            "rules.toml:11:36 policies.loud.steps[0].by: `fax` is none of `call`, `sms` and `email`",
            "rules.toml:11:54 policies.loud.steps[0].attempts: this must be from 1 to 20",
            "rules.toml:11:64 policies.loud.steps[0].wait: `1s` is not between 10s and 24h",
            "rules.toml:12:10 policies.loud.repeat: this must be from 0 to 20",
            "rules.toml:15:12 rules[0].when[0].subjct: there is no key `subjct` here",
            "rules.toml:15:39 rules[0].when[1].text: this is not a regular expression: unclosed group",
            "rules.toml:16:10 rules[0].action: `cal` is none of `call`, `sms`, `page`, `resolve`, `acknowledge` and `ignore`",
            "rules.toml:17:9 rules[0].group: there is no group `dbaa`",
            "rules.toml:18:10 rules[0].window: `an hour` is not a duration",
        ]
    );
    let hints: Vec<String> = files.check().diagnostics.0.into_iter().filter_map(|one| one.hint).collect();
    for near in ["`listen`", "`oncall`", "`subject`", "`call`", "`dba`"] {
        assert!(hints.contains(&format!("did you mean {near}?")), "{near}: {hints:?}");
    }
    assert!(files.load().is_err());
}

#[test]
fn the_caret_stands_under_what_is_wrong() {
    let files = with_people(
        "[[rules]]\nname = \"x\"\nwhen = [ { text = \"a\\\\d+(b\" } ]\naction = \"call\"\nsay = \"I am {{ whoo }}\"\n",
    );
    let all = files.check().diagnostics.0;
    let errors: Vec<String> = all.iter().filter(|one| one.severity == Severity::Error).map(underlined).collect();
    assert_eq!(errors, ["(", "whoo"]);
    let wide = Files::of("[contacts]\nzo = { name = \"Zoë\", phon = 1 }\n").check().diagnostics.0;
    assert_eq!(underlined(&wide[0]), "phon");
    let long = Files::of("[contacts]\nzo = [\n 1,\n]\n").check().diagnostics.0;
    assert_eq!(underlined(&long[0]), "[", "the rest is on other lines");
}

#[test]
fn syntax_errors_have_the_same_form() {
    let (message, _) = only_error(&Files::of("[contacts]\ndavid = { phone = \"+64\n"));
    assert!(message.starts_with("2:"), "{message}");
    let (message, hint) = only_error(&Files::of("[server]\nlisten = \"a\"\nlisten = \"b\"\n"));
    assert_eq!(message, "3:1 the key `listen` is given twice");
    assert_eq!(hint.as_deref(), Some("keep one of the two"));
    let (message, hint) = only_error(&Files::of("[[rules]]\nwhen = [ { text = \"\\d+\" } ]\n"));
    assert!(message.starts_with("2:2"), "{message}");
    assert!(hint.unwrap().contains("single quotes"));
    let two = Files::of("a = \nb = \n[x\n").errors();
    assert!(two.len() >= 2, "{two:?}");
}

#[test]
fn a_key_below_a_table_that_belongs_at_the_top_says_so() {
    let (message, hint) = only_error(&Files::of("[server]\nlisten = \"127.0.0.1:1\"\ninclude = [\"x\"]\n"));
    assert_eq!(message, "3:1 there is no key `include` here");
    assert!(hint.unwrap().contains("top of the file"));
}

#[test]
fn who_is_on_call_is_said_once() {
    let group = |text: &str| Files::of(&format!("[contacts]\na = {{}}\nb = {{}}\n[groups.g]\n{text}\n"));
    let on_call = |text: &str| group(text).load().unwrap().roster.groups[&GroupId::new("g")].on_call.clone();
    assert_eq!(on_call("members = [\"b\", \"a\"]"), OnCall::Fixed(ContactId::new("b")), "the first member");
    assert_eq!(on_call("oncall = \"a\""), OnCall::Fixed(ContactId::new("a")));
    let rotation = "rotation = { every = \"1 day\", start = 2026-11-02 }";
    let found = on_call(&format!("members = [\"a\"]\n{rotation}"));
    let found = schedules::rotation(&found);
    assert_eq!((found.every, found.hand_offs[0].weekday, found.hand_offs[0].time.hour()), (Turn::Days(1), None, 9));
    let error = |text: &str| only_error(&group(text)).0;
    assert_eq!(
        error(&format!("members = [\"a\"]\noncall = \"a\"\n{rotation}")),
        "7:12 the group `g` has both `oncall` and `rotation`"
    );
    assert_eq!(error("name = \"G\""), "4:1 there is nobody in the group `g`");
    assert_eq!(error(rotation), "5:12 the group `g` has no members who could take turns");
    assert_eq!(error("members = [\"a\", \"a\"]"), "5:17 `a` is listed twice");
    assert_eq!(error("members = [\"a\", \"c\"]"), "5:17 there is no contact `c`");
    assert_eq!(error("members = [\"c\"]"), "5:12 there is no contact `c`", "and not: there is nobody");
    assert_eq!(
        error("members = [\"a\"]\nrotation = { every = \"1 day\", handoff = \"Mon 09:00\", start = 2026-11-02 }"),
        "6:41 a hand-off on a day of the week needs turns of whole weeks"
    );
    assert_eq!(error("members = [\"a\"]\nrotation = { every = \"1 day\" }"), "6:12 `start` is missing");
}

#[test]
fn included_files_stand_where_include_stands() {
    let rule = |name: &str| format!("[[rules]]\nname = \"{name}\"\naction = \"call\"\nwhen = []\n");
    let files = with_people(&rule("main"));
    let main = format!("include = [\"rules.d/*.toml\", \"rules.d/a.toml\", \"extra.toml\"]\n{PEOPLE}{}", rule("main"));
    let files = files
        .with("rules.toml", &main)
        .with("rules.d/b.toml", &rule("b"))
        .with("rules.d/a.toml", &rule("a"))
        .with("rules.d/.#a.toml", "nonsense")
        .with(
            "extra.toml",
            &format!(
                "{}[contacts]\nsimon = {{ phone = \"+64211110003\" }}\n[recipients]\n\"x@y\" = \"dba\"\n",
                rule("extra")
            ),
        );
    let config = files.load().unwrap();
    let names: Vec<&str> = config.rules.rules.iter().map(|rule| rule.name.as_str()).collect();
    assert_eq!(names, ["a", "b", "extra", "main"]);
    assert!(config.roster.contacts.contains_key(&ContactId::new("simon")));
    assert!(config.recipient("x@y").is_some());
}

#[test]
fn what_is_wrong_with_included_files_is_said_of_them() {
    let main = |include: &str, rest: &str| Files::of(&format!("include = {include}\n{PEOPLE}{rest}"));
    let twice = main("\"a.toml\"", "").with("a.toml", "[contacts]\ndavid = {}\n[server]\n");
    assert_eq!(
        twice.errors(),
        [
            "rules.toml:3:1 contacts.david: there are two definitions of the contact `david`",
            "a.toml:3:2 server: `server` belongs in the main rule file, not in one that is included",
        ]
    );
    let broken = main("\"a.toml\"", "[[rules]]\nx = 1\n").with("a.toml", "[groups\n");
    let errors = broken.errors();
    assert!(errors.len() == 1 && errors[0].starts_with("a.toml:1:"), "{errors:?}");
    let missing = main("[\"a.toml\"]", "").errors();
    assert!(missing[0].starts_with("rules.toml:1:12 include[0]: `"), "{missing:?}");
    assert!(missing[0].contains("a.toml`: the rule file cannot be read: there is no such file"), "{missing:?}");
    let nothing = main("[\"none.d/*.toml\"]", "");
    assert!(nothing.load().is_ok());
    assert!(nothing.warnings()[0].contains("no file fits `none.d/*.toml`"), "{:?}", nothing.warnings());
    let nested = main("\"a.toml\"", "").with("a.toml", "include = \"b.toml\"\n").errors();
    assert_eq!(nested, ["a.toml:1:1 include: `include` belongs in the main rule file, not in one that is included"]);
}

#[test]
fn recipients_are_tied_to_groups_that_exist() {
    let (message, hint) = only_error(&with_people("[recipients]\n\"a@b\" = \"dbaa\"\n"));
    assert_eq!(message, "8:9 there is no group `dbaa`");
    assert_eq!(hint.as_deref(), Some("did you mean `dba`?"));
    let (message, _) = only_error(&with_people("[recipients]\n\"a@b\" = { group = \"dba\", policy = \"pages\" }\n"));
    assert_eq!(message, "8:35 there is no policy `pages`");
    let (message, _) = only_error(&with_people("[recipients]\n\"a@b\" = \"dba\"\n\"A@B\" = \"dba\"\n"));
    assert_eq!(message, "9:1 there are two entries for the recipient `a@b`");
    let (message, _) = only_error(&with_people("[recipients]\n\"a b@c\" = \"dba\"\n"));
    assert!(message.contains("is not an address"), "{message}");
}

#[test]
fn the_last_resort_must_be_named() {
    let policy = "[policies.p]\nsteps = [ { notify = \"escalation\" } ]\n";
    assert_eq!(only_error(&with_people(policy)).0, "8:22 nobody is named for the last resort");
    let named = with_people(&format!("{policy}[defaults]\nescalation = \"group:dba\"\n"));
    let target = &named.load().unwrap().policies["p"].steps[0].notify;
    assert_eq!(*target, Target::Escalation(Box::new(Target::OtherGroup("dba".into()))));
    let (message, hint) = only_error(&with_people(&format!("{policy}[defaults]\nescalation = \"david\"\n")));
    assert_eq!(message, "10:14 `david` is nobody who can be notified");
    assert_eq!(hint.as_deref(), Some("write `contact:david`"));
    let answer = with_people("[policies.p]\nanswer = \"acknowledges\"\nsteps = [ { notify = \"oncall\" } ]\n");
    assert_eq!(only_error(&answer).0, "8:10 `answer` is not supported yet");
}

#[test]
fn check_warns_of_what_will_not_work() {
    let files = Files::of(
        r#"[contacts]
david = { phone = "+64211110001" }
textonly = { sms = "+64211110002" }
nobody = { name = "Nobody" }
[groups.a]
members = ["david", "textonly"]
policy = "p"
forward = "oncall"
[groups.b]
members = ["david", "nobody"]
[policies.p]
steps = [ { notify = "group" }, { notify = "backup" } ]
[server]
public_url = "http://pager.example.com"
[recipients]
"*@x.example" = "a"
"cust*@x.example" = "a"
"dba@x.example" = "a"
[[rules]]
name = "all"
when = []
action = "call"
policy = "p"
[[rules]]
name = "late"
when = [ { text = 'x' } ]
action = "resolve"
[[heartbeats]]
name = "h"
when = [ { subject = 'backup' } ]
every = "1 day"
grace = "1h"
group = "a"
[providers.gate]
kind = "http"
url = "https://gate.example"
user = "me"
password = { file = "token" }
[providers.mails]
kind = "smtp"
from = "thialfi@x.example"
[delivery]
call = ["gate"]
sms = ["gate"]
"#,
    )
    .with("token", "geheim");
    assert_eq!(
        files.errors(),
        ["rules.toml:8:11 groups.a.forward: the mails of `a` cannot be forwarded to david: no mail address"]
    );
    assert_eq!(
        files.warnings(),
        [
            "rules.toml:3:1 contacts.textonly: `textonly` has no number for calls, which step 3 of the policy `call` needs",
            "rules.toml:4:1 contacts.nobody: `nobody` has neither a number nor a mail address: nothing can reach them",
            "rules.toml:11:11 policies.p: step 2 of the policy `p` reaches nobody in any group that uses it",
            "rules.toml:14:14 server.public_url: `public_url` is not https: alerts and keys travel in the clear",
            "rules.toml:17:1 recipients.\"cust*@x.example\": `cust*@x.example` is never used: `*@x.example` comes first and fits as well",
            "rules.toml:19:1 rules[0]: the rule `all` names a policy that it does not use",
            "rules.toml:24:1 rules[1]: the rule `late` is never reached: `all` matches every mail",
            "rules.toml:24:1 rules[1]: the rule `late` finds no alert: without `key` each rule has keys of its own",
            "rules.toml:43:8 delivery.call: no provider carries calls: nobody can be called",
            "rules.toml:43:9 delivery.call[0]: `gate` carries no calls",
        ]
    );
    let config = files.load().unwrap();
    let kept: Vec<&str> = config.warnings.iter().map(|warning| warning.key.as_str()).collect();
    assert_eq!(kept, ["groups.a.forward"], "other commands keep only what endangers");
    assert_eq!(config.forwards[&GroupId::new("a")].to, ForwardTo::OnCall);
    assert_eq!(config.heartbeats.entries[0].grace, SignedDuration::from_hours(1));
    assert!(matches!(&config.providers[0].service, Some(Service::Http(_))));
    assert_eq!(config.delivery.providers(Channel::Call).unwrap(), ["gate"]);
}

#[test]
fn templates_of_calls_that_cannot_be_read_do_not_stop_them() {
    let files = Files::of("twiml = \"voice\"\n");
    assert!(only_error(&files).0.starts_with("1:9 the templates in `"));
    let config = files.load().unwrap();
    assert_eq!((config.twiml, config.warnings.len()), (None, 1));
    let files = files.with("voice/alert.xml", "<Response/>");
    assert_eq!(files.load().unwrap().twiml, Some(files.path("voice")));
}

#[test]
fn paths_are_beside_the_rule_file() {
    let store = |path: &str| Files::of(&format!("[store]\npath = \"{path}\"\n"));
    let files = store("here.db");
    assert_eq!(files.load().unwrap().store, files.path("here.db"));
    assert_eq!(store("/there.db").load().unwrap().store, Path::new("/there.db"));
}

#[test]
fn a_file_of_nothing_but_mistakes_is_refused_quickly() {
    let text = "[[rules]]\nnam = 1\n".repeat(20_000);
    let report = Files::of(&text).check();
    assert_eq!(report.diagnostics.errors(), 100);
}

proptest::proptest! {
    /// Whatever stands in the file: complaints or a configuration, never a panic, and every caret on its line.
    #[test]
    fn any_text_is_answered(lines in proptest::collection::vec(
        proptest::sample::select(vec![
            "[twilio]", "auth_token = \"geheim\"", "from = 7", "[groups.a]", "members = [\"a\", 1]", "oncall = \"ä\"",
            "[contacts]", "a = { phone = \"+64211110001\" }", "[[rules]]", "name = 'x'", "when = [ { text = '(' } ]",
            "when = { any = 3 }", "say = \"{{ x | y }}\"", "include = [\"*\"]", "[policies]", "p = { steps = [{}] }",
            "[recipients]", "\"*@x\" = \"a\"", "= 3", "\"", "'''", "[[", "twilio.x = 1979-05-27", "defaults = []",
            "rotation = { every = \"1 week\", handoff = \"x\" }", "\u{fe0f}é = \"\\u0000\"", "window = \"1 month\"",
        ]), 0..12)) {
        let report = Files::of(&lines.join("\n")).check();
        for one in &report.diagnostics.0 {
            proptest::prop_assert!(one.line == 0 || one.column <= one.source_line.chars().count() + 1, "{:?}", one);
            proptest::prop_assert!(!one.to_string().contains("geheim"));
            proptest::prop_assert_eq!(one.one_line().lines().count(), 1);
        }
    }
}

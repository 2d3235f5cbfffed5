//! The rule packs in `examples/`: each carries its tests, and all of them together still judge every mail alike.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::Value;

use crate::support::{PEOPLE, Test};

/// In the order in which the README includes them: a backup that cron started is a backup.
const PACKS: &[&str] = &[
    "alertmanager",
    "backup",
    "bugzilla",
    "cron",
    "github",
    "gitlab",
    "icinga",
    "jira",
    "mdadm",
    "nagios",
    "redmine",
    "smartd",
    "ups",
    "zabbix",
];

/// A `[[tests]]` entry.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Expectation {
    mail: String,
    rule: String,
    /// Left out where no rule wants the mail: what happens then, the house says, and not the pack.
    #[serde(default = "nothing")]
    action: String,
    key: Option<String>,
    #[serde(default)]
    variables: toml::Table,
    say: Option<String>,
    recipient: Option<String>,
}

fn nothing() -> String {
    "none".to_owned()
}

/// What is asked of a pack besides its tests.
#[derive(Debug, Deserialize)]
struct RuleEntry {
    name: String,
    action: String,
}

struct Pack {
    name: &'static str,
    /// The rule file without its tests.
    rules: String,
    entries: Vec<RuleEntry>,
    tests: Vec<Expectation>,
}

fn examples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples")
}

fn pack(name: &'static str) -> Pack {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Rules {
        rules: Vec<RuleEntry>,
    }
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Tests {
        tests: Vec<Expectation>,
    }
    let text = std::fs::read_to_string(examples().join(format!("{name}.toml"))).unwrap();
    let at = text.find("\n[[tests]]").unwrap_or_else(|| panic!("{name}.toml has no tests"));
    let (rules, tests) = text.split_at(at + 1);
    let entries = toml::from_str::<Rules>(rules).unwrap_or_else(|error| panic!("{name}.toml: {error}")).rules;
    let tests = toml::from_str::<Tests>(tests).unwrap_or_else(|error| panic!("{name}.toml: {error}")).tests;
    Pack { name, rules: rules.to_owned(), entries, tests }
}

fn packs() -> Vec<Pack> {
    PACKS.iter().map(|name| pack(name)).collect()
}

/// A rule file with people that includes these packs, as their heads say.
struct House {
    test: Test,
    config: String,
}

impl House {
    fn with(packs: &[&Pack]) -> Self {
        let test = Test::new().without_webhooks();
        for pack in packs {
            std::fs::write(test.path(&format!("{}.toml", pack.name)), &pack.rules).unwrap();
        }
        let names: Vec<String> = packs.iter().map(|pack| format!("\"{}.toml\"", pack.name)).collect();
        let own = std::fs::read_to_string(test.path("rules.toml")).unwrap();
        let text = format!("include = [{}]\n{own}{PEOPLE}\n[defaults]\ngroup = \"systems\"\n", names.join(", "));
        let config = test.path("main.toml").to_str().unwrap().to_owned();
        std::fs::write(&config, text).unwrap();
        Self { test, config }
    }

    fn explain(&self, mail: &[u8], recipient: Option<&str>) -> Value {
        let mut arguments = vec!["--config", self.config.as_str(), "explain", "--json"];
        arguments.extend(recipient);
        self.test.run(&arguments, mail).exit(0).json()
    }
}

/// The name of the first rule that decides; `none` when no rule does.
fn deciding(story: &Value) -> &str {
    let rules = story["rules"].as_array().unwrap();
    let decides = |rule: &&Value| rule["matched"] == true && rule["considered"] == true;
    rules.iter().find(decides).map_or("none", |rule| rule["name"].as_str().unwrap())
}

fn mail(expectation: &Expectation) -> Vec<u8> {
    std::fs::read(examples().join(&expectation.mail)).unwrap_or_else(|error| panic!("{}: {error}", expectation.mail))
}

/// What of `expectation` does not hold.
fn faults(house: &House, packs: &[&Pack], expectation: &Expectation) -> Vec<String> {
    let story = house.explain(&mail(expectation), expectation.recipient.as_deref());
    let mut faults = Vec::new();
    let mut same = |what: &str, is: &str, wanted: &str| {
        if is != wanted {
            faults.push(format!("{}: {what} is `{is}` and not `{wanted}`", expectation.mail));
        }
    };
    let rule = deciding(&story);
    same("the rule", rule, &expectation.rule);
    let entry = packs.iter().flat_map(|pack| &pack.entries).find(|entry| entry.name == rule);
    same("the action", entry.map_or("none", |entry| entry.action.as_str()), &expectation.action);
    if matches!(expectation.action.as_str(), "none" | "ignore") {
        same("what is asked for", &story["action"].to_string(), "null");
        return faults;
    }
    same("what is asked for", story["action"].as_str().unwrap_or("nothing"), &expectation.action);
    if let Some(key) = &expectation.key {
        same("the key", story["key"].as_str().unwrap_or_default(), key);
    }
    for (name, wanted) in &expectation.variables {
        let is = story["variables"][name].as_str().unwrap_or("missing");
        same(&format!("`{name}`"), is, wanted.as_str().unwrap());
    }
    if let Some(say) = &expectation.say {
        let said = thialfi::notify::speech::spoken(say, "en");
        same("what is said", story["say"].as_str().unwrap_or_default(), &said);
    }
    same("the list of failed templates", &story["notes"].to_string(), "[]");
    faults
}

#[test]
fn every_pack_judges_its_mails_as_its_tests_say() {
    let mut wrong = Vec::new();
    for pack in packs() {
        let house = House::with(&[&pack]);
        wrong.extend(pack.tests.iter().flat_map(|test| faults(&house, &[&pack], test)));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn all_packs_together_judge_every_mail_alike() {
    let packs = packs();
    let all: Vec<&Pack> = packs.iter().collect();
    let house = House::with(&all);
    house.test.run(&["--config", &house.config, "check"], b"").exit(0).says("no warnings").done();
    let tests = packs.iter().flat_map(|pack| &pack.tests);
    let wrong: Vec<String> = tests.flat_map(|test| faults(&house, &all, test)).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// As somebody does who includes them all: what becomes of other mails is not for a pack to say.
#[test]
fn packs_pass_their_own_tests_in_a_rule_file_that_pages_for_every_other_mail() {
    let test = Test::new().without_webhooks();
    let names: Vec<String> =
        PACKS.iter().map(|name| format!("{:?}", examples().join(format!("{name}.toml")))).collect();
    let own = std::fs::read_to_string(test.path("rules.toml")).unwrap();
    let recipients = "[recipients]\n\"*@sms.example.com\" = \"systems\"\n";
    let config = test.path("main.toml");
    std::fs::write(&config, format!("include = [{}]\n{own}{PEOPLE}\n{recipients}", names.join(", "))).unwrap();
    let ran = test.run(&["--config", config.to_str().unwrap(), "check", "--offline", "--mail"], b"");
    ran.exit(0).says("tests, all passed").done();
}

#[test]
fn every_pack_is_in_the_list_and_in_the_readme() {
    let mut found = BTreeSet::new();
    for entry in std::fs::read_dir(examples()).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        if let Some(stem) = name.strip_suffix(".toml").filter(|stem| *stem != "demo") {
            found.insert(stem.to_owned());
        }
    }
    assert_eq!(found.into_iter().collect::<Vec<_>>(), PACKS);
    let readme = std::fs::read_to_string(examples().join("../README.md")).unwrap();
    let rows: Vec<&str> = readme
        .lines()
        .filter_map(|line| line.strip_prefix("| [`")?.split_once(".toml`](examples/"))
        .map(|(name, _)| name)
        .collect();
    assert_eq!(rows, PACKS);
}

#[test]
fn every_rule_of_a_pack_is_tested_and_every_pair_has_one_key() {
    for pack in packs() {
        for entry in &pack.entries {
            // The second rule of a pair that ends two alerts by one mail never comes first.
            let tested = pack.tests.iter().any(|test| test.rule == entry.name);
            assert!(tested || entry.name == "nut-on-line-low", "no test of `{}`", entry.name);
        }
        assert!(pack.tests.iter().any(|test| test.mail.contains("reply") && test.rule == "none"), "{}", pack.name);
        let opened: BTreeSet<_> = pack
            .tests
            .iter()
            .filter(|test| matches!(test.action.as_str(), "call" | "sms" | "page"))
            .filter_map(|test| test.key.as_deref())
            .collect();
        for test in pack.tests.iter().filter(|test| matches!(test.action.as_str(), "resolve" | "acknowledge")) {
            let key = test.key.as_deref().unwrap_or_else(|| panic!("{}: no key", test.mail));
            assert!(opened.contains(key), "{}: nothing opens `{key}`", test.mail);
        }
    }
}

#[test]
fn the_words_of_a_pack_are_short() {
    for pack in packs() {
        let house = House::with(&[&pack]);
        for test in pack.tests.iter().filter(|test| matches!(test.action.as_str(), "call" | "sms")) {
            let story = house.explain(&mail(test), None);
            let said = story["say"].as_str().unwrap();
            assert!(said.chars().count() < 250 && said.starts_with(char::is_alphanumeric), "{}: {said}", test.mail);
            assert!(!said.contains("  ") && !said.contains(" ."), "{}: {said}", test.mail);
            assert!(story["segments"].as_u64().unwrap() <= 2, "{}: {}", test.mail, story["sms"]);
        }
    }
}

#[test]
fn power_that_returns_ends_the_alert_of_the_low_battery_too() {
    let house = House::with(&[&pack("ups")]);
    let story = house.explain(&std::fs::read(examples().join("mail/nut-on-line.eml")).unwrap(), None);
    assert_eq!(story["also"][0]["action"], "resolve");
    let low = house.explain(&std::fs::read(examples().join("mail/nut-low-battery.eml")).unwrap(), None);
    assert_eq!(story["also"][0]["digest"], low["digest"]);
    assert_ne!(story["digest"], low["digest"]);
}

/// An answer that quotes `alert`, as Gmail and Outlook write them.
fn answers(alert: &[u8], text: &str) -> [Vec<u8>; 2] {
    let alert = String::from_utf8_lossy(alert);
    let subject = alert.lines().find_map(|line| line.strip_prefix("Subject: ")).unwrap();
    let head = format!(
        "From: David Tane <david@example.com>\nTo: systems@sms.example.com\nSubject: Re: {subject}\n\
         Date: Fri, 06 Nov 2026 09:12:00 +1300\nMessage-ID: <answer@example.com>\nIn-Reply-To: <alert@example.com>\n\
         References: <alert@example.com>\nContent-Type: text/plain; charset=utf-8\n\nI have a look.\n\n"
    );
    let quoted = format!("> {}\n", text.replace('\n', "\n> "));
    let gmail = format!("{head}On Fri, 6 Nov 2026 at 03:12, Monitoring <monitoring@example.com> wrote:\n\n{quoted}");
    let outlook = format!(
        "{head}________________________________\nFrom: Monitoring <monitoring@example.com>\n\
         Sent: Friday, 6 November 2026 3:12 a.m.\nTo: Systems <systems@sms.example.com>\nSubject: {subject}\n\n{text}\n"
    );
    [gmail.into_bytes(), outlook.into_bytes()]
}

#[test]
fn no_answer_to_any_of_these_mails_calls_or_ends_anything() {
    use std::fmt::Write as _;
    let packs = packs();
    let house = House::with(&packs.iter().collect::<Vec<_>>());
    let mut rules = std::fs::read_to_string(&house.config).unwrap();
    let mut answered = 0;
    for test in packs.iter().flat_map(|pack| &pack.tests).filter(|test| test.rule != "none") {
        let alert = mail(test);
        let text = house.test.run(&["newtext"], &alert).exit(0).out;
        for answer in answers(&alert, &text) {
            // All of them are judged by one process, as tests of the rule file: the patterns are compiled once.
            std::fs::write(house.test.path(&format!("answer-{answered}.eml")), answer).unwrap();
            write!(rules, "[[tests]]\nmail = \"answer-{answered}.eml\"\nrule = \"none\"\n").unwrap();
            answered += 1;
        }
    }
    assert!(answered > 100);
    std::fs::write(&house.config, rules).unwrap();
    let ran = house.test.run(&["--config", &house.config, "check", "--offline", "--mail"], b"");
    ran.exit(0).says(&format!("{answered} tests, all passed")).done();
}

//! The rule files of the nights, and what they mean, reckoned without the program: who is on call when, which steps count,
//! whose number is whose.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, OnceLock};

use jiff::Timestamp;
use jiff::civil::date;
use jiff::tz::TimeZone;
use thialfi::config::Config;
use thialfi::notify::twiml::Templates;

use crate::dice::Dice;
use crate::setting::{FROM, PUBLIC_URL, SID, TOKEN};

pub const NAMES: [&str; 5] = ["Anna", "Ben", "Cleo", "Dan", "Eva"];
/// Those whose turn it is, in this order.
const MEMBERS: usize = 3;

/// How many rule files there are. Reading one takes longer than many a night.
const RULE_FILES: u64 = 400;

/// A rule file, and what it means.
pub struct Rules {
    pub number: u64,
    pub text: String,
    pub zone: TimeZone,
    /// A turn of so many days that ends at this hour; `None`: Anna, always.
    pub turn: Option<(i64, i8)>,
    pub has_backup: bool,
    pub steps: Vec<Step>,
    pub repeat: u32,
    /// In minutes.
    pub remind: Option<i64>,
}

/// A step of the policy.
#[derive(Debug, Clone)]
pub struct Step {
    pub notify: &'static str,
    pub attempts: u32,
    /// In seconds.
    pub redial: i64,
    /// Hours of the day.
    pub only: Option<(i8, i8)>,
}

impl Rules {
    /// Who is on call at `t`, overrides aside.
    pub fn on_duty(&self, t: Timestamp) -> usize {
        let Some((days, hour)) = self.turn else { return 0 };
        let local = t.to_zoned(self.zone.clone()).datetime();
        let since = local.date().since(date(2025, 12, 29)).unwrap().get_days();
        let since = i64::from(since) - i64::from(local.hour() < hour);
        since.div_euclid(days).rem_euclid(MEMBERS as i64) as usize
    }

    /// Whether the hours of a step are at `t`.
    pub fn holds(&self, step: &Step, t: Timestamp) -> bool {
        let Some((from, to)) = step.only else { return true };
        let hour = t.to_zoned(self.zone.clone()).hour();
        if from < to { (from..to).contains(&hour) } else { hour >= from || hour < to }
    }

    /// Whether a step may be begun at `t`: its hours are, or those of no step in which there is anybody.
    pub fn counts(&self, step: &Step, t: Timestamp) -> bool {
        self.holds(step, t) || !self.steps.iter().any(|other| self.has_somebody(other) && self.holds(other, t))
    }

    /// Whether there is anybody in a step.
    pub fn has_somebody(&self, step: &Step) -> bool {
        step.notify != "backup" || self.has_backup
    }

    /// The longest pause before an attempt that follows one that failed, in seconds.
    pub fn longest_redial(&self) -> i64 {
        let steps = self.steps.iter().map(|step| step.redial).max().unwrap_or_default();
        // Who is asked again is called again after a minute.
        if self.remind.is_some() { steps.max(60) } else { steps }
    }
}

/// One of the rule files, checked.
pub fn load(seed: u64) -> (Arc<Config>, Arc<Rules>, Arc<Templates>) {
    type Known = HashMap<u64, (Arc<Config>, Arc<Rules>)>;
    static KNOWN: OnceLock<Mutex<Known>> = OnceLock::new();
    static TEMPLATES: OnceLock<Arc<Templates>> = OnceLock::new();
    let templates = TEMPLATES.get_or_init(|| Arc::new(Templates::load(None).unwrap()));
    let number = Dice::new(seed ^ 0x5EED).below(RULE_FILES);
    let mut known = KNOWN.get_or_init(Mutex::default).lock().unwrap();
    let (config, rules) = known.entry(number).or_insert_with(|| {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("rules.toml");
        let rules = rules(number);
        std::fs::write(&path, &rules.text).unwrap();
        std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
        let config = Config::load(&path).unwrap_or_else(|error| panic!("rule file {number}: {error}\n{}", rules.text));
        (Arc::new(config), Arc::new(rules))
    });
    (Arc::clone(config), Arc::clone(rules), Arc::clone(templates))
}

fn rules(number: u64) -> Rules {
    let mut dice = Dice::new(number.wrapping_mul(77_777));
    let zone = *dice.pick(&["Pacific/Auckland", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "UTC"]);
    let mut text = format!(
        "[twilio]\naccount_sid = \"{SID}\"\nauth_token = \"{TOKEN}\"\nfrom = \"{FROM}\"\nmachine_detection = {}\n\
         [defaults]\ntime_zone = \"{zone}\"\nescalation = \"contact:ben\"\nunmatched = \"ignore\"\n",
        dice.chance(400)
    );
    if dice.chance(850) {
        let _ = writeln!(text, "[server]\npublic_url = \"{PUBLIC_URL}\"");
    }
    let limit = if dice.chance(300) {
        format!(", limit = \"{} per {}m\"", dice.between(1, 3), dice.between(5, 40))
    } else {
        String::new()
    };
    let _ = writeln!(text, "[recipients]\n\"ops@example.com\" = {{ group = \"ops\"{limit} }}");
    if dice.chance(300) {
        text.push_str("[limits]\n");
        for channel in ["call", "sms"] {
            let (short, long) = (dice.between(2, 20), dice.between(30, 100));
            let (few, more) = (dice.between(1, 3), dice.between(3, 8));
            let _ = writeln!(text, "{channel} = [\"{few} per {short}m\", \"{more} per {long}m\"]");
        }
    }
    text.push_str("[contacts]\n");
    for (index, name) in NAMES.iter().enumerate() {
        let (phone, sms) = (format!("phone = \"{}\"", phone(index)), format!("sms = \"{}\"", sms(index)));
        let numbers = match dice.below(8) {
            0 => sms,
            1 => format!("{phone}, {sms}"),
            _ => phone,
        };
        let _ = writeln!(text, "{} = {{ name = \"{name}\", {numbers} }}", name.to_lowercase());
    }
    let turn = dice.chance(500).then(|| (*dice.pick(&[1, 1, 7]), dice.below(24) as i8));
    let on_call = match turn {
        None => "oncall = \"anna\"".to_owned(),
        Some((days, hour)) => {
            let (every, day) = if days == 1 { ("1 day", "") } else { ("1 week", "Mon ") };
            format!(
                "rotation = {{ every = \"{every}\", handoff = \"{day}{hour:02}:00\", start = \"2025-12-29\", \
                 time_zone = \"{zone}\" }}"
            )
        }
    };
    let mut list = String::new();
    let steps: Vec<Step> = (0..dice.between(1, 3)).map(|_| step(&mut dice, &mut list)).collect();
    // A policy that names nobody is for `check` to warn of.
    let has_backup = dice.chance(700) || steps.iter().all(|step| step.notify == "backup");
    let backup = if has_backup { "backup = [\"cleo\"]\n" } else { "" };
    let _ = writeln!(text, "[groups.ops]\nmembers = [\"anna\", \"ben\", \"cleo\"]\n{on_call}\n{backup}");
    text.push_str("[groups.net]\nmembers = [\"dan\", \"eva\"]\noncall = \"dan\"\n[policies.page]\nsteps = [\n");
    text.push_str(&list);
    let repeat = *dice.pick(&[0, 0, 1, 1, 2]);
    let _ = writeln!(text, "]\nrepeat = {repeat}");
    let remind = dice.chance(300).then(|| dice.between(5, 60));
    if let Some(remind) = remind {
        let _ = writeln!(text, "remind = \"{remind}m\"");
    }
    text.push_str(RULES);
    Rules { number, text, zone: TimeZone::get(zone).unwrap(), turn, has_backup, steps, repeat, remind }
}

fn step(dice: &mut Dice, text: &mut String) -> Step {
    let notify = *dice.pick(&["oncall", "oncall", "backup", "group", "group:net", "contact:eva", "escalation"]);
    let by = *dice.pick(&["\"call\"", "\"call\"", "\"sms\"", "[\"sms\", \"call\"]"]);
    let mut step = Step { notify, attempts: *dice.pick(&[1, 1, 2, 3]), redial: 0, only: None };
    let (attempts, wait) = (step.attempts, dice.between(20, 240));
    let _ = write!(text, "  {{ notify = \"{notify}\", by = {by}, attempts = {attempts}, wait = \"{wait}s\"");
    if dice.chance(300) {
        step.redial = dice.between(5, 120);
        let _ = write!(text, ", redial = \"{}s\"", step.redial);
    }
    if dice.chance(200) {
        let from = dice.below(24) as i8;
        let to = (from + 1 + dice.below(20) as i8) % 24;
        step.only = Some((from, to));
        let _ = write!(text, ", only = {{ between = \"{from:02}:00-{to:02}:00\" }}");
    }
    text.push_str(" },\n");
    step
}

const RULES: &str = r#"
[[rules]]
name = "up"
when = [{ text = '^(?<host>\w+) is UP' }]
action = "resolve"
group = "ops"
key = "host {{ host }}"

[[rules]]
name = "seen"
when = [{ text = '^(?<host>\w+) is SEEN' }]
action = "acknowledge"
group = "ops"
key = "host {{ host }}"

[[rules]]
name = "down"
when = [{ text = '^(?<host>\w+) is DOWN' }]
action = "page"
group = "ops"
key = "host {{ host }}"
window = "20m"
say = "Host {{ host }} is down."
sms = "{{ host }} is down"
"#;

/// How long an alert that somebody has takes in mails of its host, in milliseconds: `window` above.
pub const WINDOW: i64 = 20 * crate::setting::MINUTE;

pub fn phone(index: usize) -> String {
    format!("+6421111000{index}")
}

pub fn sms(index: usize) -> String {
    format!("+6421111010{index}")
}

/// Whose number it is.
pub fn owner(number: &str) -> Option<usize> {
    (0..NAMES.len()).find(|index| number == phone(*index) || number == sms(*index))
}

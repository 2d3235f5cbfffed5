//! `thialfi explain`: what `deliver` would do with a mail, and why. Reads the rule file and standard input, nothing else.

use std::path::Path;

use anstream::println;
use anstyle::{AnsiColor, Style};
use clap::Args;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::setup::{self, complain};
use super::terminal;
use crate::alert::plan::{Planned, plan};
use crate::clock;
use crate::config::Config;
use crate::engine::send::TEXT_SEGMENTS;
use crate::exit::Exit;
use crate::intake::{Intake, Wish, intake};
use crate::mail::{Envelope, Message, automatic, message};
use crate::notify::{sms, speech};
use crate::rules::ruleset::View;
use crate::rules::{ConditionReport, Judgement};

/// What `explain` takes.
#[derive(Debug, Clone, Args)]
pub struct Options {
    /// The envelope sender
    #[arg(short = 'f', long = "from", value_name = "SENDER", allow_hyphen_values = true)]
    pub sender: Option<String>,
    /// The envelope recipients [default: what the headers say]
    #[arg(value_name = "RECIPIENT")]
    pub recipients: Vec<String>,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
    /// End with 1 when nobody would be called or texted
    #[arg(long)]
    pub fail: bool,
}

/// Explains.
pub fn run(config: Option<&Path>, options: &Options) -> Exit {
    match story(config, options) {
        Ok(false) if options.fail => Exit::No,
        Ok(true | false) => Exit::Success,
        Err(exit) => exit,
    }
}

fn story(config: Option<&Path>, options: &Options) -> Result<bool, Exit> {
    let config = setup::look_or_complain(config)?;
    let raw = message::read(&mut std::io::stdin().lock()).map_err(|error| fail(&error))?;
    if raw.size == 0 {
        complain("there is no mail on standard input");
        return Err(Exit::No);
    }
    let message = Message::parse(&raw);
    let envelope = Envelope::resolve(options.sender.as_deref(), &options.recipients, &|_| None, &message);
    let now = clock::from_environment().now();
    let intake = intake(&config, &message, &envelope, now).map_err(|error| fail(&error))?;
    let recipient = intake.known.first().or(intake.unknown.first()).cloned().unwrap_or_default();
    let view = View { message: &message, sender: envelope.sender.as_deref(), recipient: &recipient, now };
    let judgement = config.rules.explain(&view).map_err(|error| fail(&error))?;
    let page = Page { config: &config, message: &message, envelope: &envelope, intake: &intake, judgement, now };
    if options.json {
        println!("{}", page.json());
    } else {
        page.print();
    }
    Ok(intake.wishes.iter().any(Wish::notifies))
}

fn fail(error: &impl ToString) -> Exit {
    complain(&error.to_string());
    Exit::No
}

/// Everything that an explanation tells.
struct Page<'a> {
    config: &'a Config,
    message: &'a Message,
    envelope: &'a Envelope,
    intake: &'a Intake<'a>,
    judgement: Judgement<'a>,
    now: Timestamp,
}

const HEADING: Style = Style::new().bold();
const GOOD: Style = AnsiColor::Green.on_default();
const FAINT: Style = Style::new().dimmed();
const BAD: Style = AnsiColor::Red.on_default();

impl Page<'_> {
    fn json(&self) -> Value {
        let mut object = match self.intake.wishes.first() {
            Some(wish) => self.wish_json(wish),
            None => json!({
                "action": null, "rule": null, "group": null, "key": null, "digest": null, "contact": null,
                "say": null, "sms": null, "segments": null, "variables": {},
            }),
        };
        if let Value::Object(fields) = &mut object {
            let rules: Vec<Value> = self
                .judgement
                .verdicts
                .iter()
                .map(|verdict| {
                    json!({
                        "name": verdict.rule.name,
                        "matched": verdict.matched,
                        "considered": verdict.considered,
                        "conditions": verdict.conditions,
                    })
                })
                .collect();
            fields.insert("new_text".to_owned(), json!(self.message.new_text));
            fields.insert("rules".to_owned(), Value::Array(rules));
            fields.insert("recipients".to_owned(), json!(self.envelope.recipients));
            fields.insert("unknown_recipients".to_owned(), json!(self.intake.unknown));
            fields.insert("automatic".to_owned(), json!(self.automatic()));
            let problems: Vec<String> = self.intake.problems.iter().map(ToString::to_string).collect();
            fields.insert("problems".to_owned(), json!(problems));
            let also: Vec<Value> = self.intake.wishes.iter().skip(1).map(|wish| self.wish_json(wish)).collect();
            fields.insert("also".to_owned(), Value::Array(also));
        }
        object
    }

    fn wish_json(&self, wish: &Wish<'_>) -> Value {
        let plan = self.plan(wish);
        let text = text_of(wish);
        let attempts: Vec<Value> = plan
            .iter()
            .map(|row| json!({ "after": row.after.to_string(), "contact": row.contact, "by": row.channel }))
            .collect();
        json!({
            "action": wish.action,
            "rule": wish.rule.map(|rule| rule.name.as_str()),
            "group": wish.arrival.group,
            "key": wish.arrival.key,
            "digest": wish.arrival.digest.to_string(),
            "contact": plan.first().map(|row| &row.contact),
            "say": speech::spoken(&wish.arrival.say),
            "sms": text,
            "segments": sms::length(&text).segments,
            "encoding": sms::length(&text).encoding,
            "variables": wish.variables.values.iter().cloned().map(|(name, value)| (name, Value::String(value)))
                .collect::<serde_json::Map<_, _>>(),
            "policy": wish.policy.name,
            "attempts": attempts,
            "notes": wish.notes,
        })
    }

    fn plan(&self, wish: &Wish<'_>) -> Vec<Planned> {
        if !wish.notifies() {
            return Vec::new();
        }
        plan(wish.policy, &wish.arrival.group, &self.config.roster, self.now)
    }

    fn automatic(&self) -> bool {
        automatic::is_automatic(self.message, self.envelope.sender.as_deref())
    }

    fn print(&self) {
        self.print_mail();
        self.print_rules();
        for problem in &self.intake.problems {
            println!("{BAD}problem{BAD:#}  {problem}; the mail server would keep the mail");
        }
        if self.intake.wishes.is_empty() {
            println!("\n{HEADING}Nobody would be called.{HEADING:#} {}", self.why_not());
        }
        for wish in &self.intake.wishes {
            self.print_wish(wish);
        }
    }

    fn why_not(&self) -> &'static str {
        if self.message.own {
            "It is thialfi's own mail, and no rule asks for those."
        } else if self.automatic() {
            "It is an automatic answer or a bounce, and no rule asks for those (`auto = true`)."
        } else if self.intake.known.is_empty() {
            "No rule matches."
        } else if self.judgement.matched().next().is_some() {
            "The rule says `ignore`."
        } else {
            "No rule matches, and [defaults] unmatched is `ignore`."
        }
    }

    fn print_mail(&self) {
        println!("{HEADING}Mail{HEADING:#}");
        let fact = |name: &str, value: &str| {
            println!("  {FAINT}{name:<10}{FAINT:#} {}", terminal::short(value, 200));
        };
        fact("from", self.message.header("From").unwrap_or("-"));
        fact("subject", self.message.subject());
        for recipient in &self.intake.known {
            let group = self.config.recipient(recipient).map(|known| known.group.to_string()).unwrap_or_default();
            fact("to", &format!("{recipient}  (group {group})"));
        }
        for recipient in self.intake.unknown.iter().take(5) {
            fact("to", &format!("{recipient}  (not under [recipients])"));
        }
        if self.intake.unknown.len() > 5 {
            fact("", &format!("and {} more that are not", self.intake.unknown.len() - 5));
        }
        println!("\n{HEADING}New text{HEADING:#}");
        let text = terminal::lines(self.message.new_text.trim_end());
        if text.is_empty() {
            println!("  {FAINT}(none: everything in it is quoted){FAINT:#}");
        }
        for line in text.lines().take(30) {
            println!("  {FAINT}│{FAINT:#} {line}");
        }
        let more = text.lines().count().saturating_sub(30);
        if more > 0 {
            println!("  {FAINT}│ … {more} more lines{FAINT:#}");
        }
    }

    fn print_rules(&self) {
        println!("\n{HEADING}Rules{HEADING:#}");
        for verdict in &self.judgement.verdicts {
            let (sign, style) = if verdict.matched { ("✓", GOOD) } else { ("·", FAINT) };
            let skipped = if verdict.considered { "" } else { "  (not considered)" };
            println!("  {style}{sign} {}{style:#}{FAINT}{skipped}{FAINT:#}", terminal::one_line(&verdict.rule.name));
            for condition in &verdict.conditions {
                print_condition(condition, 4);
            }
            for (name, value) in &verdict.captures {
                println!("      {FAINT}{name} ={FAINT:#} {}", terminal::short(value, 100));
            }
        }
        if self.judgement.verdicts.is_empty() {
            println!("  {FAINT}(the rule file has none){FAINT:#}");
        }
    }

    fn print_wish(&self, wish: &Wish<'_>) {
        let rule = wish.rule.map_or("no rule matches a known recipient", |rule| rule.name.as_str());
        let action = format!("{:?}", wish.action).to_lowercase();
        println!("\n{HEADING}Then: {action}{HEADING:#}  {FAINT}({}){FAINT:#}", terminal::one_line(rule));
        let fact = |name: &str, value: &str| println!("  {FAINT}{name:<10}{FAINT:#} {}", terminal::one_line(value));
        fact("group", wish.arrival.group.as_str());
        fact("key", &wish.arrival.key);
        fact("digest", &wish.arrival.digest.to_string());
        if !wish.notifies() {
            return;
        }
        let window = wish.arrival.window;
        fact("window", &format!("{window:#}"));
        println!("  {FAINT}who, when nobody acknowledges (policy {}){FAINT:#}", wish.policy.name);
        for row in self.plan(wish) {
            println!("    {}", self.planned(&row));
        }
        println!("  {FAINT}spoken{FAINT:#}");
        println!("    {}", terminal::one_line(&speech::spoken(&wish.arrival.say)));
        let text = text_of(wish);
        let length = sms::length(&text);
        let encoding = match length.encoding {
            sms::Encoding::Gsm7 => "GSM-7",
            sms::Encoding::Ucs2 => "UCS-2",
        };
        println!("  {FAINT}texted ({encoding}, {} of {TEXT_SEGMENTS} segments){FAINT:#}", length.segments);
        println!("    {}", terminal::one_line(&text));
        for note in &wish.notes {
            println!("  {BAD}note{BAD:#} {}", terminal::one_line(note));
        }
    }

    fn planned(&self, row: &Planned) -> String {
        let contact = self.config.roster.contacts.get(&row.contact);
        let name = contact.map_or_else(|| row.contact.to_string(), |contact| contact.name.clone());
        let how = match row.channel {
            crate::alert::Channel::Call => "call",
            crate::alert::Channel::Text => "text",
        };
        let which =
            if row.attempt.1 > 1 { format!(" ({} of {})", row.attempt.0 + 1, row.attempt.1) } else { String::new() };
        format!("{:>9}  {how} {}{which}", elapsed(row.after), terminal::one_line(&name))
    }
}

fn print_condition(report: &ConditionReport, indent: usize) {
    let (sign, style) = if report.matched { ("✓", GOOD) } else { ("✗", FAINT) };
    println!("{:indent$}{style}{sign}{style:#} {}", "", terminal::one_line(&report.describes));
    if !report.saw.is_empty() {
        println!("{:indent$}    {FAINT}{}{FAINT:#}", "", terminal::one_line(&report.saw));
    }
    for within in &report.within {
        print_condition(within, indent + 4);
    }
}

/// The text as it would be sent; the code is not known before the alert is opened.
fn text_of(wish: &Wish<'_>) -> String {
    sms::compose("7K", &wish.arrival.text, TEXT_SEGMENTS)
}

fn elapsed(after: SignedDuration) -> String {
    if after.is_zero() { "at once".to_owned() } else { format!("+{after:#}") }
}

//! `thialfi check`: everything that is wrong with or odd in the rule file, and the tests that it carries.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::layout;
use super::setup::{self, complain};
use crate::clock;
use crate::config::{self, Config, Diagnostic, Report, Severity};
use crate::engine::liveness;
use crate::exit::Exit;
use crate::store::Sqlite;
use mails::Played;

mod mails;
mod reach;

/// What `check` takes.
#[derive(Debug, Clone, Default, Args)]
pub struct Options {
    /// Play the tests that the rule file carries, too; their mails are looked for in DIR [default: beside the rule file]
    #[arg(long, value_name = "DIR", num_args = 0..=1)]
    pub mail: Option<Option<PathBuf>>,
    /// Do not try whether `public_url` can be reached
    #[arg(long)]
    pub offline: bool,
    /// Print one JSON array of complaints; with --mail, one object with `diagnostics` and `tests`
    #[arg(long)]
    pub json: bool,
}

/// How the findings are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// As a compiler shows them, with colours.
    Page,
    /// An array of objects with `severity, file, line, column, key, message, hint`; what is not known is null.
    Json,
}

/// Checks the rule file.
pub fn run(config: Option<&Path>, options: &Options) -> Exit {
    let path = match setup::find(config) {
        Ok(path) => path,
        Err(error) => {
            complain(&error.to_string());
            return Exit::No;
        }
    };
    let now = clock::from_environment().now();
    match check(&path, options, &config::process_environment, now, &mut anstream::stdout()) {
        Ok(true) => Exit::Success,
        Ok(false) | Err(_) => Exit::No,
    }
}

/// Checks the rule file at `path`, writes what there is to say, and returns whether there is no error and no test that
/// fails.
fn check(
    path: &Path,
    options: &Options,
    environment: &dyn Fn(&str) -> Option<String>,
    now: Timestamp,
    out: &mut dyn Write,
) -> io::Result<bool> {
    let mut report = Config::check(path, environment);
    if !options.offline {
        reach(&mut report);
    }
    without_engine(&mut report);
    let played = match (&options.mail, &report.config) {
        (Some(directory), Some(config)) => Some(mails::play(config, directory.as_deref(), now)),
        (None, _) | (_, None) => None,
    };
    let form = if options.json { Form::Json } else { Form::Page };
    match form {
        Form::Json => write_json(&report, options, played.as_deref(), out)?,
        Form::Page => write_page(&report, played.as_deref(), out)?,
    }
    Ok(report.diagnostics.errors() == 0 && played.iter().flatten().all(Played::passed))
}

/// Tries `public_url`, and warns of what is odd.
fn reach(report: &mut Report) {
    let url = report.config.as_ref().and_then(|config| config.server.public_url.as_deref());
    if let (Some(url), Some(place)) = (url, &report.public_url)
        && let Some((message, hint)) = reach::look(url)
    {
        report.diagnostics.0.push(Diagnostic { message, hint: Some(hint), ..place.clone() });
    }
}

/// Warns of what nobody does while no engine runs.
fn without_engine(report: &mut Report) {
    let Some(config) = &report.config else { return };
    let late = "that a heartbeat is late is noticed only when another mail comes".to_owned();
    let mut missing: Vec<String> = (!config.heartbeats.is_empty()).then_some(late).into_iter().collect();
    missing.extend(config.policies.values().filter_map(|policy| {
        let remind = policy.remind?;
        Some(format!("who took an alert by the policy `{}` is not asked again after {remind:#}", policy.name))
    }));
    if missing.is_empty() {
        return;
    }
    let alive = Sqlite::look(&config.store).ok().flatten().is_some_and(|mut store| {
        // A store that cannot be asked is told of elsewhere.
        liveness::is_alive(&mut store).unwrap_or(true)
    });
    if !alive {
        let about = |what| Diagnostic::about_file(&config.path, format!("no engine is running: {what}"));
        let hint = Some("start `thialfi serve-twiml`, which watches by the second".to_owned());
        let warnings: Vec<Diagnostic> = missing
            .into_iter()
            .map(|what| Diagnostic { severity: Severity::Warning, hint: hint.clone(), ..about(what) })
            .collect();
        report.diagnostics.0.extend(warnings);
    }
}

fn write_json(
    report: &Report,
    options: &Options,
    played: Option<&[Played<'_>]>,
    out: &mut dyn Write,
) -> io::Result<()> {
    let diagnostics: Vec<Value> = report.diagnostics.0.iter().map(as_json).collect();
    let whole = if options.mail.is_some() {
        let tests: Vec<Value> = played.unwrap_or_default().iter().map(Played::json).collect();
        let failed = played.unwrap_or_default().iter().filter(|test| !test.passed()).count();
        json!({ "diagnostics": diagnostics, "tests": tests, "failed": failed })
    } else {
        Value::Array(diagnostics)
    };
    serde_json::to_writer_pretty(&mut *out, &whole)?;
    writeln!(out)
}

fn write_page(report: &Report, played: Option<&[Played<'_>]>, out: &mut dyn Write) -> io::Result<()> {
    for diagnostic in &report.diagnostics.0 {
        writeln!(out, "{}", diagnostic.coloured())?;
    }
    if let Some(played) = played {
        let width = layout::page_width();
        for test in played {
            write!(out, "{}", test.page(width))?;
        }
        if !played.is_empty() {
            writeln!(out)?;
        }
    }
    writeln!(out, "{}", summary(report))?;
    if let Some(played) = played {
        let failed = played.iter().filter(|test| !test.passed()).count();
        let outcome = match (played.len(), failed) {
            (0, _) => "the rule file has no `[[tests]]`".to_owned(),
            (_, 0) => "all passed".to_owned(),
            (_, failed) => format!("{failed} failed"),
        };
        writeln!(out, "{}, {outcome}", counted(played.len(), "test"))?;
    }
    Ok(())
}

fn as_json(diagnostic: &Diagnostic) -> Value {
    let number = |n: usize| if diagnostic.line == 0 { Value::Null } else { json!(n) };
    json!({
        "severity": diagnostic.severity.word(),
        "file": diagnostic.file.to_string_lossy(),
        "line": number(diagnostic.line),
        "column": number(diagnostic.column),
        "key": (!diagnostic.key.is_empty()).then_some(&diagnostic.key),
        "message": diagnostic.message,
        "hint": diagnostic.hint,
    })
}

/// `3 rules, 2 groups, 3 contacts, 1 recipient; no errors, 1 warning`. Where there are errors, what could not be read is
/// not among what could, and a count would say that it is not there.
fn summary(report: &Report) -> String {
    let found = format!(
        "{}, {}",
        counted(report.diagnostics.errors(), "error"),
        counted(report.diagnostics.warnings(), "warning")
    );
    let Some(config) = report.config.as_ref().filter(|_| report.diagnostics.errors() == 0) else { return found };
    let parts = [
        counted(config.rules.rules.len(), "rule"),
        counted(config.roster.groups.len(), "group"),
        counted(config.roster.contacts.len(), "contact"),
        counted(config.recipients.len(), "recipient"),
    ];
    format!("{}; {found}", parts.join(", "))
}

fn counted(number: usize, noun: &str) -> String {
    match number {
        0 => format!("no {noun}s"),
        1 => format!("1 {noun}"),
        _ => format!("{number} {noun}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "
        [twilio]
        account_sid = { env = \"SID\" }
        auth_token = { env = \"TOKEN\" }
        from = \"+6498123450\"
        [contacts]
        david = { phone = \"+64211110001\" }
        [groups.dba]
        members = [\"david\"]
        backup = [\"david\"]
        [[rules]]
        name = \"disk\"
        when = [ { subject = 'disk full' } ]
        action = \"call\"
    ";

    fn check(text: &str, json: bool) -> (bool, String) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("rules.toml");
        std::fs::write(&path, text).unwrap();
        let mut out = Vec::new();
        let options = Options { json, offline: true, mail: None };
        let environment = |name: &str| Some(format!("x{name}"));
        let fine = super::check(&path, &options, &environment, Timestamp::UNIX_EPOCH, &mut out).unwrap();
        let text = anstream::adapter::strip_str(&String::from_utf8(out).unwrap()).to_string();
        (fine, text.replace(&format!("{}/", directory.path().display()), ""))
    }

    #[test]
    fn a_good_file_gets_a_summary() {
        let (fine, text) = check(GOOD, false);
        assert!(fine);
        assert_eq!(text, "1 rule, 1 group, 1 contact, no recipients; no errors, no warnings\n");
        assert_eq!(check(GOOD, true), (true, "[]\n".to_owned()));
    }

    #[test]
    fn errors_come_before_warnings_and_fail() {
        let bad = GOOD.replace("action =", "when_ = 1\n        action =").replace("phone =", "email =");
        let bad = bad.replace("\"+64211110001\"", "\"d@x.example\"");
        let (fine, text) = check(&bad, false);
        assert!(!fine);
        let (error, warning) =
            (text.find("error: there is no key `when_`"), text.find("warning: `david` has no number"));
        assert!(error.is_some() && error < warning, "{text}");
        assert!(text.contains(" --> rules.toml:14:9 (rules[0].when_)\n"), "{text}");
        assert!(text.ends_with("\n\n1 error, 1 warning\n"), "{text}");
    }

    #[test]
    fn json_says_the_same() {
        let (fine, text) = check("[twilio\n", true);
        let found: Value = serde_json::from_str(&text).unwrap();
        assert!(!fine);
        assert_eq!(found[0]["severity"], "error");
        assert_eq!((&found[0]["line"], &found[0]["file"]), (&json!(1), &json!("rules.toml")));
    }
}

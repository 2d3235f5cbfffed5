//! `thialfi check`: everything that is wrong with or odd in the rule file.

use std::io::{self, Write};
use std::path::Path;

use serde_json::{Value, json};

use crate::config::{self, Config, Diagnostic, Report};

/// How the findings are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// As a compiler shows them.
    Plain,
    /// The same with ANSI colours.
    Coloured,
    /// One JSON array of objects with `severity, file, line, column, key, message, hint`; what is not known is null.
    Json,
}

/// Checks the rule file at `path`, writes what there is to say, and returns whether there is no error.
pub fn run(path: &Path, form: Form, out: &mut dyn Write) -> io::Result<bool> {
    run_with(path, form, &config::process_environment, out)
}

/// Like [`run`], with another environment than the process's.
fn run_with(
    path: &Path,
    form: Form,
    environment: &dyn Fn(&str) -> Option<String>,
    out: &mut dyn Write,
) -> io::Result<bool> {
    let report = Config::check(path, environment);
    let diagnostics = &report.diagnostics.0;
    if form == Form::Json {
        let all: Vec<Value> = diagnostics.iter().map(as_json).collect();
        serde_json::to_writer_pretty(&mut *out, &all)?;
        writeln!(out)?;
    } else {
        for diagnostic in diagnostics {
            let text = if form == Form::Coloured { diagnostic.coloured() } else { diagnostic.to_string() };
            writeln!(out, "{text}")?;
        }
        writeln!(out, "{}", summary(&report))?;
    }
    Ok(report.diagnostics.errors() == 0)
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

/// `3 rules, 2 groups, 3 contacts, 1 recipient; no errors, 1 warning`.
fn summary(report: &Report) -> String {
    let found = format!(
        "{}, {}",
        counted(report.diagnostics.errors(), "error"),
        counted(report.diagnostics.warnings(), "warning")
    );
    let Some(config) = &report.config else { return found };
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

    fn check(text: &str, form: Form) -> (bool, String) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("rules.toml");
        std::fs::write(&path, text).unwrap();
        let mut out = Vec::new();
        let fine = run_with(&path, form, &|name| Some(format!("x{name}")), &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        (fine, text.replace(&format!("{}/", directory.path().display()), ""))
    }

    #[test]
    fn a_good_file_gets_a_summary() {
        let (fine, text) = check(GOOD, Form::Plain);
        assert!(fine);
        assert_eq!(text, "1 rule, 1 group, 1 contact, no recipients; no errors, no warnings\n");
        assert_eq!(check(GOOD, Form::Json), (true, "[]\n".to_owned()));
    }

    #[test]
    fn errors_come_before_warnings_and_fail() {
        let bad = GOOD.replace("action =", "when_ = 1\n        action =").replace("phone =", "email =");
        let bad = bad.replace("\"+64211110001\"", "\"d@x.example\"");
        let (fine, text) = check(&bad, Form::Plain);
        assert!(!fine);
        let (error, warning) =
            (text.find("error: there is no key `when_`"), text.find("warning: `david` has no number"));
        assert!(error.is_some() && error < warning, "{text}");
        assert!(text.contains(" --> rules.toml:14:9 (rules[0].when_)\n"), "{text}");
        assert!(text.ends_with("1 rule, 1 group, 1 contact, no recipients; 1 error, 1 warning\n"), "{text}");
    }

    #[test]
    fn json_says_the_same() {
        let (fine, text) = check("[twilio\n", Form::Json);
        let found: Value = serde_json::from_str(&text).unwrap();
        assert!(!fine);
        assert_eq!(found[0]["severity"], "error");
        assert_eq!((&found[0]["line"], &found[0]["file"]), (&json!(1), &json!("rules.toml")));
    }
}

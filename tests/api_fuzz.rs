//! Schemathesis plays what `docs/openapi.json` allows, and what it does not, against a server with alerts in its store.
//! `tests/run` installs it.

use std::io::Write as _;
use std::path::Path;
use std::process::Command;

use crate::support::{DAVID, DOWN, PAGE, PEOPLE, Phone, Test};

/// Everything that it can play, for as long as a test may take.
const CONFIG: &str = r#"
[checks]
# What is well-formed and yet cannot be (an end before the beginning) is no fault of who described it: 422.
positive_data_acceptance.expected-statuses = ["2xx", "401", "403", "404", "422"]
# The gate refuses what is too long before anybody reads it.
negative_data_rejection.expected-statuses = ["400", "401", "403", "404", "405", "413", "415", "422", "429", "431"]
"#;

#[test]
fn nothing_that_the_description_allows_or_forbids_makes_the_api_break_its_word() {
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/schemathesis/bin/schemathesis");
    if !program.exists() {
        eprintln!("skipped: schemathesis is not installed; tests/run does that");
        return;
    }
    let made = Test::new().run(&["passwd", "--token", "fuzz"], b"").exit(0);
    let token = made.err.split_whitespace().find(|word| word.starts_with("thialfi_")).unwrap();
    let entry = made.out.replace("\"view\"", "\"admin\"");
    let rules = format!("{PEOPLE}{PAGE}{DOWN}\n{entry}");
    let mut test = Test::new().rules(&rules).phone(DAVID, [Phone::Stay]).serve();
    for host in ["db1", "db2", "db3", "db4"] {
        let mail = test.mail(host, &format!("{host} is DOWN"));
        test.deliver(&mail).exit(0).done();
    }
    std::fs::write(test.path("schemathesis.toml"), CONFIG).unwrap();
    let mut command = Command::new(program);
    command
        .args(["--config-file", test.path("schemathesis.toml").to_str().unwrap(), "run"])
        .args([&format!("{}/api/openapi.json", test.url()), "--header", &format!("Authorization: Bearer {token}")])
        .args(["--checks", "all", "--mode", "all", "--phases", "examples,coverage,fuzzing", "--continue-on-failure"])
        // The same each time: what is new is found by whoever changes the seed.
        .args(["--max-examples", "60", "--seed", "7", "--workers", "1", "--request-timeout", "10", "--no-color"])
        // How fast it makes requests up on a busy machine says nothing of us.
        .args(["--suppress-health-check", "too_slow"])
        .current_dir(test.path(""))
        .env("HYPOTHESIS_DATABASE_FILE", test.path("hypothesis"));
    // What schemathesis finds is a failure. Where it fails in itself, it says nothing of us (Python 3.11 does, now and then, when
    // two threads read its grammar: python/cpython#106905): once more.
    let mut ran = Ran::of(&mut command);
    for _ in 0..3 {
        if !ran.failed_in_itself() {
            break;
        }
        ran = Ran::of(&mut command);
    }
    let Ran { said, complained, success } = &ran;
    assert!(said.contains("Coverage") && !said.contains("❌"), "{said}\n{complained}");
    if ran.failed_in_itself() {
        // Past the harness, which shows what passes to nobody.
        let mut stderr = std::io::stderr().lock();
        let _ = writeln!(stderr, "skipped: schemathesis fails in itself when it makes requests up:\n{}", ran.errors());
    } else {
        assert!(success, "{said}\n{complained}\n{}", ran.errors());
    }
    assert!(said.contains("11 selected / 11 total"), "{said}");
    assert_eq!(test.get("/livez"), 200);
}

struct Ran {
    said: String,
    complained: String,
    success: bool,
}

impl Ran {
    fn of(command: &mut Command) -> Self {
        let output = command.output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Self { said: text(&output.stdout), complained: text(&output.stderr), success: output.status.success() }
    }

    /// It found nothing, and yet could not do its work: no request failed, its own code did.
    fn failed_in_itself(&self) -> bool {
        let summary = self.said.rsplit("= SUMMARY =").next().unwrap_or_default();
        !self.success && summary.contains("Runtime Error:") && !summary.contains("Failures:")
    }

    /// What it says of its errors, each once.
    fn errors(&self) -> String {
        let errors = self.said.split("= ERRORS =").nth(1).unwrap_or(&self.said);
        let errors = errors.split("= SUMMARY =").next().unwrap_or_default();
        let mut seen = std::collections::BTreeSet::new();
        let lines = errors.lines().filter(|line| line.trim().len() > 3 && seen.insert(line.trim()));
        lines.take(60).collect::<Vec<_>>().join("\n")
    }
}

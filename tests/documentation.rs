//! What the README and the examples say is true.

use std::path::Path;

use crate::support::{Test, example};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(name: &str) -> String {
    std::fs::read_to_string(root().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// The fenced blocks of the README in this language.
fn snippets(language: &str) -> Vec<String> {
    let readme = read("README.md");
    let fence = format!("```{language}\n");
    let blocks: Vec<String> =
        readme.split(&fence).skip(1).map(|rest| rest.split("```").next().unwrap_or_default().to_owned()).collect();
    assert!(!blocks.is_empty(), "the README has no {language} block");
    blocks
}

/// Checks a rule file with the real binary, in a directory with a token beside it.
fn check(test: &Test, text: &str) {
    std::fs::write(test.path("snippet.toml"), text).unwrap();
    let mut command = test.command();
    command.env("TWILIO_ACCOUNT_SID", crate::support::SID).env("TWILIO_AUTH_TOKEN", "token");
    let output =
        command.args(["--config", test.path("snippet.toml").to_str().unwrap(), "check", "--offline"]).output().unwrap();
    let _ = crate::support::ran(&output).exit(0);
}

#[test]
fn the_rule_file_of_the_readme_is_a_rule_file() {
    let test = Test::new();
    let hash = thialfi::config::PasswordHash::make("correct horse battery", [7; 16]).unwrap();
    std::fs::write(test.path("david"), hash.expose()).unwrap();
    std::fs::set_permissions(test.path("david"), std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    for snippet in snippets("toml") {
        let token = test.path("token");
        let snippet = snippet.replace("/etc/thialfi/david", test.path("david").to_str().unwrap());
        let snippet = snippet.replace("/etc/thialfi/token-of-messagemedia", "/etc/thialfi/token");
        let snippet = snippet.replace("/etc/thialfi/token-of-mail", "/etc/thialfi/token");
        check(&test, &snippet.replace("/etc/thialfi/token", token.to_str().unwrap()));
    }
}

#[test]
fn the_example_rule_file_is_checked() {
    check(&Test::new(), &read("rules.example.toml"));
}

#[test]
fn the_mail_server_snippets_are_the_shipped_files() {
    for (language, file) in [
        ("postfix", "examples/postfix-master.cf"),
        ("forward", "examples/forward"),
        ("procmail", "examples/procmailrc"),
    ] {
        for snippet in snippets(language) {
            assert!(read(file).contains(snippet.trim_end()), "the README's {language} snippet is not in {file}");
        }
    }
}

#[test]
fn what_the_page_of_words_says_is_said() {
    let page = read("docs/words.md");
    let mut rows = 0;
    for row in page.lines().filter(|line| line.starts_with("| ") && line.contains('`')) {
        let cell = |number: usize| row.split(" | ").nth(number).unwrap().trim_matches([' ', '|']).trim_matches('`');
        for (number, language) in [(2, "en-NZ"), (3, "de-DE")] {
            assert_eq!(thialfi::notify::speech::spoken(cell(1), language), cell(number), "{row}");
        }
        rows += 1;
    }
    assert!(rows >= 15, "{rows}");
}

#[test]
fn each_promise_of_reaching_a_human_names_a_test_that_exists() {
    let page = read("docs/reaching.md");
    let mut tests = 0;
    for row in page.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| promise")) {
        let held_by = row.split(" | ").nth(1).unwrap_or_else(|| panic!("no test: {row}"));
        let named: Vec<&str> = held_by.split('`').skip(1).step_by(2).collect();
        assert!(named.iter().any(|name| name.contains("::")), "no test: {row}");
        for name in named {
            let Some((file, test)) = name.split_once("::") else {
                assert!(root().join(name).exists(), "{name} is missing");
                continue;
            };
            let text = read(&format!("tests/{file}.rs"));
            assert!(text.contains(&format!("#[test]\nfn {test}()")), "there is no test `{name}`");
            tests += 1;
        }
    }
    assert!(tests > 60, "{tests}");
}

#[test]
fn each_gateway_says_where_it_is_documented_and_what_could_not_be_verified() {
    let source = read("src/provider/presets.rs");
    let mut gateways = 0;
    for (before, _) in source.match_indices("\npub fn ").map(|(at, _)| source.split_at(at)) {
        let lines = before.lines().rev().take_while(|line| line.starts_with("///"));
        let text: String =
            lines.collect::<Vec<_>>().into_iter().rev().map(|line| line.trim_start_matches("///")).collect();
        assert!(text.contains("<https://") && text.contains("Not verified:"), "{text}");
        gateways += 1;
    }
    assert_eq!(gateways, 3);
}

#[test]
fn every_file_that_the_readme_names_is_there() {
    let readme = read("README.md");
    let mut links = 0;
    for link in readme.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
        if !link.starts_with("http") {
            links += 1;
            assert!(root().join(link).exists(), "{link} is named in the README and missing");
        }
    }
    assert!(links > 5);
}

#[test]
fn every_command_of_the_readme_exists() {
    let test = Test::new();
    let help = test.run(&["--help"], b"").exit(0).out;
    let mut commands = 0;
    for line in snippets("sh").iter().flat_map(|block| block.lines()) {
        if let Some(command) = line.strip_prefix("thialfi ").and_then(|rest| rest.split(' ').next()) {
            commands += 1;
            assert!(help.contains(command), "`thialfi {command}` of the README is not in --help");
        }
    }
    assert!(commands >= 4);
}

#[test]
fn every_example_mail_can_be_explained() {
    let test = Test::with_people();
    let mut mails = 0;
    for entry in std::fs::read_dir(root().join("examples/mail")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        mails += 1;
        let json = test.run(&["explain", "--json"], &example(&name)).exit(0).json();
        assert!(json["new_text"].is_string(), "{name}");
    }
    assert!(mails >= 10);
}

//! From a path to a checked rule file, and everything there is to say of it.

use std::path::Path;

use super::diagnostic::{Diagnostic, Diagnostics, Severity};
use super::document::Document;
use super::names::Names;
use super::reader::{Purpose, Reader};
use super::source::SourceFile;
use super::{Config, Report, Scope};
use super::{
    coverage, defaults, delivery, forward, heartbeats, include, languages, limits, people, policies, providers,
    recipients, rule_entries, self_test, services, test_entries, users, warnings,
};
use crate::oncall::Roster;
use crate::rules::RuleSet;

/// Reads the rule file and what it includes.
pub(super) fn read(path: &Path, environment: &dyn Fn(&str) -> Option<String>, purpose: Purpose) -> Report {
    let main_file = match SourceFile::read(path) {
        Ok(file) => file,
        Err(diagnostic) => return Report::of(None, vec![*diagnostic]),
    };
    let main = match Document::parse(&main_file) {
        Ok(document) => document,
        Err(diagnostics) => return Report::of(None, diagnostics),
    };
    // What is included is known only when the main file is parsed: so two readers, one after the other.
    let main = [main];
    let first_reader = Reader::new(&main, purpose, environment);
    let included_files = include::files(&first_reader);
    let mut complaints = first_reader.into_diagnostics();
    let [main] = main;
    let mut documents = vec![main];
    let mut unreadable = complaints.iter().any(|one| one.severity == Severity::Error);
    for file in &included_files {
        match Document::parse(file) {
            Ok(document) => documents.push(document),
            Err(diagnostics) => {
                unreadable = true;
                complaints.extend(diagnostics);
            }
        }
    }
    if unreadable {
        // Whatever refers to what is missing would look wrong, too.
        return Report::of(None, complaints);
    }
    let reader = Reader::new(&documents, purpose, environment);
    let mut config = check(&reader, path);
    let public_url = place_of_public_url(&reader);
    complaints.extend(reader.into_diagnostics());
    complaints.sort_by_key(|one| one.severity);
    config.warnings = complaints.iter().filter(|one| one.severity == Severity::Warning).cloned().collect();
    Report { public_url, ..Report::of(Some(config), complaints) }
}

fn place_of_public_url(reader: &Reader<'_>) -> Option<Diagnostic> {
    let value = reader.main_root()?.get("server").filter(|value| value.is_table())?;
    let value = reader.table(value)?.get("public_url")?;
    Some(reader.diagnostic(Severity::Warning, value.at, String::new(), None))
}

/// Reads everything, each entry after those that it refers to. What is wrong is left out.
fn check(reader: &Reader<'_>, path: &Path) -> Config {
    include::check_top_levels(reader);
    let names = Names::gather(reader);
    let time_zone = defaults::time_zone(reader);
    let scope = &Scope { reader, names, time_zone };
    let defaults = defaults::read(scope);
    let contacts = people::contacts(scope);
    let people::Groups { by_name: groups, forwards, calendars } = people::groups(scope, &contacts);
    let policies = policies::read(scope, defaults.escalation.as_ref());
    let (recipients, _) = recipients::read(scope);
    let (rules, places) = rule_entries::read(scope);
    let tests = test_entries::read(scope, &rules);
    let (self_test, not_passed) = self_test::read(scope, &defaults, &contacts);
    let heartbeats = heartbeats::read(scope, &defaults, not_passed);
    let services::Store { path: store, keep, keep_text } = services::store(reader);
    let config = Config {
        path: path.to_owned(),
        files: reader.documents.iter().map(|document| document.file.path.clone()).collect(),
        twilio: services::twilio(scope),
        server: services::server(reader),
        store,
        keep,
        keep_text,
        roster: Roster { contacts, groups, overrides: Vec::new() },
        policies,
        recipients,
        rules: RuleSet::new(rules),
        defaults,
        limits: limits::read(scope),
        voice: services::voice(reader),
        twiml: languages::twiml(reader),
        forwards,
        calendars,
        heartbeats,
        self_test,
        providers: providers::providers(scope),
        delivery: delivery::read(reader),
        users: users::users(scope),
        tokens: users::tokens(reader),
        tests,
        warnings: Vec::new(),
    };
    warnings::check_groups_of_rules(scope, &config, &places);
    forward::check(scope, &config);
    if reader.purpose == Purpose::Check {
        warnings::warn(scope, &config, &places);
        languages::warn(scope, &config);
        users::warn(reader, &config.users, &config.server);
        config.self_test.iter().for_each(|test| self_test::warn(scope, test));
        test_entries::check_at(reader);
        let now = crate::clock::from_environment().now();
        coverage::warn(scope, &config, now);
        coverage::warn_of_steps(scope, &config, now);
    }
    config
}

impl Report {
    fn of(config: Option<Config>, diagnostics: Vec<Diagnostic>) -> Self {
        Self { config, diagnostics: Diagnostics(diagnostics), public_url: None }
    }
}

//! `twiml` and the languages of the people: whether there are words for whoever is called.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::reader::{Purpose, Reader};
use super::value::At;
use super::{Config, Scope, beside};
use crate::notify::twiml::Templates;

/// So many templates that nobody has translated are named.
const NAMED: usize = 4;

/// Reads `twiml`. A directory that cannot be read must not stop a call at night: the built-in templates serve.
pub(super) fn twiml(reader: &Reader<'_>) -> Option<PathBuf> {
    let value = reader.main_root()?.get("twiml")?;
    let directory = beside(reader, value.at, reader.words(value)?.as_ref());
    match std::fs::read_dir(&directory) {
        Ok(_) => {
            if reader.purpose == Purpose::Check
                && let Err(why) = Templates::load(Some(&directory))
            {
                reader.error_hint(value.at, why, "until that is mended the built-in templates are used");
            }
            Some(directory)
        }
        Err(error) => {
            let reason = super::source::reason(&error);
            let message = format!("the templates in `{}` cannot be read: {reason}", directory.display());
            reader.danger(value.at, message, "until then the built-in templates are used");
            None
        }
    }
}

/// Warns of languages that are not wholly translated, and of voices that speak another.
pub(super) fn warn(scope: &Scope<'_>, config: &Config) {
    let reader = scope.reader;
    let (templates, _) = Templates::load_or_built_in(config.twiml.as_deref());
    // Each language once, at the first place that names it.
    let mut places: BTreeMap<&str, At> = BTreeMap::new();
    let voice = reader.section("voice");
    if let Some(value) = voice.and_then(|table| table.get("language")) {
        places.insert(&config.voice.language, value.at);
    }
    if let (Some(value), Some(name)) = (voice.and_then(|table| table.get("voice")), &config.voice.voice) {
        speaks(reader, value.at, name, &config.voice.language);
    }
    for (id, contact) in &config.roster.contacts {
        let entry = scope.names.contacts.entries.get(id.as_str());
        let Some(table) = entry.and_then(|entry| reader.table(entry.value)) else { continue };
        if let (Some(value), Some(language)) = (table.get("language"), &contact.language) {
            places.entry(language).or_insert(value.at);
        }
        if let (Some(value), Some(name)) = (table.get("voice"), &contact.voice) {
            speaks(reader, value.at, name, &config.voice_of(id).language);
        }
    }
    for (language, at) in places {
        let missing = templates.untranslated(language);
        if missing.is_empty() {
            continue;
        }
        let primary = language.split('-').next().unwrap_or(language).to_ascii_lowercase();
        let named: Vec<String> = missing.iter().take(NAMED).map(|name| format!("`{name}`")).collect();
        let more = match missing.len().saturating_sub(NAMED) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let message = format!("not everything is translated into `{language}`: {}{more} are English", named.join(", "));
        let hint = format!("put translations into a directory `{primary}` within that of `twiml`");
        reader.warn(at, message, hint);
    }
}

/// Google's voices are named after their language; those of Polly do not tell.
fn speaks(reader: &Reader<'_>, at: At, voice: &str, language: &str) {
    let Some(of_voice) = voice.strip_prefix("Google.").and_then(|name| name.split('-').next()) else { return };
    let primary = language.split('-').next().unwrap_or(language);
    let is_same = of_voice.eq_ignore_ascii_case(primary) || of_voice == "cmn" && primary.eq_ignore_ascii_case("zh");
    if !is_same {
        let message = format!("the voice `{voice}` speaks another language than `{language}`");
        reader.warn(at, message, format!("choose one of `Google.{language}-…`, or leave `voice` out"));
    }
}

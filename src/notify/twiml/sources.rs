//! Where templates come from: the built-in ones of each language, and the files of a directory that replace them one by
//! one. A language has what the one above it has (`de-CH`: `de`, then English), so what is not translated is English.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::Page;
use crate::notify::clean::one_line;
use crate::notify::phrase::Phrase;

/// What everything falls back to.
pub(super) const ENGLISH: &str = "en";
/// The file of the texts.
const TEXTS: &str = "texts.toml";

macro_rules! pages {
    ($folder:literal) => {
        [
            ("alert.xml", include_str!(concat!("../../../twiml/", $folder, "alert.xml"))),
            ("storm.xml", include_str!(concat!("../../../twiml/", $folder, "storm.xml"))),
            ("inline.xml", include_str!(concat!("../../../twiml/", $folder, "inline.xml"))),
            ("acknowledged.xml", include_str!(concat!("../../../twiml/", $folder, "acknowledged.xml"))),
            ("escalated.xml", include_str!(concat!("../../../twiml/", $folder, "escalated.xml"))),
            ("nobody_further.xml", include_str!(concat!("../../../twiml/", $folder, "nobody_further.xml"))),
            ("resolved.xml", include_str!(concat!("../../../twiml/", $folder, "resolved.xml"))),
            ("taken.xml", include_str!(concat!("../../../twiml/", $folder, "taken.xml"))),
            ("wrong_key.xml", include_str!(concat!("../../../twiml/", $folder, "wrong_key.xml"))),
            ("test.xml", include_str!(concat!("../../../twiml/", $folder, "test.xml"))),
            (TEXTS, include_str!(concat!("../../../twiml/", $folder, "texts.toml"))),
        ]
    };
}

/// What is compiled in, by language.
const BUILT_IN: [(&str, [(&str, &str); 11]); 2] = [(ENGLISH, pages!("")), ("de", pages!("de/"))];

/// A template: its name (`alert.xml`, `_bye.xml`, or `texts.` and a key), its source, and the file that it is from.
#[derive(Debug, Clone)]
pub(super) struct Source {
    pub name: String,
    pub text: String,
    pub file: PathBuf,
}

/// The templates of all languages, each without those of the languages above it.
#[derive(Debug, Clone, Default)]
pub(super) struct Sources(BTreeMap<String, Vec<Source>>);

impl Sources {
    /// What is compiled in.
    pub fn built_in() -> Self {
        let mut sources = Self::default();
        for (language, files) in BUILT_IN {
            for (name, text) in files {
                // The tests read each of them.
                if let Err(error) = sources.add(language, Path::new(name), text.to_owned()) {
                    tracing::error!(%error, "a built-in template cannot be read");
                }
            }
        }
        sources
    }

    /// Adds the files of a directory, and of its directories that are named like languages.
    ///
    /// # Errors
    /// The first file that cannot be read, or that is named like none of ours, in words.
    pub fn add_directory(&mut self, directory: &Path) -> Result<(), String> {
        for path in entries(directory)? {
            if path.is_dir() {
                let name = file_name(&path);
                if name.starts_with('.') {
                    continue;
                }
                let Some(language) = language_tag(&name) else {
                    return Err(format!("`{}` is not named like a language (`de`, `de-CH`)", path.display()));
                };
                for path in entries(&path)?.iter().filter(|path| !path.is_dir()) {
                    self.add_file(&language, path)?;
                }
            } else {
                self.add_file(ENGLISH, &path)?;
            }
        }
        Ok(())
    }

    fn add_file(&mut self, language: &str, path: &Path) -> Result<(), String> {
        let name = file_name(path);
        let is_ours = path.extension().is_some_and(|extension| extension == "xml" || extension == "toml");
        if !is_ours || name.starts_with('.') {
            return Ok(());
        }
        check_name(path, &name)?;
        let text = fs::read_to_string(path).map_err(|error| format!("`{}`: {error}", path.display()))?;
        self.add(language, path, text)
    }

    fn add(&mut self, language: &str, file: &Path, text: String) -> Result<(), String> {
        let name = file_name(file);
        let sources = self.0.entry(language.to_owned()).or_default();
        if name != TEXTS {
            sources.push(Source { name, text, file: file.to_owned() });
            return Ok(());
        }
        let wrong = |why: &str| format!("`{}`: {}", file.display(), one_line(why));
        let table: toml::Table = toml::from_str(&text).map_err(|error| wrong(&error.to_string()))?;
        for (key, value) in table {
            let known = Phrase::ALL.map(Phrase::key);
            if !known.contains(&key.as_str()) {
                return Err(wrong(&format!("there is no text `{key}`{}", meant(&key, &known))));
            }
            let toml::Value::String(text) = value else { return Err(wrong(&format!("`{key}` is not a string"))) };
            sources.push(Source { name: text_name(&key), text, file: file.to_owned() });
        }
        Ok(())
    }

    /// Every language that has a template.
    pub fn languages(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// The templates of a language: English ones, then those that replace them.
    pub fn of<'a>(&'a self, language: &'a str) -> impl Iterator<Item = &'a Source> {
        let above = ways_up(language).filter(|tag| *tag != ENGLISH).collect::<Vec<_>>().into_iter().rev();
        std::iter::once(ENGLISH).chain(above).filter_map(|tag| self.0.get(tag)).flatten()
    }

    /// The files and texts that are English because nobody has translated them.
    pub fn untranslated(&self, language: &str) -> Vec<String> {
        if primary(language) == ENGLISH {
            return Vec::new();
        }
        let own: Vec<&str> =
            ways_up(language).filter_map(|tag| self.0.get(tag)).flatten().map(|source| source.name.as_str()).collect();
        let pages = Page::ALL.into_iter().map(|page| page.file().to_owned());
        let texts = Phrase::ALL.into_iter().map(|phrase| text_name(phrase.key()));
        pages.chain(texts).filter(|name| !own.contains(&name.as_str())).collect()
    }
}

/// The name of a text's template.
pub(super) fn text_name(key: &str) -> String {
    format!("texts.{key}")
}

/// The language, then the one that it is a kind of: `de-ch-1996`, `de-ch`, `de`. In lower case.
pub(super) fn ways_up(language: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(language), |tag| tag.rsplit_once('-').map(|(above, _)| above))
}

/// `de` of `de-CH`.
pub(super) fn primary(language: &str) -> &str {
    language.split('-').next().unwrap_or(language)
}

/// A directory's name as a language, in lower case.
fn language_tag(name: &str) -> Option<String> {
    let is_part = |part: &str, length: std::ops::RangeInclusive<usize>| {
        length.contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphanumeric())
    };
    let (first, rest) = name.split_once('-').map_or((name, None), |(first, rest)| (first, Some(rest)));
    let is_tag = is_part(first, 2..=3)
        && first.bytes().all(|byte| byte.is_ascii_alphabetic())
        && rest.is_none_or(|rest| rest.split('-').all(|part| is_part(part, 2..=8)));
    is_tag.then(|| name.to_ascii_lowercase())
}

fn entries(directory: &Path) -> Result<Vec<PathBuf>, String> {
    let unreadable = |error: std::io::Error| format!("`{}`: {error}", directory.display());
    let mut paths = Vec::new();
    for entry in fs::read_dir(directory).map_err(unreadable)? {
        paths.push(entry.map_err(unreadable)?.path());
    }
    paths.sort();
    Ok(paths)
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

fn check_name(path: &Path, name: &str) -> Result<(), String> {
    let known: Vec<&str> = Page::ALL.iter().map(|page| page.file()).chain([TEXTS]).collect();
    if name.starts_with('_') || known.contains(&name) {
        return Ok(());
    }
    Err(format!("`{}`: no page has a template of this name{}", path.display(), meant(name, &known)))
}

fn meant(name: &str, known: &[&str]) -> String {
    let likeness = |file: &&str| strsim::jaro_winkler(file, name);
    let nearest = known.iter().copied().max_by(|a, b| likeness(a).total_cmp(&likeness(b)));
    nearest.map(|file| format!("; did you mean `{file}`?")).unwrap_or_default()
}

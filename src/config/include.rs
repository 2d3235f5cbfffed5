//! `include = ["rules.d/*.toml"]`: which files that is.

use std::path::{Path, PathBuf};

use super::reader::Reader;
use super::source::{SourceFile, reason};
use super::value::Value;
use super::{INCLUDABLE, TOP_LEVEL, beside};

/// Reads the files that the main file includes, sorted by name within a pattern, each once. What cannot be read is
/// complained of.
pub(super) fn files(reader: &Reader<'_>) -> Vec<SourceFile> {
    let Some(root) = reader.main_root() else { return Vec::new() };
    let Some(value) = root.get("include") else { return Vec::new() };
    let identity = |path: &Path| std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let mut seen: Vec<PathBuf> = reader.documents.first().map(|main| identity(&main.file.path)).into_iter().collect();
    let mut files = Vec::new();
    for item in reader.one_or_list(value) {
        for path in fitting(reader, item) {
            let identity = identity(&path);
            if seen.contains(&identity) {
                continue;
            }
            seen.push(identity);
            match SourceFile::read(&path) {
                Ok(file) => files.push(file),
                Err(problem) => {
                    let message = if problem.line > 0 {
                        problem.one_line()
                    } else {
                        format!("`{}`: {}", path.display(), problem.message)
                    };
                    reader.error(item.at, message);
                }
            }
        }
    }
    files
}

/// The files that fit one pattern, sorted.
fn fitting(reader: &Reader<'_>, item: Value<'_>) -> Vec<PathBuf> {
    let Some(written) = reader.words(item) else { return Vec::new() };
    if !written.contains(['*', '?', '[']) {
        return vec![beside(reader, item.at, written.as_ref())];
    }
    // The directory of the rule file is no pattern, whatever its name.
    let pattern = if Path::new(written).is_absolute() {
        written.to_owned()
    } else {
        let directory = beside(reader, item.at, "".as_ref());
        format!("{}{}", glob::Pattern::escape(&directory.to_string_lossy()), written)
    };
    let options = glob::MatchOptions {
        case_sensitive: true,
        require_literal_separator: true,
        // `.#rules.toml` is what an editor leaves behind.
        require_literal_leading_dot: true,
    };
    let found = match glob::glob_with(&pattern, options) {
        Ok(found) => found,
        Err(error) => {
            reader.error(item.at, format!("`{written}` is not a pattern of file names: {}", error.msg.to_lowercase()));
            return Vec::new();
        }
    };
    let mut paths = Vec::new();
    for path in found {
        match path {
            Ok(path) if path.is_dir() => {}
            Ok(path) => paths.push(path),
            Err(error) => {
                let reason = reason(error.error());
                reader.error(item.at, format!("`{}` cannot be read: {reason}", error.path().display()));
            }
        }
    }
    paths.sort();
    if paths.is_empty() {
        reader.warn(item.at, format!("no file fits `{written}`"), "nothing is included by it");
    }
    paths
}

/// Complains of what an included file must not hold, and of what no file may.
pub(super) fn check_top_levels(reader: &Reader<'_>) {
    for (index, root) in reader.roots().enumerate() {
        // The main file comes last.
        if index + 1 == reader.documents.len() {
            reader.only(root, TOP_LEVEL);
            continue;
        }
        for entry in root.entries() {
            if TOP_LEVEL.contains(&entry.key) && !INCLUDABLE.contains(&entry.key) {
                let message = format!("`{}` belongs in the main rule file, not in one that is included", entry.key);
                reader.error(entry.key_at, message);
            }
        }
        reader.only(root, TOP_LEVEL);
    }
}

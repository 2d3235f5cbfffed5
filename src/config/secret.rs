//! Secrets: a text, `{ env = "NAME" }`, or `{ file = "path" }`.

use std::fs::File;
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use secrecy::SecretString;

use super::reader::Reader;
use super::source::reason;
use super::value::{At, Value};

/// A file that holds a secret is at most so long.
const LIMIT: u64 = 64 * 1024;

/// Permission bits: others may read, the group may read.
const OTHERS_READ: u32 = 0o004;
const GROUP_READS: u32 = 0o040;

/// How a text is read that may come from elsewhere.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Nobody else may read it, and without it nobody can be called.
    Secret,
    /// Nobody else may read it, but the night can do without it.
    Wish,
    /// Everybody may read it; without it nobody can be called.
    Plain,
}

impl Kind {
    fn is_secret(self) -> bool {
        match self {
            Self::Secret | Self::Wish => true,
            Self::Plain => false,
        }
    }

    /// Complains that it cannot be had.
    fn miss(self, reader: &Reader<'_>, at: At, message: String, hint: &str) {
        match self {
            Self::Secret | Self::Plain => reader.missing_secret(at, message, hint),
            Self::Wish => reader.danger(at, message, hint),
        }
    }
}

/// Reads a secret. `name` is what complaints call it.
pub(super) fn read(reader: &Reader<'_>, value: Value<'_>, name: &str) -> Option<SecretString> {
    let secret = text(reader, value, name, Kind::Secret)?;
    Some(SecretString::from(secret))
}

/// Reads a secret without which people can still be called: that it is missing stops nothing.
pub(super) fn read_wish(reader: &Reader<'_>, value: Value<'_>, name: &str) -> Option<String> {
    text(reader, value, name, Kind::Wish)
}

/// Reads a text that may come from elsewhere like a secret, but is none.
pub(super) fn read_plain(reader: &Reader<'_>, value: Value<'_>, name: &str) -> Option<String> {
    text(reader, value, name, Kind::Plain)
}

fn text(reader: &Reader<'_>, value: Value<'_>, name: &str, kind: Kind) -> Option<String> {
    let found = if let Some(literal) = value.as_text() {
        if kind.is_secret() {
            warn_of_readers(reader, value.at, name);
        }
        literal.to_owned()
    } else if value.is_table() {
        elsewhere(reader, value, name, kind)?
    } else {
        let hint = format!("write `{name} = {{ env = \"NAME\" }}` or `{name} = {{ file = \"path\" }}`");
        reader.error_hint(value.at, format!("`{name}` is neither a text nor a place to find it"), hint);
        return None;
    };
    if found.trim().is_empty() {
        kind.miss(reader, value.at, format!("`{name}` is empty"), "give it a value");
        return None;
    }
    if found.chars().any(char::is_control) {
        let message = format!("`{name}` has a line break or another control character in it");
        kind.miss(reader, value.at, message, "it must be one line of text");
        return None;
    }
    Some(found)
}

fn elsewhere(reader: &Reader<'_>, value: Value<'_>, name: &str, kind: Kind) -> Option<String> {
    let table = reader.table(value)?;
    reader.only(table, &["env", "file"]);
    match (table.get("env"), table.get("file")) {
        (Some(variable), None) => {
            let variable_name = reader.words(variable)?;
            let found = (reader.environment)(variable_name);
            if found.is_none() {
                let message = format!("`{name}`: the environment variable `{variable_name}` is not set");
                let hint = "mail servers pass on few variables: `{ file = \"…\" }` works everywhere";
                kind.miss(reader, variable.at, message, hint);
            }
            found
        }
        (None, Some(file)) => {
            let path = locate(reader, file, reader.words(file)?);
            match read_file(&path) {
                Ok((text, mode)) => {
                    if kind.is_secret() && mode & OTHERS_READ != 0 {
                        let message = format!("everybody can read `{}`, which holds `{name}`", path.display());
                        reader.danger(file.at, message, format!("run `chmod o-r {}`", path.display()));
                    }
                    Some(text)
                }
                Err(reason) => {
                    let message = format!("`{name}`: the file `{}` cannot be read: {reason}", path.display());
                    let hint = "it must exist, and be readable by the user that thialfi runs as";
                    kind.miss(reader, file.at, message, hint);
                    None
                }
            }
        }
        (Some(_), Some(second)) => {
            reader.error(second.at, format!("`{name}` is to come from both `env` and `file`"));
            None
        }
        (None, None) => {
            reader.error_hint(
                value.at,
                format!("`{name}` says neither `env` nor `file`"),
                "write `{ env = \"NAME\" }`",
            );
            None
        }
    }
}

/// A relative path is looked for among systemd's credentials, then beside the rule file that names it.
fn locate(reader: &Reader<'_>, value: Value<'_>, written: &str) -> PathBuf {
    let path = Path::new(written);
    if path.is_absolute() {
        return path.to_owned();
    }
    if let Some(directory) = (reader.environment)("CREDENTIALS_DIRECTORY").filter(|directory| !directory.is_empty()) {
        let credential = Path::new(&directory).join(path);
        if credential.exists() {
            return credential;
        }
    }
    super::beside(reader, value.at, path)
}

fn read_file(path: &Path) -> Result<(String, u32), String> {
    let file = File::open(path).map_err(|error| reason(&error))?;
    let metadata = file.metadata().map_err(|error| reason(&error))?;
    let mut bytes = Vec::new();
    file.take(LIMIT + 1).read_to_end(&mut bytes).map_err(|error| reason(&error))?;
    if bytes.len() as u64 > LIMIT {
        return Err(format!("it is longer than {} KiB", LIMIT / 1024));
    }
    let text = String::from_utf8(bytes).map_err(|_| "it is not UTF-8".to_owned())?;
    Ok((text.trim_end_matches(['\n', '\r']).to_owned(), metadata.mode()))
}

/// Warns of a secret that stands in a rule file that others can read. A file that only its group can read is how a
/// mail server's user is let in: that is worth a word, no more.
pub(super) fn warn_of_readers(reader: &Reader<'_>, at: At, name: &str) {
    let Some(document) = reader.documents.get(at.file) else { return };
    let (mode, path) = (document.file.mode, document.file.path.display());
    let elsewhere = format!("or write `{name} = {{ file = \"…\" }}`");
    if mode & OTHERS_READ != 0 {
        let message = format!("everybody can read this file, which holds `{name}`");
        reader.danger(at, message, format!("run `chmod o-r {path}`, {elsewhere}"));
    } else if mode & GROUP_READS != 0 {
        let message = format!("the group of this file can read it, and with it `{name}`");
        reader.warn(at, message, format!("if that is not meant, run `chmod g-r {path}`, {elsewhere}"));
    }
}

//! One file as it was read: its text, and where in it an offset is. Knows nothing of what the text means but where a
//! secret may stand, so that no complaint shows one.

use std::cell::OnceCell;
use std::fs::File;
use std::io::Read;
use std::ops::Range;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::diagnostic::{Diagnostic, Severity, visible};
use super::mask;

/// A rule file is at most so long. The rules of a large site take some hundred kilobytes.
const LIMIT: u64 = 4 * 1024 * 1024;

/// At most so many characters of a line are kept for a complaint.
const LONGEST_LINE: usize = 20_000;

/// A rule file, read.
pub(super) struct SourceFile {
    /// As the user named it, or as `include` found it.
    pub path: PathBuf,
    /// All of it.
    pub text: String,
    /// The permission bits of the file.
    pub mode: u32,
    secrets: OnceCell<Vec<Range<usize>>>,
}

/// Where an offset is, for a person.
pub(super) struct Position {
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
    /// Where the line begins and ends, in bytes.
    pub span: Range<usize>,
}

impl SourceFile {
    /// Reads a file, at most [`LIMIT`] bytes of it.
    ///
    /// # Errors
    /// When it cannot be read, is too long, or is not UTF-8.
    pub fn read(path: &Path) -> Result<Self, Box<Diagnostic>> {
        let complain = |message: String| Box::new(Diagnostic::about_file(path, message));
        let unreadable = |error: std::io::Error| complain(format!("the rule file cannot be read: {}", reason(&error)));
        let file = File::open(path).map_err(unreadable)?;
        let metadata = file.metadata().map_err(unreadable)?;
        if metadata.is_dir() {
            return Err(complain("this is a directory, not a rule file".to_owned()));
        }
        let mut bytes = Vec::with_capacity(usize::try_from(metadata.len().min(LIMIT)).unwrap_or_default() + 1);
        file.take(LIMIT + 1).read_to_end(&mut bytes).map_err(unreadable)?;
        if bytes.len() as u64 > LIMIT {
            return Err(complain(format!("the rule file is longer than {} MiB", LIMIT / 1024 / 1024)));
        }
        match String::from_utf8(bytes) {
            Ok(text) => Ok(Self { path: path.to_owned(), text, mode: metadata.mode(), secrets: OnceCell::new() }),
            Err(error) => {
                let valid = error.as_bytes().get(..error.utf8_error().valid_up_to()).unwrap_or_default();
                let start = String::from_utf8_lossy(valid);
                let last_line = start.rsplit('\n').next().unwrap_or_default();
                let mut diagnostic = complain("the rule file is not UTF-8 here".to_owned());
                diagnostic.line = start.matches('\n').count() + 1;
                diagnostic.column = last_line.chars().count() + 1;
                diagnostic.width = 1;
                let shown =
                    Self { path: path.to_owned(), text: format!("{start}\u{fffd}"), mode: 0, secrets: OnceCell::new() };
                diagnostic.source_line = shown.shown_line(&shown.position(start.len()));
                diagnostic.hint = Some("save it as UTF-8".to_owned());
                Err(diagnostic)
            }
        }
    }

    /// Where the byte at `offset` is.
    pub fn position(&self, offset: usize) -> Position {
        let offset = floor_boundary(&self.text, offset);
        let (before, after) = self.text.split_at(offset);
        let start = before.rfind('\n').map_or(0, |end| end + 1);
        let end = after.find('\n').map_or(self.text.len(), |length| offset + length);
        let in_line = before.get(start..).unwrap_or_default();
        Position {
            line: before.bytes().filter(|byte| *byte == b'\n').count() + 1,
            column: in_line.chars().count() + 1,
            span: start..end,
        }
    }

    /// The line of a position with every character of a secret replaced by a star.
    pub fn shown_line(&self, position: &Position) -> String {
        let line = self.text.get(position.span.clone()).unwrap_or_default();
        let secrets = self.secrets.get_or_init(|| mask::secrets(&self.text));
        let start = position.span.start;
        let within = |secret: &&Range<usize>| secret.start < position.span.end && secret.end > start;
        // The line is also looked at on its own: quotes that are not closed above it may hide what it is.
        let alone = mask::secrets(line).into_iter().map(|secret| secret.start + start..secret.end + start);
        let secrets: Vec<Range<usize>> = secrets.iter().filter(within).cloned().chain(alone).collect();
        let star = |(index, c): (usize, char)| {
            if secrets.iter().any(|secret| secret.contains(&(start + index))) { '*' } else { c }
        };
        line.trim_end_matches('\r').char_indices().take(LONGEST_LINE).map(star).collect()
    }

    /// A sentence without the secrets that it quotes, because they stand where a name was expected.
    pub fn without_secrets(&self, mut sentence: String) -> String {
        let secrets = self.secrets.get_or_init(|| mask::secrets(&self.text));
        for secret in secrets.iter().filter_map(|span| self.text.get(span.clone())).filter(|text| text.len() >= 4) {
            if sentence.contains(secret) {
                sentence = sentence.replace(secret, "…");
            }
        }
        sentence
    }

    /// A complaint about the bytes `start..end`; the key is for the caller to fill in.
    pub fn complaint(&self, severity: Severity, start: usize, end: usize, message: &str) -> Diagnostic {
        let position = self.position(start);
        let source_line = self.shown_line(&position);
        let marked = self.text.get(floor_boundary(&self.text, start)..end.min(position.span.end)).unwrap_or_default();
        let width = marked.trim_end().chars().count().max(1);
        let Position { line, column, .. } = position;
        let (file, message) = (self.path.clone(), visible(message));
        Diagnostic { severity, file, line, column, source_line, width, key: String::new(), message, hint: None }
    }
}

/// The last character boundary at or before `offset`.
fn floor_boundary(text: &str, offset: usize) -> usize {
    (0..=offset.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
}

/// What the system says, in lower case and without its number.
pub(super) fn reason(error: &std::io::Error) -> String {
    use std::io::ErrorKind;
    match error.kind() {
        ErrorKind::NotFound => "there is no such file".to_owned(),
        ErrorKind::PermissionDenied => "permission denied".to_owned(),
        _ => {
            let text = error.to_string();
            let text = text.split(" (os error").next().unwrap_or_default();
            text.to_lowercase()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(bytes: &[u8]) -> (tempfile::TempDir, PathBuf) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("rules.toml");
        std::fs::write(&path, bytes).unwrap();
        (directory, path)
    }

    #[test]
    fn a_place_is_counted_in_characters() {
        let (_directory, path) = write("ä = 1\r\nöü = 2\r\n".as_bytes());
        let file = SourceFile::read(&path).unwrap();
        let offset = file.text.find('2').unwrap();
        let position = file.position(offset);
        assert_eq!((position.line, position.column), (2, 6));
        assert_eq!(file.shown_line(&position), "öü = 2");
    }

    #[test]
    fn bytes_that_are_not_utf8_are_pointed_at() {
        let (_directory, path) = write(b"[contacts]\nz = { name = \"Zo\xeb\" }\n");
        let Err(error) = SourceFile::read(&path) else { panic!("was read") };
        assert_eq!((error.line, error.column), (2, 17), "{error}");
    }

    #[test]
    fn a_secret_before_bytes_that_are_not_utf8_is_not_shown() {
        let (_directory, path) = write(b"[twilio]\nauth_token = \"geheim\xeb\"\n");
        let Err(error) = SourceFile::read(&path) else { panic!("was read") };
        assert!(!error.to_string().contains("geheim"), "{error}");
    }

    #[test]
    fn what_cannot_be_a_rule_file_is_refused() {
        let (directory, path) = write(&vec![b'#'; 4 * 1024 * 1024 + 1]);
        let Err(error) = SourceFile::read(&path) else { panic!("was read") };
        assert!(error.message.contains("longer than 4 MiB"), "{error}");
        let Err(error) = SourceFile::read(directory.path()) else { panic!("was read") };
        assert!(error.message.contains("directory"), "{error}");
        let Err(error) = SourceFile::read(&directory.path().join("none.toml")) else { panic!("was read") };
        assert_eq!(error.message, "the rule file cannot be read: there is no such file");
    }
}

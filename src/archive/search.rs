//! Which files hold mails: what a person names, and what lies in the folders that they name.

use std::collections::HashSet;
use std::fs::{self, File as Open, Metadata};
use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use super::Trouble;
use super::from_line::is_from_line;

/// So much of a file tells what it is. In bytes.
const BEGINNING: usize = 4096;

/// The header fields of which a file in a folder must begin with one to pass for a mail.
const FIELDS: [&str; 18] = [
    "return-path",
    "delivered-to",
    "received",
    "from",
    "to",
    "cc",
    "subject",
    "date",
    "message-id",
    "mime-version",
    "reply-to",
    "x-original-to",
    "envelope-to",
    "sender",
    "dkim-signature",
    "authentication-results",
    "content-type",
    "x-mozilla-status",
];

/// What a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// One mail.
    Mail,
    /// One mail in a Maildir, whose name begins with the time at which it came.
    Maildir,
    /// Many mails.
    Mbox,
    /// Standard input or a pipe: what it is shows when it is read.
    Stream,
}

/// A file with mails.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// Where; `-` is standard input.
    pub path: PathBuf,
    /// What.
    pub kind: Kind,
    /// How long, as far as that is known.
    pub bytes: u64,
}

/// What was found.
#[derive(Debug, Default)]
pub struct Found {
    /// In the order named, folders by name.
    pub files: Vec<File>,
    /// What could not be looked at.
    pub troubles: Vec<Trouble>,
    /// How many files in folders are no mails.
    pub passed_over: u64,
}

impl Found {
    /// The length of all files.
    pub fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.bytes).sum()
    }
}

/// Finds the mails: each path is `-`, a file, a Maildir with the folders in it, or a folder of any of these. What is in
/// a folder and is no mail is passed over; a file that was named is read whatever it looks like.
pub fn search(paths: &[PathBuf]) -> Found {
    let mut search = Search::default();
    for path in paths {
        if path.as_os_str() == "-" {
            search.found.files.push(File { path: path.clone(), kind: Kind::Stream, bytes: 0 });
            continue;
        }
        match fs::metadata(path) {
            Ok(about) if about.is_dir() => search.folder(path, &about),
            Ok(about) if about.is_file() => search.named(path, &about),
            Ok(_) => search.found.files.push(File { path: path.clone(), kind: Kind::Stream, bytes: 0 }),
            Err(error) => search.trouble(path, &error),
        }
    }
    search.found
}

#[derive(Default)]
struct Search {
    found: Found,
    /// Device and number of the folders visited: a link can lead back.
    visited: HashSet<(u64, u64)>,
}

impl Search {
    fn trouble(&mut self, path: &Path, what: &dyn ToString) {
        self.found.troubles.push(Trouble::of(path, what.to_string()));
    }

    fn named(&mut self, path: &Path, about: &Metadata) {
        match Beginning::of(path) {
            Ok(beginning) => {
                if let Some(program) = beginning.compressed() {
                    self.trouble(
                        path,
                        &format!("it is compressed: `{program} {} | thialfi backtest -`", path.display()),
                    );
                    return;
                }
                let kind = if beginning.is_mbox() { Kind::Mbox } else { Kind::Mail };
                self.found.files.push(File { path: path.to_owned(), kind, bytes: about.len() });
            }
            Err(error) => self.trouble(path, &error),
        }
    }

    /// A Maildir, with the Maildirs in it, or any other folder. An explicit stack: folders may be nested deeply.
    fn folder(&mut self, path: &Path, about: &Metadata) {
        let mut waiting = vec![(path.to_owned(), about.clone())];
        while let Some((path, about)) = waiting.pop() {
            if !self.visited.insert((about.dev(), about.ino())) {
                continue;
            }
            let is_maildir = path.join("cur").is_dir() || path.join("new").is_dir();
            let mut folders = Vec::new();
            for (inside, about) in self.list(&path) {
                let name = inside.file_name().unwrap_or_default().to_string_lossy();
                let delivered = is_maildir && matches!(name.as_ref(), "cur" | "new");
                match (about.is_dir(), is_maildir) {
                    (true, _) if delivered => self.delivered(&inside),
                    (true, true) if name == "tmp" => {}
                    (true, _) => folders.push((inside, about)),
                    // Indexes and settings of IMAP servers.
                    (false, true) => self.found.passed_over += 1,
                    (false, false) => self.unnamed(&inside, &about, name.starts_with('.')),
                }
            }
            waiting.extend(folders.into_iter().rev());
        }
    }

    /// The mails in `cur` or `new`.
    fn delivered(&mut self, path: &Path) {
        for (inside, about) in self.list(path) {
            let hidden = inside.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
            if about.is_file() && !hidden {
                self.found.files.push(File { path: inside, kind: Kind::Maildir, bytes: about.len() });
            }
        }
    }

    /// A file that lies in a folder.
    fn unnamed(&mut self, path: &Path, about: &Metadata, hidden: bool) {
        if hidden || !about.is_file() {
            self.found.passed_over += 1;
            return;
        }
        let is_eml = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("eml"));
        match Beginning::of(path) {
            Ok(beginning) if is_eml || beginning.is_mbox() || beginning.is_mail() => self.named(path, about),
            Ok(_) => self.found.passed_over += 1,
            Err(error) => self.trouble(path, &error),
        }
    }

    /// What is in a folder, by name.
    fn list(&mut self, path: &Path) -> Vec<(PathBuf, Metadata)> {
        let entries = match fs::read_dir(path) {
            Ok(entries) => entries,
            Err(error) => {
                self.trouble(path, &error);
                return Vec::new();
            }
        };
        let mut inside = Vec::new();
        for entry in entries {
            match entry.map(|entry| entry.path()).and_then(|path| Ok((fs::metadata(&path)?, path))) {
                Ok((about, path)) => inside.push((path, about)),
                Err(error) => self.trouble(path, &error),
            }
        }
        inside.sort_by(|a, b| a.0.cmp(&b.0));
        inside
    }
}

/// How a file begins.
pub(super) struct Beginning(Vec<u8>);

impl Beginning {
    fn of(path: &Path) -> std::io::Result<Self> {
        let mut bytes = Vec::with_capacity(BEGINNING);
        Open::open(path)?.take(BEGINNING as u64).read_to_end(&mut bytes)?;
        Ok(Self(bytes))
    }

    pub fn new(bytes: &[u8]) -> Self {
        Self(bytes.iter().copied().take(BEGINNING).collect())
    }

    fn first_line(&self) -> &[u8] {
        let text = self.0.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&self.0).trim_ascii_start();
        text.split(|byte| *byte == b'\n').next().unwrap_or_default()
    }

    pub fn is_mbox(&self) -> bool {
        is_from_line(self.first_line())
    }

    fn is_mail(&self) -> bool {
        let name = self.first_line().split(|byte| *byte == b':').next().unwrap_or_default();
        FIELDS.iter().any(|field| name.eq_ignore_ascii_case(field.as_bytes()))
    }

    /// What unpacks it.
    fn compressed(&self) -> Option<&'static str> {
        let magic: [(&[u8], &str); 4] =
            [(b"\x1f\x8b", "zcat"), (b"BZh", "bzcat"), (b"\xfd7zXZ", "xzcat"), (b"\x28\xb5\x2f\xfd", "zstdcat")];
        magic.iter().find(|(magic, _)| self.0.starts_with(magic)).map(|(_, program)| *program)
    }
}

#[cfg(test)]
mod tests;

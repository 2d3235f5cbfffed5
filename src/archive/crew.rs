//! Reading with many hands: one thread lists and splits, the others read, and do with each mail what they are told.
//! Memory: a few batches of mails, whatever the size of the archive.

use std::fs;
use std::io::{self, Read};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;

use super::mbox::Mbox;
use super::search::{Beginning, File, Found, Kind};
use super::window::Window;
use crate::mail::{Raw, message};

/// So many files, or mails of an mbox, are handed over at once …
const BATCH: usize = 64;
/// … or mails of so many bytes together.
const BATCH_BYTES: usize = 256 * 1024;

/// So many troubles are kept; more are counted.
const KEPT_TROUBLES: usize = 1000;

/// A hand's stack; a mail may be nested.
const STACK: usize = 8 * 1024 * 1024;

/// A mail of an archive.
#[derive(Debug)]
pub struct Mail {
    /// Which of the files, from 0.
    pub file: usize,
    /// Which mail of an mbox, from 1; 0 when the file is the mail.
    pub number: u64,
    /// The mail.
    pub raw: Raw,
    /// When it came, for a mail that does not tell itself: the time in its separator or file name, or the file's.
    pub fallback_time: Option<Timestamp>,
}

/// Something that could not be read, or not all of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// Where.
    pub path: PathBuf,
    /// Which mail of an mbox, from 1; 0: the file.
    pub number: u64,
    /// What.
    pub what: String,
}

impl Trouble {
    pub(super) fn of(path: &Path, what: impl Into<String>) -> Self {
        Self { path: path.to_owned(), number: 0, what: what.into() }
    }
}

/// What reading came to.
#[derive(Debug, Default)]
pub struct Tally {
    /// Mails read.
    pub mails: u64,
    /// Bytes read.
    pub bytes: u64,
    /// The first thousand troubles.
    pub troubles: Vec<Trouble>,
    /// All of them.
    pub trouble_count: u64,
}

impl Tally {
    fn add(&mut self, trouble: Trouble) {
        self.trouble_count += 1;
        if self.troubles.len() < KEPT_TROUBLES {
            self.troubles.push(trouble);
        }
    }

    fn absorb(&mut self, other: Self) {
        self.mails += other.mails;
        self.bytes += other.bytes;
        self.trouble_count += other.trouble_count;
        let room = KEPT_TROUBLES.saturating_sub(self.troubles.len());
        self.troubles.extend(other.troubles.into_iter().take(room));
    }
}

/// What a hand is given.
enum Batch {
    /// Files that are one mail each.
    Files(Range<usize>),
    /// Mails of an mbox or a stream, and what was wrong with them.
    Mails(Vec<(Mail, Option<&'static str>)>),
    /// What was noticed while splitting.
    Trouble(Trouble),
}

/// Reads all that was found with `hands` threads besides the calling one (one hand: with the calling one alone), and
/// collects what `work` makes of each mail, in no order. `progress` hears how many mails and bytes have been read since
/// it was called last.
pub fn read<T: Send>(
    found: &Found,
    hands: usize,
    work: &(dyn Fn(Mail) -> Option<T> + Sync),
    progress: &(dyn Fn(u64, u64) + Sync),
) -> (Vec<T>, Tally) {
    let mut whole = Hand::new(found, work, progress);
    for trouble in &found.troubles {
        whole.tally.add(trouble.clone());
    }
    if hands <= 1 {
        feed(found, &mut |batch| whole.take(batch));
        return (whole.made, whole.tally);
    }
    let (sender, receiver) = sync_channel(hands * 2);
    let receiver = Mutex::new(receiver);
    std::thread::scope(|scope| {
        let mut started = Vec::new();
        for _ in 0..hands {
            let hand = || Hand::new(found, work, progress).work(&receiver);
            if let Ok(thread) = std::thread::Builder::new().stack_size(STACK).spawn_scoped(scope, hand) {
                started.push(thread);
            }
        }
        if started.is_empty() {
            // No thread to be had: alone.
            feed(found, &mut |batch| whole.take(batch));
        } else {
            feed(found, &mut |batch| {
                // It fails when all hands have ended, which they do only after the sender.
                let _ = sender.send(batch);
            });
        }
        drop(sender);
        for thread in started {
            if let Ok(hand) = thread.join() {
                whole.made.extend(hand.made);
                whole.tally.absorb(hand.tally);
            }
        }
    });
    (whole.made, whole.tally)
}

/// Makes batches of everything that was found.
fn feed(found: &Found, give: &mut dyn FnMut(Batch)) {
    let mut first = 0;
    for (index, file) in found.files.iter().enumerate() {
        match file.kind {
            Kind::Mail | Kind::Maildir => {
                if index + 1 - first >= BATCH {
                    give(Batch::Files(first..index + 1));
                    first = index + 1;
                }
            }
            Kind::Mbox | Kind::Stream => {
                if first < index {
                    give(Batch::Files(first..index));
                }
                first = index + 1;
                if let Err(error) = split(index, file, give) {
                    give(Batch::Trouble(Trouble::of(&file.path, error.to_string())));
                }
            }
        }
    }
    if first < found.files.len() {
        give(Batch::Files(first..found.files.len()));
    }
}

/// Splits an mbox, or a stream that may be one.
fn split(index: usize, file: &File, give: &mut dyn FnMut(Batch)) -> io::Result<()> {
    let standard_input = file.path.as_os_str() == "-";
    let (input, time): (Box<dyn Read>, _) = if standard_input {
        (Box::new(io::stdin().lock()), None)
    } else {
        let open = fs::File::open(&file.path)?;
        let time = modified(&open);
        (Box::new(open), time)
    };
    let mut window = Window::new(input);
    if file.kind == Kind::Stream && !Beginning::new(window.ahead(4096)?).is_mbox() {
        let raw = message::read(&mut Rest(window))?;
        if raw.size > 0 {
            let mail = Mail { file: index, number: 0, raw, fallback_time: time };
            give(Batch::Mails(vec![(mail, None)]));
        }
        return Ok(());
    }
    let mut mbox = Mbox::over(window);
    let mut batch = Vec::new();
    let mut bytes = 0;
    let mut number = 0;
    let result = loop {
        let piece = match mbox.next_mail() {
            Ok(Some(piece)) => piece,
            Ok(None) => break Ok(()),
            Err(error) => break Err(error),
        };
        number += 1;
        bytes += piece.raw.bytes.len();
        let wrong = piece.wrong_length.then_some("its Content-Length is wrong; split at the next `From ` line");
        let fallback_time = piece.date.or(time);
        batch.push((Mail { file: index, number, raw: piece.raw, fallback_time }, wrong));
        if batch.len() >= BATCH || bytes >= BATCH_BYTES {
            give(Batch::Mails(std::mem::take(&mut batch)));
            bytes = 0;
        }
    };
    if !batch.is_empty() {
        give(Batch::Mails(batch));
    }
    result
}

/// What is left of a stream whose beginning was looked at.
struct Rest<R>(Window<R>);

impl<R: Read> Read for Rest<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let ahead = self.0.ahead(1)?;
        let length = ahead.len().min(buffer.len());
        if let (Some(from), Some(to)) = (ahead.get(..length), buffer.get_mut(..length)) {
            to.copy_from_slice(from);
        }
        self.0.consume(length);
        Ok(length)
    }
}

/// One thread's work.
struct Hand<'a, T> {
    found: &'a Found,
    work: &'a (dyn Fn(Mail) -> Option<T> + Sync),
    progress: &'a (dyn Fn(u64, u64) + Sync),
    made: Vec<T>,
    tally: Tally,
}

impl<'a, T> Hand<'a, T> {
    fn new(
        found: &'a Found,
        work: &'a (dyn Fn(Mail) -> Option<T> + Sync),
        progress: &'a (dyn Fn(u64, u64) + Sync),
    ) -> Self {
        Self { found, work, progress, made: Vec::new(), tally: Tally::default() }
    }

    fn work(mut self, receiver: &Mutex<Receiver<Batch>>) -> Self {
        loop {
            let batch = receiver.lock().unwrap_or_else(PoisonError::into_inner).recv();
            let Ok(batch) = batch else { return self };
            self.take(batch);
        }
    }

    fn take(&mut self, batch: Batch) {
        let before = (self.tally.mails, self.tally.bytes);
        match batch {
            Batch::Files(range) => range.for_each(|index| self.file(index)),
            Batch::Mails(mails) => mails.into_iter().for_each(|(mail, wrong)| self.mail(mail, wrong)),
            Batch::Trouble(trouble) => self.tally.add(trouble),
        }
        (self.progress)(self.tally.mails - before.0, self.tally.bytes - before.1);
    }

    fn file(&mut self, index: usize) {
        let Some(file) = self.found.files.get(index) else { return };
        let read = fs::File::open(&file.path).and_then(|mut open| {
            let raw = message::read(&mut open)?;
            let named = (file.kind == Kind::Maildir).then(|| time_in_name(&file.path)).flatten();
            Ok((raw, named.or_else(|| modified(&open))))
        });
        match read {
            Ok((raw, fallback_time)) => self.mail(Mail { file: index, number: 0, raw, fallback_time }, None),
            Err(error) => self.tally.add(Trouble::of(&file.path, error.to_string())),
        }
    }

    fn mail(&mut self, mail: Mail, wrong: Option<&str>) {
        let cut = mail.raw.error.as_ref().map(|error| format!("the rest could not be read: {error}"));
        let empty = (mail.raw.size == 0).then(|| "it is empty".to_owned());
        for what in [cut, empty.clone(), wrong.map(str::to_owned)].into_iter().flatten() {
            let path = self.found.files.get(mail.file).map(|file| file.path.clone()).unwrap_or_default();
            self.tally.add(Trouble { path, number: mail.number, what });
        }
        if empty.is_some() {
            return;
        }
        self.tally.mails += 1;
        self.tally.bytes += mail.raw.size;
        self.made.extend((self.work)(mail));
    }
}

fn modified(file: &fs::File) -> Option<Timestamp> {
    Timestamp::try_from(file.metadata().ok()?.modified().ok()?).ok()
}

/// A Maildir's file is named by the second in which it was delivered: `1762048800.M1P2.host:2,S`.
fn time_in_name(path: &Path) -> Option<Timestamp> {
    let second = path.file_name()?.to_str()?.split('.').next()?.parse().ok()?;
    // Some programs number their files from 1.
    Timestamp::from_second(second).ok().filter(|_| second > 100_000_000)
}

#[cfg(test)]
mod tests {
    use super::super::search;
    use super::*;
    use std::path::PathBuf;

    fn archive(root: &Path) -> Vec<PathBuf> {
        for folder in ["m/cur", "m/new"] {
            fs::create_dir_all(root.join(folder)).unwrap();
        }
        let mut mbox = String::new();
        for number in 0..500 {
            fs::write(root.join(format!("m/cur/17620488{number:02}.a")), format!("Subject: m{number}\n\nx\n")).unwrap();
            mbox += &format!("From a@b Mon Nov  2 02:00:00 2026\nSubject: b{number}\n\nx\n\n");
        }
        fs::write(root.join("box"), mbox).unwrap();
        vec![root.join("m"), root.join("box"), root.join("gone")]
    }

    #[test]
    fn many_hands_and_one_read_the_same() {
        let root = tempfile::tempdir().unwrap();
        let found = search(&archive(root.path()));
        let subject = |mail: Mail| {
            let text = String::from_utf8(mail.raw.bytes).unwrap();
            let line = text.lines().find(|line| line.starts_with("Subject")).unwrap().to_owned();
            Some((line, mail.file, mail.number))
        };
        let read_by = |hands| {
            let (mut made, tally) = read(&found, hands, &subject, &|_, _| {});
            made.sort();
            (made, tally.mails, tally.bytes, tally.troubles)
        };
        let alone = read_by(1);
        assert_eq!((alone.0.len(), alone.1, alone.3.len()), (1000, 1000, 1));
        assert_eq!(read_by(4), alone);
    }

    #[test]
    fn a_maildir_file_tells_its_time_by_name() {
        let at = |name: &str| time_in_name(Path::new(name)).map(|at| at.to_string());
        assert_eq!(at("cur/1793584800.M1P2.host:2,S").as_deref(), Some("2026-11-02T02:00:00Z"));
        assert_eq!(at("cur/17.host"), None);
        assert_eq!(at("cur/msg.host"), None);
    }
}

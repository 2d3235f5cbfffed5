//! The rule file. The input is one; what it includes is not read.
#![no_main]

use std::path::PathBuf;
use std::sync::LazyLock;
use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use thialfi::config::{Config, Severity};
use thialfi::intake::{Forgetful, intake};
use thialfi::mail::{Envelope, Message, Raw};
use thialfi_fuzz::{NOW, bounded};

/// A file of this process, in memory where there is such a place.
static PATH: LazyLock<PathBuf> = LazyLock::new(|| {
    let memory = PathBuf::from("/dev/shm");
    let directory = if memory.is_dir() { memory } else { std::env::temp_dir() };
    directory.join(format!("thialfi-fuzz-{}.toml", std::process::id()))
});

static MAIL: &[u8] = b"From: a@b.example\nTo: oncall@example.com\nSubject: PROBLEM: db1\n\ndb1 is DOWN\nload 42\n";

fuzz_target!(|input: &[u8]| {
    // A pattern of paths could make it read half of the disk, and another process's files.
    if input.windows(7).any(|word| word == b"include") || input.windows(4).any(|word| word == b"file") {
        return;
    }
    std::fs::write(&*PATH, input).unwrap();
    let nothing = |_: &str| None;
    let report = bounded(Duration::from_secs(2), || Config::check(&PATH, &nothing));
    let lines = String::from_utf8_lossy(input).split('\n').count();
    for diagnostic in &report.diagnostics.0 {
        assert!(!diagnostic.message.contains('\n'), "{diagnostic:?}");
        assert!(!diagnostic.message.contains(char::is_control), "{diagnostic:?}");
        assert!(diagnostic.line <= lines.max(1), "{diagnostic:?}");
        let shown = [diagnostic.one_line(), diagnostic.coloured(), diagnostic.to_string()];
        assert!(!shown[0].contains('\n'), "{shown:?}");
        assert!(!shown[2].contains(|c: char| c.is_control() && c != '\n'), "{shown:?}");
    }
    let errors = report.diagnostics.0.iter().filter(|one| one.severity == Severity::Error).count();
    let loaded = Config::load_with(&PATH, &nothing);
    // What `check` finds nothing wrong with can be loaded at night.
    assert!(errors > 0 || loaded.is_ok(), "{:?}", loaded.err().map(|diagnostics| diagnostics.one_line()));
    if let Ok(config) = loaded {
        let message = Message::parse(&Raw::from(MAIL));
        let envelope = Envelope::resolve(None, &[], &|_| None, &message);
        bounded(Duration::from_secs(2), || {
            let told = intake(&config, &message, &envelope, *NOW, &mut Forgetful);
            assert!(told.is_ok() || errors > 0, "{:?}", told.err());
        });
    }
});

//! `explain --say FILE.wav`: what the first to be called would hear, read by espeak-ng.

use std::io::{ErrorKind, Read as _, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::alert::Channel;
use crate::cli::terminal;
use crate::explain::Explanation;
use crate::explain::memory::Meeting;
use crate::explain::words::code_of;
use crate::intake::Wish;
use crate::notify::speech;
use crate::notify::twiml::{self, Page, Script, Templates};
use crate::provider::command::wait;

/// The program that reads, and the Debian package that has it.
const READER: &str = "espeak-ng";
/// It reads many times faster than one listens.
const TIMEOUT: Duration = Duration::from_secs(20);
/// The language of last resort.
const ENGLISH: &str = "en";

/// Writes what the call for the first alert says, once, to `file`, and tells in a line whose call it is and how long it
/// takes.
///
/// # Errors
/// Nobody would be called, or espeak-ng is not installed or fails, in words.
pub fn write(explanation: &Explanation<'_>, file: &Path) -> Result<String, String> {
    let shown = terminal::one_line(&file.display().to_string());
    let (wish, meeting, _) = explanation
        .wishes()
        .find(|(wish, _, _)| wish.notifies())
        .ok_or_else(|| format!("`{shown}` is not written: nobody would be called or texted"))?;
    let script = script(explanation, wish, meeting);
    let (templates, trouble) = Templates::load_or_built_in(explanation.judged.config.twiml.as_deref());
    let words = twiml::ssml(&templates.render(Page::Alert, &script));
    let part = part_of(file);
    let written = read_aloud(READER, &script.language, &words, &part, TIMEOUT)
        .and_then(|()| length(&part))
        .and_then(|length| std::fs::rename(&part, file).map_err(|error| error.to_string()).map(|()| length));
    let length = written.map_err(|why| {
        let _ = std::fs::remove_file(&part);
        format!("`{shown}` is not written: {why}")
    })?;
    let who = if script.contact.is_empty() { "whoever is called" } else { &script.contact };
    let (who, language) = (terminal::one_line(who), terminal::one_line(&script.language));
    let trouble = trouble.map(|trouble| format!(" ({})", terminal::one_line(&trouble))).unwrap_or_default();
    let voice = if script.voice.is_empty() { "that of the provider" } else { &script.voice };
    let voice = terminal::one_line(voice);
    Ok(format!(
        "{shown}: {} s of what {who} would hear, in {language}, by {READER}; in a call the voice is {voice}{trouble}",
        length.as_secs_f32().ceil()
    ))
}

/// What the first who would be called is told, with the keys.
fn script(explanation: &Explanation<'_>, wish: &Wish<'_>, meeting: &Meeting) -> Script {
    let config = explanation.judged.config;
    let called = explanation.plan(wish).into_iter().find(|row| row.channel == Channel::Call).map(|row| row.contact);
    let voice = called.as_ref().map_or_else(|| config.voice.clone(), |contact| config.voice_of(contact));
    let named = called.as_ref().and_then(|contact| explanation.roster.contacts.get(contact));
    // Only with webhooks can keys be taken; the address itself is not spoken.
    let action = config.server.public_url.as_ref().map(ToString::to_string).unwrap_or_default();
    Script {
        say: speech::spoken(&wish.arrival.say, &voice.language),
        code: speech::spell_code(code_of(meeting)),
        contact: named.map(|contact| contact.name.clone()).unwrap_or_default(),
        language: voice.language,
        voice: voice.voice.unwrap_or_default(),
        action,
        ..Script::default()
    }
}

/// Has `words` (SSML) read into `file`. They go through standard input: nothing of a mail is an argument.
fn read_aloud(program: &str, language: &str, words: &str, file: &Path, timeout: Duration) -> Result<(), String> {
    match read_in(program, language, words, file, timeout) {
        // It takes `en-NZ` for the nearest English; a language of which it has none is read in English.
        Err(why) if why.contains("voice does not exist") && language != ENGLISH => {
            read_in(program, ENGLISH, words, file, timeout)
        }
        done => done,
    }
}

fn read_in(program: &str, language: &str, words: &str, file: &Path, timeout: Duration) -> Result<(), String> {
    let mut command = Command::new(program);
    command.args(["-m", "--stdin", "-b", "1", "-v", language, "-w"]).arg(file).process_group(0);
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(|error| match error.kind() {
        ErrorKind::NotFound => format!(
            "`{program}` is not installed, which reads it aloud; the package is called `{READER}` (for example `apt-get \
             install {READER}`)"
        ),
        _ => format!("`{program}` cannot be started: {error}"),
    })?;
    if let Some(mut stdin) = child.stdin.take() {
        let words = words.to_owned();
        // On a thread: a program that does not read must not hold us up. That it does not read is its affair.
        std::thread::spawn(move || stdin.write_all(words.as_bytes()));
    }
    let Some(status) = wait(&mut child, timeout) else {
        return Err(format!("`{program}` did not end within {} s and was killed", timeout.as_secs_f32()));
    };
    if status.success() {
        return Ok(());
    }
    let mut complaint = Vec::new();
    // It has ended, and what it can have left in the pipe is little.
    let _ = child.stderr.take().map(|stderr| stderr.take(1000).read_to_end(&mut complaint));
    let complaint = terminal::one_line(&String::from_utf8_lossy(&complaint));
    Err(format!("`{program}` ended with {status}: {complaint}"))
}

/// How long a sound in a WAV file is: what follows the header of 44 bytes, by the bytes a second that stand in it.
fn length(file: &Path) -> Result<Duration, String> {
    const HEADER: usize = 44;
    let sound = std::fs::read(file).map_err(|error| error.to_string())?;
    let rate = sound.get(28..32).and_then(|rate| rate.try_into().ok()).map(u32::from_le_bytes);
    match rate {
        Some(rate @ 1..) if sound.starts_with(b"RIFF") && sound.len() > HEADER => {
            let bytes = u64::try_from(sound.len() - HEADER).unwrap_or_default();
            Ok(Duration::from_millis(bytes.saturating_mul(1000) / u64::from(rate)))
        }
        _ => Err(format!("`{READER}` has made no sound of it")),
    }
}

/// Beside the file, so that nothing is left half written under its name.
fn part_of(file: &Path) -> PathBuf {
    let mut name = file.file_name().unwrap_or_default().to_owned();
    name.push(".part");
    file.with_file_name(name)
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    #[test]
    fn a_reader_that_hangs_or_is_missing_is_no_riddle() {
        let directory = tempfile::tempdir().unwrap();
        let program = directory.path().join("reader");
        let missing = read_aloud(program.to_str().unwrap(), "en", "x", Path::new("/x"), TIMEOUT).unwrap_err();
        assert!(missing.contains("is not installed") && missing.contains("apt-get install espeak-ng"), "{missing}");
        std::fs::write(&program, "#!/bin/sh\nsleep 60 & sleep 60\n").unwrap();
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(&program, mode).unwrap();
        let began = Instant::now();
        let timeout = Duration::from_millis(200);
        let late =
            read_aloud(program.to_str().unwrap(), "en", &"x".repeat(1 << 20), Path::new("/x"), timeout).unwrap_err();
        assert!(late.ends_with("did not end within 0.2 s and was killed"), "{late}");
        assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    }

    #[test]
    fn the_length_is_that_of_the_sound() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("a.wav");
        let mut sound = b"RIFF".to_vec();
        sound.resize(28, 0);
        sound.extend(44_100_u32.to_le_bytes());
        sound.resize(44 + 66_150, 0);
        std::fs::write(&file, &sound).unwrap();
        assert_eq!(length(&file).unwrap(), Duration::from_millis(1500));
        std::fs::write(&file, &sound[..44]).unwrap();
        assert!(length(&file).is_err());
    }
}

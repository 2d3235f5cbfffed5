//! A program that carries notifications: gammu, smstools, an Asterisk call file, whatever is at hand.
//!
//! The text is its standard input; no shell is between. It finds in its environment, and nothing else but `PATH`,
//! `HOME` and `LANG`:
//!
//! | variable | |
//! |---|---|
//! | `THIALFI_TO` | the number, as `+64211110001` |
//! | `THIALFI_TO_DIGITS` | the same without `+` |
//! | `THIALFI_TEXT` | the text, too |
//! | `THIALFI_CHANNEL` | `sms` or `call` |
//! | `THIALFI_PROVIDER` | the name of the `[providers.NAME]` |
//!
//! In `argv`, `{{ to }}`, `{{ to_digits }}`, `{{ channel }}` and `{{ provider }}` are replaced; the text is not, since
//! everybody on the machine can read arguments. Exit status 0 means that it was accepted, 75 (`EX_TEMPFAIL`) that it
//! was not and may be later, another that this number will never get it. The first line of its output is kept as the
//! id, that of its errors as the reason. What takes longer than `timeout` is killed with all that it has started, and
//! may have been sent. Nobody can ask it afterwards: what it has accepted counts as accepted, not as delivered.

use std::io::{Read, Write};
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::process::{Child, ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use minijinja::{Environment, UndefinedBehavior, context};

use super::exchange::one_line;
use super::{Call, Calls, Provider, Refusal, Text, Texts};
use crate::alert::Channel;
use crate::clock::Clock;
use crate::oncall::Phone;

/// `EX_TEMPFAIL`.
const TEMPORARY: i32 = 75;

/// So much of its output is kept.
const OUTPUT_LIMIT: u64 = 64 * 1024;

/// How often it is looked whether it has ended.
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// How long its last words are waited for: what it has started may hold its output open.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// What the rule file says of it.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Program and arguments; at least the program.
    pub argv: Vec<String>,
    /// What it carries.
    pub carries: Vec<Channel>,
    /// After so long it is killed.
    pub timeout: Duration,
}

impl Settings {
    /// What is wrong with an argument, if anything.
    ///
    /// # Errors
    /// Why its template cannot be rendered.
    pub fn check_argument(argument: &str) -> Result<(), String> {
        render(argument, "x", Channel::Text, "+1").map(drop)
    }
}

/// A program that carries notifications.
pub struct Command {
    name: String,
    settings: Settings,
    clock: Arc<dyn Clock>,
}

impl Command {
    /// The program of a `[providers.NAME]`.
    pub fn new(name: &str, settings: Settings, clock: Arc<dyn Clock>) -> Self {
        Self { name: name.to_owned(), settings, clock }
    }

    fn carry(&self, channel: Channel, to: &Phone, text: &str) -> Result<String, Refusal> {
        let not_sent = |reason: String| Refusal::Temporary { reason: one_line(&reason), retry_after: None };
        let argv: Result<Vec<String>, String> =
            self.settings.argv.iter().map(|part| render(part, &self.name, channel, to.as_str())).collect();
        let argv = argv.map_err(not_sent)?;
        let (program, arguments) = argv.split_first().ok_or_else(|| not_sent("`argv` is empty".to_owned()))?;
        let since = self.clock.now();
        let mut command = std::process::Command::new(program);
        command.args(arguments).env_clear().current_dir("/").process_group(0);
        for name in ["PATH", "HOME", "LANG"] {
            if let Some(value) = std::env::var_os(name) {
                command.env(name, value);
            }
        }
        if std::env::var_os("PATH").is_none() {
            command.env("PATH", "/usr/local/bin:/usr/bin:/bin");
        }
        command
            .env("THIALFI_TO", to.as_str())
            .env("THIALFI_TO_DIGITS", digits(to.as_str()))
            // A text has no NUL in it; one that had could not be in an environment.
            .env("THIALFI_TEXT", text.replace('\0', ""))
            .env("THIALFI_CHANNEL", channel.word())
            .env("THIALFI_PROVIDER", &self.name);
        let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        // It did not start: that says nothing of this number, and nothing was sent.
        let mut child = child.map_err(|error| not_sent(format!("`{program}` cannot be started: {error}")))?;
        let (out, err) = (child.stdout.take().map(listen), child.stderr.take().map(listen));
        if let Some(mut stdin) = child.stdin.take() {
            let line = format!("{text}\n");
            // On a thread: a program that does not read must not hold us up. That it does not read is its affair.
            std::thread::spawn(move || stdin.write_all(line.as_bytes()));
        }
        let ended = wait(&mut child, self.settings.timeout);
        let id = first_line(out);
        let reason = first_line(err);
        let maybe_sent = |what: String| Refusal::Ambiguous { reason: one_line(&format!("{what} {reason}")), since };
        match ended {
            None => {
                let seconds = self.settings.timeout.as_secs_f32();
                Err(maybe_sent(format!("`{program}` did not end within {seconds} s and was killed")))
            }
            Some(status) => match (status.code(), status.signal()) {
                (Some(0), _) if id.is_empty() => Ok(format!("{}-{}", self.name, since.as_millisecond())),
                (Some(0), _) => Ok(id),
                (Some(TEMPORARY), _) => Err(not_sent(format!("`{program}` ended with {TEMPORARY} {reason}"))),
                (Some(code), _) => {
                    Err(Refusal::Permanent { reason: one_line(&format!("`{program}` ended with {code} {reason}")) })
                }
                (None, signal) => Err(maybe_sent(format!("`{program}` died of signal {}", signal.unwrap_or_default()))),
            },
        }
    }
}

impl Provider for Command {
    fn name(&self) -> &str {
        &self.name
    }

    fn calls(&self) -> Option<&dyn Calls> {
        self.settings.carries.contains(&Channel::Call).then_some(self as &dyn Calls)
    }

    fn texts(&self) -> Option<&dyn Texts> {
        self.settings.carries.contains(&Channel::Text).then_some(self as &dyn Texts)
    }
}

impl Calls for Command {
    fn call(&self, call: &Call) -> Result<String, Refusal> {
        self.carry(Channel::Call, &call.to, &call.words)
    }
}

impl Texts for Command {
    fn text(&self, text: &Text) -> Result<String, Refusal> {
        self.carry(Channel::Text, &text.to, &text.body)
    }
}

fn render(argument: &str, provider: &str, channel: Channel, to: &str) -> Result<String, String> {
    if !argument.contains("{{") && !argument.contains("{%") {
        return Ok(argument.to_owned());
    }
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_fuel(Some(10_000));
    let values = context! { to, to_digits => digits(to), channel => channel.word(), provider };
    environment.render_str(argument, values).map_err(|error| format!("`{argument}`: {error}"))
}

fn digits(number: &str) -> &str {
    number.trim_start_matches('+')
}

/// How a child ended that leads a process group of its own; `None`: it did not end in time, and was killed with everything
/// that it had started.
pub(crate) fn wait(child: &mut Child, timeout: Duration) -> Option<ExitStatus> {
    let began = Instant::now();
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return Some(status),
            Ok(None) if began.elapsed() < timeout => std::thread::sleep(LOOK_EVERY),
            Ok(None) | Err(_) => break,
        }
    }
    // Its group is its own: it was made the leader of one when it was started.
    let group = i32::try_from(child.id()).ok().and_then(rustix::process::Pid::from_raw);
    if let Some(group) = group {
        let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
    }
    let _ = child.kill();
    let _ = child.wait();
    None
}

/// Reads the beginning of what comes, and lets the rest go by: a pipe that nobody reads would stop the program.
fn listen(mut pipe: impl Read + Send + 'static) -> Receiver<Vec<u8>> {
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        let mut kept = Vec::new();
        let _ = pipe.by_ref().take(OUTPUT_LIMIT).read_to_end(&mut kept);
        let _ = sender.send(kept);
        let _ = std::io::copy(&mut pipe, &mut std::io::sink());
    });
    receiver
}

fn first_line(heard: Option<Receiver<Vec<u8>>>) -> String {
    let bytes = heard.and_then(|heard| heard.recv_timeout(LAST_WORDS).ok()).unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    one_line(text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::SystemClock;

    fn shell(script: &str) -> Command {
        let argv = ["/bin/sh", "-c", script, "sh", "{{ to }}", "{{ channel }}"].map(str::to_owned).to_vec();
        let settings = Settings { argv, carries: vec![Channel::Call, Channel::Text], timeout: Duration::from_secs(10) };
        Command::new("modem", settings, Arc::new(SystemClock))
    }

    fn text(command: &Command, body: &str) -> Result<String, Refusal> {
        let to = "+64211110001".parse().unwrap();
        command.texts().unwrap().text(&Text { to, body: body.to_owned(), status_url: None })
    }

    #[test]
    fn text_and_number_come_as_documented_and_nothing_is_a_shell() {
        let script = r#"printf '%s|%s|%s|%s|%s|%s|' "$1" "$2" "$THIALFI_TO" "$THIALFI_TO_DIGITS" "$THIALFI_CHANNEL" "$THIALFI_PROVIDER"; [ "$(cat)" = "$THIALFI_TEXT" ] && printf '%s' "$THIALFI_TEXT""#;
        let body = "$(touch /tmp/x); `id` \"quoted\" äöü";
        let id = text(&shell(script), body).unwrap();
        assert_eq!(id, format!("+64211110001|sms|+64211110001|64211110001|sms|modem|{body}"));
    }

    #[test]
    fn the_environment_of_the_program_has_no_secrets_of_ours() {
        let id = text(&shell("env | cut -d= -f1 | sort | tr '\\n' ' '"), "x").unwrap();
        for name in id.split(' ') {
            let ours =
                name.starts_with("THIALFI_") || ["PATH", "HOME", "LANG", "PWD", "_", "SHLVL", "OLDPWD"].contains(&name);
            assert!(ours, "{name} in {id}");
        }
        assert!(std::env::vars().any(|(name, _)| name.starts_with("CARGO")), "there was nothing to keep from it");
    }

    #[test]
    fn the_exit_status_says_what_became_of_it() {
        assert!(text(&shell("cat >/dev/null"), "x").unwrap().starts_with("modem-"));
        let temporary = text(&shell("echo 'no network' >&2; exit 75"), "x").unwrap_err();
        let reason = "`/bin/sh` ended with 75 no network".to_owned();
        assert_eq!(temporary, Refusal::Temporary { reason, retry_after: None });
        let permanent = text(&shell("echo 'bad number' >&2; exit 1"), "x").unwrap_err();
        assert_eq!(permanent, Refusal::Permanent { reason: "`/bin/sh` ended with 1 bad number".to_owned() });
        assert!(matches!(text(&shell("kill -9 $$"), "x"), Err(Refusal::Ambiguous { .. })));
        let mut missing = shell("");
        missing.settings.argv = vec!["/nowhere/gammu".to_owned()];
        assert!(matches!(text(&missing, "x"), Err(Refusal::Temporary { .. })), "says nothing of the number");
    }

    #[test]
    fn what_takes_too_long_is_killed_with_all_that_it_started() {
        let mark = tempfile::tempdir().unwrap();
        let file = mark.path().join("late");
        // A child of it that would go on, and holds its output open.
        let mut slow = shell(&format!("(sleep 1; echo late >{}) & sleep 30", file.display()));
        slow.settings.timeout = Duration::from_millis(100);
        let began = Instant::now();
        let refusal = text(&slow, "x").unwrap_err();
        assert!(matches!(&refusal, Refusal::Ambiguous { reason, .. } if reason.contains("was killed")), "{refusal:?}");
        assert!(began.elapsed() < Duration::from_secs(5));
        std::thread::sleep(Duration::from_millis(1300));
        assert!(!file.exists(), "its child lived on");
    }

    #[test]
    fn a_program_that_talks_without_end_or_does_not_listen_holds_nobody_up() {
        let began = Instant::now();
        assert!(text(&shell("head -c 3000000 /dev/zero | tr '\\0' x; exit 0"), "x").is_ok());
        assert!(text(&shell("exec <&-; exit 0"), &"x".repeat(500_000)[..100_000]).is_ok());
        assert!(began.elapsed() < Duration::from_secs(8));
    }

    #[test]
    fn a_call_is_told_in_plain_words_and_only_where_it_is_meant() {
        let call = Call {
            to: "+64211110001".parse().unwrap(),
            script: super::super::Script::Inline("<Response/>".into()),
            words: "Host db1 is down.".into(),
            status_url: None,
            machine_detection: false,
        };
        let mut command = shell("cat");
        assert_eq!(command.calls().unwrap().call(&call).unwrap(), "Host db1 is down.");
        command.settings.carries = vec![Channel::Text];
        assert!(command.calls().is_none() && command.records().is_none() && command.reports().is_none());
    }
}

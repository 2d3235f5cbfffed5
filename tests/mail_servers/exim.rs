//! Exim: the shipped router, transport and retry rule. Debian has one mail server installed at a time, so `tests/run` unpacks
//! this one beside Postfix.

use std::fs;
use std::os::unix::fs::chown;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use super::mta::{self, Mta, Place, ids, output};
use crate::support::Test;

const UNPACKED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/target/mail-servers/exim4-daemon-light/usr/sbin/exim4");

/// A user with a `.forward` file, with what the log says of a failure then.
const FORWARDED: &str = "oncall@local.example.com";

/// An Exim in a directory of its own. Its queue is run by us: what receives mail by SMTP has no right to deliver it.
struct Exim {
    program: &'static str,
    place: Place,
    recipient: &'static str,
    daemon: Child,
}

impl Exim {
    fn start(test: &Test, recipient: &'static str) -> Option<Self> {
        let program = [UNPACKED, "/usr/sbin/exim4"].into_iter().find(|path| std::path::Path::new(path).exists());
        let program = program.unwrap_or(UNPACKED);
        if !mta::may_start("Exim", &[program]) {
            return None;
        }
        let place = Place::of(test);
        let spool = place.path("spool");
        fs::create_dir(&spool).unwrap();
        let (user, group) = ids("Debian-exim");
        chown(&spool, Some(user), Some(group)).unwrap();
        let shipped = mta::example(test, "exim.conf", &place.program);
        let shipped = ["routers", "transports", "retry"].iter().fold(shipped, |text, part| {
            assert!(text.contains(&format!("# begin {part}\n")));
            text.replace(&format!("# begin {part}\n"), &format!("begin {part}\n"))
        });
        // As Debian has them, but for the domain: a `.forward` file, and for what else.
        let forward = place.home().join("forward");
        fs::write(&forward, mta::example(test, "forward", &place.program)).unwrap();
        mta::give(&forward);
        let router = format!(
            "forward:\n  driver = redirect\n  domains = local.example.com\n  file = {}\n  user = {}\n  \
             pipe_transport = address_pipe\n",
            forward.display(),
            mta::USER
        );
        let transport = "address_pipe:\n  driver = pipe\n  return_fail_output\n";
        let shipped = shipped.replace("begin transports\n", &format!("{router}begin transports\n{transport}"))
            + "* * F,2h,15m; G,16h,1h,1.5; F,4d,6h\n";
        let clock = test.path("clock");
        let environment = format!("driver = pipe\n  environment = THIALFI_CLOCK_FILE={}", clock.display());
        let shipped = shipped
            .replace("user = thialfi", &format!("user = {}", mta::USER))
            .replace("group = thialfi", "group = nogroup")
            .replace("driver = pipe", &environment);
        let head = format!(
            "exim_path = {program}\nspool_directory = {}\nlog_file_path = {}/%s.log\nprimary_hostname = mail.example.com\n\
             tls_advertise_hosts =\nkeep_environment =\nqueue_only = true\nacl_smtp_rcpt = everybody\nbegin acl\n\
             everybody:\n  accept\n",
            spool.display(),
            spool.display()
        );
        let configuration = place.path("exim.conf");
        fs::write(&configuration, head + &shipped).unwrap();
        let daemon = Command::new(program)
            .args(["-C", configuration.to_str().unwrap(), "-bdf", "-oX", &format!("[127.0.0.1]:{}", place.port)])
            .args(["-oP", place.path("pid").to_str().unwrap()])
            .stdin(Stdio::null())
            .spawn()
            .unwrap();
        let exim = Self { program, place, recipient, daemon };
        exim.place.wait_for_it("Exim", || exim.log());
        Some(exim)
    }

    fn configuration(&self) -> PathBuf {
        self.place.path("exim.conf")
    }

    fn run(&self, arguments: &[&str]) -> String {
        output(self.program, &[&["-C", self.configuration().to_str().unwrap()], arguments].concat())
    }
}

impl Mta for Exim {
    fn place(&self) -> &Place {
        &self.place
    }

    fn recipient(&self) -> &'static str {
        self.recipient
    }

    fn begin(&self) {
        let mut queue = Command::new(self.program);
        queue.arg("-C").arg(self.configuration()).arg("-qf").stdin(Stdio::null());
        let mut queue = queue.spawn().unwrap();
        std::thread::spawn(move || queue.wait());
    }

    fn queued(&self) -> usize {
        let counted = self.run(&["-bpc"]);
        counted.trim().parse().unwrap_or_else(|_| panic!("{counted}"))
    }

    fn run_queue(&self) {
        // Not `-qff`: what is frozen would not be tried again without a human either.
        self.run(&["-qf"]);
    }

    fn log(&self) -> String {
        fs::read_to_string(self.place.path("spool/main.log")).unwrap_or_default()
    }

    fn failures(&self, words: &str) -> usize {
        let words = if self.recipient == FORWARDED { "returned 75" } else { words };
        self.log().matches(words).count()
    }

    fn given_up(&self) -> &'static [&'static str] {
        // An address that failed for good, a bounce, a mail that waits for a human.
        &[" ** ", "<= <>", "Frozen"]
    }
}

impl Drop for Exim {
    fn drop(&mut self) {
        let _ = self.daemon.kill();
        let _ = self.daemon.wait();
    }
}

#[test]
fn exim_by_its_pipe_loses_nothing_and_bounces_nothing() {
    let mut test = mta::test();
    let Some(exim) = Exim::start(&test, "oncall@sms.example.com") else { return };
    mta::loses_nothing(&mut test, &exim);
}

#[test]
fn exim_by_a_forward_file_loses_nothing_and_bounces_nothing() {
    let mut test = mta::test();
    let Some(exim) = Exim::start(&test, FORWARDED) else { return };
    mta::loses_nothing(&mut test, &exim);
}

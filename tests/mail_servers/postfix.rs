//! Postfix: `pipe(8)` with the shipped lines, an alias and a `.forward` file.

use std::fs;
use std::path::PathBuf;

use super::mta::{self, Mta, ids, output};
use crate::support::{DAVID, Phone, Test, free_port, wait};

/// An instance of Postfix in a directory of its own.
struct Postfix {
    directory: tempfile::TempDir,
    port: u16,
    recipient: &'static str,
}

const MAIN: &str = "compatibility_level = 3.6
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = mail.example.com
mydestination = localhost, local.example.com, mail.example.com
mynetworks = 127.0.0.0/8
smtpd_relay_restrictions = permit_mynetworks, reject
alias_database =
local_recipient_maps =
mailbox_command =
default_privs = nobody
queue_run_delay = 1s
minimal_backoff_time = 1s
maximal_backoff_time = 1s
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
maillog_file_prefixes = /
";

const SERVICES: &str = "pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
showq unix n - n - - showq
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
local unix - n n - - local
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
";

impl Postfix {
    /// Started with the shipped lines, whose mail goes to this test; `None` where that cannot be.
    fn start(test: &Test, recipient: &'static str) -> Option<Self> {
        if !mta::may_start("Postfix", "/usr/sbin/postfix") {
            return None;
        }
        let program = mta::prepare(test);
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name);
        fs::set_permissions(directory.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        for name in ["etc", "queue", "data"] {
            fs::create_dir(path(name)).unwrap();
        }
        std::os::unix::fs::chown(path("data"), Some(ids("postfix").0), None).unwrap();
        let port = free_port();
        let places = format!(
            "queue_directory = {queue}\ndata_directory = {data}\nmaillog_file = {log}\nalias_maps = texthash:{aliases}\n\
             forward_path = {forward}-$user\nexport_environment = THIALFI_CLOCK_FILE={clock}\n",
            queue = path("queue").display(),
            data = path("data").display(),
            log = path("log").display(),
            aliases = path("etc/aliases").display(),
            forward = path("etc/forward").display(),
            clock = test.path("clock").display(),
        );
        fs::write(path("etc/main.cf"), format!("{MAIN}{places}{}", shipped("postfix-main.cf"))).unwrap();
        let transport = mta::example(test, "postfix-master.cf", &program);
        assert!(transport.contains("user=thialfi"));
        let transport = transport.replace("user=thialfi", &format!("user={}", mta::USER));
        fs::write(path("etc/master.cf"), format!("127.0.0.1:{port} inet n - n - - smtpd\n{SERVICES}{transport}"))
            .unwrap();
        let forward = mta::example(test, "forward", &program);
        fs::write(path("etc/aliases"), format!("oncall {forward}")).unwrap();
        fs::write(path(&format!("etc/forward-{}", mta::USER)), &forward).unwrap();
        let postfix = Self { directory, port, recipient };
        let started = postfix.run("postfix", &["start"]);
        wait(
            || std::net::TcpStream::connect(("127.0.0.1", port)).is_ok(),
            &format!("Postfix does not start: {started}"),
        );
        Some(postfix)
    }

    fn run(&self, program: &str, arguments: &[&str]) -> String {
        let configuration = self.path("etc");
        output(program, &[&["-c", configuration.to_str().unwrap()], arguments].concat())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }
}

fn shipped(name: &str) -> String {
    fs::read_to_string(format!("{}/examples/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

impl Mta for Postfix {
    fn port(&self) -> u16 {
        self.port
    }

    fn recipient(&self) -> &'static str {
        self.recipient
    }

    fn queued(&self) -> usize {
        self.run("postqueue", &["-j"]).lines().filter(|line| line.starts_with('{')).count()
    }

    fn run_queue(&self) {
        self.run("postqueue", &["-f"]);
    }

    fn log(&self) -> String {
        fs::read_to_string(self.path("log")).unwrap_or_default()
    }
}

impl Drop for Postfix {
    fn drop(&mut self) {
        self.run("postfix", &["abort"]);
    }
}

fn test() -> Test {
    Test::with_people().phone(DAVID, [Phone::press(["1"])])
}

/// Nothing came back to a sender, and nothing was tried in vain.
fn nothing_bounced(postfix: &Postfix) {
    let log = postfix.log();
    assert!(!log.contains("status=bounced") && !log.contains("non-delivery"), "{log}");
}

#[test]
fn postfix_by_pipe_loses_nothing_and_bounces_nothing() {
    let mut test = test();
    let Some(postfix) = Postfix::start(&test, "oncall@sms.example.com") else { return };
    mta::a_mail_rings(&mut test, &postfix);
    mta::what_fails_stays_and_rings_later(&mut test, &postfix);
    mta::what_is_killed_stays_and_rings_once(&mut test, &postfix);
    nothing_bounced(&postfix);
}

#[test]
fn postfix_by_an_alias_loses_nothing_and_bounces_nothing() {
    let mut test = test();
    let Some(postfix) = Postfix::start(&test, "oncall@local.example.com") else { return };
    mta::a_mail_rings(&mut test, &postfix);
    mta::what_fails_stays_and_rings_later(&mut test, &postfix);
    mta::what_is_killed_stays_and_rings_once(&mut test, &postfix);
    nothing_bounced(&postfix);
}

#[test]
fn postfix_by_a_forward_file_loses_nothing_and_bounces_nothing() {
    let mut test = test();
    let Some(postfix) = Postfix::start(&test, "nobody@local.example.com") else { return };
    mta::a_mail_rings(&mut test, &postfix);
    mta::what_fails_stays_and_rings_later(&mut test, &postfix);
    mta::what_is_killed_stays_and_rings_once(&mut test, &postfix);
    nothing_bounced(&postfix);
}

#[test]
fn postfix_keeps_what_finds_the_store_locked_or_the_disk_full() {
    let mut test = test();
    let Some(postfix) = Postfix::start(&test, "oncall@sms.example.com") else { return };
    mta::what_finds_the_store_locked_rings_once(&mut test, &postfix);
    mta::what_finds_the_disk_full_rings_and_is_on_disk_later(&mut test, &postfix);
    nothing_bounced(&postfix);
}

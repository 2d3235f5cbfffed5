//! Postfix: `pipe(8)` with the shipped lines, an alias and a `.forward` file; and what its local delivery runs for others
//! (`filters`, `dovecot`).

use std::fs;
use std::path::{Path, PathBuf};

use super::mta::{self, Mta, Place, ids, output, shipped};
use crate::support::Test;

/// An instance of Postfix in a directory of its own.
pub struct Postfix {
    place: Place,
    recipient: &'static str,
    filter: Option<Filter>,
}

/// What delivers the mail of local users.
pub struct Filter {
    /// The command.
    pub command: PathBuf,
    /// Their mailbox.
    pub mailbox: PathBuf,
    /// What the log says of a failure where it does not have what thialfi printed.
    pub failure: Option<&'static str>,
}

/// A user whose mail is delivered locally.
pub const LOCAL: &str = "nobody@local.example.com";

const MAIN: &str = "compatibility_level = 3.6
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = mail.example.com
mydestination = localhost, local.example.com, mail.example.com
mynetworks = 127.0.0.0/8
smtpd_relay_restrictions = permit_mynetworks, reject
alias_database =
local_recipient_maps =
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
    pub fn start(test: &Test, recipient: &'static str) -> Option<Self> {
        mta::may_start("Postfix", &["/usr/sbin/postfix"])
            .then(|| Self::start_at(Place::of(test), test, recipient, None))
    }

    /// The same at a place that is there already.
    pub fn start_at(place: Place, test: &Test, recipient: &'static str, filter: Option<Filter>) -> Self {
        for name in ["etc", "queue", "data"] {
            fs::create_dir(place.path(name)).unwrap();
        }
        std::os::unix::fs::chown(place.path("data"), Some(ids("postfix").0), None).unwrap();
        let command = filter.as_ref().map(|filter| filter.command.as_path());
        let places = format!(
            "queue_directory = {queue}\ndata_directory = {data}\nmaillog_file = {log}\nalias_maps = texthash:{aliases}\n\
             forward_path = {forward}-$user\nexport_environment = THIALFI_CLOCK_FILE={clock}\nmailbox_command = {command}\n",
            queue = place.path("queue").display(),
            data = place.path("data").display(),
            log = place.path("log").display(),
            aliases = place.path("etc/aliases").display(),
            forward = place.path("etc/forward").display(),
            clock = test.path("clock").display(),
            command = command.unwrap_or(Path::new("")).display(),
        );
        fs::write(place.path("etc/main.cf"), format!("{MAIN}{places}{}", shipped("postfix-main.cf"))).unwrap();
        let transport = mta::example(test, "postfix-master.cf", &place.program);
        assert!(transport.contains("user=thialfi"));
        let transport = transport.replace("user=thialfi", &format!("user={}", mta::USER));
        let smtp = format!("127.0.0.1:{} inet n - n - - smtpd", place.port);
        fs::write(place.path("etc/master.cf"), format!("{smtp}\n{SERVICES}{transport}")).unwrap();
        let forward = mta::example(test, "forward", &place.program);
        fs::write(place.path("etc/aliases"), format!("oncall {forward}")).unwrap();
        if filter.is_none() {
            fs::write(place.path(&format!("etc/forward-{}", mta::USER)), &forward).unwrap();
        }
        let postfix = Self { place, recipient, filter };
        let started = postfix.run("postfix", &["start"]);
        postfix.place.wait_for_it("Postfix", || format!("{started}\n{}", postfix.log()));
        postfix
    }

    fn run(&self, program: &str, arguments: &[&str]) -> String {
        let configuration = self.place.path("etc");
        output(program, &[&["-c", configuration.to_str().unwrap()], arguments].concat())
    }
}

impl Mta for Postfix {
    fn place(&self) -> &Place {
        &self.place
    }

    fn recipient(&self) -> &'static str {
        self.recipient
    }

    fn mailbox(&self) -> Option<PathBuf> {
        self.filter.as_ref().map(|filter| filter.mailbox.clone())
    }

    fn queued(&self) -> usize {
        self.run("postqueue", &["-j"]).lines().filter(|line| line.starts_with('{')).count()
    }

    fn run_queue(&self) {
        self.run("postqueue", &["-f"]);
    }

    fn log(&self) -> String {
        fs::read_to_string(self.place.path("log")).unwrap_or_default()
    }

    fn failures(&self, words: &str) -> usize {
        let failure = self.filter.as_ref().and_then(|filter| filter.failure);
        self.log().matches(failure.unwrap_or(words)).count()
    }

    fn given_up(&self) -> &'static [&'static str] {
        &["status=bounced", "non-delivery"]
    }
}

impl Drop for Postfix {
    fn drop(&mut self) {
        self.run("postfix", &["abort"]);
    }
}

#[test]
fn postfix_by_pipe_loses_nothing_and_bounces_nothing() {
    let mut test = mta::test();
    let Some(postfix) = Postfix::start(&test, "oncall@sms.example.com") else { return };
    mta::loses_nothing(&mut test, &postfix);
}

#[test]
fn postfix_by_an_alias_loses_nothing_and_bounces_nothing() {
    let mut test = mta::test();
    let Some(postfix) = Postfix::start(&test, "oncall@local.example.com") else { return };
    mta::loses_nothing(&mut test, &postfix);
}

#[test]
fn postfix_by_a_forward_file_loses_nothing_and_bounces_nothing() {
    let mut test = mta::test();
    let Some(postfix) = Postfix::start(&test, LOCAL) else { return };
    mta::loses_nothing(&mut test, &postfix);
}

//! OpenSMTPD: the shipped action. Its places are compiled in, and Debian has one mail server installed at a time: so
//! `tests/run` unpacks it, and it runs where it sees directories and users of its own (a mount namespace).

use std::fs;
use std::process::{Child, Command, Stdio};

use super::mta::{self, Mta, Place, ids, output};
use crate::support::Test;

const UNPACKED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/target/mail-servers/opensmtpd/usr");

/// Its users, and their numbers: seen by it alone.
const USERS: [(&str, u32); 2] = [("opensmtpd", 64_901), ("opensmtpq", 64_902)];

/// An OpenSMTPD that sees, instead of some of the system's directories, those of a test.
struct OpenSmtpd {
    place: Place,
    recipient: &'static str,
    daemon: Child,
}

impl OpenSmtpd {
    fn start(test: &Test, recipient: &'static str) -> Option<Self> {
        let program = format!("{UNPACKED}/sbin/smtpd");
        if !mta::may_start("OpenSMTPD", &[&program]) {
            return None;
        }
        if !output("unshare", &["--mount", "true"]).is_empty() {
            eprintln!("OpenSMTPD needs a mount namespace, and none can be made here: skipped");
            return None;
        }
        let place = Place::of(test);
        for directory in ["spool/smtpd", "lib/opensmtpd/empty", "run"] {
            fs::create_dir_all(place.path(directory)).unwrap();
        }
        write_users(&place);
        let shipped = mta::example(test, "opensmtpd.conf", &place.program);
        // It hands no environment on.
        let clock = format!("THIALFI_CLOCK_FILE={} ", test.path("clock").display());
        let program_at_its_clock = |text: &str| {
            let program = place.program.to_str().unwrap();
            assert!(text.contains(program));
            text.replace(program, &format!("{clock}{program}"))
        };
        let forward = place.home().join(".forward");
        fs::write(&forward, program_at_its_clock(&mta::example(test, "forward", &place.program))).unwrap();
        mta::give(&forward);
        let own = format!(
            "listen on 127.0.0.1 port {}\naction \"local\" mbox\n\
             match from any for domain \"local.example.com\" action \"local\"\n",
            place.port
        );
        fs::write(place.path("smtpd.conf"), own + &program_at_its_clock(&shipped)).unwrap();
        let here = place.path("");
        let script = place.script(
            "start",
            &format!(
                "set -e; cd {here}; chmod 711 spool/smtpd\n\
                 for file in passwd group; do mount --bind $file /etc/$file; done\n\
                 mount --bind {UNPACKED}/libexec /usr/libexec\n\
                 mount --bind spool /var/spool; mount --bind lib /var/lib; mount --bind run /run\n\
                 exec {program} -d -f {here}/smtpd.conf",
                here = here.display()
            ),
        );
        let log = fs::File::options().create(true).append(true).open(place.path("log")).unwrap();
        let daemon = Command::new("unshare")
            .arg("--mount")
            .arg(script)
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        let server = Self { place, recipient, daemon };
        server.place.wait_for_it("OpenSMTPD", || server.log());
        Some(server)
    }

    /// `smtpctl`, in the daemon's namespace and with the group that Debian gives it.
    fn control(&self, arguments: &[&str]) -> String {
        let (daemon, group) = (self.daemon.id().to_string(), USERS[1].1.to_string());
        let control = format!("{UNPACKED}/sbin/smtpctl");
        output("nsenter", &[&["--target", &daemon, "--mount", "--setgid", &group, &control], arguments].concat())
    }
}

/// The system's users, OpenSMTPD's, and twice the one as whom thialfi runs in a test: as `thialfi`, and with a home.
fn write_users(place: &Place) {
    let (user, group) = ids(mta::USER);
    let others = |file: &str| -> String {
        let text = fs::read_to_string(file).unwrap();
        let ours =
            |line: &&str| line.starts_with("opensmtp") || line.starts_with("thialfi:") || line.starts_with("oncall:");
        text.lines().filter(|line| !ours(line)).map(|line| format!("{line}\n")).collect()
    };
    let mut passwd = others("/etc/passwd");
    passwd += &format!("thialfi:x:{user}:{group}::/nonexistent:/usr/sbin/nologin\n");
    passwd += &format!("oncall:x:{user}:{group}::{}:/bin/sh\n", place.home().display());
    let mut groups = others("/etc/group");
    for (name, number) in USERS {
        passwd += &format!("{name}:x:{number}:{number}::/var/lib/opensmtpd/empty:/usr/sbin/nologin\n");
        groups += &format!("{name}:x:{number}:\n");
    }
    fs::write(place.path("passwd"), passwd).unwrap();
    fs::write(place.path("group"), groups).unwrap();
}

impl Mta for OpenSmtpd {
    fn place(&self) -> &Place {
        &self.place
    }

    fn recipient(&self) -> &'static str {
        self.recipient
    }

    fn queued(&self) -> usize {
        let queue = self.control(&["show", "queue"]);
        let lines = queue.lines().filter(|line| !line.trim().is_empty());
        lines.inspect(|line| assert!(line.contains("|mda|"), "{queue}")).count()
    }

    fn run_queue(&self) {
        self.control(&["schedule", "all"]);
    }

    fn log(&self) -> String {
        fs::read_to_string(self.place.path("log")).unwrap_or_default()
    }

    fn given_up(&self) -> &'static [&'static str] {
        &["PermFail", "result=\"5"]
    }
}

impl Drop for OpenSmtpd {
    fn drop(&mut self) {
        // Its other processes end when it does.
        let _ = self.daemon.kill();
        let _ = self.daemon.wait();
    }
}

#[test]
fn opensmtpd_by_its_mda_loses_nothing_and_bounces_nothing() {
    let mut test = mta::test();
    let Some(server) = OpenSmtpd::start(&test, "oncall@sms.example.com") else { return };
    mta::loses_nothing(&mut test, &server);
}

#[test]
fn opensmtpd_by_a_forward_file_loses_nothing_and_bounces_nothing() {
    let mut test = mta::test();
    let Some(server) = OpenSmtpd::start(&test, "oncall@local.example.com") else { return };
    mta::loses_nothing(&mut test, &server);
}

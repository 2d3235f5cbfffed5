//! The pages as they are served: by nginx with a certificate, as `examples/nginx.conf` has it, at the public address.

use std::fmt::Write as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use thialfi::server::signature::sign;

use super::{HASH, HOUSE, Look, PASSWORD, USERS, complaints, down, on_both};
use crate::support::{Browser, DARREN, DAVID, PAGE, Phone, SIMON, TOKEN, Test, free_port, wait};

on_both!(the_pages_work_behind_the_shipped_nginx);

const PUBLIC: &str = "https://pager.example.com";

/// The web server, ended with the test.
struct Nginx {
    child: Child,
    port: u16,
    _directory: tempfile::TempDir,
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // What nginx takes for "end now, your workers too".
        let _ = Command::new("kill").arg(self.child.id().to_string()).status();
        let _ = self.child.wait();
    }
}

impl Nginx {
    /// The shipped file, with other ports, a certificate of this hour, and this machine among those inside; `None`: nginx or
    /// openssl is not installed.
    fn start(test: &Test) -> Option<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let places = [root.join("target/nginx/usr/sbin/nginx"), "/usr/sbin/nginx".into()];
        let Some(program) = places.into_iter().find(|place| place.exists()) else {
            eprintln!("nginx is not there: skipped; tests/run unpacks it");
            return None;
        };
        let directory = tempfile::tempdir().unwrap();
        let (port, plain) = (free_port(), free_port());
        let at = |name: &str| directory.path().join(name).display().to_string();
        let made = Command::new("openssl")
            .args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=pager.example.com", "-days", "1"])
            .args(["-keyout", &at("privkey.pem"), "-out", &at("fullchain.pem")])
            .stderr(Stdio::null())
            .status();
        if !made.is_ok_and(|status| status.success()) {
            eprintln!("openssl is not installed: skipped");
            return None;
        }
        let mut site = std::fs::read_to_string(root.join("examples/nginx.conf")).unwrap();
        for (theirs, ours) in [
            ("listen 443 ssl;", format!("listen 127.0.0.1:{port} ssl;")),
            ("    listen [::]:443 ssl;\n", String::new()),
            ("listen 80;", format!("listen 127.0.0.1:{plain};")),
            ("    listen [::]:80;\n", String::new()),
            ("server 127.0.0.1:8085;", format!("server {};", test.listens_at())),
            ("/etc/letsencrypt/live/pager.example.com", directory.path().display().to_string()),
            ("allow 10.0.0.0/8;", "allow 127.0.0.0/8;".to_owned()),
        ] {
            assert!(site.contains(theirs), "`{theirs}` is not in the shipped file any more");
            site = site.replace(theirs, &ours);
        }
        std::fs::write(at("site.conf"), site).unwrap();
        let user = if rustix::process::getuid().is_root() { "user root;\n" } else { "" };
        let mut main = format!(
            "{user}daemon off;\npid {};\nerror_log {};\nevents {{}}\nhttp {{\naccess_log off;\n",
            at("nginx.pid"),
            at("error.log")
        );
        for kind in ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"] {
            let _ = writeln!(main, "{kind}_temp_path {};", at(kind));
        }
        let _ = writeln!(main, "include {};\n}}", at("site.conf"));
        std::fs::write(at("nginx.conf"), main).unwrap();
        let child = Command::new(program)
            .args(["-e", &at("error.log"), "-p", &at(""), "-c", &at("nginx.conf")])
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let nginx = Self { child, port, _directory: directory };
        wait(|| nginx.curl(&["-o", "/dev/null", PUBLIC]).is_some(), "nginx does not answer");
        Some(nginx)
    }

    /// What a client at the public address sees; `None`: no connection.
    fn curl(&self, arguments: &[&str]) -> Option<String> {
        let ran = Command::new("curl")
            .args(["-sS", "-k", "-i", "--connect-to", &format!("pager.example.com:443:127.0.0.1:{}", self.port)])
            .args(arguments)
            .output()
            .unwrap();
        ran.status.success().then(|| String::from_utf8_lossy(&ran.stdout).into_owned())
    }
}

fn the_pages_work_behind_the_shipped_nginx(look: Look) {
    let rules = format!("{}{PAGE}{HOUSE}", USERS.replace("HASH", HASH));
    let silent = || [Phone::Stay, Phone::Stay];
    let mut test = Test::new().public_url(PUBLIC).rules(&rules);
    test = test.phone(DAVID, silent()).phone(DARREN, silent()).phone(SIMON, silent()).serve();
    let Some(nginx) = Nginx::start(&test) else { return };
    let flags = [
        format!("--host-resolver-rules=MAP pager.example.com 127.0.0.1:{}", nginx.port),
        "--ignore-certificate-errors".to_owned(),
    ];
    let Some(browser) = Browser::start_with(&flags) else { return };
    browser.look_with(look.screen, look.colours);

    // The address is that which people know, and they get where they wanted to.
    browser.open(&format!("{PUBLIC}/alerts"));
    assert_eq!(browser.path(), "/sign-in?to=%2Falerts");
    browser.fill("[name=name]", "david");
    browser.fill("[name=password]", PASSWORD);
    browser.press("Sign in");
    browser.wait_for("Sign out");
    assert_eq!(browser.path(), "/alerts");
    let cookies = browser.command("Network.getCookies", &serde_json::json!({ "urls": [PUBLIC] }));
    let cookie = &cookies["cookies"][0];
    assert_eq!(
        (&cookie["name"], &cookie["secure"], &cookie["httpOnly"], &cookie["sameSite"]),
        (&"__Host-thialfi".into(), &true.into(), &true.into(), &"Lax".into()),
        "{cookies}"
    );

    // An alert comes while one looks, and is taken with one tap.
    browser.open(PUBLIC);
    browser.wait_for("Nothing is open");
    down(&mut test, "db1");
    browser.wait_for("db1 of the warehouse does not answer");
    browser.press("Acknowledge alert");
    browser.wait_for("David Okonkwo has it");
    look.picture(&browser, "behind-nginx");
    test.wait_until(|test| test.alerts()[0]["acknowledged_by"] == "David Okonkwo", "not taken");
    assert_eq!(complaints(&browser), Vec::<String>::new());

    // What the provider signs is the public address, and that is what arrives.
    let url = test.calls()[0].parameter("Url").unwrap().to_owned();
    assert!(url.starts_with(&format!("{PUBLIC}/twiml/")), "{url}");
    let signature = sign(TOKEN, &url, &[("CallSid".to_owned(), "CA1".to_owned())]);
    let signed = format!("X-Twilio-Signature: {signature}");
    let words = nginx.curl(&["-d", "CallSid=CA1", "-H", &signed, &url]).unwrap();
    assert!(words.starts_with("HTTP/1.1 200") && words.contains("<Response>"), "{words}");
    let forged = nginx.curl(&["-d", "CallSid=CA2", "-H", &signed, &url]).unwrap();
    assert!(forged.starts_with("HTTP/1.1 403"), "{forged}");

    // Who comes this way is not this machine, whatever they say; and a browser never comes without TLS again.
    let strict = "strict-transport-security: max-age=";
    let page = nginx.curl(&[&format!("{PUBLIC}/sign-in")]).unwrap().to_ascii_lowercase();
    assert!(page.contains(strict), "{page}");
    let metrics = nginx.curl(&["-H", "X-Forwarded-For: 127.0.0.1", &format!("{PUBLIC}/metrics")]).unwrap();
    assert!(metrics.starts_with("HTTP/1.1 401"), "{metrics}");
    let large = "a=".to_owned() + &"b".repeat(70_000);
    std::fs::write(test.path("large"), large).unwrap();
    let data = format!("@{}", test.path("large").display());
    let refused = nginx.curl(&["--data-binary", &data, &format!("{PUBLIC}/sign-in")]).unwrap();
    assert!(refused.contains("HTTP/1.1 413"), "{refused}");
}

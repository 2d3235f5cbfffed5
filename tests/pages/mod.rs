//! The web pages in a real browser, at the size of a telephone and of a desk, in the light and in the dark, with scripts and
//! without. Where Chromium is missing the tests say so, and are skipped; `tests/run` installs it.

mod acting;
mod behind_nginx;
mod every_page;
mod looking;
mod signing_in;

use crate::support::{Browser, Colours, DARREN, DAVID, PAGE, Phone, SIMON, Screen, Test, fed};

/// What both users' passwords are; the hashes below are of it.
pub const PASSWORD: &str = "correct horse battery";
pub const HASH: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$MsERA96y5NB/YlwOs5IGrQ$lJgM/Ziqes8oAG/4xJ4WVO8wddIyhToFnum+J9cYnaU";

/// Who may see the pages: one of each role. The digest is that of `thialfi_0123456789abcdef`.
pub const USERS: &str = r#"
[users]
david  = { password = "HASH", role = "admin" }
darren = { password = "HASH" }
vera   = { password = "HASH", role = "view" }
[tokens]
grafana = { sha256 = "7ef8e7c2add70d10dba24b95af6d03cfef383a09bbd17d65f6f74efa6f366753" }
"#;

/// People, two groups (one of them with turns) and addresses.
const HOUSE: &str = r#"
[defaults]
time_zone = "Pacific/Auckland"
[contacts]
david  = { name = "David Okonkwo", phone = "+64211110001", email = "david@example.com" }
darren = { name = "Darren", phone = "+64211110002" }
simon  = { name = "Simon Ó Briain", phone = "+64211110003", sms = "+64211110013" }
[groups.systems]
name = "Systems"
members = ["david", "darren", "simon"]
oncall = "david"
backup = ["darren"]
[groups.oracle-dba]
name = "Oracle DBA"
members = ["david", "darren", "simon"]
backup = ["simon"]
rotation = { every = "1 week", handoff = "Mon 09:00", time_zone = "Pacific/Auckland", start = "2026-10-26" }
[recipients]
"systems@sms.example.com" = { group = "systems" }
"cust*-dba@sms.example.com" = { group = "oracle-dba" }
[[rules]]
name = "tablespace"
when = [{ subject = 'ORA-(?<code>\d+)' }, { text = 'tablespace (?<tablespace>\w+)' }]
action = "page"
key = "{{ recipient }} {{ tablespace }}"
say = "Tablespace {{ tablespace }} is full."
sms = "{{ tablespace }} full (ORA-{{ code }})"
[[rules]]
name = "down"
when = [{ text = '^(?<host>\w+) is DOWN' }]
action = "page"
key = "host {{ host }}"
say = "Host {{ host }} is down."
sms = "{{ host }} is down"
[[rules]]
name = "up"
when = [{ text = '^(?<host>\w+) is UP' }]
action = "resolve"
key = "host {{ host }}"
[[rules]]
name = "newsletter"
when = [{ header = "List-Id", matches = 'news' }]
action = "ignore"
"#;

/// A served house, in which nobody answers the telephone by itself.
fn house() -> Test {
    let rules = format!("{}{PAGE}{HOUSE}", USERS.replace("HASH", HASH));
    let silent = || [Phone::Stay, Phone::Stay, Phone::Stay, Phone::Stay];
    Test::new().rules(&rules).phone(DAVID, silent()).phone(DARREN, silent()).phone(SIMON, silent())
}

/// A mail that opens an alert about this host.
fn down(test: &mut Test, host: &str) {
    let mail = test.mail(&format!("{host} of the warehouse does not answer"), &format!("{host} is DOWN\nsince 02:13"));
    test.deliver_to(&["systems@sms.example.com"], &mail).exit(0).done();
}

/// Darren acknowledges or resolves an alert at the command line.
fn by_darren(test: &Test, what: &str, id: &str) {
    let mut command = test.command();
    command.args(["alerts", what, id]).env("USER", "Darren").env("LOGNAME", "Darren");
    fed(&mut command, b"").exit(0).done();
}

/// Signs in, and comes to the first page.
#[track_caller]
fn sign_in(browser: &Browser, test: &Test, name: &str) {
    browser.open(&format!("{}/sign-in", test.url()));
    browser.fill("[name=name]", name);
    browser.fill("[name=password]", PASSWORD);
    browser.press("Sign in");
    browser.wait_for("Sign out");
}

/// Where somebody sits.
#[derive(Debug, Clone, Copy)]
pub struct Look {
    screen: Screen,
    colours: Colours,
    name: &'static str,
}

impl Look {
    /// In bed, at night.
    pub const PHONE: Self = Self { screen: Screen::Phone, colours: Colours::Dark, name: "phone-dark" };
    /// At a desk, by day.
    pub const DESK: Self = Self { screen: Screen::Desktop, colours: Colours::Light, name: "desktop-light" };

    /// A browser there; `None`: there is none on this machine.
    fn browser(self) -> Option<Browser> {
        let browser = Browser::start()?;
        browser.look_with(self.screen, self.colours);
        Some(browser)
    }

    /// A browser there in which somebody is signed in.
    fn signed_in(self, test: &Test, name: &str) -> Option<Browser> {
        let browser = self.browser()?;
        sign_in(&browser, test, name);
        Some(browser)
    }

    /// Keeps a picture of the page.
    fn picture(self, browser: &Browser, name: &str) {
        browser.screenshot(&format!("{name}-{}", self.name));
    }
}

/// Each of these is done on a telephone, and at a desk.
macro_rules! on_both {
    ($($name:ident),* $(,)?) => {
        mod on_a_phone {
            $(#[test] fn $name() { super::$name($crate::pages::Look::PHONE); })*
        }
        mod at_a_desk {
            $(#[test] fn $name() { super::$name($crate::pages::Look::DESK); })*
        }
    };
}
pub(crate) use on_both;

/// What the browser complains about, but for the answers that a test provokes.
fn complaints(browser: &Browser) -> Vec<String> {
    let provoked = |line: &String| line.contains("the server responded with a status of 4");
    browser.complaints().into_iter().filter(|line| !provoked(line)).collect()
}

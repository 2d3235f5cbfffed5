//! procmail and maildrop, run by Postfix for a local user: what they make of thialfi's end reaches the queue, and a mail is
//! filed once, when thialfi has it.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use super::mta::{self, Place, example, give};
use super::postfix::{Filter, LOCAL, Postfix};

#[test]
fn procmail_under_postfix_loses_nothing_and_files_each_mail_once() {
    let mut test = mta::test();
    if !mta::may_start("procmail under Postfix", &["/usr/bin/procmail", "/usr/sbin/postfix"]) {
        return;
    }
    let place = Place::of(&test);
    let (home, rules) = (place.home(), place.path("home/procmailrc"));
    // procmail clears its environment.
    let head = format!(
        "HOME={home}\nDEFAULT={home}/mailbox\nSHELL=/bin/sh\nTHIALFI_CLOCK_FILE={clock}\n",
        home = home.display(),
        clock = test.path("clock").display()
    );
    fs::write(&rules, head + &example(&test, "procmailrc", &place.program)).unwrap();
    give(&rules);
    let command = place.script("filter", &format!("exec /usr/bin/procmail {}", rules.display()));
    // procmail swallows what the program prints.
    let filter = Filter { command, mailbox: home.join("mailbox"), failure: Some("Program failure (75)") };
    let postfix = Postfix::start_at(place, &test, LOCAL, Some(filter));
    mta::loses_nothing(&mut test, &postfix);
}

#[test]
fn maildrop_under_postfix_loses_nothing_and_files_each_mail_once() {
    let mut test = mta::test();
    if !mta::may_start("maildrop under Postfix", &["/usr/bin/maildrop", "/usr/sbin/postfix"]) {
        return;
    }
    let place = Place::of(&test);
    let (home, rules) = (place.home(), place.path("home/mailfilter"));
    let head = format!("DEFAULT=\"{}/mailbox\"\nSHELL=\"/bin/sh\"\n", home.display());
    fs::write(&rules, head + &example(&test, "mailfilter", &place.program)).unwrap();
    // maildrop reads no filter that others can write to.
    fs::set_permissions(&rules, fs::Permissions::from_mode(0o600)).unwrap();
    give(&rules);
    let command = format!("HOME={} exec /usr/bin/maildrop {}", home.display(), rules.display());
    let command = place.script("filter", &command);
    let filter = Filter { command, mailbox: home.join("mailbox"), failure: None };
    let postfix = Postfix::start_at(place, &test, LOCAL, Some(filter));
    mta::loses_nothing(&mut test, &postfix);
}

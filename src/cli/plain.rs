//! The command line as mail servers write it, read without clap: putting together what all commands take costs a small mail a
//! fifth of its instructions. What is not as plain as that is clap's, with all its mistakes and questions.

use std::ffi::OsString;
use std::path::PathBuf;

use super::deliver::Options;

/// `thialfi [-c FILE] deliver [-c FILE] [-f SENDER] [RECIPIENT]…`, or with recipients that can be nothing else instead of
/// `deliver`: the rule file and what `deliver` takes. Says the same as clap, or nothing.
pub(super) fn read(arguments: &[OsString]) -> Option<(Option<PathBuf>, Options)> {
    let mut config = None;
    let mut options = Options { sender: None, recipients: Vec::new(), wait: false, reject_unknown: false };
    let mut is_named = false;
    let mut words = arguments.iter().skip(1);
    while let Some(word) = words.next() {
        match word.to_str()? {
            "-c" | "--config" if config.is_none() => {
                let value = words.next()?.to_str()?;
                if value.is_empty() || value.starts_with('-') {
                    return None;
                }
                config = Some(PathBuf::from(value));
            }
            "-f" | "--from" if options.sender.is_none() => {
                let value = words.next()?.to_str()?;
                if value.starts_with('-') {
                    return None;
                }
                options.sender = Some(value.to_owned());
            }
            "deliver" if !is_named && options.recipients.is_empty() && options.sender.is_none() => is_named = true,
            "deliver" | "help" | "" => return None,
            option if option.starts_with('-') => return None,
            recipient if is_named || recipient.contains('@') || !options.recipients.is_empty() => {
                options.recipients.push(recipient.to_owned());
            }
            _ => return None,
        }
    }
    (is_named || !options.recipients.is_empty()).then_some((config, options))
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;
    use proptest::prelude::*;

    use super::super::{Cli, Command, Word, first_word};
    use super::*;

    const WORDS: [&str; 19] = [
        "deliver",
        "-c",
        "--config",
        "x.toml",
        "-f",
        "--from",
        "",
        "a@example.com",
        "root",
        "--",
        "-v",
        "help",
        "check",
        "--wait",
        "-",
        "--config=x",
        "-fx",
        "<>",
        "-x@y",
    ];

    fn by_clap(arguments: &[OsString]) -> Option<(Option<PathBuf>, Options)> {
        let mut arguments = arguments.to_vec();
        if matches!(first_word(&arguments), Word::Nothing | Word::Recipient) {
            arguments.insert(1, "deliver".into());
        }
        let cli = Cli::try_parse_from(&arguments).ok()?;
        let Command::Deliver(options) = cli.command else { return None };
        (cli.verbose == 0).then_some((cli.config, options))
    }

    fn agree(words: &[&str]) {
        let arguments: Vec<OsString> =
            std::iter::once("thialfi").chain(words.iter().copied()).map(Into::into).collect();
        if let Some(read) = read(&arguments) {
            assert_eq!(format!("{:?}", Some(read)), format!("{:?}", by_clap(&arguments)), "{words:?}");
        }
    }

    #[test]
    fn what_mail_servers_write_is_plain() {
        for words in [
            &["deliver"][..],
            &["--config", "x.toml", "deliver", "-f", "", "a@example.com", "b@example.com"],
            &["-c", "x.toml", "a@example.com", "root"],
            &["deliver", "root", "-c", "x.toml"],
            &["-f", "b@example.com", "a@example.com"],
        ] {
            let arguments: Vec<OsString> = std::iter::once(&"thialfi").chain(words).map(Into::into).collect();
            assert!(read(&arguments).is_some(), "{words:?}");
            agree(words);
        }
    }

    #[test]
    fn nothing_but_a_mail_is_clap_s() {
        for words in [&["thialfi"][..], &["thialfi", "root"], &["thialfi", "check"], &["thialfi", "-h"]] {
            let arguments: Vec<OsString> = words.iter().map(Into::into).collect();
            assert!(read(&arguments).is_none(), "{words:?}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(1000))]

        #[test]
        fn it_says_what_clap_says(
            deliver in proptest::bool::ANY,
            words in proptest::collection::vec(proptest::sample::select(WORDS.to_vec()), 0..7),
        ) {
            let begin = if deliver { &["deliver"][..] } else { &[] };
            agree(&[begin, &words].concat());
        }
    }
}

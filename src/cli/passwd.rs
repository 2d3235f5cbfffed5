//! `thialfi passwd`: makes what the rule file has of a password or of a token. The password is asked for, never taken from the
//! command line, which everybody on the machine can read.

use std::io::{self, BufRead as _, IsTerminal as _, Read as _};

use anstream::{eprint, eprintln, println};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use clap::Args;
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use secrecy::{ExposeSecret as _, SecretString};
use sha2::{Digest as _, Sha256};

use super::setup::complain;
use crate::config::{self, PasswordHash};
use crate::exit::Exit;
use crate::server::session::{LONGEST_PASSWORD, TOKEN_PREFIX};

/// Shorter passwords are refused, in characters.
const SHORTEST: usize = 10;

/// What `passwd` takes.
#[derive(Debug, Clone, Args)]
pub struct Options {
    /// Whose password it is: the name under `[users]`
    pub user: Option<String>,
    /// Make a token for a program instead, of this name under `[tokens]`; it is shown once, on standard error
    #[arg(long, value_name = "NAME", conflicts_with = "user")]
    pub token: Option<String>,
}

/// Why there is nothing to print.
#[derive(Debug, thiserror::Error)]
enum Refused {
    #[error("`{0}` cannot be a name: use letters, digits, `-`, `_` and `.`")]
    Name(String),
    #[error("the password is too short: {SHORTEST} characters at least")]
    Short,
    #[error("the password is too long: {LONGEST_PASSWORD} bytes at most")]
    Long,
    #[error("the password is little more than the user's name")]
    OfName,
    #[error("the password has a control character in it")]
    Control,
    #[error("the two are not the same")]
    Different,
    #[error("no password was given")]
    Nothing,
    #[error("the password cannot be read: {0}")]
    Unreadable(#[from] io::Error),
    #[error("no random numbers are to be had: {0}")]
    NoChance(getrandom::Error),
    #[error("the password cannot be hashed")]
    NoHash,
}

/// Asks, and prints what belongs into the rule file.
pub fn run(options: &Options) -> Exit {
    let made = match &options.token {
        Some(name) => token(name),
        None => password(options.user.as_deref()),
    };
    match made {
        Ok(snippet) => {
            println!("{snippet}");
            Exit::Success
        }
        Err(refused) => {
            complain(&refused.to_string());
            Exit::No
        }
    }
}

fn password(user: Option<&str>) -> Result<String, Refused> {
    let title = user.map(|name| header("users", name)).transpose()?;
    let password = if io::stdin().is_terminal() { typed()? } else { piped()? };
    check(password.expose_secret(), user.unwrap_or_default())?;
    let mut salt = [0; 16];
    getrandom::fill(&mut salt).map_err(Refused::NoChance)?;
    let hash = PasswordHash::make(password.expose_secret(), salt).ok_or(Refused::NoHash)?;
    let title = title.map(|title| format!("{title}\n")).unwrap_or_default();
    Ok(format!("{title}password = \"{}\"", hash.expose()))
}

fn token(name: &str) -> Result<String, Refused> {
    let title = header("tokens", name)?;
    let mut bits = [0; 32];
    getrandom::fill(&mut bits).map_err(Refused::NoChance)?;
    let token = format!("{TOKEN_PREFIX}{}", URL_SAFE_NO_PAD.encode(bits));
    let digest: String = Sha256::digest(token.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect();
    // Apart from the rest, so that it does not end in the rule file with it.
    eprintln!("The token, which is not shown again: {token}");
    Ok(format!("{title}\nsha256 = \"{digest}\"\nrole = \"view\""))
}

/// The head of the table; a name that TOML does not take bare is quoted.
fn header(table: &str, name: &str) -> Result<String, Refused> {
    if !config::is_name(name) {
        return Err(Refused::Name(name.to_owned()));
    }
    let bare = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
    Ok(if bare { format!("[{table}.{name}]") } else { format!("[{table}.\"{name}\"]") })
}

/// Length is what makes a password strong (NIST SP 800-63B, 5.1.1.2), so nothing else is demanded but that it is no name.
fn check(password: &str, user: &str) -> Result<(), Refused> {
    let letters = |text: &str| text.chars().filter(|c| c.is_alphabetic()).collect::<String>().to_lowercase();
    if password.chars().any(char::is_control) {
        Err(Refused::Control)
    } else if password.len() > LONGEST_PASSWORD {
        Err(Refused::Long)
    } else if !user.is_empty() && (password.eq_ignore_ascii_case(user) || letters(password) == letters(user)) {
        Err(Refused::OfName)
    } else if password.chars().count() < SHORTEST {
        Err(Refused::Short)
    } else {
        Ok(())
    }
}

/// Twice from the terminal, which shows nothing of it.
fn typed() -> Result<SecretString, Refused> {
    let _dark = Dark::begin()?;
    eprint!("Password: ");
    let first = line()?;
    eprint!("Again: ");
    let second = line()?;
    if first.expose_secret() == second.expose_secret() { Ok(first) } else { Err(Refused::Different) }
}

/// The first line of standard input.
fn piped() -> Result<SecretString, Refused> {
    line()
}

fn line() -> Result<SecretString, Refused> {
    let mut line = String::new();
    let most = LONGEST_PASSWORD as u64 + 3;
    if io::stdin().lock().take(most).read_line(&mut line)? == 0 {
        return Err(Refused::Nothing);
    }
    let password = line.strip_suffix('\n').unwrap_or(&line);
    Ok(SecretString::from(password.strip_suffix('\r').unwrap_or(password)))
}

/// While there is one, the terminal shows nothing of what is typed but the ends of lines.
struct Dark(Termios);

impl Dark {
    fn begin() -> Result<Self, Refused> {
        let before = tcgetattr(io::stdin()).map_err(io::Error::from)?;
        let mut dark = before.clone();
        dark.local_modes.remove(LocalModes::ECHO);
        dark.local_modes.insert(LocalModes::ECHONL);
        // What was typed before is not taken for a password.
        tcsetattr(io::stdin(), OptionalActions::Flush, &dark).map_err(io::Error::from)?;
        Ok(Self(before))
    }
}

impl Drop for Dark {
    fn drop(&mut self) {
        let _ = tcsetattr(io::stdin(), OptionalActions::Now, &self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_long_and_no_name() {
        for (password, user) in [
            ("correct horse", "david"),
            ("ööööööööää", "david"),
            ("1234567890", "david"),
            (" ten chars", "david"),
            ("david-and-goliath", "david"),
            ("correct horse", ""),
        ] {
            assert!(check(password, user).is_ok(), "{password}");
        }
        assert!(matches!(check("nine char", "david"), Err(Refused::Short)));
        assert!(matches!(check("öööööö", "david"), Err(Refused::Short)));
        assert!(matches!(check("", "david"), Err(Refused::Short)));
        assert!(matches!(check("christopher", "Christopher"), Err(Refused::OfName)));
        assert!(matches!(check("David-1234567890!", "david"), Err(Refused::OfName)));
        assert!(matches!(check("with a\ttab in it", "david"), Err(Refused::Control)));
        assert!(matches!(check(&"x".repeat(1001), "david"), Err(Refused::Long)));
        assert!(check(&"x".repeat(1000), "david").is_ok());
    }

    #[test]
    fn a_name_becomes_a_key_of_toml() {
        assert_eq!(header("users", "david_2-x").unwrap(), "[users.david_2-x]");
        assert_eq!(header("users", "david.smith").unwrap(), "[users.\"david.smith\"]");
        assert_eq!(header("tokens", "zoë").unwrap(), "[tokens.\"zoë\"]");
        for name in ["", "a b", "a\"b", "a]b", "a\nb"] {
            assert!(matches!(header("users", name), Err(Refused::Name(_))), "{name}");
        }
    }
}

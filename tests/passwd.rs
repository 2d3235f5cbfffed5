//! `thialfi passwd`, as an administrator types it, and that what it prints is a rule file.

use crate::support::{PAGE, PEOPLE, Test};

/// Puts what was printed into a rule file and checks that.
fn is_taken(snippet: &str) {
    let test = Test::new().rules(&format!("{PEOPLE}{PAGE}\n{snippet}"));
    std::fs::set_permissions(test.path("rules.toml"), std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    test.run(&["check", "--offline"], b"").exit(0).done();
}

#[test]
fn a_password_becomes_an_entry_of_the_rule_file() {
    let test = Test::new();
    for (line, password) in [
        ("correct horse battery\nnot this line\n", "correct horse battery"),
        ("with blanks \r\n", "with blanks "),
        ("without an end", "without an end"),
    ] {
        let ran = test.run(&["passwd", "david"], line.as_bytes()).exit(0);
        let hash = ran.out.strip_prefix("[users.david]\npassword = \"").and_then(|rest| rest.strip_suffix("\"\n"));
        let hash = hash.unwrap_or_else(|| panic!("{ran:?}"));
        assert!(thialfi::config::PasswordHash::parse(hash).unwrap().verify(password), "{line:?}");
        assert!(!ran.out.contains(password) && !ran.err.contains(password), "{ran:?}");
        is_taken(&ran.out);
    }
    let again = |_: u8| test.run(&["passwd"], b"correct horse battery").exit(0).out;
    assert!(again(0).starts_with("password = \"$argon2id$v=19$m=19456,t=2,p=1$"));
    assert_ne!(again(1), again(2), "each has a salt of its own");
}

#[test]
fn a_password_that_is_none_is_refused_and_not_shown() {
    let test = Test::new();
    for (password, why) in [
        ("too brief", "10 characters at least"),
        ("", "no password was given"),
        ("\n", "10 characters at least"),
        ("david1234567", "little more than the user's name"),
        (&"x".repeat(1001), "1000 bytes at most"),
        (&"x".repeat(4000), "1000 bytes at most"),
    ] {
        let ran = test.run(&["passwd", "david"], password.as_bytes()).exit(1).says(why);
        assert_eq!(ran.out, "");
        assert!(password.trim().is_empty() || !ran.err.contains(password), "{ran:?}");
    }
    test.run(&["passwd", "a b"], b"correct horse battery").exit(1).says("cannot be a name").done();
    let _ = test.run(&["passwd", "david", "correct horse battery"], b"").exit(2);
}

#[test]
fn a_token_is_shown_once_and_its_digest_is_an_entry() {
    let test = Test::new();
    let ran = test.run(&["passwd", "--token", "grafana"], b"").exit(0);
    let token = ran.err.split_whitespace().find(|word| word.starts_with("thialfi_")).unwrap().to_owned();
    assert_eq!(token.len(), "thialfi_".len() + 43, "{token}");
    assert!(ran.out.starts_with("[tokens.grafana]\nsha256 = \"") && ran.out.ends_with("role = \"view\"\n"), "{ran:?}");
    assert!(!ran.out.contains(&token), "the token is in what goes into the rule file");
    is_taken(&ran.out);
    let other = test.run(&["passwd", "--token", "grafana"], b"").exit(0);
    assert!(!other.err.contains(&token) && other.out != ran.out);
    let _ = test.run(&["passwd", "--token", "x", "david"], b"").exit(2);
}

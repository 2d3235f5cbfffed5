//! Everything that is built into thialfi may be given on: the licences of all dependencies are on a list.

use std::process::Command;

/// What thialfi's own licence can live with. The last three are of data: Unicode's tables, Mozilla's certificates.
const FREE: &[&str] = &[
    "MIT",
    "Apache-2.0",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "ISC",
    "Zlib",
    "Unlicense",
    "Unicode-3.0",
    "CDLA-Permissive-2.0",
];

/// Whether one may choose licences of the list: an SPDX expression, or the old way to write one, with a slash for OR.
fn is_free(expression: &str) -> bool {
    let spaced = expression.replace('(', " ( ").replace(')', " ) ").replace('/', " OR ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut rest = words.as_slice();
    let free = any(&mut rest);
    free && rest.is_empty()
}

fn any(words: &mut &[&str]) -> bool {
    let mut free = all(words);
    while let Some(("OR", rest)) = words.split_first().map(|(word, rest)| (*word, rest)) {
        *words = rest;
        free |= all(words);
    }
    free
}

fn all(words: &mut &[&str]) -> bool {
    let mut free = one(words);
    while let Some(("AND", rest)) = words.split_first().map(|(word, rest)| (*word, rest)) {
        *words = rest;
        free &= one(words);
    }
    free
}

fn one(words: &mut &[&str]) -> bool {
    let Some((word, rest)) = words.split_first() else { return false };
    *words = rest;
    if *word == "(" {
        let free = any(words);
        let closed = words.strip_prefix(&[")"]);
        // What is not closed is no expression.
        *words = closed.unwrap_or(&["unclosed"]);
        return free && closed.is_some();
    }
    if let [with, _, rest @ ..] = *words
        && *with == "WITH"
    {
        // An exception gives more rights, not fewer.
        *words = rest;
    }
    FREE.contains(word)
}

#[test]
fn expressions_are_read() {
    for free in
        ["MIT", "MIT OR GPL-3.0", "GPL-3.0/MIT", "(GPL-2.0 OR MIT) AND BSD-3-Clause", "Apache-2.0 WITH LLVM-exception"]
    {
        assert!(is_free(free), "{free}");
    }
    for unfree in ["GPL-3.0", "MIT AND GPL-3.0", "(MIT OR ISC) AND AGPL-3.0", "", "MIT OR (GPL-3.0", "MIT ISC"] {
        assert!(!is_free(unfree), "{unfree}");
    }
}

#[test]
fn every_dependency_has_a_licence_that_lets_it_be_given_on() {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
    let version = Command::new("rustc").arg("-vV").output().unwrap();
    let version = String::from_utf8(version.stdout).unwrap();
    let host = version.lines().find_map(|line| line.strip_prefix("host: ")).unwrap();
    let metadata = Command::new(cargo)
        .args(["metadata", "--locked", "--format-version", "1", "--filter-platform", host, "--manifest-path", manifest])
        .output()
        .unwrap();
    assert!(metadata.status.success(), "{}", String::from_utf8_lossy(&metadata.stderr));
    let metadata: serde_json::Value = serde_json::from_slice(&metadata.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    assert!(packages.len() > 100, "only {} packages", packages.len());
    let unfree: Vec<String> = packages
        .iter()
        .filter(|package| !package["license"].as_str().is_some_and(is_free))
        .map(|package| format!("{}: {}", package["name"], package["license"]))
        .collect();
    assert!(unfree.is_empty(), "{unfree:?}");
}

//! The invariants of `docs/architecture.md` that a machine can keep.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The rooms, from the top of the house to its foundations: each may use those below it and none above.
const ROOMS: [&str; 18] = [
    "cli",
    "server",
    "explain",
    "engine",
    "report",
    "intake",
    "config",
    "store",
    "provider",
    "notify",
    "alert",
    "heartbeat",
    "oncall",
    "rules",
    "archive",
    "mail",
    "clock",
    "exit",
];

/// The pure rooms: no I/O, no clock, no chance.
const PURE: [&str; 6] = ["mail", "rules", "oncall", "heartbeat", "alert", "intake"];

/// What a pure room must not touch.
const IMPURE: [&str; 10] = [
    "std::fs",
    "std::net",
    "std::env",
    "std::process",
    "Timestamp::now",
    "Zoned::now",
    "SystemTime",
    "Instant::now",
    "getrandom::",
    "File::open",
];

#[test]
fn each_room_uses_only_those_below_it() {
    let rank: BTreeMap<&str, usize> = ROOMS.iter().enumerate().map(|(rank, room)| (*room, rank)).collect();
    let mut wrong = Vec::new();
    for (room, path, text) in sources() {
        let own = rank.get(room.as_str()).unwrap_or_else(|| panic!("{path:?}: `{room}` is not in the list of rooms"));
        for (number, line) in code_lines(&text) {
            for used in uses(line) {
                let Some(other) = rank.get(used.as_str()) else { continue };
                if other < own {
                    wrong.push(format!("{}:{number}: `{room}` uses `{used}`, which is above it", path.display()));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_pure_rooms_do_no_io_and_read_no_clock() {
    let mut wrong = Vec::new();
    for (room, path, text) in sources() {
        if !PURE.contains(&room.as_str()) {
            continue;
        }
        for (number, line) in code_lines(&text) {
            for word in IMPURE.iter().filter(|word| line.contains(**word)) {
                wrong.push(format!("{}:{number}: `{room}` is pure and must not use `{word}`", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_module_says_what_it_owns() {
    for (_, path, text) in sources() {
        assert!(text.starts_with("//! "), "{} does not open with a sentence", path.display());
    }
}

#[test]
fn every_dependency_is_named_with_its_reason() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let manifest = std::fs::read_to_string(root.join("Cargo.toml")).unwrap();
    let architecture = std::fs::read_to_string(root.join("docs/architecture.md")).unwrap();
    let manifest: toml::Table = manifest.parse().unwrap();
    for section in ["dependencies", "dev-dependencies"] {
        for name in manifest[section].as_table().unwrap().keys() {
            assert!(architecture.contains(&format!("`{name}`")), "docs/architecture.md does not name `{name}`");
        }
    }
}

/// Room, path and text of every source file but `main.rs` and `lib.rs`.
fn sources() -> Vec<(String, PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") && !is_test(&path) {
                let inside = path.strip_prefix(&root).unwrap().to_owned();
                let room = inside.iter().next().unwrap().to_str().unwrap().trim_end_matches(".rs").to_owned();
                if room != "main" && room != "lib" {
                    found.push((room, inside, std::fs::read_to_string(&path).unwrap()));
                }
            }
        }
    }
    assert!(found.len() > 40, "only {} source files found", found.len());
    found
}

/// Tests stand in `tests.rs` or in a folder of that name, or where a module's `mod` line says `#[cfg(test)]`.
fn is_test(path: &Path) -> bool {
    let name = path.file_stem().and_then(|name| name.to_str()).unwrap_or_default();
    let declared_in =
        [path.parent().map(|folder| folder.join("mod.rs")), path.parent().map(|folder| folder.with_extension("rs"))];
    let for_tests = format!("#[cfg(test)]\nmod {name};");
    name == "tests"
        || path.components().any(|part| matches!(part.as_os_str().to_str(), Some("tests" | "suite")))
        || declared_in
            .iter()
            .flatten()
            .filter_map(|file| std::fs::read_to_string(file).ok())
            .any(|text| text.contains(&for_tests))
}

/// The lines before the tests, without comments, numbered from 1.
fn code_lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    (1..)
        .zip(text.lines())
        .take_while(|(_, line)| !line.trim_start().starts_with("#[cfg(test)]"))
        .filter(|(_, line)| !line.trim_start().starts_with("//"))
}

/// The rooms that a line names: `crate::ROOM`, also in `use crate::{ROOM, …}`.
fn uses(line: &str) -> Vec<String> {
    let mut rooms = Vec::new();
    for rest in line.split("crate::").skip(1) {
        let names = match rest.strip_prefix('{') {
            Some(list) => list.split([',', '}']).map(str::trim).collect(),
            None => vec![rest],
        };
        for name in names {
            rooms.push(name.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect());
        }
    }
    rooms
}

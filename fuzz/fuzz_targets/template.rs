//! The templates of a rule file. The input is a template, a line of `=====`, and what a mail filled its variables with.
#![no_main]

use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use thialfi::notify::template::{self, Variables};
use thialfi_fuzz::{assert_tellable, bounded};

fuzz_target!(|input: &[u8]| {
    let Ok(input) = std::str::from_utf8(input) else { return };
    let (source, value) = input.split_once("\n=====\n").unwrap_or((input, "8658 <&>\n\"x\""));
    let variables = Variables {
        values: ["issue", "who", "subject", "text"].map(|name| (name.to_owned(), value.to_owned())).to_vec(),
        headers: vec![("X-Project".to_owned(), value.to_owned())],
        seed: 7,
    };
    let known = bounded(Duration::from_secs(1), || template::check(source));
    let rendered = bounded(Duration::from_secs(1), || template::render(source, &variables));
    match (&known, &rendered) {
        (Ok(names), _) => assert!(names.iter().all(|name| !name.is_empty())),
        // What only `check` refuses is a name that nobody would ever come across; what it cannot parse renders nowhere.
        (Err(error), _) => assert!(!error.message.is_empty() && !error.message.contains('\n'), "{error:?}"),
    }
    match rendered {
        Ok(words) => {
            assert!(words.len() <= 64 * 1024);
            assert_eq!(template::render(source, &variables).as_deref(), Ok(words.as_str()), "not the same twice");
            assert_tellable(&words, &words);
        }
        Err(error) => assert!(!error.message.is_empty() && !error.message.contains('\n'), "{error:?}"),
    }
    // A value is never read as a template.
    let only = "{{ who }}";
    let shown = template::render(only, &variables).unwrap();
    assert!(value.starts_with(&shown), "{shown:?} of {value:?}");
});

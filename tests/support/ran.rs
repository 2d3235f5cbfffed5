//! How a run of the binary ended, and what a test may say of it.

use std::process::Output;

/// How a run of the binary ended.
#[derive(Debug)]
#[must_use]
pub struct Ran {
    pub status: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Ran {
    #[track_caller]
    pub fn exit(self, status: i32) -> Self {
        assert_eq!(self.status, Some(status), "{self:#?}");
        self
    }

    #[track_caller]
    pub fn says(self, words: &str) -> Self {
        assert!(self.out.contains(words) || self.err.contains(words), "no `{words}` in {self:#?}");
        self
    }

    /// What `deliver` promises of its output: one line, whatever happens.
    #[track_caller]
    pub fn one_line(self) -> Self {
        assert_eq!(self.out.trim_end().lines().count(), 1, "{self:#?}");
        assert!(!self.out.contains("panicked") && !self.err.contains("panicked"), "{self:#?}");
        self
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self:#?}"))
    }

    pub fn done(self) {}
}

pub fn ran(output: &Output) -> Ran {
    Ran {
        status: output.status.code(),
        out: String::from_utf8_lossy(&output.stdout).into_owned(),
        err: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

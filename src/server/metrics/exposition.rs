//! Prometheus' text format, 0.0.4: families of samples, each with its help and type. Whatever a label's value is, a line stays
//! one line.

use std::fmt::{Display, Write as _};

/// The media type of the format.
pub(super) const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Longer label values are cut, in characters.
const LONGEST: usize = 200;

/// What a family is a family of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// It only grows.
    Counter,
    /// It goes up and down.
    Gauge,
    /// How many were within each bound.
    Histogram,
}

impl Kind {
    fn word(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        }
    }
}

/// A text under construction.
#[derive(Debug, Default)]
pub(super) struct Exposition {
    text: String,
    name: &'static str,
}

impl Exposition {
    /// Begins a family; the samples that follow are its own.
    pub fn family(&mut self, name: &'static str, kind: Kind, help: &str) -> &mut Self {
        self.name = name;
        let _ = writeln!(self.text, "# HELP {name} {}\n# TYPE {name} {}", escaped(help, false), kind.word());
        self
    }

    /// A sample of the family.
    pub fn sample(&mut self, labels: &[(&str, &str)], value: impl Display) -> &mut Self {
        self.sample_of("", labels, value)
    }

    /// A sample of the family whose name has an ending: `_bucket`, `_sum`, `_count`.
    pub fn sample_of(&mut self, ending: &str, labels: &[(&str, &str)], value: impl Display) -> &mut Self {
        let _ = write!(self.text, "{}{ending}", self.name);
        for (place, (name, value)) in labels.iter().enumerate() {
            let _ = write!(self.text, "{}{name}=\"{}\"", if place == 0 { '{' } else { ',' }, escaped(value, true));
        }
        let _ = writeln!(self.text, "{} {value}", if labels.is_empty() { "" } else { "}" });
        self
    }

    /// A family of one sample without labels.
    pub fn one(&mut self, name: &'static str, kind: Kind, help: &str, value: impl Display) {
        self.family(name, kind, help).sample(&[], value);
    }

    /// All of it.
    pub fn finish(self) -> String {
        self.text
    }
}

/// What a label's value becomes of this text. Two texts that become the same must be one sample: of two with the same labels
/// Prometheus takes none, and nothing else of the text either.
pub(super) fn label(text: &str) -> String {
    // The format knows no escape for a carriage return, and some readers take it for the end of a line.
    text.chars().take(LONGEST).map(|one| if one == '\r' { ' ' } else { one }).collect()
}

/// Backslashes and line feeds escaped, and in a label's value the quotation marks.
fn escaped(text: &str, is_label: bool) -> String {
    let mut escaped = String::with_capacity(text.len());
    for one in label(text).chars() {
        match one {
            '\\' => escaped.push_str("\\\\"),
            '\n' => escaped.push_str("\\n"),
            '"' if is_label => escaped.push_str("\\\""),
            one => escaped.push(one),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_family_has_help_type_and_samples() {
        let mut out = Exposition::default();
        out.family("a_total", Kind::Counter, "How many.\nTruly \\ \"so\".").sample(&[], 3).sample(&[("x", "1")], 1.5);
        out.family("b", Kind::Histogram, "Seconds.").sample_of("_bucket", &[("le", "+Inf"), ("y", "z")], 7);
        assert_eq!(
            out.finish(),
            "# HELP a_total How many.\\nTruly \\\\ \"so\".\n# TYPE a_total counter\na_total 3\na_total{x=\"1\"} 1.5\n\
             # HELP b Seconds.\n# TYPE b histogram\nb_bucket{le=\"+Inf\",y=\"z\"} 7\n"
        );
    }

    #[test]
    fn no_label_ends_its_line() {
        let mut out = Exposition::default();
        out.family("a", Kind::Gauge, "x").sample(&[("rule", "a\"} 1\nb 2\r\nc\\")], 0);
        assert_eq!(out.finish().lines().next_back(), Some("a{rule=\"a\\\"} 1\\nb 2 \\nc\\\\\"} 0"));
        let mut out = Exposition::default();
        out.family("a", Kind::Gauge, "x").sample(&[("rule", &"é".repeat(1000))], 0);
        assert!(out.finish().ends_with(&format!("{}\"}} 0\n", "é".repeat(LONGEST))));
    }
}

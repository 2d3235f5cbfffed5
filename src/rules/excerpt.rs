//! The piece of a text that `explain` shows: one short line, with the match marked.

use std::ops::Range;

/// At most so many characters, marks included.
pub(crate) const LIMIT: usize = 120;
/// At most so many characters of the match itself.
const MATCH_LIMIT: usize = 80;

/// The match between `«` and `»`, with as much of its line on either side as there is room for.
pub(crate) fn around(text: &str, range: &Range<usize>) -> String {
    let (Some(before), Some(matched), Some(after)) =
        (text.get(..range.start), text.get(range.clone()), text.get(range.end..))
    else {
        return String::new();
    };
    let before = before.rsplit('\n').next().unwrap_or_default().trim_start();
    let after = after.split('\n').next().unwrap_or_default().trim_end();
    let matched = middle_out(matched, MATCH_LIMIT);
    let room = LIMIT - 2 - matched.chars().count();
    // A side that is short leaves its room to the other.
    let (left, right) = (count(before, room), count(after, room));
    let left_room = if right <= room / 2 { room - right } else { left.min(room / 2) };
    let right_room = room - left.min(left_room);
    format!("{}«{matched}»{}", tail(before, left_room), head(after, right_room))
}

/// A text on one line, shortened to [`LIMIT`].
pub(crate) fn short(text: &str) -> String {
    head(text.trim(), LIMIT)
}

/// How many characters, as far as it matters.
fn count(text: &str, limit: usize) -> usize {
    text.chars().take(limit + 1).count()
}

fn head(text: &str, limit: usize) -> String {
    if count(text, limit) <= limit {
        return text.chars().map(visible).collect();
    }
    text.chars().take(limit.saturating_sub(1)).map(visible).chain(['…']).collect()
}

fn tail(text: &str, limit: usize) -> String {
    if text.chars().rev().take(limit + 1).count() <= limit {
        return text.chars().map(visible).collect();
    }
    let mut kept: Vec<char> = text.chars().rev().take(limit.saturating_sub(1)).map(visible).collect();
    kept.push('…');
    kept.iter().rev().collect()
}

fn middle_out(text: &str, limit: usize) -> String {
    if count(text, limit) <= limit {
        return text.chars().map(visible).collect();
    }
    let front: String = text.chars().take(limit / 2).map(visible).collect();
    format!("{front}{}", tail(text, limit - limit / 2))
}

/// Line breaks are shown; what could move the cursor is not. (What reaches a terminal is cleaned once more there.)
fn visible(c: char) -> char {
    match c {
        '\n' => '⏎',
        c if c.is_control() => ' ',
        c => c,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_match_stands_in_its_line() {
        let text = "one\n  Issue #12 has been updated.\r\nthree";
        assert_eq!(around(text, &(12..15)), "Issue «#12» has been updated.");
        assert_eq!(around("a\nb", &(0..3)), "«a⏎b»");
        assert_eq!(around("", &(0..0)), "«»");
    }

    #[test]
    fn a_long_line_is_cut_on_both_sides() {
        let text = format!("{}X{}", "a".repeat(500), "b".repeat(500));
        let shown = around(&text, &(500..501));
        assert_eq!(shown.chars().count(), LIMIT);
        assert!(shown.starts_with("…a") && shown.contains("a«X»b") && shown.ends_with("b…"), "{shown}");
        let left = around(&text, &(0..1));
        assert!(left.starts_with("«a»aaa") && left.chars().count() == LIMIT, "{left}");
    }

    proptest! {
        #[test]
        fn it_is_always_one_short_line(before in "[aä\n]{0,150}", matched in "[xß\n]{0,150}", after in "[bö\n]{0,150}") {
            let text = format!("{before}{matched}{after}");
            let shown = around(&text, &(before.len()..before.len() + matched.len()));
            prop_assert!(shown.chars().count() <= LIMIT && !shown.contains('\n'), "{}", shown);
            prop_assert!(short(&text).chars().count() <= LIMIT);
        }
    }
}

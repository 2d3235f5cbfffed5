//! Format=flowed (RFC 3676): paragraphs that a mail client cut into lines are put together again.

/// The lines of `text` with soft line breaks joined. Quote marks are kept, one `> ` before a joined line; a line that
/// was space-stuffed loses that space. With `delete_space` (DelSp=yes) the space before a soft break goes, too.
pub fn join(text: &str, delete_space: bool) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let mut open: Option<usize> = None;
    for line in text.split('\n') {
        let content = line.trim_start_matches('>');
        let depth = line.len() - content.len();
        let content = content.strip_prefix(' ').unwrap_or(content);
        // The signature separator ends in a space and is never flowed (4.3).
        let is_signature = content == "-- ";
        let flows = content.ends_with(' ') && !is_signature;
        let content =
            if flows && delete_space { content.get(..content.len() - 1).unwrap_or_default() } else { content };
        match (open, lines.last_mut()) {
            (Some(above), Some(last)) if above == depth && !is_signature => last.push_str(content),
            _ => {
                let mut start = ">".repeat(depth);
                if depth > 0 && !content.is_empty() {
                    start.push(' ');
                }
                start.push_str(content);
                lines.push(start);
            }
        }
        open = flows.then_some(depth);
    }
    for line in &mut lines {
        line.truncate(line.trim_end().len());
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn soft_breaks_join_and_hard_breaks_do_not() {
        assert_eq!(join("a \nb\nc", false), ["a b", "c"]);
        assert_eq!(join("a \nb", true), ["ab"]);
    }

    #[test]
    fn lines_of_another_depth_and_signatures_stay_apart() {
        assert_eq!(join("> a \n> b\n>> c \nd", false), ["> a b", ">> c", "d"]);
        assert_eq!(join("a \n-- \nme", false), ["a", "--", "me"]);
    }

    #[test]
    fn space_stuffing_is_undone() {
        assert_eq!(join(" >not a quote\n From x", false), [">not a quote", "From x"]);
    }
}

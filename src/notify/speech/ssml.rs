//! Pauses and spelling for the voices that take SSML (`Polly.…`, `Google.…`): made of spoken words, which say the same
//! without it to those that do not.

use std::fmt::Write as _;

/// After a sentence.
const BREAK: &str = "<break time=\"400ms\"/>";

/// Whether a voice takes SSML. Google's Chirp voices do not, and neither do the basic ones.
pub fn is_taken_by(voice: &str) -> bool {
    voice.starts_with("Polly.") || voice.starts_with("Google.") && !voice.contains("Chirp")
}

/// Spoken words as XML: a pause after each sentence, and what stands character by character marked as such.
pub fn marked(spoken: &str) -> String {
    let mut marked = String::with_capacity(spoken.len() * 2);
    let mut words = spoken.split(' ').peekable();
    while let Some(word) = words.next() {
        let end = word.trim_start_matches(|c: char| !matches!(c, '.' | '!' | '?' | ':' | ';' | ','));
        let mut run = word.strip_suffix(end).unwrap_or(word).to_owned();
        let mut end = end;
        let is_single = |word: &str| {
            let mut chars = word.trim_end_matches(['.', '!', '?', ':', ';', ',']).chars();
            matches!((chars.next(), chars.next()), (Some(c), None) if c.is_ascii_digit() || c.is_ascii_uppercase())
        };
        let starts = is_single(&run);
        while starts && end.is_empty() && words.peek().is_some_and(|next| is_single(next)) {
            let next = words.next().unwrap_or_default();
            let (c, rest) = next.split_at_checked(1).unwrap_or((next, ""));
            run.push_str(c);
            end = rest;
        }
        if starts && run.len() > 1 {
            let _ = write!(marked, "<say-as interpret-as=\"characters\">{run}</say-as>");
        } else {
            escape(&mut marked, &run);
        }
        escape(&mut marked, end);
        if words.peek().is_some() {
            if end.ends_with(['.', '!', '?', ':', ';']) {
                marked.push_str(BREAK);
            }
            marked.push(' ');
        }
    }
    marked
}

fn escape(marked: &mut String, text: &str) {
    for c in text.chars() {
        match c {
            '<' => marked.push_str("&lt;"),
            '>' => marked.push_str("&gt;"),
            '&' => marked.push_str("&amp;"),
            '"' => marked.push_str("&quot;"),
            c => marked.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_have_pauses_and_codes_are_characters() {
        assert_eq!(
            marked("Issue number 8 6 5 8. Code 7 K, on D B 1 & 5 disks. A day"),
            "Issue number <say-as interpret-as=\"characters\">8658</say-as>.<break time=\"400ms\"/> Code <say-as \
             interpret-as=\"characters\">7K</say-as>, on <say-as interpret-as=\"characters\">DB1</say-as> &amp; 5 disks.\
             <break time=\"400ms\"/> A day"
        );
        assert_eq!(marked("<Hangup/> \"x\""), "&lt;Hangup/&gt; &quot;x&quot;");
        assert!(is_taken_by("Polly.Vicki") && is_taken_by("Google.de-DE-Standard-A"));
        assert!(!is_taken_by("woman") && !is_taken_by("") && !is_taken_by("Google.de-DE-Chirp3-HD-Kore"));
    }
}

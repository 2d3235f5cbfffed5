//! How much a voice takes at once. What is longer is not spoken at all: Twilio ends the call with error 13520 or 13521.

use roxmltree::{Document, Node};

/// Percent-encoded, no voice takes more bytes.
const ENCODED: usize = 4500;

/// Kinds of voices that Twilio has, by what they take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// `man`, `woman`, and whatever speaks where no voice is named.
    Basic,
    /// Amazon's, the neural ones among them.
    Polly,
    Google,
}

impl Kind {
    fn of(voice: &str) -> Self {
        match voice.split('.').next() {
            Some("Polly") => Self::Polly,
            Some("Google") => Self::Google,
            Some(_) | None => Self::Basic,
        }
    }

    /// How many characters it takes in one `Say`.
    fn characters(self) -> usize {
        match self {
            Self::Basic => 4096,
            Self::Polly => 3000,
            Self::Google => 5000,
        }
    }
}

/// What is too long for the voice that is to say it, in words. Whether marks of SSML count is not documented: they do here.
pub(super) fn broken(twiml: &str, document: &Document<'_>) -> Option<String> {
    document.descendants().filter(|node| node.has_tag_name("Say")).find_map(|say| {
        let voice = say.attribute("voice").unwrap_or_default();
        let text = inside(twiml, say);
        let (length, most) = (text.chars().count(), Kind::of(voice).characters());
        let voice = if voice.is_empty() { "the voice" } else { voice };
        if length > most {
            return Some(format!("a `Say` of {length} characters, of which {voice} takes {most}"));
        }
        let bytes = encoded(text);
        (bytes > ENCODED).then(|| format!("a `Say` of {bytes} bytes percent-encoded, of which {voice} takes {ENCODED}"))
    })
}

/// What stands between the tags of an element.
pub(super) fn inside<'t>(twiml: &'t str, node: Node<'_, '_>) -> &'t str {
    let (Some(first), Some(last)) = (node.first_child(), node.last_child()) else { return "" };
    twiml.get(first.range().start..last.range().end).unwrap_or_default()
}

/// How many bytes the text takes in a URL.
fn encoded(text: &str) -> usize {
    text.bytes().map(|byte| if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) { 1 } else { 3 }).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_of_voice_takes_what_twilio_says() {
        for (voice, most) in [
            ("", 4096),
            ("woman", 4096),
            ("Polly.Aria-Neural", 3000),
            ("Polly.Vicki", 3000),
            ("Google.de-DE-Wavenet-A", 4500),
        ] {
            let found = |length: usize| {
                let twiml =
                    format!("<Response><Say>x</Say><Say voice=\"{voice}\">{}</Say></Response>", "x".repeat(length));
                broken(&twiml, &Document::parse(&twiml).unwrap())
            };
            assert_eq!(found(most), None, "{voice}");
            assert!(found(most + 1).is_some_and(|why| why.contains(&most.to_string())), "{voice}");
        }
        let twiml = format!("<Response><Say>{}</Say></Response>", "库".repeat(501));
        let why = broken(&twiml, &Document::parse(&twiml).unwrap());
        assert_eq!(why.unwrap(), "a `Say` of 4509 bytes percent-encoded, of which the voice takes 4500");
    }
}

//! A document as it is heard.

use std::fmt::Write as _;

use roxmltree::{Document, Node};

use super::limits::inside;

/// What a call says, once, as a document of SSML: the texts of a TwiML document and the pauses between them, up to where it
/// begins to repeat itself. Nothing, when it is no XML.
pub fn ssml(twiml: &str) -> String {
    let Ok(parsed) = Document::parse(twiml) else { return String::new() };
    let mut said: Vec<&str> = Vec::new();
    let mut ssml = "<speak>".to_owned();
    for verb in parsed.descendants().filter(Node::is_element) {
        if verb.has_tag_name("Pause") {
            let length = verb.attribute("length").and_then(|length| length.parse::<u8>().ok()).unwrap_or(1);
            let _ = write!(ssml, "<break time=\"{length}s\"/>");
        }
        if !verb.has_tag_name("Say") {
            continue;
        }
        let text = inside(twiml, verb);
        if said.contains(&text) {
            break;
        }
        let _ = write!(ssml, "<p>{text}</p>");
        said.push(text);
    }
    ssml.push_str("</speak>");
    ssml
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_read_once() {
        let twiml = "<Response><Gather><Say voice=\"x\">One &amp; <break/> two.</Say><Pause length=\"2\"/><Say>Press 1.</Say>\
                     </Gather><Gather><Say voice=\"x\">One &amp; <break/> two.</Say></Gather><Say>No key.</Say></Response>";
        assert_eq!(ssml(twiml), "<speak><p>One &amp; <break/> two.</p><break time=\"2s\"/><p>Press 1.</p></speak>");
        assert_eq!(ssml("<Response>"), "");
    }
}

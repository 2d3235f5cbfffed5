//! TwiML, read: the verbs that a page needs, checked as Twilio checks them. What they do is in `call.rs`.
//! <https://www.twilio.com/docs/voice/twiml>

use roxmltree::{Document, Node};

use super::webhook::ApplicationError;

/// How long a text each kind of voice speaks (13521); what marks it up counts, too.
fn say_limit(voice: &str) -> usize {
    match voice.split_once('.') {
        Some(("Polly", _)) => 3000,
        Some(("Google", _)) => 5000,
        Some(_) | None => 4096,
    }
}

/// And percent-encoded, in bytes.
const SAY_LIMIT_ENCODED: usize = 4500;

/// One verb, in document order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verb {
    /// Spoken so many times; 0: for ever.
    Say { text: String, times: u32 },
    /// A file is played.
    Play { url: String },
    /// Silence, in seconds.
    Pause,
    /// A question: its prompt (`Say`, `Play`, `Pause`), then keys are awaited.
    Gather(Gather),
    /// The call goes on with another document.
    Redirect { url: String, by_get: bool },
    /// The call ends.
    Hangup,
    /// Something that Twilio would complain about and pass over.
    Invalid(String),
}

/// `<Gather>`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Gather {
    pub prompt: Vec<Verb>,
    /// Where keys are sent; `None`: to the document's own URL.
    pub action: Option<String>,
    pub by_get: bool,
    /// How many keys end it; `None`: as many as come.
    pub digits: Option<usize>,
    /// The key that ends it; `None`: none does.
    pub finish_on: Option<char>,
    /// Whether silence is sent, too.
    pub on_empty: bool,
    /// Whether it takes keys (and not speech alone).
    pub takes_keys: bool,
}

impl Gather {
    /// What is sent when somebody presses `keys`; empty: as if nothing was pressed.
    pub fn taken(&self, keys: &str) -> String {
        let keys = keys.chars().filter(|key| matches!(key, '0'..='9' | '*' | '#'));
        let keys = keys.take_while(|key| Some(*key) != self.finish_on);
        keys.take(if self.takes_keys { self.digits.unwrap_or(usize::MAX) } else { 0 }).collect()
    }
}

/// Reads a document.
pub(super) fn parse(text: &str) -> Result<Vec<Verb>, ApplicationError> {
    let document = Document::parse(text.trim_start())
        .map_err(|error| ApplicationError::new(12100, format!("the document is not XML: {error}")))?;
    let root = document.root_element();
    if root.tag_name().name() != "Response" {
        let reason = format!("the document's root is `{}` and not `Response`", root.tag_name().name());
        return Err(ApplicationError::new(12100, reason));
    }
    Ok(elements(root).map(verb).collect())
}

/// The texts that the answer to an incoming text sends back (`<Message>`).
pub(super) fn replies(text: &str) -> Result<Vec<String>, ApplicationError> {
    let document = Document::parse(text.trim_start())
        .map_err(|error| ApplicationError::new(12100, format!("the document is not XML: {error}")))?;
    let messages = elements(document.root_element()).filter(|node| node.has_tag_name("Message"));
    let texts = messages.map(|message| {
        let body = elements(message).find(|node| node.has_tag_name("Body"));
        raw_text(body.unwrap_or(message)).trim().to_owned()
    });
    Ok(texts.filter(|text| !text.is_empty()).collect())
}

fn verb(node: Node) -> Verb {
    match node.tag_name().name() {
        "Say" => {
            let written = written(node);
            let limit = say_limit(node.attribute("voice").unwrap_or_default());
            let encoded: usize = form_urlencoded::byte_serialize(written.as_bytes()).map(str::len).sum();
            if written.chars().count() > limit || encoded > SAY_LIMIT_ENCODED {
                return Verb::Invalid(format!(
                    "13521 a `Say` of more than {limit} characters or {SAY_LIMIT_ENCODED} bytes"
                ));
            }
            Verb::Say { text: words(node), times: number(node, "loop", 1) }
        }
        "Play" => Verb::Play { url: words(node) },
        "Pause" => Verb::Pause,
        "Hangup" | "Reject" => Verb::Hangup,
        "Redirect" => Verb::Redirect { url: words(node), by_get: by_get(node) },
        "Gather" => Verb::Gather(Gather {
            prompt: elements(node).map(prompt).collect(),
            action: node.attribute("action").map(str::to_owned),
            by_get: by_get(node),
            digits: node.attribute("numDigits").and_then(|text| text.parse().ok()).filter(|digits| *digits > 0),
            finish_on: node.attribute("finishOnKey").map_or(Some('#'), |text| text.chars().next()),
            on_empty: node.attribute("actionOnEmptyResult") == Some("true"),
            takes_keys: node.attribute("input").is_none_or(|input| input.contains("dtmf")),
        }),
        other => Verb::Invalid(format!("12200 `{other}` is not a verb that can stand here")),
    }
}

fn prompt(node: Node) -> Verb {
    match verb(node) {
        verb @ (Verb::Say { .. } | Verb::Play { .. } | Verb::Pause | Verb::Invalid(_)) => verb,
        Verb::Gather(_) | Verb::Redirect { .. } | Verb::Hangup => {
            Verb::Invalid(format!("12200 `{}` cannot stand in a `Gather`", node.tag_name().name()))
        }
    }
}

fn elements<'a, 'input>(node: Node<'a, 'input>) -> impl Iterator<Item = Node<'a, 'input>> {
    node.children().filter(Node::is_element)
}

fn by_get(node: Node) -> bool {
    node.attribute("method").is_some_and(|method| method.eq_ignore_ascii_case("get"))
}

fn number(node: Node, attribute: &str, otherwise: u32) -> u32 {
    node.attribute(attribute).and_then(|text| text.trim().parse().ok()).unwrap_or(otherwise)
}

/// The text of the element and of the SSML in it.
fn raw_text<'a>(node: Node<'a, '_>) -> String {
    let texts = node.descendants().filter(Node::is_text).filter_map(|text: Node<'a, '_>| text.text());
    texts.collect()
}

/// What stands between the element's tags.
fn written<'input>(node: Node<'_, 'input>) -> &'input str {
    let range = node.first_child().zip(node.last_child()).map(|(first, last)| first.range().start..last.range().end);
    range.and_then(|range| node.document().input_text().get(range)).unwrap_or_default()
}

/// The same in one line, as an ear hears it.
fn words(node: Node) -> String {
    raw_text(node).split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn say(text: &str) -> Verb {
        Verb::Say { text: text.into(), times: 1 }
    }

    #[test]
    fn a_document_is_read_verb_by_verb() {
        let document = r#"<?xml version="1.0" encoding="UTF-8"?>
            <Response>
              <!-- a page -->
              <Say voice="Polly.Aria">  Disk full on <prosody rate="slow">db&amp;1</prosody>.
              </Say>
              <Gather numDigits="1" action="/digits" timeout="5"><Say loop="2">Press 1.</Say><Pause length="2"/></Gather>
              <Redirect method="GET">/again?x=1&amp;y=2</Redirect>
              <Hangup/>
            </Response>"#;
        let gather = Gather {
            prompt: vec![Verb::Say { text: "Press 1.".into(), times: 2 }, Verb::Pause],
            action: Some("/digits".into()),
            by_get: false,
            digits: Some(1),
            finish_on: Some('#'),
            on_empty: false,
            takes_keys: true,
        };
        let redirect = Verb::Redirect { url: "/again?x=1&y=2".into(), by_get: true };
        assert_eq!(parse(document).unwrap(), [say("Disk full on db&1."), Verb::Gather(gather), redirect, Verb::Hangup]);
    }

    #[test]
    fn what_twilio_refuses_is_refused() {
        for (document, code) in [
            ("", 12100),
            ("Hello", 12100),
            ("<Response><Say>a & b</Say></Response>", 12100),
            ("<Response><Say>a</Say>", 12100),
            ("<response/>", 12100),
            ("<html/>", 12100),
        ] {
            assert_eq!(parse(document).unwrap_err().code, code, "{document}");
        }
        let verbs = parse("<Response><say>x</say><Gather><Hangup/></Gather></Response>").unwrap();
        assert!(matches!(&verbs[0], Verb::Invalid(text) if text.starts_with("12200 `say`")), "{verbs:?}");
        assert!(matches!(&verbs[1], Verb::Gather(gather) if matches!(gather.prompt[0], Verb::Invalid(_))), "{verbs:?}");
        for (voice, text) in
            [("woman", "x".repeat(4097)), ("Polly.Vicki", "x".repeat(3001)), ("Google.x", "é".repeat(751))]
        {
            let long = format!("<Response><Say voice=\"{voice}\">{text}</Say></Response>");
            assert!(matches!(&parse(&long).unwrap()[0], Verb::Invalid(text) if text.starts_with("13521")), "{voice}");
        }
    }

    #[test]
    fn a_gather_takes_as_many_keys_as_it_asks_for() {
        let gather = |attributes: &str| match parse(&format!("<Response><Gather {attributes}/></Response>"))
            .unwrap()
            .remove(0)
        {
            Verb::Gather(gather) => gather,
            other => panic!("{other:?}"),
        };
        assert_eq!(gather(r#"numDigits="1""#).taken("42"), "4");
        assert_eq!(gather("").taken("42#7"), "42");
        assert_eq!(gather(r#"numDigits="1""#).taken("#"), "");
        assert_eq!(gather(r#"numDigits="1" finishOnKey="""#).taken("#"), "#");
        assert_eq!(gather(r#"numDigits="1""#).taken("*"), "*");
        assert_eq!(gather(r#"input="speech""#).taken("1"), "");
    }

    #[test]
    fn deep_nesting_does_not_overflow_the_stack() {
        let deep = format!("<Response><Say>{}x{}</Say></Response>", "<s>".repeat(9_000), "</s>".repeat(9_000));
        assert!(deep.len() < 64 * 1024);
        // Read, or refused: but not the end of the process.
        if let Ok(verbs) = parse(&deep) {
            assert!(matches!(verbs.as_slice(), [Verb::Invalid(why)] if why.starts_with("13521")), "{verbs:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "(<|>|/|&|\\\"|=| |Say|Gather|Response|numDigits|.){0,80}") {
            drop(parse(&text));
            drop(replies(&text));
        }
    }

    #[test]
    fn replies_to_a_text_are_found() {
        let answer = "<Response><Message>Which one?\n7K or 8M</Message><Message><Body>Two</Body></Message></Response>";
        assert_eq!(replies(answer).unwrap(), ["Which one?\n7K or 8M", "Two"]);
        assert_eq!(replies("<Response/>").unwrap(), Vec::<String>::new());
    }
}

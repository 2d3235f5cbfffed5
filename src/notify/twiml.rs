//! TwiML from the templates in `twiml/`, compiled in; a directory of the rule file replaces them one by one.
//!
//! A document that Twilio cannot read is a call in which nobody hears the alert. So values are cleaned and escaped where
//! they are written, whatever the template does; every document is parsed before it leaves; and one that is broken or
//! too long gives way to the built-in one.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, UndefinedBehavior, Value, context};

use super::clean::{is_xml, one_line};
use super::phrase::{About, Phrase};
use super::speech;
use sources::{ENGLISH, Sources, ways_up};

pub use heard::ssml;
pub use script::Script;

mod heard;
mod limits;
mod script;
mod sources;

/// Twilio takes an inline document of so many characters (`Twiml` of the Calls resource).
const MAX_INLINE: usize = 4000;
/// Twilio fetches a document of so many bytes (error 11750).
const MAX_FETCHED: usize = 64_000;

/// Which document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Page {
    /// `alert.xml`: the text in a Gather, repeated twice on silence.
    Alert,
    /// `storm.xml`: more alerts than one: how many, where, and the text of the first, in a Gather.
    Storm,
    /// `inline.xml`: the text without keys: how to reply by text.
    Inline,
    /// `acknowledged.xml`: thanks, it is yours.
    Acknowledged,
    /// `escalated.xml`: the next person is called now.
    Escalated,
    /// `nobody_further.xml`: nobody else can be called; then the text again.
    NobodyFurther,
    /// `resolved.xml`: it is over.
    Resolved,
    /// `taken.xml`: somebody else has it, or it is over.
    Taken,
    /// `wrong_key.xml`: that key means nothing; then the text again.
    WrongKey,
    /// `test.xml`: a call that says that it is a test.
    Test,
}

impl Page {
    const ALL: [Self; 10] = [
        Self::Alert,
        Self::Storm,
        Self::Inline,
        Self::Acknowledged,
        Self::Escalated,
        Self::NobodyFurther,
        Self::Resolved,
        Self::Taken,
        Self::WrongKey,
        Self::Test,
    ];

    fn file(self) -> &'static str {
        match self {
            Self::Alert => "alert.xml",
            Self::Storm => "storm.xml",
            Self::Inline => "inline.xml",
            Self::Acknowledged => "acknowledged.xml",
            Self::Escalated => "escalated.xml",
            Self::NobodyFurther => "nobody_further.xml",
            Self::Resolved => "resolved.xml",
            Self::Taken => "taken.xml",
            Self::WrongKey => "wrong_key.xml",
            Self::Test => "test.xml",
        }
    }

    /// How the document is longer than Twilio takes, in words.
    fn broken(self, document: &str) -> Option<String> {
        let (length, most, of) = match self {
            Self::Inline => (document.encode_utf16().count(), MAX_INLINE, "characters"),
            Self::Alert
            | Self::Storm
            | Self::Acknowledged
            | Self::Escalated
            | Self::NobodyFurther
            | Self::Resolved
            | Self::Taken
            | Self::WrongKey
            | Self::Test => (document.len(), MAX_FETCHED, "bytes"),
        };
        (length > most).then(|| format!("{length} {of}, of which Twilio takes {most}"))
    }
}

/// The templates of all languages.
#[derive(Debug)]
pub struct Templates {
    /// By tag, in lower case.
    languages: BTreeMap<String, Language>,
    sources: Sources,
}

/// The templates of one language; what is not translated is English.
#[derive(Debug)]
struct Language {
    /// With the user's files in place of ours.
    environment: Environment<'static>,
    /// What a template that fails falls back to.
    built_in: Environment<'static>,
}

impl Templates {
    /// The built-in ones, replaced by files of the same name in `directory` (English) and in its directories that are
    /// named like languages (`de/alert.xml`). Files whose names begin with `_` are there to be included by others. Each
    /// template is tried with a full and with an empty script.
    ///
    /// # Errors
    /// The first file that cannot be read or parsed, that is named like none of ours, or that does not make TwiML, in
    /// words.
    pub fn load(directory: Option<&Path>) -> Result<Self, String> {
        let built_in = Sources::built_in();
        let mut sources = built_in.clone();
        if let Some(directory) = directory {
            sources.add_directory(directory)?;
        }
        let mut languages = BTreeMap::new();
        for tag in sources.languages() {
            let mut language = Language { environment: environment(), built_in: environment() };
            fill(&mut language.built_in, &built_in, tag)?;
            fill(&mut language.environment, &sources, tag)?;
            if directory.is_some() {
                language.try_all(&sources, tag)?;
            }
            languages.insert(tag.to_owned(), language);
        }
        Ok(Self { languages, sources })
    }

    /// The same; where one of them is of no use, the built-in ones, and why: words that somebody wrote wrongly must not
    /// stop a call.
    pub fn load_or_built_in(directory: Option<&Path>) -> (Self, Option<String>) {
        match Self::load(directory) {
            Ok(templates) => (templates, None),
            Err(why) => {
                let why = format!("{why}; until that is mended the built-in templates are used");
                // The tests load the built-in ones; should they fail, the last resort speaks.
                let none = || Self { languages: BTreeMap::new(), sources: Sources::default() };
                (Self::load(None).unwrap_or_else(|_| none()), Some(why))
            }
        }
    }

    /// The names of the templates that this language is missing, and for which English ones serve.
    pub fn untranslated(&self, language: &str) -> Vec<String> {
        self.sources.untranslated(&language.to_ascii_lowercase())
    }

    /// A text, in the language of whoever reads it.
    pub fn text(&self, language: &str, phrase: Phrase, about: &About) -> String {
        let name = sources::text_name(phrase.key());
        let Some(language) = self.language(language) else { return about.code.clone() };
        let render =
            |environment: &Environment<'_>| environment.get_template(&name)?.render(context! { ..Serde(about) });
        let text = render(&language.environment).or_else(|error| {
            tracing::error!(template = name, %error, "the built-in template is used instead");
            render(&language.built_in)
        });
        one_line(&text.unwrap_or_else(|_| about.code.clone()))
    }

    /// The nearest language that there is: that of `de-CH`, that of `de`, English.
    fn language(&self, tag: &str) -> Option<&Language> {
        let tag = tag.to_ascii_lowercase();
        ways_up(&tag).find_map(|tag| self.languages.get(tag)).or_else(|| self.languages.get(ENGLISH))
    }

    /// The answer to a text that came by webhook; `None`: nothing is answered.
    pub fn message(&self, answer: Option<&str>) -> String {
        const MESSAGE: &str = "<Response>{% if answer %}<Message>{{ answer }}</Message>{% endif %}</Response>";
        let rendered = environment().render_named_str("message.xml", MESSAGE, minijinja::context! { answer });
        rendered.unwrap_or_else(|_| "<Response/>".to_owned())
    }

    /// Renders a document. A template that fails at night falls back to the built-in one. Where no keys can be taken,
    /// [`Page::Alert`], [`Page::Storm`], [`Page::WrongKey`] and [`Page::NobodyFurther`] are [`Page::Inline`].
    pub fn render(&self, page: Page, script: &Script) -> String {
        let page = match page {
            Page::Alert | Page::Storm | Page::WrongKey | Page::NobodyFurther if script.action.is_empty() => {
                Page::Inline
            }
            page => page,
        };
        let Some(language) = self.language(&script.language) else { return LAST_RESORT.to_owned() };
        let script = script.bounded();
        try_render(&language.environment, page, &script)
            .or_else(|error| {
                tracing::error!(template = page.file(), %error, "the built-in template is used instead");
                try_render(&language.built_in, page, &script)
            })
            .unwrap_or_else(|error| {
                tracing::error!(template = page.file(), %error, "no template can be used");
                LAST_RESORT.to_owned()
            })
    }
}

impl Language {
    /// Renders every template, with everything and with nothing in it.
    fn try_all(&self, sources: &Sources, tag: &str) -> Result<(), String> {
        let file = |name: &str| {
            let from = sources.of(tag).filter(|source| source.name == name).last();
            from.map_or_else(|| name.to_owned(), |source| source.file.display().to_string())
        };
        for page in Page::ALL {
            for script in [Script::default(), Script::example()] {
                let document = try_render(&self.environment, page, &script);
                document.map_err(|error| format!("`{}`: {error}", file(page.file())))?;
            }
        }
        for name in Phrase::ALL.map(|phrase| sources::text_name(phrase.key())) {
            let text = self
                .environment
                .get_template(&name)
                .and_then(|text| text.render(context! { ..Serde(About::default()) }));
            text.map_err(|error| format!("`{}`: {}", file(&name), one_line(&error.to_string())))?;
        }
        Ok(())
    }
}

/// Adds the templates of a language.
fn fill(environment: &mut Environment<'static>, sources: &Sources, tag: &str) -> Result<(), String> {
    for source in sources.of(tag) {
        environment
            .add_template_owned(source.name.clone(), source.text.clone())
            .map_err(|error| format!("`{}`: {}", source.file.display(), one_line(&error.to_string())))?;
    }
    Ok(())
}

/// The document, with as much of `say` as it and the voice can hold.
fn try_render(environment: &Environment<'_>, page: Page, script: &Script) -> Result<String, String> {
    // With pauses where the voice takes them and there is room; better without them than with fewer words. A template
    // that speaks with another voice than it was given must not read out marks.
    if speech::ssml::is_taken_by(&script.voice)
        && let Ok(Rendered { document, too_long: None }) = render_once(environment, page, script, true)
    {
        return Ok(document);
    }
    let whole = render_once(environment, page, script, false)?;
    let Some(why) = whole.too_long else { return Ok(whole.document) };
    let mut fitting = None;
    let (mut least, mut most) = (0, script.say.chars().count());
    while least < most {
        let middle = usize::midpoint(least, most);
        let shorter = Script { say: speech::cut(script.say.clone(), middle), ..script.clone() };
        let rendered = render_once(environment, page, &shorter, false)?;
        if rendered.too_long.is_none() {
            fitting = Some(rendered.document);
            least = middle + 1;
        } else {
            most = middle;
        }
    }
    fitting.ok_or_else(|| format!("the document is too long: {why}"))
}

/// A document, and what of it is longer than Twilio takes.
struct Rendered {
    document: String,
    too_long: Option<String>,
}

/// When nothing can be rendered, which cannot happen: better a call that says little than one that fails.
const LAST_RESORT: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Response><Say>There is an alert. Its text cannot \
                           be told. Please look at your mail.</Say><Hangup/></Response>";

fn environment() -> Environment<'static> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    if let Ok(syntax) = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build() {
        environment.set_syntax(syntax);
    }
    environment
        .set_auto_escape_callback(|name| if name.starts_with("texts.") { AutoEscape::None } else { AutoEscape::Html });
    // minijinja escapes `/` and `'`, too, which takes six characters of the few that there are, and lets control
    // characters pass, which no XML document may have.
    environment.set_formatter(|out, state, value| {
        let is_safe = value.is_safe() || matches!(state.auto_escape(), AutoEscape::None);
        for c in value.to_string().chars().filter(|c| is_xml(*c)) {
            match c {
                '<' if !is_safe => out.write_str("&lt;"),
                '>' if !is_safe => out.write_str("&gt;"),
                '&' if !is_safe => out.write_str("&amp;"),
                '"' if !is_safe => out.write_str("&quot;"),
                c => out.write_char(c),
            }?;
        }
        Ok(())
    });
    environment
}

fn render_once(environment: &Environment<'_>, page: Page, script: &Script, marked: bool) -> Result<Rendered, String> {
    let in_words = |error: minijinja::Error| one_line(&error.to_string());
    let template = environment.get_template(page.file()).map_err(in_words)?;
    let mut speaker = String::new();
    for (attribute, value) in [("voice", &script.voice), ("language", &script.language)] {
        if !value.is_empty() {
            let _ = write!(speaker, " {attribute}=\"{value}\"");
        }
    }
    let words = |text: &str| {
        if marked { Value::from_safe_string(speech::ssml::marked(text)) } else { Value::from(text) }
    };
    let (say, code) = (words(&script.say), words(&script.code));
    let context = context! { speaker => Value::from_safe_string(speaker), say => say, code => code, ..Serde(script) };
    let document = template.render(context).map_err(in_words)?.trim().to_owned();
    let parsed = roxmltree::Document::parse(&document).map_err(|error| format!("no XML: {error}"))?;
    let reads_marks = |say: roxmltree::Node<'_, '_>| {
        say.has_tag_name("Say")
            && say.has_children()
            && say.children().any(|child| child.is_element())
            && !say.attribute("voice").is_some_and(speech::ssml::is_taken_by)
    };
    if marked && parsed.descendants().any(reads_marks) {
        return Err("a voice that takes no SSML would have to read it".to_owned());
    }
    if parsed.root_element().has_tag_name("Response") {
        let too_long = page.broken(&document).or_else(|| limits::broken(&document, &parsed));
        Ok(Rendered { document, too_long })
    } else {
        Err("the document is not a `Response`".to_owned())
    }
}

#[cfg(test)]
mod tests;

//! The line, or the few lines, that introduce a quote: `On 2 June 2025 at 10:00, Bob <bob@x.example> wrote:`.
//!
//! It must end as introductions end, and show a date, a time or an address. What follows decides how much of that is
//! needed: a quote right below is half of the proof.

use super::evidence::Evidence;
use super::words;

/// An introduction is wrapped over at most so many lines.
const MAX_LINES: usize = 6;

/// …and is no longer than this, in bytes.
const MAX_LENGTH: usize = 500;

/// What stands below the lines in question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Below {
    /// A quote, marked as one.
    Quote,
    /// A bare blockquote, or a mark that others use, too: more must be shown.
    Indented,
    /// Text.
    Text,
}

/// How many lines before `end` (inclusive, counting blank ones between) introduce a quote; `None` when they don't.
/// `line(n)` is the nth line above: 0 is the last line of the introduction.
/// In a `fresh` mail, which answers nothing, an introduction must show a person: logs say who wrote what, and when, too.
pub fn length<'a>(line: &dyn Fn(usize) -> Option<&'a str>, below: Below, fresh: bool) -> Option<usize> {
    let last = line(0)?.trim();
    if !ends_like_one(last, below) {
        return None;
    }
    let mut text = String::new();
    let mut found: Option<usize> = None;
    let mut weak: Option<usize> = None;
    let mut blanks = 0;
    for above in 0..MAX_LINES + 2 {
        let Some(piece) = line(above) else { break };
        let piece = piece.trim();
        if piece.is_empty() {
            blanks += 1;
            // A blank line inside is a client's bad wrapping: only where the pieces are fragments.
            if blanks > 2 || !fragment(&text) {
                break;
            }
            continue;
        }
        if above > 0 && (ends_sentence(piece) || is_labelled(piece)) || text.len() + piece.len() > MAX_LENGTH {
            break;
        }
        if found.is_some() && !extends(piece, &text) {
            break;
        }
        text = match piece.strip_suffix('=') {
            // Quoted-printable that nobody declared: `w=` above `rote:`.
            Some(torn) if !text.is_empty() => format!("{torn}{text}"),
            _ if text.is_empty() => piece.to_owned(),
            _ => format!("{piece} {text}"),
        };
        let strength = strength(&text, below);
        match strength {
            Strength::Full | Strength::Half if fresh && !shows_person(&text) => {}
            Strength::Full => found = Some(above + 1),
            Strength::Half => weak = weak.or(Some(above + 1)),
            Strength::None => {}
        }
    }
    let found = found.or(weak)?;
    Some(found + citation(line, found))
}

/// How many lines above an introduction of `length` lines belong to it because they cite the message that is answered,
/// as news readers do: `In message <id@x.example> on Sunday, in the newsgroup comp.lang.c,`.
fn citation<'a>(line: &dyn Fn(usize) -> Option<&'a str>, length: usize) -> usize {
    let above = (0..4).map_while(|above| line(length + above)).map(str::trim).take_while(|text| !text.is_empty());
    let cites = |text: &str| {
        words::is_lead(&first_word(text)) && text.contains('<') && text.contains('@') && !ends_sentence(text)
    };
    above.enumerate().filter(|(_, text)| cites(text)).map(|(index, _)| index + 1).last().unwrap_or(0)
}

/// Whether `text` begins with a whole introduction and runs on: HTML without line ends, and careless clients.
pub fn begins(text: &str, fresh: bool) -> bool {
    let end = text.char_indices().nth(250).map_or(text.len(), |(at, _)| at);
    let start = text.get(..end).unwrap_or_default();
    let colons = start.match_indices([':', '：']).map(|(at, colon)| at + colon.len());
    colons.filter_map(|end| start.get(..end)).any(|head| {
        let verb = head.trim_end_matches([':', '：', ' ']).rsplit([' ', '>']).next();
        verb.is_some_and(|word| words::has_verb(&words::lower(word)))
            && strength(head, Below::Text) == Strength::Full
            && (!fresh || shows_person(head))
    })
}

/// Whether `text` says who wrote and when, without the colon: clients print it above a header block.
pub fn is_dated(text: &str) -> bool {
    words::has_verb(&words::lower(text)) && Evidence::of(text).when()
}

/// Whether `text` holds a date and a time.
pub fn has_moment(text: &str) -> bool {
    let evidence = Evidence::of(text);
    evidence.date && evidence.time
}

/// Pieces of a torn introduction: `<`, `mailto:…`, `> wrote:`.
fn fragment(text: &str) -> bool {
    text.is_empty() || text.starts_with(['<', '>', '(']) || text.starts_with("mailto:")
}

/// Whether the line above a complete introduction belongs to it, too: it begins like one, or the rest lacks a name.
fn extends(piece: &str, text: &str) -> bool {
    let complete = words::is_lead(&first_word(text)) && Evidence::of(text).date;
    if piece.len() > 120 || complete {
        return false;
    }
    let first = first_word(piece);
    let evidence = Evidence::of(piece);
    let starts = words::is_lead(&first) && (evidence.when() || evidence.address && piece.ends_with(','));
    let nameless = words::has_verb(&first_word(text)) || fragment(text) && !ends_sentence(piece);
    // `… Bob (<` above `bob@x.example>) wrote:`.
    let open = piece.ends_with(['<', '(']) || text.find('>') < text.find('<').or_else(|| text.find('>'));
    starts || nameless || open
}

fn first_word(text: &str) -> String {
    let word = text
        .trim_start_matches(['*', '>', '-', ' ', '"', '‏', '\u{202b}'])
        .split([' ', ',', '\u{a0}'])
        .next()
        .unwrap_or_default();
    word.to_lowercase()
}

/// `State: CRITICAL`, `Comment:`: a line of a report, no piece of an introduction.
fn is_labelled(line: &str) -> bool {
    line.match_indices(':').any(|(at, _)| {
        // `ezt írta (időpont: 2025. jún. 2., 10:00):` is one.
        let open = |text: &str| text.rfind('(') > text.rfind(')');
        let word = |text: &str| text.ends_with(|c: char| c.is_alphabetic() || c == ')');
        let label = line.get(..at).is_some_and(|label| word(label) && !open(label));
        label && line.get(at + 1..).is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
    })
}

/// A full stop ends a sentence, but not after `28.` or `4 janv.`, where introductions are wrapped.
fn ends_sentence(line: &str) -> bool {
    let dated = || line.rsplit(' ').take(2).any(|word| word.contains(char::is_numeric));
    line.ends_with(['!', '?', '。']) || line.ends_with('.') && !dated()
}

/// Introductions end in a colon, in Gmail's old form in an address, in Zoho's in dashes, in some in the verb.
pub fn ends_like_one(last: &str, below: Below) -> bool {
    let last = last.trim_end_matches(['*', '_', ' ', '\u{a0}']);
    if last.ends_with([':', '：']) {
        return true;
    }
    let bare = last.trim_end_matches(['-', ' ']);
    let ends_in_verb = || bare.rsplit(' ').next().is_some_and(|word| words::has_verb(&words::lower(word)));
    ends_in_verb() || below == Below::Quote && (last.ends_with('>') || words::has_verb(&words::lower(last)))
}

/// How much a text is like an introduction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Strength {
    None,
    /// It may be one, or the last line of one.
    Half,
    Full,
}

fn strength(text: &str, below: Below) -> Strength {
    let evidence = Evidence::of(text);
    if below != Below::Quote && !evidence.any() {
        return Strength::None;
    }
    let verb = words::has_verb(&words::lower(text));
    let lead = words::is_lead(&first_word(text));
    let colon = text.ends_with([':', '：']);
    match below {
        Below::Quote | Below::Indented if verb && evidence.any() => Strength::Full,
        Below::Quote => {
            // `The log says:` above marked lines introduces output as well.
            let half = verb && is_name_and_verb(text)
                || evidence.address && (evidence.when() || lead)
                || evidence.date && evidence.time && is_name_and_moment(text);
            if half { Strength::Half } else { Strength::None }
        }
        Below::Indented => {
            if evidence.address && evidence.when() {
                Strength::Half
            } else {
                Strength::None
            }
        }
        // Nothing shows that a quote follows: the introduction must show it all. `On 2025-06-02 at 09:58 the slave
        // wrote:` names nobody.
        Below::Text => {
            let begins = lead || starts_with_date(text) || evidence.address || text.starts_with("----");
            let full = verb && evidence.when() && begins && (evidence.address || names_somebody(text) && !speaks(text))
                || evidence.date
                    && evidence.time
                    && has_angle_address(text)
                    && (lead || starts_with_date(text))
                    && colon
                || verb && evidence.when() && name_then_date(text)
                || verb && evidence.address && address_and_verb(text);
            if full { Strength::Full } else { Strength::None }
        }
    }
}

/// Whether it can be a person who wrote: there is an address, or no `the slave`, no `der Router`. And no label stands
/// before it, as in `core app[92]: user bob@x.example wrote:`.
pub fn shows_person(text: &str) -> bool {
    let pieces: Vec<&str> = text.split_whitespace().collect();
    let labelled = pieces.iter().rev().skip(1).any(|piece| {
        piece.strip_suffix(':').is_some_and(|label| label.ends_with(|c: char| c.is_alphabetic() || c == ']'))
    });
    // `van der Berg` is a name, `21 de noviembre` a date.
    let article = pieces.windows(2).any(|pair| {
        let [before, word] = pair else { return false };
        let particle = matches!(before.to_lowercase().as_str(), "van" | "von");
        let tells = matches!(*word, "the" | "an" | "der" | "die" | "das" | "le" | "les" | "los" | "il" | "het");
        tells && !particle
    });
    !labelled && (text.contains('@') || !article && !names_thing(text))
}

/// Whether what wrote is no name: `process loader wrote:`, `job "archive" wrote:`. It stands before the verb or at the end.
fn names_thing(text: &str) -> bool {
    let pieces: Vec<&str> = text.split_whitespace().collect();
    let Some(verb) = pieces.iter().rposition(|word| words::has_verb(&words::lower(word))) else { return false };
    let last = if verb + 1 == pieces.len() { verb.checked_sub(1) } else { pieces.len().checked_sub(1) };
    // A single word may be how somebody is called: `2013, codinghorror wrote:`.
    let lower = |at: usize| {
        let word = pieces.get(at)?.trim_start_matches(|c: char| !c.is_alphanumeric());
        (word.starts_with(|c: char| c.is_ascii_lowercase()) && !is_you(word)).then_some(word)
    };
    let Some(last) = last.filter(|at| *at > 0) else { return false };
    lower(last).is_some()
        && lower(last - 1)
            .is_some_and(|kind| kind.ends_with(char::is_alphanumeric) && !words::has_verb(&words::lower(kind)))
}

fn is_you(word: &str) -> bool {
    matches!(word.to_lowercase().as_str(), "you" | "du" | "vous" | "usted" | "você")
}

/// `* Bob Brown [2025-06-02 10:00 +0200]:`, as mutt can be told to.
fn is_name_and_moment(text: &str) -> bool {
    let Some(head) = text.strip_suffix("]:").or_else(|| text.strip_suffix("):")) else { return false };
    let Some((name, moment)) = head.rsplit_once(['[', '(']) else { return false };
    let name = name.trim_start_matches(['*', '-', ' ']);
    let is_name = |word: &str| word.starts_with(|c: char| c.is_uppercase() || !c.is_ascii() && !c.is_lowercase());
    has_moment(moment) && !name.trim().is_empty() && name.split_whitespace().all(is_name)
}

/// `<bob@x.example>`.
fn has_angle_address(text: &str) -> bool {
    text.split_once('<').is_some_and(|(_, rest)| rest.contains('@') && rest.contains('>'))
}

/// `bob schrieb am 20. Juni 2024 um 14:49:`: a name, the verb, and then nothing but a date.
fn name_then_date(text: &str) -> bool {
    let pieces: Vec<&str> = text.split_whitespace().take(30).collect();
    // `Backup geschrieben am …:` is a participle and names what was written.
    let is_participle = |word: &str| matches!(word, "geschrieben" | "geschreven" | "kirjutatud");
    let says = |piece: &&str| words::has_verb(&words::lower(piece)) && !is_participle(&piece.to_lowercase());
    let Some(verb) = pieces.iter().take(6).position(says) else { return false };
    let (name, date) = (pieces.get(..verb).unwrap_or_default(), pieces.get(verb + 1..).unwrap_or_default());
    let is_article = name.first().is_none_or(|word| is_article(word));
    let ends_in_time = date.iter().rev().take(2).any(|piece| Evidence::of(piece).time);
    !is_article && name.len() <= 5 && date.len() <= 10 && ends_in_time
}

/// `bob@x.example wrote:`, alone on its line.
fn address_and_verb(text: &str) -> bool {
    let text = text.trim_end_matches([':', '：', ' ']);
    let pieces: Vec<&str> = text.split_whitespace().take(9).collect();
    let ends_in_verb = pieces.last().is_some_and(|word| words::has_verb(&words::lower(word))) && !speaks(text);
    let address = pieces.iter().rposition(|piece| piece.contains('@'));
    ends_in_verb
        && pieces.len() <= 7
        && address.is_some_and(|at| at + 3 >= pieces.len())
        && !pieces.first().is_some_and(|word| is_article(word))
}

/// `Bob Brown wrote:`, not `On host db1 the slave wrote:`.
fn is_name_and_verb(text: &str) -> bool {
    let pieces: Vec<&str> = text.split_whitespace().take(8).collect();
    (2..=7).contains(&pieces.len()) && !pieces.iter().any(|piece| is_article(piece)) && !speaks(text)
}

/// Logs and servers say things, too.
fn speaks(text: &str) -> bool {
    let last = text.trim_end_matches([':', '：', ' ']).rsplit(' ').next().unwrap_or_default().to_lowercase();
    matches!(last.as_str(), "said" | "says" | "sent")
}

fn is_article(word: &str) -> bool {
    let word = word.to_lowercase();
    ["the", "a", "an", "der", "die", "das", "ein", "le", "la", "les", "el", "los", "il", "lo", "de", "het", "o", "os"]
        .contains(&word.as_str())
}

/// `2025-06-02 10:00 …`, `Wednesday, 17 November …`, `ср, 30 апр. …`; not `Job failed on 2025-06-02 …`.
fn starts_with_date(text: &str) -> bool {
    let named = usize::from(text.split_whitespace().next().is_some_and(|word| word.ends_with(',')));
    let early = text.split_whitespace().take(2 + named).any(|word| word.starts_with(char::is_numeric));
    let start: String = text.chars().take(40).collect();
    early && Evidence::of(&start).when()
}

/// After the date comes a comma and a name, or a name with a capital; not `the slave`.
fn names_somebody(text: &str) -> bool {
    let body = text.trim_end_matches([':', '：', ' ', '*', '-']);
    let pieces: Vec<&str> = body.split_whitespace().collect();
    let last_number = pieces.iter().rposition(|word| word.chars().any(char::is_numeric));
    let Some(after) = last_number.and_then(|at| Some((pieces.get(at)?, pieces.get(at + 1..)?))) else { return false };
    let (number, rest) = after;
    let you = rest.iter().any(|word| is_you(word));
    let comma = number.ends_with([',', '，', '،']) || rest.iter().take(2).any(|word| word.ends_with(','));
    let capital =
        rest.iter().find(|word| !is_zone(word) && !words::has_verb(&words::lower(word))).is_some_and(|word| {
            word.trim_start_matches(['"', '\'', '(', '[', '<'])
                .starts_with(|c: char| c.is_uppercase() || !c.is_ascii() && !c.is_lowercase())
        });
    comma || capital || you
}

/// `AM`, `CEST`, `Uhr`, `+0200`: between a time and a name.
fn is_zone(word: &str) -> bool {
    let word = word.trim_matches(['(', ')', ',', '.']);
    word.len() <= 4 && word.chars().all(|c| c.is_ascii_uppercase() || matches!(c, '.'))
        || word.eq_ignore_ascii_case("uhr")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines_of(text: &str, below: Below) -> Option<usize> {
        let lines: Vec<&str> = text.lines().rev().collect();
        length(&|above| lines.get(above).copied(), below, false)
    }

    #[test]
    fn introductions_in_many_forms() {
        for (text, count) in [
            ("On Mon, Jun 2, 2025 at 10:00 AM Bob <b@x.example> wrote:", 1),
            ("On Mon, Jun 2, 2025 at 10:00 AM Bob Longname <bob-longname@x.example>\nwrote:", 2),
            ("On Thu, Jun 20, 2013 at 4:18 PM, matt2 via Meta <\ninfo@x.example> wrote:", 2),
            ("Am 02.06.25 um 10:00 schrieb Bob:", 1),
            ("Bob <b@x.example> schrieb am Fr., 28.\nApr. 2017 um 11:53 Uhr:", 2),
            ("Le 4 janv. 2016 19:03, \"Neil\"\n<i@x.example>\na écrit :", 3),
            ("30 серп. 2016 р. 20:45 \"Bob\" <b@x.example> пише:", 1),
            ("---- On Tue, 22 Dec 2015 14:17:36 +0530 Bob<i@x.example> wrote ----", 1),
            ("在 2016年12月12日，下午8:45，Bob <b@x.example> 写道：", 1),
            ("At 6/16/2016 08:32 PM, you wrote:", 1),
        ] {
            assert_eq!(lines_of(&format!("Some words above.\n{text}"), Below::Quote), Some(count), "{text}");
            assert_eq!(lines_of(&format!("Some words above.\n{text}"), Below::Text), Some(count), "{text}");
        }
    }

    #[test]
    fn introductions_that_need_no_quote_below() {
        for text in [
            "2014-03-20 8:48 GMT+01:00 Rémi <r@x.example>:",
            "ср, 30 апр. 2025 г. в 15:19, Bob <b@x.example>:",
            "blume schrieb am Do. 20. Juni 2024 um 14:49:",
            "On Wed, 14 Nov 2018 08:14:43 -0200 Bob <b@x.example> wrote",
            "On Nov 26, 2013 you wrote:",
            "bob@x.example wrote:",
        ] {
            assert_eq!(lines_of(text, Below::Text), Some(1), "{text}");
        }
        assert!(begins("On 01/03/11 7:07 PM, Russell Brown wrote: > Hi, > and more", true));
        assert!(!begins("On host db1 the slave wrote: error", false));
    }

    #[test]
    fn a_mail_that_answers_nothing_needs_a_person_who_wrote() {
        for (text, person) in [
            ("On db7, Mon Nov 2 03:14:10 2026, the replica wrote:", false),
            ("Le 2 nov. 2026 à 03:14, le routeur nord a écrit dans son journal :", false),
            ("Am 02.11.2026 um 03:14 Uhr schrieb der Router:", false),
            ("Nov  2 03:14:04 core app[92]: On Mon, Nov 2, 2026 at 3:14 AM hal@shop.example wrote:", false),
            ("On Mon, Nov 2, 2026 at 3:14 AM, Bob Brown wrote:", true),
            ("Am 02.11.2026 um 03:14 schrieb Jan van der Berg:", true),
        ] {
            let found = length(&|above| (above == 0).then_some(text), Below::Text, true);
            assert_eq!(found.is_some(), person, "{text}");
        }
    }

    #[test]
    fn reports_are_no_introductions() {
        for text in [
            "On host db1 the slave wrote:",
            "On 2025-06-02 at 09:58 the slave wrote:",
            "The log of 2025-06-02 says:",
            "Problem started at 04:27:58 on 2026.09.26",
            "Last check:",
        ] {
            assert_eq!(lines_of(text, Below::Text), None, "{text}");
        }
    }
}

//! What a reply says: the words of a text, apart from which alert they mean. Pure.

/// What a reply says, apart from which alert it means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wish {
    /// "I have it".
    Acknowledge,
    /// "I have it now", whoever had it.
    TakeOver,
    /// "It is over".
    Resolve,
    /// "I cannot".
    Escalate,
}

/// The words of a text, in capitals. `can't` is one word.
pub fn words(body: &str) -> Vec<String> {
    body.replace(['\'', '\u{2019}'], "")
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .take(50)
        .map(str::to_uppercase)
        .collect()
}

/// Whether it is written as codes are: `7K`.
pub fn looks_like_code(word: &str) -> bool {
    (2..=6).contains(&word.len())
        && word.starts_with(|c: char| c.is_ascii_digit())
        && word.chars().skip(1).all(|c| c.is_ascii_uppercase())
}

/// Words that say what is wanted, and nothing else.
pub const COMMANDS: [&str; 32] = [
    "A",
    "ACK",
    "ACKD",
    "ACKNOWLEDGE",
    "ACKNOWLEDGED",
    "ALL",
    "CLOSE",
    "CLOSED",
    "DONE",
    "ESCALATE",
    "FIXED",
    "GOT",
    "I",
    "IT",
    "NEXT",
    "OK",
    "OVER",
    "PASS",
    "RESOLVE",
    "RESOLVED",
    "TAKE",
    "TAKEOVER",
    "YES",
    "ERLEDIGT",
    "FERTIG",
    "GELÖST",
    "BEHOBEN",
    "NEIN",
    "WEITER",
    "JA",
    "ÜBERNEHME",
    "ICH",
];

/// "can't" passes it on, "done" resolves, and anything else takes it. In a longer sentence, or a denial, `done` may mean
/// anything ("not fixed yet", "will be done in five minutes"): then it is taken, and not over.
pub fn wish(words: &[String]) -> Wish {
    let any = |list: &[&str]| words.iter().any(|word| list.contains(&word.as_str()));
    let said: Vec<&String> = words.iter().filter(|word| !looks_like_code(word)).collect();
    let denied = any(&["NOT", "NO", "ISNT", "ARENT", "WASNT", "DIDNT", "DONT", "WONT", "NEVER", "NEARLY", "ALMOST"])
        || any(&["NICHT", "NOCH", "NIE", "KEIN", "KEINE", "FAST", "BALD", "GLEICH"]);
    let cannot = words.windows(2).any(|pair| matches!(pair, [can, not] if can == "KANN" && not == "NICHT"));
    if any(&["ESCALATE", "NEXT", "PASS", "CANNOT", "CANT", "UNABLE"])
        || cannot
        || matches!(said.as_slice(), [no] if ["NO", "NEIN", "WEITER"].contains(&no.as_str()))
    {
        Wish::Escalate
    } else if said.len() <= 4
        && !denied
        && (any(&["DONE", "RESOLVE", "RESOLVED", "FIXED", "CLOSE", "CLOSED"])
            || any(&["ERLEDIGT", "FERTIG", "GELÖST", "GELOEST", "BEHOBEN"])
            || matches!(said.as_slice(), [over] | [_, over] | [_, _, over] if *over == "OVER")
                && !any(&["TAKE", "TAKING"]))
    {
        Wish::Resolve
    } else if !denied && (any(&["TAKEOVER"]) || any(&["TAKE", "TAKING"]) && any(&["OVER"])) {
        Wish::TakeOver
    } else {
        Wish::Acknowledge
    }
}

/// The words by which a handset, not a human on call, ends the conversation (TWILIO "Opt-out keywords"), and the one
/// that resumes it.
pub fn is_opt_out(words: &[String]) -> bool {
    const OPT_OUT: [&str; 12] = [
        "STOP",
        "UNSUBSCRIBE",
        "END",
        "QUIT",
        "STOPALL",
        "REVOKE",
        "OPTOUT",
        "CANCEL",
        "START",
        "UNSTOP",
        "HELP",
        "INFO",
    ];
    let split = matches!(words, [stop, all] if stop == "STOP" && all == "ALL" || stop == "OPT" && all == "OUT");
    split || matches!(words, [word] if OPT_OUT.contains(&word.as_str()))
}

/// Handsets that answer by themselves: nobody has read the text.
pub fn is_machine(words: &[String]) -> bool {
    let has = |word: &str| words.iter().any(|other| other == word);
    has("DRIVING") || has("AUTOREPLY") || has("AUTOMATED") || (has("AUTO") && has("REPLY")) || has("AUTOMATIC")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reply_is_taken_for_what_it_says() {
        let of = |text: &str| wish(&words(text));
        for text in ["7K", "ack 7K", "ok, on it", "not fixed yet", "will be done in five minutes", "yes"] {
            assert_eq!(of(text), Wish::Acknowledge, "{text}");
        }
        for text in ["I'm taking over", "take over 7K", "7K takeover"] {
            assert_eq!(of(text), Wish::TakeOver, "{text}");
        }
        for text in ["7K done", "done", "it is fixed now", "resolved 7K", "7K over", "it's over"] {
            assert_eq!(of(text), Wish::Resolve, "{text}");
        }
        for text in ["no", "7K no", "I can't", "I can\u{2019}t take it", "cannot", "next", "7K pass"] {
            assert_eq!(of(text), Wish::Escalate, "{text}");
        }
    }

    #[test]
    fn a_reply_in_german_is_taken_for_what_it_says() {
        let of = |text: &str| wish(&words(text));
        for text in
            ["ja", "7K ja", "mache ich", "noch nicht erledigt", "nicht gelöst", "bald fertig", "schaue weiter danach"]
        {
            assert_eq!(of(text), Wish::Acknowledge, "{text}");
        }
        for text in ["7K erledigt", "Fertig!", "ist gelöst", "geloest", "7k behoben"] {
            assert_eq!(of(text), Wish::Resolve, "{text}");
        }
        for text in ["nein", "7K nein", "weiter", "ich kann nicht", "Kann nicht, bin unterwegs"] {
            assert_eq!(of(text), Wish::Escalate, "{text}");
        }
    }

    #[test]
    fn opt_out_words_are_known_however_they_are_written() {
        for text in ["STOP", "stop.", "Stop all", "StopAll", " unsubscribe ", "opt-out", "opt out", "help"] {
            assert!(is_opt_out(&words(text)), "{text}");
        }
        assert!(!is_opt_out(&words("stopping the batch job now")));
    }

    #[test]
    fn handsets_that_answer_by_themselves_are_known() {
        assert!(is_machine(&words("I'm driving with Do Not Disturb turned on.")));
        assert!(!is_machine(&words("on it")));
    }
}

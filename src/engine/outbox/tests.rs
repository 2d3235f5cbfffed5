//! What becomes of a post after each answer.

use super::*;
use crate::alert::{AlertId, Token};
use crate::store::PostId;

fn at(minutes: i64) -> Timestamp {
    "2026-11-02T02:00:00Z".parse::<Timestamp>().unwrap() + SignedDuration::from_mins(minutes)
}

fn post(tries: u32, doubts: u32) -> Post {
    Post {
        id: PostId(1),
        alert: AlertId(1),
        mail: 1,
        size: 10,
        form: Form::Attachment,
        to: Addressee { contact: None, address: "archive@example.com".parse().unwrap() },
        token: Token::from_bits(1),
        created_at: at(0),
        tries,
        doubts,
        fate: Fate::Due(at(0)),
    }
}

fn refused(refusal: Refusal) -> Result<(String, String), (String, Refusal)> {
    Err(("mails".to_owned(), refusal))
}

fn temporary() -> Result<(String, String), (String, Refusal)> {
    refused(Refusal::Temporary { reason: "451 later".to_owned(), retry_after: None })
}

fn ambiguous() -> Result<(String, String), (String, Refusal)> {
    refused(Refusal::Ambiguous { reason: "no answer".to_owned(), since: at(0) })
}

fn text(settled: &Settled) -> &str {
    settled.line.as_ref().map_or("", |line| line.text.as_str())
}

#[test]
fn what_was_taken_is_sent_and_what_is_refused_for_good_is_not() {
    let sent = settle(&post(1, 0), Ok(("mails".to_owned(), "queued as 1".to_owned())), at(1));
    assert_eq!((sent.fate, sent.doubt), (Fate::Sent(at(1)), false));
    assert_eq!(text(&sent), "mails has taken mail 1 to archive@example.com, forwarded: queued as 1");
    let refused = settle(&post(1, 0), refused(Refusal::Permanent { reason: "550 nobody".to_owned() }), at(1));
    assert_eq!(refused.fate, Fate::Failed(at(1)));
    assert_eq!(text(&refused), "mail 1 to archive@example.com was not forwarded: 550 nobody");
}

#[test]
fn what_is_refused_for_now_is_tried_for_days_with_growing_pauses_and_told_once() {
    let first = settle(&post(1, 0), temporary(), at(0));
    assert_eq!(first.fate, Fate::Due(at(0) + SignedDuration::from_secs(30)));
    assert!(text(&first).contains("was not forwarded yet: 451 later; it is tried again for four days"));
    let second = settle(&post(2, 0), temporary(), at(1));
    assert_eq!((second.fate, second.line), (Fate::Due(at(2)), None));
    let tenth = settle(&post(10, 0), temporary(), at(60));
    assert_eq!(tenth.fate, Fate::Due(at(90)), "at most half an hour");
    assert_eq!(settle(&post(200, 0), temporary(), at(60)).fate, Fate::Due(at(90)));
    let last = settle(&post(200, 0), temporary(), at(4 * 24 * 60));
    assert_eq!(last.fate, Fate::Failed(at(4 * 24 * 60)));
    assert_eq!(text(&last), "mail 1 to archive@example.com was not forwarded: 451 later");
}

#[test]
fn a_doubt_is_sent_again_but_not_for_ever() {
    for doubts in 0..DOUBTS - 1 {
        let settled = settle(&post(doubts + 1, doubts), ambiguous(), at(1));
        assert!(matches!(settled.fate, Fate::Due(_)) && settled.doubt, "{settled:?}");
    }
    let last = settle(&post(DOUBTS, DOUBTS - 1), ambiguous(), at(1));
    assert_eq!(last.fate, Fate::Failed(at(1)));
    assert!(text(&last).ends_with("it may have been forwarded all the same"), "{last:?}");
}

#[test]
fn refused_credentials_are_shouted_and_waited_for() {
    let settled = settle(&post(1, 0), refused(Refusal::Credentials { reason: "535 wrong".to_owned() }), at(0));
    assert!(matches!(settled.fate, Fate::Due(_)));
    assert!(text(&settled).contains("mails REFUSES OUR CREDENTIALS: 535 wrong"), "{settled:?}");
}

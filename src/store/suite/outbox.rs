//! Mails that go on by e-mail.

use jiff::{SignedDuration, Timestamp};

use super::Stage;
use super::build::{arrival, at, chance, line, only};
use crate::alert::{AlertId, State};
use crate::notify::forward::Form;
use crate::oncall::ContactId;
use crate::store::outbox::FORWARDED;
use crate::store::{Addressee, Arrival, Fate, Parcel, Post, Store};

fn parcel(bytes: &[u8], to: &[&str]) -> Parcel {
    let to = to.iter().map(|address| Addressee {
        contact: address.starts_with("david").then(|| ContactId::new("david")),
        address: address.parse().unwrap(),
    });
    Parcel { bytes: bytes.to_vec(), size: bytes.len() as u64, form: Form::Redirect, to: to.collect() }
}

/// Receives a mail that goes on; each counts as one more of its alert.
fn receive(store: &mut dyn Store, arrival: &Arrival, parcel: &Parcel, now: Timestamp) -> AlertId {
    let seed = u128::from_be_bytes(*arrival.mail.0.first_chunk().unwrap());
    let receipt = store.receive(arrival, Some(parcel), None, now, &mut chance(seed), &mut |mut alert, joined, _| {
        alert.mails += u32::from(joined);
        only(alert)
    });
    receipt.unwrap().alert().id
}

fn claim(store: &mut dyn Store, now: Timestamp) -> Vec<Post> {
    store.claim_posts(now, now + SignedDuration::from_mins(1), 100, None).unwrap()
}

fn addresses(posts: &[Post]) -> Vec<&str> {
    posts.iter().map(|post| post.to.address.as_str()).collect()
}

pub fn a_mail_goes_on_to_each_address_once(stage: &dyn Stage) {
    let mut store = stage.connect();
    let mail = parcel(b"the mail\0\xff", &["david@example.com", "archive@example.com"]);
    let id = receive(&mut *store, &arrival("m1", "disk"), &mail, at(0));
    assert_eq!(store.next_due().unwrap(), Some(at(0)));
    // Delivered again: nothing new.
    receive(&mut *store, &arrival("m1", "disk"), &mail, at(1));
    let posts = claim(&mut *stage.connect(), at(2));
    assert_eq!(addresses(&posts), ["david@example.com", "archive@example.com"]);
    assert_eq!(posts[0].to.contact, Some(ContactId::new("david")));
    assert_eq!((posts[0].alert, posts[0].mail, posts[0].size, posts[0].tries), (id, 1, 10, 1));
    assert_eq!((posts[0].form, posts[0].created_at, posts[0].doubts), (Form::Redirect, at(0), 0));
    assert_ne!(posts[0].token, posts[1].token);
    assert_eq!(store.mail_of(posts[1].id).unwrap(), b"the mail\0\xff");
    assert_eq!(store.post_of(&posts[1].token).unwrap().unwrap().id, posts[1].id);
    let listed = store.posts(id).unwrap();
    assert_eq!(addresses(&listed), addresses(&posts));
    assert_eq!(listed[0].fate, Fate::Due(at(62)), "claimed until then");
}

pub fn what_is_claimed_is_nobody_elses_until_the_claim_expires(stage: &dyn Stage) {
    let mut store = stage.connect();
    let id = receive(&mut *store, &arrival("m1", "disk"), &parcel(b"x", &["a@example.com"]), at(0));
    assert!(store.claim_posts(at(0), at(60), 100, Some(&[AlertId(id.0 + 1)])).unwrap().is_empty());
    assert_eq!(store.claim_posts(at(0), at(60), 100, Some(&[id, id])).unwrap().len(), 1);
    assert!(claim(&mut *stage.connect(), at(59)).is_empty());
    assert_eq!(store.next_due().unwrap(), Some(at(60)));
    let again = claim(&mut *stage.connect(), at(60));
    assert_eq!(again.len(), 1);
    assert_eq!(again[0].tries, 2);
    // The clock was set back by a year: it does not wait for a year.
    assert_eq!(claim(&mut *store, at(-365 * 86_400)).len(), 1);
}

pub fn a_post_that_is_over_stays_so_and_its_mail_goes_with_the_last(stage: &dyn Stage) {
    let mut store = stage.connect();
    let to = ["a@example.com", "b@example.com"];
    let id = receive(&mut *store, &arrival("m1", "disk"), &parcel(b"x", &to), at(0));
    // The same bytes for another group's alert.
    receive(&mut *store, &arrival("m2", "cpu"), &parcel(b"x", &["c@example.com"]), at(0));
    let posts = claim(&mut *store, at(1));
    store.settle_post(posts[0].id, Fate::Sent(at(2)), false, &[line("sent")]).unwrap();
    store.settle_post(posts[1].id, Fate::Due(at(30)), true, &[]).unwrap();
    assert_eq!(claim(&mut *store, at(29)).len(), 0);
    let later = claim(&mut *store, at(30));
    assert_eq!((later.len(), later[0].doubts, later[0].tries), (1, 1, 2));
    store.settle_post(posts[1].id, Fate::Failed(at(31)), false, &[]).unwrap();
    store.settle_post(posts[0].id, Fate::Due(at(40)), false, &[line("too late")]).unwrap();
    assert_eq!(store.mail_of(posts[1].id).unwrap(), b"x", "another one still needs it");
    store.settle_post(posts[2].id, Fate::Sent(at(32)), false, &[]).unwrap();
    assert_eq!(store.mail_of(posts[2].id).unwrap(), b"");
    let fates: Vec<Fate> = store.posts(id).unwrap().iter().map(|post| post.fate).collect();
    assert_eq!(fates, [Fate::Sent(at(2)), Fate::Failed(at(31))]);
    let history: Vec<String> = store.history(id).unwrap().into_iter().map(|entry| entry.text).collect();
    assert_eq!(history, ["sent"]);
    assert_eq!(store.next_due().unwrap(), None);
}

pub fn a_storm_is_not_forwarded(stage: &dyn Stage) {
    let mut store = stage.connect();
    let mut id = AlertId(0);
    for number in 1..=FORWARDED + 5 {
        let mail = parcel(format!("mail {number}").as_bytes(), &["a@example.com"]);
        id = receive(&mut *store, &arrival(&format!("m{number}"), "disk"), &mail, at(0));
    }
    let numbers: Vec<u32> = store.posts(id).unwrap().iter().map(|post| post.mail).collect();
    assert_eq!(numbers, (1..=FORWARDED).collect::<Vec<u32>>());
}

pub fn nothing_goes_on_of_a_mail_that_could_not_be_received(stage: &dyn Stage) {
    let mut store = stage.connect();
    let arrival = arrival("m1", "disk");
    let mail = parcel(b"x", &["a@example.com"]);
    let failed = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        let _ = store.receive(&arrival, Some(&mail), None, at(0), &mut chance(1), &mut |_, _, _| panic!("on purpose"));
    }));
    assert!(failed.is_err());
    assert!(claim(&mut *stage.connect(), at(100)).is_empty());
}

pub fn a_closed_alert_still_forwards(stage: &dyn Stage) {
    let mut store = stage.connect();
    let id = receive(&mut *store, &arrival("m1", "disk"), &parcel(b"x", &["a@example.com"]), at(0));
    super::build::set_state(&mut *store, id, State::Resolved);
    assert_eq!(claim(&mut *store, at(1)).len(), 1);
}

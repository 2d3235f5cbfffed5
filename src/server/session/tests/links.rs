//! Links in texts that let their reader in.

use super::*;
use crate::alert::{AlertId, NotificationId, Token};
use crate::store::Store as _;

fn with_links() -> Config {
    with_server(&format!("{PUBLIC}\nlink = \"token\"")).config
}

fn stored() -> (Sqlite, NotificationId, String) {
    let mut store = Sqlite::in_memory().unwrap();
    let alert = build::open_due(&mut store, "link", &[build::at(0), build::at(60)]);
    let id = NotificationId { alert, number: 2 };
    let link = Link::make(id, &build::token(alert, 2));
    (store, id, link)
}

#[test]
fn it_lets_the_one_in_to_whom_it_was_sent_for_a_day() {
    let (mut store, id, link) = stored();
    let config = with_links();
    let sent_at = store.alert(id.alert).unwrap().notifications[1].created_at;
    let mut verify =
        |seconds: i64| Link::verify(&mut store, &link, &config, sent_at + SignedDuration::from_secs(seconds)).unwrap();
    assert_eq!(verify(0), Some((id, ContactId::new("david"))));
    assert!(verify(DAY - 1).is_some());
    assert_eq!(verify(DAY), None);
    assert_eq!(verify(-DAY), None);
}

#[test]
fn no_other_link_does() {
    let (mut store, id, link) = stored();
    let config = with_links();
    let proof = link.rsplit('.').next().unwrap();
    let other_number = NotificationId { number: 1, ..id };
    let no_number = NotificationId { number: 9, ..id };
    let no_alert = NotificationId { alert: AlertId(999), ..id };
    for wrong in [
        String::new(),
        "x".to_owned(),
        format!("{id}"),
        format!("{id}."),
        format!("{other_number}.{proof}"),
        format!("{no_number}.{proof}"),
        format!("{no_alert}.{proof}"),
        format!("{link}="),
        format!("{link}/"),
        link[..link.len() - 1].to_owned(),
        Link::make(id, &Token::from_bits(1)),
        format!("9999999999999999999999.1.{proof}"),
    ] {
        assert_eq!(Link::verify(&mut store, &wrong, &config, build::at(0)).unwrap(), None, "{wrong}");
    }
    assert!(Link::verify(&mut store, &link, &config, build::at(0)).unwrap().is_some());
}

#[test]
fn nor_does_that_of_somebody_who_is_no_contact_any_more() {
    let (mut store, _, link) = stored();
    let mut config = with_links();
    config.roster.contacts.clear();
    assert_eq!(Link::verify(&mut store, &link, &config, build::at(0)).unwrap(), None);
}

#[test]
fn nor_does_any_once_texts_have_none_any_more() {
    let (mut store, _, link) = stored();
    for setting in ["", "link = true", "link = false"] {
        let config = with_server(&format!("{PUBLIC}\n{setting}")).config;
        assert_eq!(Link::verify(&mut store, &link, &config, build::at(0)).unwrap(), None, "{setting}");
    }
    assert!(Link::verify(&mut store, &link, &with_links(), build::at(0)).unwrap().is_some());
}

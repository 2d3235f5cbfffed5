//! The words of a call and of a text as they would go out, and in which languages.

use super::Explanation;
use super::memory::Meeting;
use crate::alert::{AlertId, Channel, NotificationId, Token};
use crate::engine::send::TEXT_SEGMENTS;
use crate::intake::Wish;
use crate::notify::sms;

impl Explanation<'_> {
    /// The languages in which those who would be called are spoken to, in the order of the calls, and to whom; that of
    /// the rule file when nobody would be.
    pub fn languages(&self, wish: &Wish<'_>) -> Vec<(String, String)> {
        let mut languages: Vec<(String, String)> = Vec::new();
        let mut seen = Vec::new();
        for row in self.plan(wish).into_iter().filter(|row| row.channel == Channel::Call) {
            if seen.contains(&row.contact) {
                continue;
            }
            let language = self.judged.config.voice_of(&row.contact).language;
            let name =
                self.roster.contacts.get(&row.contact).map_or_else(|| row.contact.to_string(), |one| one.name.clone());
            match languages.iter_mut().find(|(known, _)| *known == language) {
                Some((_, names)) => {
                    names.push_str(", ");
                    names.push_str(&name);
                }
                None => languages.push((language, name)),
            }
            seen.push(row.contact);
        }
        if languages.is_empty() {
            languages.push((self.judged.config.voice.language.clone(), "whoever is called".to_owned()));
        }
        languages
    }
}

/// Stands for the number of an alert that there is not yet.
const EXAMPLE_NUMBER: AlertId = AlertId(1234);

/// The alert's code; before it is opened that is not known, and this one stands for it.
pub fn code_of(meeting: &Meeting) -> &str {
    meeting.alert().map_or("7K", |alert| alert.code.0.as_str())
}

/// The text as it would be sent. Its link has an example's number where the alert is not open yet, and an example's proof
/// where it has one: it is as long as a true one.
pub fn text_of(explanation: &Explanation<'_>, wish: &Wish<'_>, meeting: &Meeting) -> String {
    let alert = meeting.alert().map_or(EXAMPLE_NUMBER, |alert| alert.id);
    let number = meeting.alert().map_or(0, |alert| alert.notifications.len());
    let id = NotificationId { alert, number: u32::try_from(number).unwrap_or(u32::MAX).saturating_add(1) };
    let link = explanation.judged.config.server.link_for(id, &Token::from_bits(0));
    sms::compose_with_link(code_of(meeting), &wish.arrival.text, link.as_deref(), TEXT_SEGMENTS)
}

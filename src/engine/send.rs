//! Sending one claimed notification: ask first when an earlier try may have got through, render, send, say how it went.

use std::sync::Arc;

use jiff::Timestamp;

use crate::alert::{Alert, Channel, Delivery, Event, News, Notification};
use crate::clock::Clock;
use crate::config::{Config, Twilio as Settings, Voice};
use crate::notify::phrase::{About, Phrase};
use crate::notify::twiml::{Page, Script as Words};
use crate::notify::{sms, speech};
use crate::oncall::ContactId;
use crate::provider::twilio::{Account, Twilio};
use crate::provider::{Call, Provider, Refusal, Script, Text};

use super::Desk;

pub use crate::notify::sms::TEXT_SEGMENTS;

/// The provider that the rule file names.
pub fn provider(config: &Config, clock: &Arc<dyn Clock>) -> Option<Arc<dyn Provider>> {
    let settings = config.twilio.as_ref()?;
    Some(Arc::new(Twilio::new(&account(settings), Arc::clone(clock))))
}

fn account(settings: &Settings) -> Account {
    let (user, password) = match &settings.api_key {
        Some((key, secret)) => (key.clone(), secret.clone()),
        None => (settings.account_sid.clone(), settings.auth_token.clone()),
    };
    Account {
        account_sid: settings.account_sid.clone(),
        user,
        password,
        from: settings.from.clone(),
        messaging_service: settings.messaging_service.clone(),
        api_url: settings.api_url.clone(),
    }
}

/// A notification that was claimed, and everything that sending it needs: no store.
#[derive(Debug, Clone)]
pub struct Job {
    /// What to send.
    pub notification: Notification,
    /// What about.
    pub alert: Alert,
    /// The provider's ids of what was sent to that number lately: not ours to find again.
    pub known: Vec<String>,
    /// Whether an engine is there to answer webhooks.
    pub webhooks: bool,
}

impl Desk {
    /// Sends it. Returns what happened, to be recorded.
    pub fn send(&self, job: &Job) -> Event {
        let notification = job.notification.id;
        match self.try_to_send(job) {
            Ok((provider, provider_id)) => Event::Accepted { notification, provider, provider_id },
            Err(refusal) => Event::NotAccepted { notification, refusal },
        }
    }

    fn try_to_send(&self, job: &Job) -> Result<(String, String), Refusal> {
        let Some(provider) = &self.provider else {
            return Err(Refusal::Permanent { reason: "the rule file has no [twilio]".to_owned() });
        };
        let name = provider.name().to_owned();
        let body = self.body(job);
        if let Some(since) = unsure_since(&job.notification)
            && let Some(id) = already_sent(provider.as_ref(), job, &body, since)?
        {
            return Ok((name, id));
        }
        let to = job.notification.number.clone();
        let status_url = self.url(job, "/twilio/status/");
        let id = match job.notification.channel {
            Channel::Call => {
                let script = match self.url(job, "/twiml/") {
                    Some(url) => Script::Url(url),
                    None => Script::Inline(
                        self.templates.render(Page::Inline, &self.words(&job.alert, &job.notification.contact)),
                    ),
                };
                let machine_detection = self.config.twilio.as_ref().is_some_and(|twilio| twilio.machine_detection);
                provider.call(&Call { to, script, status_url, machine_detection })?
            }
            Channel::Text => provider.text(&Text { to, body, status_url })?,
        };
        Ok((name, id))
    }

    /// A URL that the provider can reach us at, when there is one and an engine answers there.
    fn url(&self, job: &Job, route: &str) -> Option<String> {
        let public = self.config.server.public_url.as_ref().filter(|_| job.webhooks)?;
        Some(format!("{public}{route}{}", job.notification.token.as_str()))
    }

    fn body(&self, job: &Job) -> String {
        let alert = &job.alert;
        let news = job.notification.news.as_ref().map(|news| self.news(news, alert, &job.notification.contact));
        sms::compose(&alert.code.0, news.as_deref().unwrap_or(&alert.text), TEXT_SEGMENTS)
    }

    /// News in the contact's language, without the code.
    fn news(&self, news: &News, alert: &Alert, contact: &ContactId) -> String {
        let (phrase, who) = match news {
            News::Taken { by } => (Phrase::Taken, by),
            News::Over { by } => (Phrase::Over, by),
            News::Words(words) => return words.clone(),
        };
        self.text(contact, phrase, &About { who: who.clone(), ..About::of(alert) })
    }

    /// A text in the contact's language.
    pub fn text(&self, contact: &ContactId, phrase: Phrase, about: &About) -> String {
        self.templates.text(&self.config.voice_of(contact).language, phrase, about)
    }

    /// What a call to this contact about this alert tells, without the places where keys are sent.
    pub fn words(&self, alert: &Alert, contact: &ContactId) -> Words {
        let Voice { language, voice } = self.config.voice_of(contact);
        Words {
            contact: self.name_of(contact),
            say: speech::spoken(&alert.say, &language),
            code: speech::spell_code(&alert.code.0),
            language,
            voice: voice.unwrap_or_default(),
            more: alert.mails.saturating_sub(1),
            acknowledged_by: alert.acknowledged_by.clone().unwrap_or_default(),
            ..Words::default()
        }
    }
}

fn unsure_since(notification: &Notification) -> Option<Timestamp> {
    match &notification.delivery {
        Delivery::Due { unsure_since, .. } | Delivery::Claimed { unsure_since, .. } => *unsure_since,
        Delivery::Accepted { .. } | Delivery::Ended { .. } => None,
    }
}

/// The provider's id of what an earlier try sent after all. The provider knows only its own second, so one before
/// counts, too.
fn already_sent(provider: &dyn Provider, job: &Job, body: &str, since: Timestamp) -> Result<Option<String>, Refusal> {
    let found = provider.find(job.notification.channel, &job.notification.number, since).map_err(|refusal| {
        // Not knowing is not a reason to forget that it may have been sent.
        match refusal {
            Refusal::Permanent { reason } | Refusal::Temporary { reason, .. } | Refusal::Ambiguous { reason, .. } => {
                Refusal::Ambiguous { reason: format!("could not ask whether it had been sent: {reason}"), since }
            }
            Refusal::Credentials { reason } => Refusal::Credentials { reason },
        }
    })?;
    let ours = found.into_iter().filter(|found| !job.known.contains(&found.id));
    let mut ours: Vec<_> = match job.notification.channel {
        Channel::Call => ours.collect(),
        Channel::Text => ours.filter(|found| found.body == body).collect(),
    };
    // The newest come first: the oldest since then is the one of that try.
    Ok(ours.pop().map(|found| found.id))
}

//! Sending one claimed notification: ask first when an earlier try may have got through, render, send, say how it went.

use jiff::Timestamp;

use crate::alert::{Alert, Channel, Delivery, Digest, Event, News, Notification, State, Token};
use crate::config::{Config, Voice};
use crate::notify::letter::{self, Head, Letter, Sender};
use crate::notify::phrase::{About, Phrase};
use crate::notify::twiml::{Page, Script as Words};
use crate::notify::{fold, sms, speech};
use crate::oncall::{Address, ContactId, GroupId, MailAddress, Phone};
use crate::provider::{Call, Provider, Records, Refusal, Script, Text};

use super::Desk;
use super::providers::{Carried, place_call, send_mail, send_text};

pub use crate::notify::sms::TEXT_SEGMENTS;

/// A notification that was claimed, and everything that sending it needs: no store.
#[derive(Debug, Clone)]
pub struct Job {
    /// What to send.
    pub notification: Notification,
    /// What about.
    pub alert: Alert,
    /// What it tells of besides.
    pub besides: Vec<Alert>,
    /// The provider's ids of what was sent there lately: not ours to find again.
    pub known: Vec<String>,
    /// Whether an engine is there to answer webhooks.
    pub webhooks: bool,
    /// Whether a call carries its words, since the provider could not ask for them.
    pub carries_words: bool,
}

impl Desk {
    /// Sends it. Returns what happened, in order, to be recorded.
    pub fn send(&self, job: &Job) -> Vec<Event> {
        let notification = job.notification.id;
        let carried = self.carry(job);
        let mut events: Vec<Event> = carried
            .passed_over
            .into_iter()
            .map(|(provider, refusal)| Event::PassedOver { notification, provider, refusal })
            .collect();
        events.push(match carried.outcome {
            Ok((provider, provider_id)) => Event::Accepted { notification, provider, provider_id },
            Err((provider, refusal)) => Event::NotAccepted { notification, provider, refusal },
        });
        events
    }

    fn carry(&self, job: &Job) -> Carried {
        let (channel, doubts) = (job.notification.channel, &job.notification.perhaps_with);
        let body = self.body(job);
        let asked = match unsure_since(&job.notification) {
            Some(since) => self.ask_whether_sent(job, &body, since),
            None => Asked::default(),
        };
        if let Some(found) = asked.found {
            return Carried { passed_over: Vec::new(), outcome: Ok(found) };
        }
        // Who may have it and does not answer is not given it again. If there is nobody else, it is asked again later.
        let silent: Vec<String> = asked.silent.iter().map(|(name, _)| name.clone()).collect();
        let others =
            self.providers.order(channel).iter().any(|entry| !silent.contains(&entry.provider().name().into()));
        let mut unheard = asked.silent;
        if !others && let Some(last) = unheard.pop() {
            return Carried { passed_over: unheard, outcome: Err(last) };
        }
        let status_url = self.url(job, "/twilio/status/");
        let text = |to: &Phone| Text { to: to.clone(), body: body.clone(), status_url: status_url.clone() };
        let call = |to: &Phone| {
            let words = self.words_of(&job.alert, &job.besides, &job.notification.contact);
            let plain = words.say.clone();
            let script = match self.url(job, "/twiml/").filter(|_| !job.carries_words) {
                Some(url) => Script::Url(url),
                None => Script::Inline(self.templates.render(Page::Inline, &words)),
            };
            Call { to: to.clone(), script, words: plain, status_url: status_url.clone(), machine_detection: true }
        };
        let now = self.now();
        let send = |provider: &dyn Provider| match (channel, &job.notification.to) {
            (Channel::Call, Address::Phone(to)) => place_call(provider, &call(to)),
            (Channel::Text, Address::Phone(to)) => send_text(provider, &text(to)),
            (Channel::Email, Address::Mail(to)) => send_mail(provider, &|sender| self.letter(job, sender, to, now)),
            (Channel::Call | Channel::Text, Address::Mail(to)) => nowhere(to.as_str()),
            (Channel::Email, Address::Phone(to)) => nowhere(to.as_str()),
        };
        let mut carried = self.providers.carry(channel, self.clock.as_ref(), (doubts, &silent), &send);
        carried.passed_over.splice(0..0, unheard);
        carried
    }

    /// Asks the providers that may have it; where a sender died, all that it may have tried.
    fn ask_whether_sent(&self, job: &Job, body: &str, since: Timestamp) -> Asked {
        let perhaps = &job.notification.perhaps_with;
        let mut asked = Asked::default();
        for entry in self.providers.order(job.notification.channel) {
            let name = entry.provider().name().to_owned();
            let Some(records) = entry.provider().records().filter(|_| perhaps.is_empty() || perhaps.contains(&name))
            else {
                continue;
            };
            match already_sent(records, job, body, since) {
                Ok(Some(id)) => {
                    asked.found = Some((name, id));
                    break;
                }
                Ok(None) => {}
                Err(refusal) => asked.silent.push((name, refusal)),
            }
        }
        asked
    }

    /// A URL that the provider can reach us at, when there is one and an engine answers there.
    fn url(&self, job: &Job, route: &str) -> Option<String> {
        let public = self.config.server.public_url.as_ref().filter(|_| job.webhooks)?;
        Some(format!("{public}{route}{}", job.notification.token.as_str()))
    }

    fn body(&self, job: &Job) -> String {
        // News is of what somebody has seen before.
        let Notification { id, token, news, .. } = &job.notification;
        let link = self.config.server.link_for(*id, token).filter(|_| news.is_none());
        sms::compose_with_link(&job.alert.code.0, &self.written(job), link.as_deref(), TEXT_SEGMENTS)
    }

    /// What is written in a text or a mail, without the code.
    fn written(&self, job: &Job) -> String {
        let alert = &job.alert;
        let news = job.notification.news.as_ref().map(|news| self.news(news, alert, &job.notification.contact));
        match (news, job.besides.is_empty()) {
            (Some(news), true) => news,
            (Some(news), false) => self.news_and_more(&news, job),
            (None, true) => alert.text.clone(),
            (None, false) => self.and_more(job),
        }
    }

    /// The mail that it is, from this sender.
    fn letter(&self, job: &Job, from: &Sender, to: &MailAddress, at: Timestamp) -> Letter {
        let Job { alert, notification, .. } = job;
        let contact = &notification.contact;
        let group = group_name(&self.config, &alert.group);
        let say = |phrase| self.text(contact, phrase, &About { group: group.clone(), ..About::of(alert) });
        let words = self.written(job);
        let mut text = format!("{words}\n\n{}\n", say(Phrase::MailAbout));
        let subject = if notification.news.is_some() {
            words
        } else {
            text.push_str(&format!("{}\n", say(self.how_to_take_it())));
            alert.subject.clone()
        };
        if let Some(link) = self.config.server.link_for(notification.id, &notification.token) {
            text.push_str(&format!("{link}\n"));
        }
        let name = self.name_of(contact);
        let reply_to = self.reply_to(&notification.token);
        let head = Head {
            from,
            to: (&name, to),
            reply_to: reply_to.as_ref(),
            subject: &format!("{} {subject}", alert.code),
            // The same whenever it is sent: the second of two that were sent in doubt is known for what it is.
            identity: Digest::of(["mail", notification.token.as_str()]),
            thread: Some(thread(alert)),
            at,
            answers: None,
            list: Some((&alert.group, &group)),
        };
        letter::plain(&head, &text)
    }

    /// Where a mail with this token is replied to; `None`: the rule file has no address for that.
    pub(super) fn reply_to(&self, token: &Token) -> Option<MailAddress> {
        self.config.defaults.replies.as_ref().and_then(|replies| replies.address(token))
    }

    /// What a mail says of how one takes its alert.
    pub(super) fn how_to_take_it(&self) -> Phrase {
        if self.config.defaults.replies.is_some() { Phrase::MailReply } else { Phrase::MailHow }
    }

    /// News in the contact's language, without the code.
    fn news(&self, news: &News, alert: &Alert, contact: &ContactId) -> String {
        let nobody = String::new();
        let (phrase, who) = match news {
            News::Taken { by } => (Phrase::Taken, by),
            News::Over { by } => (Phrase::Over, by),
            News::TakenOver { by } => (Phrase::TakenOver, by),
            News::Unanswered => (Phrase::Unanswered, &nobody),
            News::StillYours => (Phrase::StillYours, &nobody),
            News::Words(words) => return words.clone(),
        };
        self.text(contact, phrase, &About { who: who.clone(), ..About::of(alert) })
    }

    /// The words of a text about an alert that tells of others besides.
    fn and_more(&self, job: &Job) -> String {
        let contact = &job.notification.contact;
        let others: Vec<&Alert> = job.besides.iter().collect();
        let about = fold::places(&others);
        let about = About {
            code: job.alert.code.0.clone(),
            first: fold::first(&job.alert.text),
            list: fold::list(&others),
            whereabouts: self.text(contact, Phrase::Places, &about),
            ..about
        };
        self.text(contact, Phrase::AndMore, &about)
    }

    /// The words of news that tells how other alerts stand besides.
    fn news_and_more(&self, news: &str, job: &Job) -> String {
        let contact = &job.notification.contact;
        let others = fold::listed(&job.besides).iter().map(|alert| self.standing(alert, contact));
        let list = others.collect::<Vec<_>>().join(" ");
        let about = About { first: fold::first(news), count: job.besides.len(), list, ..About::of(&job.alert) };
        self.text(contact, Phrase::NewsAndMore, &about)
    }

    /// Where an alert stands, in the contact's language.
    pub fn standing(&self, alert: &Alert, contact: &ContactId) -> String {
        let phrase = match alert.state {
            State::Open => Phrase::StillOpen,
            State::Acknowledged => Phrase::HasIt,
            State::Resolved => Phrase::HadIt,
            State::Expired => Phrase::NobodyTookIt,
        };
        self.text(contact, phrase, &About::of(alert))
    }

    /// A text in the contact's language.
    pub fn text(&self, contact: &ContactId, phrase: Phrase, about: &About) -> String {
        self.templates.text(&self.config.voice_of(contact).language, phrase, about)
    }

    /// What a call to this contact about this alert and some besides tells, without the places where keys are sent.
    pub fn words_of(&self, alert: &Alert, besides: &[Alert], contact: &ContactId) -> Words {
        let all: Vec<&Alert> = std::iter::once(alert).chain(besides).collect();
        let words = self.words(alert, contact);
        let places =
            if besides.is_empty() { String::new() } else { self.text(contact, Phrase::Places, &fold::places(&all)) };
        Words { count: all.len(), places: speech::spoken(&places, &words.language), ..words }
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

/// The name of a group, or its key when the rule file does not know it any more.
pub fn group_name(config: &Config, group: &GroupId) -> String {
    config.roster.groups.get(group).map_or_else(|| group.to_string(), |group| group.name.clone())
}

/// What all mails about an alert belong to.
pub(super) fn thread(alert: &Alert) -> Digest {
    Digest::of(["alert", &alert.id.to_string(), &alert.opened_at.to_string()])
}

/// A notification whose channel does not go to where it is addressed: nobody makes one.
fn nowhere(to: &str) -> Result<String, Refusal> {
    Err(Refusal::Permanent { reason: format!("there is no such way to {to}") })
}

fn unsure_since(notification: &Notification) -> Option<Timestamp> {
    match &notification.delivery {
        Delivery::Due { unsure_since, .. } | Delivery::Claimed { unsure_since, .. } => *unsure_since,
        Delivery::Held { .. } | Delivery::Accepted { .. } | Delivery::Ended { .. } => None,
    }
}

/// What came of asking about an earlier try.
#[derive(Default)]
struct Asked {
    /// The provider that has it, and its id there.
    found: Option<(String, String)>,
    /// Those that did not answer.
    silent: Vec<(String, Refusal)>,
}

/// The provider's id of what an earlier try sent after all. The provider knows only its own second, so one before
/// counts, too.
fn already_sent(records: &dyn Records, job: &Job, body: &str, since: Timestamp) -> Result<Option<String>, Refusal> {
    let Address::Phone(number) = &job.notification.to else { return Ok(None) };
    let found = records.find(job.notification.channel, number, since).map_err(|refusal| {
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
        Channel::Text | Channel::Email => ours.filter(|found| found.body == body).collect(),
    };
    // The newest come first: the oldest since then is the one of that try.
    Ok(ours.pop().map(|found| found.id))
}

//! Twilio's webhooks: from a signed request to an event, and from an alert to what the caller hears.

use std::sync::atomic::Ordering;

use secrecy::SecretString;

use super::http::{Method, Request, Response};
use super::{Routes, signature};
use crate::alert::{
    Actor, Alert, AlertId, CallStatus, EntryKind, Event, Fact, NotificationId, State, TextStatus, Through, Token, fact,
};
use crate::config::Service;
use crate::engine::reply::{self, Reply};
use crate::notify::fold;
use crate::notify::phrase::{About, Phrase};
use crate::notify::twiml::{Page, Script};
use crate::oncall::ContactId;
use crate::store::{self, Store, Told};

/// No id of Twilio's is longer: theirs have 34 characters.
const LONGEST_SID: usize = 64;

/// The parameters of a webhook, decoded.
type Parameters = Vec<(String, String)>;

impl Routes {
    /// Answers one of Twilio's requests: nothing but 403 without a true signature.
    pub(super) fn twilio(&self, request: &Request) -> Response {
        let webhooks = &self.counter.webhooks;
        let Some(parameters) = self.verified(request) else {
            webhooks.forged.fetch_add(1, Ordering::Relaxed);
            tracing::warn!(path = %without_token(&request.path), "a request without a true signature was refused");
            return Response::text(403, "the signature is missing or wrong");
        };
        self.heard();
        match self.route(request, &parameters) {
            Ok(response) => {
                webhooks.ok.fetch_add(1, Ordering::Relaxed);
                response
            }
            Err(error) => {
                webhooks.failed.fetch_add(1, Ordering::Relaxed);
                // Twilio says "an application error has occurred" and hangs up; the alert stays open, so the next
                // attempt follows.
                tracing::error!(%error, "a webhook could not be answered");
                Response::text(500, "the store fails")
            }
        }
    }

    fn route(&self, request: &Request, parameters: &Parameters) -> store::Result<Response> {
        let mut parts = request.path.trim_start_matches('/').split('/');
        let post = request.method == Method::Post;
        let asked = (parts.next(), parts.next(), parts.next(), parts.next());
        match asked {
            (Some("twiml"), Some(token), None, None) => {
                self.with_notification(token, parameters, |routes, store, id| routes.document(store, id, parameters))
            }
            (Some("twiml"), Some(token), Some("digits"), None) if post => {
                self.with_notification(token, parameters, |routes, store, id| routes.digits(store, id, parameters))
            }
            (Some("twilio"), Some("status"), Some(token), None) if post => {
                self.with_notification(token, parameters, |routes, store, id| routes.status(store, id, parameters))
            }
            (Some("twilio"), Some("sms"), None, None) if post => self.text(parameters),
            _ => Ok(Response::text(404, "there is nothing here")),
        }
    }

    /// The request's parameters, when Twilio has signed it with the present or the previous token.
    fn verified(&self, request: &Request) -> Option<Parameters> {
        let public = self.desk.config.server.public_url.as_ref()?;
        let url = format!("{public}{}", request.target());
        let body: Parameters = if request.method == Method::Post { request.form() } else { Vec::new() };
        // Whichever account it comes from: each call and text names its alert by a token of ours.
        let accounts = self.desk.config.accounts();
        let tokens: Vec<&SecretString> =
            accounts.flat_map(|one| std::iter::once(&one.auth_token).chain(&one.previous_auth_token)).collect();
        let given = request.header("X-Twilio-Signature")?;
        if !signature::verify(&tokens, &url, &body, given) {
            return None;
        }
        let mut parameters = body;
        parameters.extend(request.query_pairs());
        Some(parameters)
    }

    fn with_notification(
        &self,
        token: &str,
        parameters: &Parameters,
        answer: impl FnOnce(&Self, &mut dyn Store, NotificationId) -> store::Result<Response>,
    ) -> store::Result<Response> {
        let Some(token) = Token::parse(token) else { return Ok(Response::text(404, "no such token")) };
        self.with_store(|store| match store.by_token(&token)? {
            Some(id) => {
                self.note_taken(store, id, parameters)?;
                answer(self, store, id)
            }
            None => Ok(Response::text(404, "no such token")),
        })
    }

    /// Who calls back about a call or text has taken it, whatever became of the answer to our request: it need not be
    /// looked for, where another one to the same number could be taken for it, and can be ended.
    fn note_taken(&self, store: &mut dyn Store, id: NotificationId, parameters: &Parameters) -> store::Result<()> {
        let name = ["CallSid", "MessageSid"].into_iter().find_map(|name| parameter(parameters, name));
        let Some(provider_id) = name.filter(|sid| sid.len() <= LONGEST_SID && is_word(sid)) else { return Ok(()) };
        let alert = store.alert(id.alert)?;
        let now = self.desk.now();
        let in_doubt = alert.notifications.iter().find(|one| one.id == id).filter(|one| one.is_in_doubt(now));
        let Some(notification) = in_doubt else { return Ok(()) };
        let account = parameter(parameters, "AccountSid");
        let is_it = |service: &Service| match service {
            Service::Twilio(one) => account.is_none_or(|account| one.account_sid == account),
            Service::Http(_) | Service::Command(_) | Service::Smtp(_) => false,
        };
        // One account may be reached by several ways; then it is the one that may have it.
        let services = self.desk.config.services();
        let ways: Vec<&str> = services.filter(|(_, service)| is_it(service)).map(|(name, _)| name).collect();
        let may_have_it = |way: &&str| notification.perhaps_with.iter().any(|name| name == way);
        let only = ways.first().copied().filter(|_| ways.len() == 1);
        let Some(provider) = ways.iter().copied().find(may_have_it).or(only) else { return Ok(()) };
        let (provider, provider_id) = (provider.to_owned(), provider_id.to_owned());
        self.desk.apply_told(store, id, &Event::Accepted { notification: id, provider, provider_id })?;
        Ok(())
    }

    /// A call was answered: what it says, as things stand now.
    fn document(&self, store: &mut dyn Store, id: NotificationId, parameters: &Parameters) -> store::Result<Response> {
        if human(parameters).is_some() {
            self.desk.called_back(store, id, &call_event(id, parameters, CallStatus::InProgress))?;
        }
        let told = store.board(id, self.desk.now())?;
        self.note_told(store, &told)?;
        Ok(self.alert_or_taken(&told, ""))
    }

    /// Notes what a call is told that has been answered.
    fn note_told(&self, store: &mut dyn Store, told: &Told) -> store::Result<()> {
        let Some(call) = told.alert.notifications.iter().find(|one| one.id == told.teller) else { return Ok(()) };
        let (page, what) = match open(told).len() {
            0 => ("taken", format!("that it is {} already", told.alert.state.word())),
            1 => ("alert", "the alert".to_owned()),
            count => ("storm", format!("of {count} alerts")),
        };
        let text = format!("the call to {} ({}) is told {what}", self.desk.name_of(&call.contact), call.to);
        let fact = Fact::Told(fact::Told { notification: told.teller.number, page: page.to_owned() });
        self.desk.note(store, told.teller.alert, EntryKind::Callback, text, Some(fact))
    }

    fn alert_or_taken(&self, told: &Told, key: &str) -> Response {
        let page = match open(told).as_slice() {
            [] => Page::Taken,
            // The policy has ended, and nobody has it: whoever hears of it now may still take it.
            [_] if key.is_empty() => Page::Alert,
            [_] => Page::WrongKey,
            [_, _, ..] => Page::Storm,
        };
        self.say(page, told, key)
    }

    /// A key was pressed. It is for every alert that the call had told of by then, and for no other.
    fn digits(&self, store: &mut dyn Store, id: NotificationId, parameters: &Parameters) -> store::Result<Response> {
        let pressed = parameter(parameters, "Digits").and_then(|digits| digits.chars().next());
        let last = parameter(parameters, "told").and_then(|last| last.parse().ok()).unwrap_or(0);
        let teller = store.teller(id)?;
        let before = store.told(teller, last)?;
        let id = before.teller;
        let Some(call) = before.alert.notifications.iter().find(|notification| notification.id == id) else {
            return Ok(Response::text(404, "no such call"));
        };
        let contact = call.contact.clone();
        let name = self.desk.name_of(&contact);
        let by = || Actor { contact: Some(contact.clone()), name: name.clone(), through: Through::Key };
        let within = Some(id);
        let waiting = open(&before);
        let several = waiting.len() > 1;
        // The one that was told, where it is but one; else the one that the call is about.
        let one = waiting.first().map_or(before.alert.id, |alert| alert.id);
        let state = waiting.first().map_or(before.alert.state, |alert| alert.state);
        let takes = !waiting.is_empty();
        let (event, page) = match pressed {
            Some('1') if takes => (Event::Acknowledge { by: by(), within }, Page::Acknowledged),
            Some('2') if waiting.iter().any(|alert| alert.state == State::Open) => {
                (Event::Escalate { by: by(), within }, Page::Escalated)
            }
            Some('3') if state != State::Resolved && !several => (Event::Resolve { by: by(), within }, Page::Resolved),
            Some(key @ '2') if takes => (Event::KeyPressed { notification: id, key }, Page::NobodyFurther),
            Some(key @ ('1' | '2')) => (Event::KeyPressed { notification: id, key }, Page::Taken),
            Some(key @ '3') if !several => (Event::KeyPressed { notification: id, key }, Page::Taken),
            Some('*') => (Event::KeyPressed { notification: id, key: '*' }, Page::Alert),
            Some(key) => (Event::KeyPressed { notification: id, key }, Page::WrongKey),
            // No key: the caller gets the text again.
            None => {
                let text = format!("no key was pressed in the call to {name} ({})", call.to);
                self.desk.note(store, id.alert, EntryKind::Callback, text, None)?;
                return Ok(self.alert_or_taken(&before, ""));
            }
        };
        let decides = matches!(page, Page::Acknowledged | Page::Escalated);
        let after = self.desk.apply_to_told(store, id, Some(last), &mut |alert, _| {
            let concerned = match alert.state {
                State::Open => true,
                State::Expired => page != Page::Escalated,
                State::Acknowledged | State::Resolved => !decides && alert.id == one,
            };
            concerned.then(|| event.clone())
        })?;
        self.wake();
        let key = pressed.map(String::from).unwrap_or_default();
        if matches!(page, Page::Alert | Page::WrongKey) {
            // What has come since is told, too.
            let told = store.board(id, self.desk.now())?;
            return Ok(self.alert_or_taken(&told, if page == Page::Alert { "" } else { &key }));
        }
        self.after_key(store, page, &before, &after, (&name, &contact), &key)
    }

    /// What the caller hears after a key that decides.
    fn after_key(
        &self,
        store: &mut dyn Store,
        page: Page,
        before: &Told,
        after: &[Alert],
        (name, contact): (&str, &ContactId),
        key: &str,
    ) -> store::Result<Response> {
        let mine: Vec<&Alert> = after.iter().filter(|alert| alert.acknowledged_by.as_deref() == Some(name)).collect();
        let progress = |id: AlertId| {
            let all = std::iter::once(&before.alert).chain(&before.besides);
            all.filter(|alert| alert.id == id).map(|alert| alert.progress).next().flatten()
        };
        let (page, about): (Page, Vec<&Alert>) = match page {
            // Somebody else may have been a moment faster.
            Page::Acknowledged if mine.is_empty() => (Page::Taken, after.iter().collect()),
            Page::Acknowledged => (page, mine),
            Page::Escalated if after.iter().all(|alert| alert.state != State::Open) => {
                (Page::Taken, after.iter().collect())
            }
            Page::Escalated if after.iter().all(|alert| alert.progress == progress(alert.id)) => {
                return Ok(self.say(Page::NobodyFurther, before, key));
            }
            page => (page, after.iter().collect()),
        };
        if page == Page::Acknowledged && about.len() > 1 {
            let taken = About { count: about.len(), list: fold::list(&about), ..About::default() };
            let words = self.desk.text(contact, Phrase::AllTaken, &taken);
            self.desk.apply(store, before.teller.alert, &Event::List { to: contact.clone(), words })?;
            self.wake();
        }
        let mut about = about.into_iter().cloned();
        let Some(alert) = about.next() else { return Ok(self.say(Page::Taken, before, key)) };
        let told = Told { alert, besides: about.collect(), ..before.clone() };
        Ok(self.say_all(page, &told, (&told.alert, &told.besides), contact, key))
    }

    /// Says `page` about what is still open of `told`; about all of it when nothing is.
    fn say(&self, page: Page, told: &Told, key: &str) -> Response {
        let call = told.alert.notifications.iter().find(|notification| notification.id == told.teller);
        let contact = call.map_or_else(|| ContactId::new(""), |call| call.contact.clone());
        let mut waiting = open(told).into_iter().cloned();
        match waiting.next() {
            Some(first) => self.say_all(page, told, (&first, &waiting.collect::<Vec<_>>()), &contact, key),
            None => self.say_all(page, told, (&told.alert, &[]), &contact, key),
        }
    }

    fn say_all(
        &self,
        page: Page,
        told: &Told,
        (alert, besides): (&Alert, &[Alert]),
        contact: &ContactId,
        key: &str,
    ) -> Response {
        let public = self.desk.config.server.public_url.as_deref().unwrap_or_default();
        let token = told.token.as_str();
        // The key that is pressed after hearing this is for what this tells of: what joins later is not meant.
        let mark = if told.last > 0 { format!("?told={}", told.last) } else { String::new() };
        let script = Script {
            action: format!("{public}/twiml/{token}/digits{mark}"),
            repeat: format!("{public}/twiml/{token}"),
            key: key.to_owned(),
            ..self.desk.words_of(alert, besides, contact)
        };
        Response::xml(self.desk.templates.render(page, &script))
    }

    /// A status callback of a call or a text.
    fn status(&self, store: &mut dyn Store, id: NotificationId, parameters: &Parameters) -> store::Result<Response> {
        let event = match (parameter(parameters, "MessageStatus"), parameter(parameters, "CallStatus")) {
            (Some(status), _) => text_status(status).map(|status| Event::TextStatus {
                notification: id,
                status,
                detail: detail(parameters),
            }),
            (None, Some(status)) => call_status(status).map(|status| call_event(id, parameters, status)),
            (None, None) => None,
        };
        if let Some(event) = event {
            self.desk.called_back(store, id, &event)?;
            self.wake();
        }
        Ok(Response::empty())
    }

    /// A text from somebody.
    fn text(&self, parameters: &Parameters) -> store::Result<Response> {
        let get = |name| parameter(parameters, name).unwrap_or_default();
        let at = self.desk.now();
        let reply = Reply { id: get("MessageSid"), from: get("From"), body: get("Body"), at };
        let answer = self.with_store(|store| reply::receive(&self.desk, store, reply))?;
        self.wake();
        Ok(Response::xml(self.desk.templates.message(answer.as_deref())))
    }
}

/// What nobody has yet of what a call tells of.
fn open(told: &Told) -> Vec<&Alert> {
    let all = std::iter::once(&told.alert).chain(&told.besides);
    all.filter(|alert| matches!(alert.state, State::Open | State::Expired)).collect()
}

fn is_word(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

fn parameter<'a>(parameters: &'a Parameters, name: &str) -> Option<&'a str> {
    parameters.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
}

/// What machine detection said: false for every kind of machine, nothing for `unknown`.
fn human(parameters: &Parameters) -> Option<bool> {
    match parameter(parameters, "AnsweredBy")? {
        "human" => Some(true),
        "unknown" | "" => None,
        _ => Some(false),
    }
}

fn call_event(id: NotificationId, parameters: &Parameters, status: CallStatus) -> Event {
    Event::CallStatus {
        notification: id,
        sequence: parameter(parameters, "SequenceNumber").and_then(|number| number.parse().ok()),
        status,
        human: human(parameters),
        detail: detail(parameters),
    }
}

/// The words of a call's status (TWILIO "Call status values"); `None` for one that we do not know.
fn call_status(word: &str) -> Option<CallStatus> {
    Some(match word {
        "queued" => CallStatus::Queued,
        "initiated" => CallStatus::Initiated,
        "ringing" => CallStatus::Ringing,
        "in-progress" => CallStatus::InProgress,
        "completed" => CallStatus::Completed,
        "busy" => CallStatus::Busy,
        "failed" => CallStatus::Failed,
        "no-answer" => CallStatus::NoAnswer,
        "canceled" => CallStatus::Canceled,
        _ => return None,
    })
}

/// The words of a text's status (TWILIO "Message status values"); `None` for one that we do not know.
fn text_status(word: &str) -> Option<TextStatus> {
    Some(match word {
        "accepted" | "scheduled" | "queued" | "sending" => TextStatus::Queued,
        "sent" => TextStatus::Sent,
        "delivered" | "read" => TextStatus::Delivered,
        "undelivered" => TextStatus::Undelivered,
        "failed" => TextStatus::Failed,
        "canceled" => TextStatus::Canceled,
        _ => return None,
    })
}

/// Error code, or SIP answer, of a callback.
fn detail(parameters: &Parameters) -> String {
    let of = |name: &str, label: &str| {
        parameter(parameters, name).filter(|value| !value.is_empty()).map(|value| {
            let short: String = value.chars().filter(|c| !c.is_control()).take(60).collect();
            format!("{label} {short}")
        })
    };
    of("ErrorCode", "error").or_else(|| of("SipResponseCode", "SIP")).unwrap_or_default()
}

/// A path for the log: a token lets its bearer hear an alert.
fn without_token(path: &str) -> String {
    let parts = path.split('/').map(|part| if part.len() >= 16 { "…" } else { part });
    parts.collect::<Vec<_>>().join("/")
}

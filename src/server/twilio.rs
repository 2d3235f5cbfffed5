//! Twilio's webhooks: from a signed request to an event, and from an alert to what the caller hears.

use secrecy::SecretString;

use super::http::{Method, Request, Response};
use super::{Routes, signature};
use crate::alert::{
    Actor, Alert, CallStatus, EntryKind, Event, Fact, Notification, NotificationId, State, TextStatus, Through, Token,
    Told,
};
use crate::engine::reply::{self, Reply};
use crate::notify::twiml::{Page, Script};
use crate::store::{self, Store};

/// The parameters of a webhook, decoded.
type Parameters = Vec<(String, String)>;

impl Routes {
    /// Answers one of Twilio's requests: nothing but 403 without a true signature.
    pub(super) fn twilio(&self, request: &Request) -> Response {
        let Some(parameters) = self.verified(request) else {
            tracing::warn!(path = %without_token(&request.path), "a request without a true signature was refused");
            return Response::text(403, "the signature is missing or wrong");
        };
        match self.route(request, &parameters) {
            Ok(response) => response,
            Err(error) => {
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
                self.with_notification(token, |routes, store, id| routes.document(store, id, parameters))
            }
            (Some("twiml"), Some(token), Some("digits"), None) if post => {
                self.with_notification(token, |routes, store, id| routes.digits(store, id, parameters))
            }
            (Some("twilio"), Some("status"), Some(token), None) if post => {
                self.with_notification(token, |routes, store, id| routes.status(store, id, parameters))
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
        answer: impl FnOnce(&Self, &mut dyn Store, NotificationId) -> store::Result<Response>,
    ) -> store::Result<Response> {
        let Some(token) = Token::parse(token) else { return Ok(Response::text(404, "no such token")) };
        self.with_store(|store| match store.by_token(&token)? {
            Some(id) => answer(self, store, id),
            None => Ok(Response::text(404, "no such token")),
        })
    }

    /// A call was answered: what it says, as things stand now.
    fn document(&self, store: &mut dyn Store, id: NotificationId, parameters: &Parameters) -> store::Result<Response> {
        let human = human(parameters);
        let alert = if human.is_some() {
            let event = call_event(id, parameters, CallStatus::InProgress);
            self.desk.called_back(store, id.alert, &event)?
        } else {
            store.alert(id.alert)?
        };
        self.note_told(store, &alert, id)?;
        Ok(self.alert_or_taken(&alert, id, ""))
    }

    /// Notes what a call is told that has been answered.
    fn note_told(&self, store: &mut dyn Store, alert: &Alert, id: NotificationId) -> store::Result<()> {
        let Some(call) = notification(alert, id) else { return Ok(()) };
        let (page, what) = match alert.state {
            State::Open | State::Expired => ("alert", "the alert".to_owned()),
            State::Acknowledged | State::Resolved => ("taken", format!("that it is {} already", alert.state.word())),
        };
        let text = format!("the call to {} ({}) is told {what}", self.desk.name_of(&call.contact), call.number);
        let fact = Fact::Told(Told { notification: id.number, page: page.to_owned() });
        self.desk.note(store, id.alert, EntryKind::Callback, text, Some(fact))
    }

    fn alert_or_taken(&self, alert: &Alert, id: NotificationId, key: &str) -> Response {
        let page = match alert.state {
            // The policy has ended, and nobody has it: whoever hears of it now may still take it.
            State::Open | State::Expired if key.is_empty() => Page::Alert,
            State::Open | State::Expired => Page::WrongKey,
            State::Acknowledged | State::Resolved => Page::Taken,
        };
        self.say(page, alert, id, key)
    }

    /// A key was pressed.
    fn digits(&self, store: &mut dyn Store, id: NotificationId, parameters: &Parameters) -> store::Result<Response> {
        let pressed = parameter(parameters, "Digits").and_then(|digits| digits.chars().next());
        let before = store.alert(id.alert)?;
        let Some(notification) = notification(&before, id) else {
            return Ok(Response::text(404, "no such call"));
        };
        let within = Some(id);
        let by = Actor {
            contact: Some(notification.contact.clone()),
            name: self.desk.name_of(&notification.contact),
            through: Through::Key,
        };
        let name = by.name.clone();
        let takes = matches!(before.state, State::Open | State::Expired);
        let (event, page) = match pressed {
            Some('1') if takes => (Event::Acknowledge { by, within }, Page::Acknowledged),
            Some('2') if before.state == State::Open => (Event::Escalate { by, within }, Page::Escalated),
            Some('3') if before.state != State::Resolved => (Event::Resolve { by, within }, Page::Resolved),
            Some(key @ '2') if takes => (Event::KeyPressed { notification: id, key }, Page::NobodyFurther),
            Some(key @ '1'..='3') => (Event::KeyPressed { notification: id, key }, Page::Taken),
            Some('*') => (Event::KeyPressed { notification: id, key: '*' }, Page::Alert),
            Some(key) => (Event::KeyPressed { notification: id, key }, Page::WrongKey),
            // No key: the caller gets the text again.
            None => {
                let text = format!("no key was pressed in the call to {name} ({})", notification.number);
                self.desk.note(store, id.alert, EntryKind::Callback, text, None)?;
                return Ok(self.alert_or_taken(&before, id, ""));
            }
        };
        let alert = self.desk.apply(store, id.alert, &event)?;
        self.wake();
        let key = pressed.map(String::from).unwrap_or_default();
        Ok(match page {
            Page::Alert => self.alert_or_taken(&alert, id, ""),
            Page::WrongKey => self.alert_or_taken(&alert, id, &key),
            // Somebody else may have been a moment faster.
            Page::Acknowledged if alert.acknowledged_by.as_deref() != Some(name.as_str()) => {
                self.say(Page::Taken, &alert, id, &key)
            }
            Page::Escalated if alert.state != State::Open => self.say(Page::Taken, &alert, id, &key),
            Page::Escalated if alert.progress == before.progress => self.say(Page::NobodyFurther, &alert, id, &key),
            page => self.say(page, &alert, id, &key),
        })
    }

    fn say(&self, page: Page, alert: &Alert, id: NotificationId, key: &str) -> Response {
        let public = self.desk.config.server.public_url.as_deref().unwrap_or_default();
        // Who asks has a token, which is one of this alert's notifications: there is one.
        let Some(notification) = notification(alert, id) else { return Response::text(404, "no such call") };
        let token = notification.token.as_str();
        let script = Script {
            action: format!("{public}/twiml/{token}/digits"),
            repeat: format!("{public}/twiml/{token}"),
            key: key.to_owned(),
            ..self.desk.words(alert, &notification.contact)
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
            self.desk.called_back(store, id.alert, &event)?;
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

fn notification(alert: &Alert, id: NotificationId) -> Option<&Notification> {
    alert.notifications.iter().find(|notification| notification.id == id)
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

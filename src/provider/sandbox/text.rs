//! The life of a text, to a phone or from one.

use std::sync::Arc;

use super::behaviour::Behaviour;
use super::network::{Network, TextRecord, What};
use super::twiml;
use super::webhook::{ApplicationError, Callbacks, parameters};

/// Unknown error, on the way to the carrier.
const FAILED: u32 = 30008;

/// Lives the text `sid` with a phone that does `behaviour`.
pub(super) fn live(network: &Arc<Network>, sid: &str, behaviour: &Behaviour) {
    let Some(text) = network.change(|state| state.text(sid).cloned()) else { return };
    let url = text.parameters.iter().find(|(name, _)| name == "StatusCallback").map(|(_, url)| url.as_str());
    let mut callbacks = Callbacks::new(network, url, &text.to, sid);
    let mut turn = |status: &'static str, error_code: Option<u32>, is_last: bool| {
        let changed = network.change(|state| {
            let text = state.text(sid)?;
            (text.status, text.error_code) = (status, error_code);
            Some(())
        });
        if changed.is_none() {
            return;
        }
        let mut all = parameters([
            ("MessageSid", sid),
            ("SmsSid", sid),
            ("AccountSid", &network.options.account_sid),
            ("From", &text.from),
            ("To", &text.to),
            ("MessageStatus", status),
            ("SmsStatus", status),
            ("ApiVersion", "2010-04-01"),
        ]);
        all.extend(error_code.map(|code| ("ErrorCode".to_owned(), code.to_string())));
        callbacks.send(all, is_last);
    };
    if !network.pause(network.options.pace) {
        return;
    }
    if *behaviour == Behaviour::Failed {
        network.tell(&text.to, sid, What::NotDelivered, format!("failed, {FAILED}"));
        return turn("failed", Some(FAILED), true);
    }
    turn("sent", None, *behaviour == Behaviour::Sent);
    if !network.pause(network.options.pace) {
        return;
    }
    match behaviour {
        Behaviour::Sent => network.tell(&text.to, sid, What::NotDelivered, "sent, and nothing more is known"),
        Behaviour::Undelivered(code) => {
            network.tell(&text.to, sid, What::NotDelivered, format!("undelivered, {code}"));
            turn("undelivered", Some(*code), true);
        }
        _ => {
            network.tell(&text.to, sid, What::Text, text.body.clone());
            turn("delivered", None, true);
        }
    }
    if let Behaviour::Reply(body) = behaviour
        && network.pause(network.options.pace)
    {
        arrive(network, &text.to, Some(&text.from), body);
    }
}

/// The person at `from` writes `body` to our number `to`, or to the one that they know. What the application answers
/// is texted back.
pub(super) fn arrive(network: &Arc<Network>, from: &str, to: Option<&str>, body: &str) {
    let to = to.map_or_else(|| network.our_number(from), str::to_owned);
    let text = record(network, from, &to, body, ("received", "inbound"));
    network.change(|state| state.texts.push(text.clone()));
    network.tell(from, &text.sid, What::Wrote, body);
    let Some(url) = network.state().inbound_url.clone() else { return };
    network.spawn(move |network| match announce(network, &url, &text) {
        Ok(replies) => {
            for reply in replies {
                let reply = record(network, &text.to, &text.from, &reply, ("delivered", "outbound-reply"));
                network.change(|state| state.texts.push(reply.clone()));
                network.tell(&reply.to, &reply.sid, What::Text, reply.body);
            }
        }
        Err(error) => network.tell(&text.from, &text.sid, What::ApplicationError, error.to_string()),
    });
}

fn record(
    network: &Network,
    from: &str,
    to: &str,
    body: &str,
    (status, direction): (&'static str, &'static str),
) -> TextRecord {
    TextRecord {
        sid: network.sid("SM"),
        to: to.into(),
        from: from.into(),
        body: body.into(),
        status,
        direction,
        error_code: None,
        created_at: network.now(),
        parameters: Vec::new(),
    }
}

/// Tells the application of a text that came in. Returns what it wants to be texted back.
fn announce(network: &Network, url: &str, text: &TextRecord) -> Result<Vec<String>, ApplicationError> {
    let all = parameters([
        ("MessageSid", &text.sid),
        ("SmsSid", &text.sid),
        ("SmsMessageSid", &text.sid),
        ("AccountSid", &network.options.account_sid),
        ("From", &text.from),
        ("To", &text.to),
        ("Body", &text.body),
        ("NumMedia", "0"),
        ("NumSegments", "1"),
        ("SmsStatus", "received"),
        ("ApiVersion", "2010-04-01"),
    ]);
    let document = network.ask(url, false, &all)?;
    if document.text.trim().is_empty() { Ok(Vec::new()) } else { twiml::replies(&document.text) }
}

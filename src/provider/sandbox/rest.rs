//! Twilio's REST API, from the other side: the paths, the authentication, the records and the errors.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::behaviour::Behaviour;
use super::check::{self, Form};
use super::http::{Answer, Request};
use super::network::{CallRecord, Network, TextRecord, What};
use super::{call, form, text};
use crate::alert::Channel;

const ROOT: &str = "/2010-04-01/Accounts/";
const SERVICE_NUMBER: &str = "+15005550006";

/// Twilio's dates: `Tue, 31 Aug 2010 20:36:28 +0000`.
pub(super) fn rfc2822(at: Timestamp) -> String {
    at.strftime("%a, %d %b %Y %H:%M:%S +0000").to_string()
}

/// Answers a request below [`ROOT`]; `None`: the path is not the API's.
pub(super) fn respond(network: &Arc<Network>, request: &Request) -> Option<Answer> {
    let rest = request.path.strip_prefix(ROOT)?;
    let (account, resource) = rest.split_once('/').unwrap_or((rest, ""));
    let answer = if !is_authorized(network, request) {
        error(20003)
    } else if account != network.options.account_sid {
        error(20404)
    } else {
        match (request.method.as_str(), resource.split_once('/')) {
            ("POST", None) if resource == "Calls.json" => create(network, Channel::Call, &request.form()),
            ("POST", None) if resource == "Messages.json" => create(network, Channel::Text, &request.form()),
            ("POST", Some(("Calls", id))) => update_call(network, plain(id), &request.form()),
            ("GET", _) if network.state().conditions.fail_reads => error(20500),
            ("GET", None) if resource == "Calls.json" => list_calls(network, request),
            ("GET", None) if resource == "Messages.json" => list_texts(network, request),
            ("GET", Some(("Calls", id))) => {
                let found = network.change(|state| state.call(plain(id)).map(|call| call_json(network, call)));
                found.map_or_else(|| error(20404), |json| Answer::json(200, &json))
            }
            ("GET", Some(("Messages", id))) => {
                let found = network.change(|state| state.text(plain(id)).map(|text| text_json(network, text)));
                found.map_or_else(|| error(20404), |json| Answer::json(200, &json))
            }
            _ => error(20404),
        }
    };
    let now = network.now().strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
    Some(answer.with("Date", now))
}

fn is_authorized(network: &Network, request: &Request) -> bool {
    let encoded = request.header("authorization").and_then(|value| value.strip_prefix("Basic "));
    let given =
        encoded.and_then(|text| STANDARD.decode(text.trim()).ok()).and_then(|bytes| String::from_utf8(bytes).ok());
    let options = &network.options;
    let pairs = [(&options.account_sid, &options.auth_token)].into_iter();
    let mut pairs = pairs.chain(options.api_key.iter().map(|(key, secret)| (key, secret)));
    given.is_some_and(|given| pairs.any(|(user, password)| given == format!("{user}:{password}")))
}

fn create(network: &Arc<Network>, channel: Channel, parameters: &[(String, String)]) -> Answer {
    let form = Form(parameters);
    let to = form.get("To").unwrap_or_default();
    let checked = match channel {
        Channel::Call => check::call(&form),
        Channel::Text | Channel::Email => check::text(&form),
    };
    if let Err(code) = checked {
        return refused(network, to, channel, error(code), &format!("{code} {}", check::words(code).1));
    }
    let fault = network.next_of_the_api(to, channel);
    match fault {
        Some(Behaviour::Unauthorized) => refused(network, to, channel, error(20003), "401, code 20003"),
        Some(Behaviour::RateLimited(seconds)) => {
            let answer = error(20429).with("Retry-After", seconds.to_string());
            refused(network, to, channel, answer, "429, code 20429")
        }
        Some(Behaviour::Refuse(code)) => {
            refused(network, to, channel, error(code), &format!("{code} {}", check::words(code).1))
        }
        Some(Behaviour::ServerError) => refused(network, to, channel, error(20500), "500, not made"),
        Some(Behaviour::Dropped) => refused(network, to, channel, Answer::dropped(), "connection closed, not made"),
        Some(Behaviour::ServerErrorPlaced) => make(network, channel, &form).0.instead(error(20500)),
        Some(Behaviour::AcceptedThenDropped) => make(network, channel, &form).0.instead(Answer::dropped()),
        Some(Behaviour::Unreadable) => {
            make(network, channel, &form).0.instead(Answer::html(200, "<h1>Welcome</h1>".into()))
        }
        Some(Behaviour::Slow(seconds)) => {
            let (answer, json) = make(network, channel, &form);
            answer.run();
            network.pause(Duration::from_secs(seconds.into()));
            Answer::json(201, &json)
        }
        _ => make(network, channel, &form).0,
    }
}

fn refused(network: &Network, to: &str, channel: Channel, answer: Answer, reason: &str) -> Answer {
    network.tell(to, "", What::Refused, format!("{}: {reason}", channel.word()));
    answer
}

/// Makes a call or text, whose life begins when the answer has been sent.
fn make(network: &Arc<Network>, channel: Channel, form: &Form) -> (Answer, Value) {
    let value = |name| form.get(name).unwrap_or_default().to_owned();
    let (to, created_at) = (value("To"), network.now());
    let behaviour = network.next_of_the_phone(&to, channel);
    let parameters = form.0.to_vec();
    let (sid, json) = match channel {
        Channel::Call => {
            let record = CallRecord {
                sid: network.sid("CA"),
                to,
                from: value("From"),
                status: "queued",
                answered_by: None,
                created_at,
                answered_at: None,
                ended_at: None,
                heard: Vec::new(),
                pressed: Vec::new(),
                parameters,
                asked_to_end: None,
            };
            let made = (record.sid.clone(), call_json(network, &record));
            network.change(|state| state.calls.push(record));
            made
        }
        Channel::Text | Channel::Email => {
            let from = form.get("From").unwrap_or(SERVICE_NUMBER).to_owned();
            let record = TextRecord {
                sid: network.sid("SM"),
                to,
                from,
                body: value("Body"),
                status: "queued",
                direction: "outbound-api",
                error_code: None,
                created_at,
                parameters,
            };
            let made = (record.sid.clone(), text_json(network, &record));
            network.change(|state| state.texts.push(record));
            made
        }
    };
    let network = Arc::clone(network);
    let begin = move || {
        network.spawn(move |network| match channel {
            Channel::Call => call::live(network, &sid, &behaviour),
            Channel::Text | Channel::Email => text::live(network, &sid, &behaviour),
        });
    };
    (Answer::json(201, &json).then(begin), json)
}

fn update_call(network: &Network, sid: &str, parameters: &[(String, String)]) -> Answer {
    let wanted = match Form(parameters).get("Status") {
        Some("canceled") => "canceled",
        Some("completed") => "completed",
        _ => return error(20001),
    };
    let result = network.change(|state| {
        let call = state.call(sid).ok_or(20404_u32)?;
        match call.status {
            "queued" | "ringing" => call.asked_to_end = Some(wanted),
            // `canceled` does not touch a call that was answered.
            "in-progress" if wanted == "completed" => call.asked_to_end = Some(wanted),
            "in-progress" => {}
            _ => return Err(21220),
        }
        let mut json = call_json(network, call);
        if let (Some(asked), Value::Object(fields)) = (call.asked_to_end, &mut json) {
            fields.insert("status".into(), asked.into());
        }
        Ok(json)
    });
    result.map_or_else(error, |json| Answer::json(200, &json))
}

fn list_calls(network: &Network, request: &Request) -> Answer {
    let query = form::pairs(&request.query);
    let filter = Form(&query);
    let state = network.state();
    let calls = state.calls.iter().rev().filter(|call| {
        filter.get("To").is_none_or(|to| to == call.to)
            && filter.get("From").is_none_or(|from| from == call.from)
            && filter.get("Status").is_none_or(|status| status == call.status)
    });
    let calls = calls.map(|call| call_json(network, call)).collect();
    drop(state);
    page(request, &filter, "calls", calls)
}

fn list_texts(network: &Network, request: &Request) -> Answer {
    let query = form::pairs(&request.query);
    let filter = Form(&query);
    let day = |at: Timestamp| at.strftime("%Y-%m-%d").to_string();
    let state = network.state();
    let texts = state.texts.iter().rev().filter(|text| {
        filter.get("To").is_none_or(|to| to == text.to)
            && filter.get("From").is_none_or(|from| from == text.from)
            && filter.get("DateSent>").is_none_or(|first| day(text.created_at).as_str() >= first)
    });
    let texts = texts.map(|text| text_json(network, text)).collect();
    drop(state);
    page(request, &filter, "messages", texts)
}

fn page(request: &Request, filter: &Form, name: &str, records: Vec<Value>) -> Answer {
    let number = |name, otherwise| filter.get(name).and_then(|text| text.parse().ok()).unwrap_or(otherwise);
    let (size, page): (usize, usize) = (number("PageSize", 50).clamp(1, 1000), number("Page", 0));
    let start = page.saturating_mul(size);
    let others: Vec<&str> = request.query.split('&').filter(|p| !p.is_empty() && !p.starts_with("Page=")).collect();
    let uri =
        |page: usize| format!("{}?{}", request.path, [&others[..], &[&format!("Page={page}")]].concat().join("&"));
    let following = (start.saturating_add(size) < records.len()).then(|| uri(page + 1));
    let records: Vec<Value> = records.into_iter().skip(start).take(size).collect();
    let mut body = json!({
        "first_page_uri": uri(0),
        "next_page_uri": following,
        "previous_page_uri": page.checked_sub(1).map(uri),
        "page": page,
        "page_size": size,
        "start": start,
        "end": (start + records.len()).saturating_sub(1),
        "uri": uri(page),
    });
    if let Value::Object(fields) = &mut body {
        fields.insert(name.to_owned(), Value::Array(records));
    }
    Answer::json(200, &body)
}

fn call_json(network: &Network, call: &CallRecord) -> Value {
    let account = &network.options.account_sid;
    let duration =
        call.ended_at.zip(call.answered_at).map(|(end, start)| end.duration_since(start).as_secs().to_string());
    json!({
        "sid": call.sid,
        "account_sid": account,
        "to": call.to,
        "to_formatted": call.to,
        "from": call.from,
        "from_formatted": call.from,
        "status": call.status,
        "direction": "outbound-api",
        "answered_by": call.answered_by,
        "date_created": rfc2822(call.created_at),
        "date_updated": rfc2822(call.ended_at.or(call.answered_at).unwrap_or(call.created_at)),
        "start_time": call.answered_at.map(rfc2822),
        "end_time": call.ended_at.map(rfc2822),
        "duration": duration,
        "price": null,
        "price_unit": "USD",
        "parent_call_sid": null,
        "phone_number_sid": null,
        "forwarded_from": null,
        "group_sid": null,
        "caller_name": null,
        "queue_time": "0",
        "trunk_sid": null,
        "api_version": "2010-04-01",
        "uri": format!("{ROOT}{account}/Calls/{}.json", call.sid),
        "subresource_uris": {},
    })
}

fn text_json(network: &Network, text: &TextRecord) -> Value {
    let account = &network.options.account_sid;
    let service = Form(&text.parameters).get("MessagingServiceSid");
    json!({
        "sid": text.sid,
        "account_sid": account,
        "to": text.to,
        "from": text.from,
        "messaging_service_sid": service,
        "body": text.body,
        "status": text.status,
        "direction": text.direction,
        "error_code": text.error_code,
        "error_message": text.error_code.map(|code| check::words(code).1),
        "date_created": rfc2822(text.created_at),
        "date_updated": rfc2822(text.created_at),
        "date_sent": (text.status != "queued").then(|| rfc2822(text.created_at)),
        "num_segments": "1",
        "num_media": "0",
        "price": null,
        "price_unit": "USD",
        "api_version": "2010-04-01",
        "uri": format!("{ROOT}{account}/Messages/{}.json", text.sid),
        "subresource_uris": {},
    })
}

/// Twilio's error document.
fn error(code: u32) -> Answer {
    let (status, message) = check::words(code);
    let more_info = format!("https://www.twilio.com/docs/errors/{code}");
    Answer::json(status, &json!({ "code": code, "message": message, "more_info": more_info, "status": status }))
}

fn plain(id: &str) -> &str {
    id.strip_suffix(".json").unwrap_or(id)
}

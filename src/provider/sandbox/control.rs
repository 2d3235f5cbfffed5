//! The sandbox's own routes: a page to look at, and control for another process.
//!
//! | route | |
//! |---|---|
//! | `GET /` | the transcript as a page |
//! | `GET /sandbox/transcript`, `/sandbox/calls`, `/sandbox/texts` | the same as JSON |
//! | `PUT /sandbox/phones/{number}` | a JSON list of behaviours; `*` for every other phone |
//! | `PUT /sandbox/conditions` | what happens to callbacks and questions, a JSON object |
//! | `PUT /sandbox/inbound` | the URL of the webhook for texts, as plain text |
//! | `POST /sandbox/texts` | a form `from`, `body`, and if need be `to`: that person texts us |

use std::fmt::Write;
use std::sync::Arc;

use serde::Serialize;

use super::behaviour::{Behaviour, Script};
use super::check::Form;
use super::http::{Answer, Request};
use super::network::{Line, Network, What};
use super::{form, text};
use crate::oncall::Phone;

/// The page shows so many lines at most.
const SHOWN: usize = 400;

/// Answers a request that is not the API's.
pub(super) fn respond(network: &Arc<Network>, request: &Request) -> Answer {
    // A web page of somebody else's, open in a browser on this machine, must not steer or read the network.
    let is_foreign =
        |origin: &str| !origin.starts_with("http://127.0.0.1:") && !origin.starts_with("http://localhost:");
    if request.header("origin").is_some_and(is_foreign) || request.header("host").is_some_and(|h| !is_local(h)) {
        return Answer::plain(403, "only this machine's own pages and programs may ask the sandbox");
    }
    let path = form::percent_decoded(&request.path);
    match (request.method.as_str(), path.as_str()) {
        ("GET", "/") => Answer::html(200, page(network)).with("Content-Security-Policy", POLICY.to_owned()),
        ("GET", "/sandbox/transcript") => json(&network.state().transcript),
        ("GET", "/sandbox/calls") => json(&network.state().calls),
        ("GET", "/sandbox/texts") => json(&network.state().texts),
        ("PUT", "/sandbox/conditions") => match serde_json::from_str(&request.body) {
            Ok(conditions) => {
                network.change(|state| state.conditions = conditions);
                done()
            }
            Err(error) => Answer::plain(400, &format!("these are no conditions: {error}")),
        },
        ("PUT", "/sandbox/inbound") => {
            let url = Some(request.body.trim().to_owned()).filter(|url| !url.is_empty());
            network.change(|state| state.inbound_url = url);
            done()
        }
        ("POST", "/sandbox/texts") => {
            let fields = request.form();
            let fields = Form(&fields);
            match (fields.get("from").map(str::parse::<Phone>), fields.get("body")) {
                (Some(Ok(from)), Some(body)) => {
                    text::arrive(network, from.as_str(), fields.get("to"), body);
                    done()
                }
                (Some(Err(error)), _) => Answer::plain(400, &error.to_string()),
                _ => Answer::plain(400, "a text needs `from` and `body`"),
            }
        }
        ("PUT", path) if let Some(number) = path.strip_prefix("/sandbox/phones/") => {
            match serde_json::from_str::<Vec<Behaviour>>(&request.body) {
                Ok(behaviours) => {
                    network.script(number, Script::new(behaviours));
                    done()
                }
                Err(error) => Answer::plain(400, &format!("this is no list of behaviours: {error}")),
            }
        }
        _ => Answer::plain(404, "there is nothing here; see /"),
    }
}

fn done() -> Answer {
    Answer::plain(200, "done")
}

fn json(value: &impl Serialize) -> Answer {
    Answer::json(200, &serde_json::to_value(value).unwrap_or_default())
}

/// Against a name of somebody else's that resolves to this machine.
fn is_local(host: &str) -> bool {
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    matches!(name, "127.0.0.1" | "localhost" | "[::1]")
}

const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'";

const HEAD: &str = r#"<!doctype html><html lang="en"><meta charset="utf-8"><meta http-equiv="refresh" content="2">
<meta name="viewport" content="width=device-width, initial-scale=1"><title>thialfi sandbox</title><style>
:root{color-scheme:light dark;--line:#8884;--soft:#8882}
body{font:15px/1.45 system-ui,sans-serif;margin:2rem auto;max-width:76rem;padding:0 1rem}
h1{font-size:1.25rem;margin:0}p{margin:.2rem 0 1.5rem;opacity:.7}
main{display:grid;grid-template-columns:repeat(auto-fill,minmax(19rem,1fr));gap:1rem;align-items:start}
section{border:1px solid var(--line);border-radius:1.1rem;padding:1rem}
h2{font-size:1rem;margin:0 0 .6rem;font-variant-numeric:tabular-nums}
ol{list-style:none;margin:0;padding:0;display:flex;flex-direction:column;gap:.35rem}
li{overflow-wrap:anywhere}time{opacity:.55;font-size:.75rem;margin-right:.5rem;font-variant-numeric:tabular-nums}
.heard,.text{background:var(--soft);border-radius:.2rem .8rem .8rem .8rem;padding:.4rem .7rem;white-space:pre-wrap}
.pressed,.wrote{background:#1a7f5a;color:#fff;border-radius:.8rem .2rem .8rem .8rem;padding:.4rem .7rem;align-self:flex-end}
.rings,.answered,.ended{opacity:.75;font-size:.85rem}.refused,.not-delivered,.application-error{color:#c2410c;font-size:.85rem}
</style><h1>thialfi sandbox</h1>"#;

/// A card for each phone, the one where something happened last first.
fn page(network: &Network) -> String {
    let state = network.state();
    let lines: Vec<Line> = state.transcript.iter().rev().take(SHOWN).rev().cloned().collect();
    let (calls, texts) = (state.calls.len(), state.texts.len());
    drop(state);

    let mut html = String::from(HEAD);
    // Writing into a String cannot fail.
    let _ = write!(
        html,
        "<p>A telephone network in a box: {calls} calls, {texts} texts. Nobody is really called.</p><main>"
    );
    let mut numbers: Vec<&str> = Vec::new();
    for line in lines.iter().rev() {
        if !numbers.contains(&line.number.as_str()) {
            numbers.push(&line.number);
        }
    }
    for number in numbers {
        let _ = write!(html, "<section><h2>{}</h2><ol>", escaped(if number.is_empty() { "no number" } else { number }));
        for line in lines.iter().filter(|line| line.number == number) {
            let time = line.at.strftime("%H:%M:%S");
            let (class, words) = (class(line.what), escaped(&said(line)));
            let _ = write!(html, r#"<li class="{class}"><time>{time}</time>{words}</li>"#);
        }
        html.push_str("</ol></section>");
    }
    html.push_str("</main></html>");
    html
}

fn class(what: What) -> &'static str {
    match what {
        What::Refused => "refused",
        What::Rings => "rings",
        What::Answered => "answered",
        What::Heard => "heard",
        What::Pressed => "pressed",
        What::Ended => "ended",
        What::Text => "text",
        What::NotDelivered => "not-delivered",
        What::Wrote => "wrote",
        What::ApplicationError => "application-error",
    }
}

fn said(line: &Line) -> String {
    let text = &line.text;
    match line.what {
        What::Refused => format!("refused: {text}"),
        What::Rings => format!("rings: {text}"),
        What::Answered => format!("answered by {text}"),
        What::Pressed => format!("pressed {text}"),
        What::Ended => format!("call over: {text}"),
        What::NotDelivered => format!("text not delivered: {text}"),
        What::ApplicationError => format!("application error: {text}"),
        What::Heard | What::Text | What::Wrote => text.clone(),
    }
}

fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c if c.is_control() && c != '\n' => {}
            c => escaped.push(c),
        }
    }
    escaped
}

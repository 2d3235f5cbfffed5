//! Doubles of the gateways that need no description in the rule file. Each takes what the provider's documentation
//! allows, answers as it says, and keeps what it would have refused.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};

use super::gateway::{Answer, Gateway, Received};

/// What all of them know us by.
pub const KEY: &str = "api-key";
pub const SECRET: &str = "a-secret-of-the-gateway";

/// One of the gateways.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Company {
    /// <https://messagemedia.com/developers/rest-messaging-api> and its official clients.
    MessageMedia,
    /// <https://docs.clickatell.com/channels/sms-rest-api-platform-archived/sms-rest-api-send-message-2/>.
    Clickatell,
    /// <https://www.smsglobal.com/rest-api/>.
    SmsGlobal,
}

/// What it does with a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It takes it, and when asked says these words, one after the other, the last again and again.
    Taken(&'static [&'static str]),
    /// It says that the number cannot be texted.
    Refused,
    /// It has too much to do.
    Busy,
}

pub struct Documented {
    pub company: Company,
    pub gateway: Gateway,
    faults: Arc<Mutex<Vec<String>>>,
}

/// A status, and an object.
type Reply = Result<(u16, Value), String>;

impl Company {
    pub const ALL: [Self; 3] = [Self::MessageMedia, Self::Clickatell, Self::SmsGlobal];

    /// Its double.
    pub fn open(self, fate: Fate) -> Documented {
        let faults = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&faults);
        // What was asked for so far, and nonces.
        let asked = Mutex::new(0);
        let nonces = Mutex::new(BTreeSet::new());
        let gateway = Gateway::by(move |request, _| {
            let allowed = self.knows(request, &nonces);
            let reply = match allowed {
                Ok(false) => Ok((401, Value::Null)),
                Ok(true) if request.method == "GET" => {
                    let mut asked = asked.lock().unwrap();
                    *asked += 1;
                    self.tells(request, fate, *asked - 1)
                }
                Ok(true) => self.takes(request, fate),
                Err(fault) => Err(fault),
            };
            let (status, body) = reply.unwrap_or_else(|fault| {
                kept.lock().unwrap().push(format!("{fault}: {request:?}"));
                (400, json!({ "message": fault }))
            });
            Answer::Status(status, if body.is_null() { String::new() } else { body.to_string() })
        });
        Documented { company: self, gateway, faults }
    }

    /// What it names the text.
    pub fn id(self) -> &'static str {
        match self {
            Self::MessageMedia => "04fe9a97-a579-43c5-bb1a-58ed29bf0a6a",
            Self::Clickatell => "77fb29998253415fa5d66971d519d362",
            Self::SmsGlobal => "6359736682344313",
        }
    }

    /// Whether the credentials are ours; `Err`: they are not written as they must be.
    fn knows(self, request: &Received, nonces: &Mutex<BTreeSet<String>>) -> Result<bool, String> {
        let header = request.header("Authorization");
        match self {
            Self::MessageMedia => {
                let plain = header.strip_prefix("Basic ").ok_or("no Basic authentication")?;
                let plain = STANDARD.decode(plain).map_err(|error| error.to_string())?;
                Ok(plain == format!("{KEY}:{SECRET}").as_bytes())
            }
            Self::Clickatell => Ok(header == SECRET),
            Self::SmsGlobal => {
                let fields = header.strip_prefix("MAC ").ok_or("no MAC")?;
                let field = |name: &str| {
                    let all = fields.split(", ").find_map(|field| field.strip_prefix(&format!("{name}=\"")));
                    all.and_then(|value| value.strip_suffix('"')).ok_or(format!("no {name}"))
                };
                let (id, ts, nonce, mac) = (field("id")?, field("ts")?, field("nonce")?, field("mac")?);
                if nonce.is_empty() || nonce.len() > 32 || !nonces.lock().unwrap().insert(nonce.to_owned()) {
                    return Err(format!("the nonce {nonce}"));
                }
                let _: i64 = ts.parse().map_err(|_| format!("the time {ts}"))?;
                let (host, port) = request.header("Host").split_once(':').ok_or("no port")?;
                let plain = format!("{ts}\n{nonce}\n{}\n{}\n{host}\n{port}\n\n", request.method, request.target);
                let mut hash = Hmac::<sha2::Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
                hash.update(plain.as_bytes());
                Ok(id == KEY && mac == STANDARD.encode(hash.finalize().into_bytes()))
            }
        }
    }

    /// The answer to a text.
    fn takes(self, request: &Received, fate: Fate) -> Reply {
        let target = match self {
            Self::MessageMedia => "/v1/messages",
            Self::Clickatell => "/messages",
            Self::SmsGlobal => "/v2/sms",
        };
        if (request.method.as_str(), request.target.as_str()) != ("POST", target) {
            return Err("no such resource".to_owned());
        }
        for name in ["Content-Type", "Accept"] {
            if request.header(name) != "application/json" {
                return Err(format!("{name} is not JSON"));
            }
        }
        let (to, text) = self.text_of(request)?;
        if text.is_empty() {
            return Err("no text".to_owned());
        }
        let digits = to.strip_prefix('+').unwrap_or(&to);
        let written = match self {
            Self::MessageMedia => to.starts_with('+'),
            Self::Clickatell => true,
            Self::SmsGlobal => !to.starts_with('+'),
        };
        if !written || digits.len() < 8 || !digits.chars().all(|c| c.is_ascii_digit()) {
            return Err(format!("{to} is no number"));
        }
        let id = self.id();
        Ok(match (self, fate) {
            (_, Fate::Busy) => (429, Value::Null),
            (Self::MessageMedia, Fate::Taken(_)) => {
                let message = json!({ "message_id": id, "status": "queued", "content": text, "destination_number": to,
                    "delivery_report": true, "format": "SMS", "message_expiry_timestamp": null });
                (202, json!({ "messages": [message] }))
            }
            (Self::MessageMedia, Fate::Refused) => {
                (400, json!({ "message": "Request is invalid", "details": ["destination_number is invalid"] }))
            }
            (Self::Clickatell, Fate::Taken(_)) => {
                let message = json!({ "apiMessageId": id, "accepted": true, "to": to, "errorCode": null, "error": null,
                    "errorDescription": null });
                (202, json!({ "messages": [message], "errorCode": null, "error": null, "errorDescription": null }))
            }
            (Self::Clickatell, Fate::Refused) => {
                let error = json!({ "code": 605, "description": "Opted out" });
                let message = json!({ "apiMessageId": null, "accepted": false, "to": to, "error": error });
                (202, json!({ "messages": [message], "error": null }))
            }
            (Self::SmsGlobal, Fate::Taken(_)) => {
                let id: u64 = id.parse().unwrap();
                (
                    200,
                    json!({ "id": id, "outgoing_id": 5_211_897_953_u64, "origin": "Pager", "destination": to,
                    "message": text, "status": "sent", "dateTime": "2026-11-02 02:00:00 +0000" }),
                )
            }
            (Self::SmsGlobal, Fate::Refused) => {
                (400, json!({ "errors": { "destination": { "errors": ["Invalid destination"] } } }))
            }
        })
    }

    /// The answer to a question about a text.
    fn tells(self, request: &Received, fate: Fate, nth: usize) -> Reply {
        let target = match self {
            Self::MessageMedia => format!("/v1/messages/{}", self.id()),
            Self::SmsGlobal => format!("/v2/sms/{}", self.id()),
            Self::Clickatell => return Err("it is not to be asked".to_owned()),
        };
        let Fate::Taken(words) = fate else { return Ok((404, Value::Null)) };
        if request.target != target || !request.body.is_empty() {
            return Err("no such text".to_owned());
        }
        let word = words.get(nth).or(words.last()).ok_or("no word")?;
        Ok((200, json!({ "id": self.id(), "status": word })))
    }

    /// Number and words of a request, every field of which is one that the documentation has.
    fn text_of(self, request: &Received) -> Result<(String, String), String> {
        let body: Value = serde_json::from_str(&request.body).map_err(|error| error.to_string())?;
        let text = |value: &Value| value.as_str().map(str::to_owned).ok_or("this is not text".to_owned());
        match self {
            Self::MessageMedia => {
                only(&body, &["messages"])?;
                let [message] = body["messages"].as_array().ok_or("no list")?.as_slice() else {
                    return Err("not one message".to_owned());
                };
                let known = ["content", "destination_number", "source_number", "format", "delivery_report"];
                only(message, &known)?;
                if message["format"] != "SMS" || message["delivery_report"] != true {
                    return Err("no text with a report".to_owned());
                }
                Ok((text(&message["destination_number"])?, text(&message["content"])?))
            }
            Self::Clickatell => {
                only(&body, &["content", "to", "from"])?;
                let [to] = body["to"].as_array().ok_or("no list")?.as_slice() else {
                    return Err("not one number".to_owned());
                };
                Ok((text(to)?, text(&body["content"])?))
            }
            Self::SmsGlobal => {
                only(&body, &["origin", "destination", "message"])?;
                Ok((text(&body["destination"])?, text(&body["message"])?))
            }
        }
    }
}

impl Documented {
    /// Its entry in the rule file; `secret` names a file.
    pub fn entry(&self, secret: &str) -> String {
        let url = &self.gateway.url;
        let login = match self.company {
            Company::MessageMedia | Company::SmsGlobal => {
                format!("api_key = \"{KEY}\"\napi_secret = {{ file = \"{secret}\" }}")
            }
            Company::Clickatell => format!("api_key = {{ file = \"{secret}\" }}"),
        };
        let kind = format!("{:?}", self.company).to_lowercase();
        format!("[providers.gate]\nkind = \"{kind}\"\n{login}\nfrom = \"+64219999999\"\napi_url = \"{url}\"\n")
    }

    /// Number and words of the texts that came.
    pub fn texts(&self) -> Vec<(String, String)> {
        let posts = self.gateway.received().into_iter().filter(|request| request.method == "POST");
        posts.map(|request| self.company.text_of(&request).unwrap()).collect()
    }

    /// How often it was asked about one.
    pub fn asked(&self) -> usize {
        self.gateway.received().iter().filter(|request| request.method == "GET").count()
    }

    /// What it would have refused.
    #[track_caller]
    pub fn finds_no_fault(&self) {
        assert_eq!(*self.faults.lock().unwrap(), [] as [String; 0], "{:?}", self.company);
    }
}

/// Complains of fields that are not known.
fn only(object: &Value, known: &[&str]) -> Result<(), String> {
    let fields = object.as_object().ok_or("no object")?;
    fields.keys().find(|key| !known.contains(&key.as_str())).map_or(Ok(()), |odd| Err(format!("no field `{odd}`")))
}

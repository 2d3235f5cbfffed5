//! The API without a network: what it answers, to whom, and that `docs/openapi.json` says the same.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::*;
use crate::server::stage::{CHIEF, Stage, TOKEN, WATCHER, text};

const AUTH: &str = "Authorization";

fn bearer(token: &str) -> String {
    format!("Bearer {token}")
}

/// Asks with this token; the status and the object.
fn ask(stage: &Stage, token: &str, method: Method, target: &str, body: &str) -> (u16, Value) {
    let bearer = bearer(token);
    let mut headers = vec![(AUTH, bearer.as_str())];
    if !body.is_empty() {
        headers.push(("Content-Type", "application/json"));
    }
    let response = stage.ask(method, target, &headers, body);
    let kind = if response.status < 400 { "application/json" } else { "application/problem+json" };
    assert_eq!(response.content_type, kind, "{target}");
    let value: Value = serde_json::from_slice(&response.body).unwrap();
    if response.status >= 400 {
        assert_eq!(value["status"], json!(response.status));
    }
    (response.status, value)
}

fn get(stage: &Stage, target: &str) -> Value {
    let (status, value) = ask(stage, TOKEN, Method::Get, target, "");
    assert_eq!(status, 200, "{target}: {value}");
    value
}

fn post(stage: &Stage, target: &str, body: &str) -> (u16, Value) {
    ask(stage, TOKEN, Method::Post, target, body)
}

fn refused(stage: &Stage, target: &str, status: u16, words: &str) {
    let (given, value) = ask(stage, TOKEN, Method::Get, target, "");
    assert_eq!(given, status, "{target}: {value}");
    assert!(value["detail"].as_str().unwrap().contains(words), "{target}: {value}");
}

fn ids(list: &Value) -> Vec<i64> {
    list["alerts"].as_array().unwrap().iter().map(|alert| alert["id"].as_i64().unwrap()).collect()
}

#[test]
fn alerts_are_listed_page_by_page() {
    let mut stage = Stage::new("");
    for number in 1..=5 {
        stage.alert(&format!("db{number}"), &format!("db{number} is DOWN"), "…");
    }
    assert_eq!(ids(&get(&stage, "/api/alerts")), [5, 4, 3, 2, 1]);
    let first = get(&stage, "/api/alerts?limit=2&state=open,expired&text=is+DOWN");
    assert_eq!(ids(&first), [5, 4]);
    let second = get(&stage, first["next"].as_str().unwrap());
    assert_eq!(ids(&second), [3, 2]);
    let last = get(&stage, second["next"].as_str().unwrap());
    assert_eq!((ids(&last), &last["next"]), (vec![1], &Value::Null));
    assert_eq!(ids(&get(&stage, "/api/alerts?text=db3")), [3]);
    assert_eq!(ids(&get(&stage, "/api/alerts?state=acknowledged")), [0; 0]);
    assert_eq!(ids(&get(&stage, "/api/alerts?group=systems&recipient=ops&since=2026-11-02T02:00:00Z")).len(), 5);
    assert_eq!(ids(&get(&stage, "/api/alerts?until=2026-11-02T02:00:00Z")), [0; 0]);
    refused(&stage, "/api/alerts?stat=open", 400, "`stat`");
    refused(&stage, "/api/alerts?state=opened", 400, "`state`");
    refused(&stage, "/api/alerts?state=open,open", 400, "each once");
    refused(&stage, "/api/alerts?limit=0", 400, "`limit`");
    refused(&stage, "/api/alerts?since=yesterday", 400, "`since`");
}

#[test]
fn an_alert_is_shown_whole_and_acted_upon() {
    let mut stage = Stage::new("");
    let id = stage.alert("db1", "db1 is DOWN", "the text of the mail");
    let whole = get(&stage, "/api/alerts/1");
    assert_eq!(whole["texts"][0]["new_text"], "the text of the mail");
    assert_eq!(whole["notifications"][0]["contact"], "david");
    let (status, after) = post(&stage, "/api/alerts/1/ack", "");
    assert_eq!((status, &after["state"], &after["acknowledged_by"]), (200, &json!("acknowledged"), &json!("robot")));
    assert!(stage.history(id).contains("robot (by the API)"), "{}", stage.history(id));
    let (status, after) = post(&stage, "/api/alerts/1/take-over", r#"{"by":"darren"}"#);
    assert_eq!((status, &after["acknowledged_by"]), (200, &json!("Darren via robot")));
    let (status, after) = post(&stage, "/api/alerts/1/resolve", r#"{"by":"Anna\u0007 of the desk"}"#);
    assert_eq!((status, &after["state"]), (200, &json!("resolved")));
    assert!(stage.history(id).contains("Anna of the desk via robot (by the API)"), "{}", stage.history(id));
    for (target, body, expected) in [
        ("/api/alerts/1/dance", "", 404),
        ("/api/alerts/2/ack", "", 404),
        ("/api/alerts/x/ack", "", 404),
        ("/api/alerts/1/ack?x=1", "", 400),
        ("/api/alerts/1/ack", r#"{"who":"x"}"#, 400),
        ("/api/alerts/1/ack", "[]", 400),
        ("/api/alerts/1/ack", "{", 400),
        ("/api/alerts/1/ack", r#"{"by":7}"#, 400),
        ("/api/alerts/1/ack", r#"{"by":" "}"#, 422),
    ] {
        assert_eq!(post(&stage, target, body).0, expected, "{target} {body}");
    }
    refused(&stage, "/api/alerts/2", 404, "no alert 2");
    refused(&stage, "/api/alerts/99999999999999999999", 404, "no such alert");
    refused(&stage, "/api/alerts/", 404, "nothing");
}

#[test]
fn who_is_on_call_is_told_and_changed() {
    let stage = Stage::new("");
    let now = get(&stage, "/api/oncall");
    assert_eq!(now["oncall"][1]["contact"], "david");
    let shifts = get(&stage, "/api/oncall/night?from=2026-11-02T02:00:00Z&until=3w");
    assert_eq!(shifts["shifts"].as_array().unwrap().len(), 4, "{shifts}");
    let (status, made) = post(&stage, "/api/oncall/systems", r#"{"contact":"darren","until":"8h"}"#);
    assert_eq!(status, 201, "{made}");
    assert_eq!((&made["by"], &made["until"]), (&json!("api:robot"), &json!("2026-11-02T10:00:00Z")));
    let after = get(&stage, "/api/oncall/%73ystems");
    assert_eq!((&after["now"]["contact"], &after["now"]["overridden"]), (&json!("darren"), &json!(true)));
    assert_eq!(after["overrides"], json!([made]));
    assert_eq!(get(&stage, "/api/oncall?at=12h")["oncall"][1]["contact"], "david");
    assert_eq!(post(&stage, "/api/oncall/systems/end", ""), (200, json!({ "ended": 1 })));
    assert_eq!(get(&stage, "/api/oncall")["oncall"][1]["contact"], "david");
    for (body, expected, words) in [
        ("", 400, "missing"),
        ("{}", 400, "missing"),
        (r#"{"contact":"nobody"}"#, 422, "no such contact"),
        (r#"{"contact":"mute"}"#, 422, "no number"),
        (r#"{"contact":"darren","until":"soon"}"#, 400, "`until`"),
        (r#"{"contact":"darren","from":"2026-11-01T00:00:00Z"}"#, 422, "past"),
        (r#"{"contact":"darren","from":"8h","until":"2026-11-02T03:00:00Z"}"#, 422, "end before"),
        (r#"{"contact":"darren","unitl":"8h"}"#, 400, "`unitl`"),
    ] {
        let (status, value) = post(&stage, "/api/oncall/systems", body);
        assert_eq!(status, expected, "{body}: {value}");
        assert!(value["detail"].as_str().unwrap().contains(words), "{body}: {value}");
    }
    assert_eq!(post(&stage, "/api/oncall/nobody", r#"{"contact":"darren"}"#).0, 404);
    refused(&stage, "/api/oncall/systems?from=8h&until=2026-11-02T03:00:00Z", 422, "not after");
    refused(&stage, "/api/oncall/systems?until=2040-01-01T00:00:00Z", 422, "two years");
    refused(&stage, "/api/oncall/nobody", 404, "group");
}

#[test]
fn rules_groups_and_figures_are_told() {
    let mut stage = Stage::new("");
    let id = stage.alert("db1", "db1 is DOWN", "…");
    stage.clock.advance(jiff::SignedDuration::from_secs(90));
    stage.apply(id, |by| crate::alert::Event::Acknowledge { by, within: None });
    let rules = get(&stage, "/api/rules");
    assert_eq!((&rules["rules"][0]["mails"], &rules["rules"][0]["conditions"]), (&json!(1), &Value::Null));
    assert_eq!((&rules["rules"][1]["mails"], &rules["heartbeats"][0]["late"]), (&Value::Null, &json!(false)));
    let (_, in_full) = ask(&stage, CHIEF, Method::Get, "/api/rules", "");
    assert_eq!(in_full["rules"][0]["conditions"].as_array().unwrap().len(), 1);
    let groups = get(&stage, "/api/groups");
    assert_eq!(groups["groups"][1]["recipients"], json!(["ops@example.com"]));
    let figures = get(&stage, "/api/statistics");
    assert_eq!((&figures["total"]["opened"], &figures["total"]["median_seconds"]), (&json!(1), &json!(90.0)));
    assert_eq!(figures["days"].as_array().unwrap().len(), 29);
    assert_eq!(figures["rules"][0]["rule"], "down");
    // The first day ends at midnight in Auckland.
    let days = get(&stage, "/api/statistics?since=2026-11-01T00:00:00Z&until=2026-11-02T12:00:00Z");
    let froms: Vec<&str> = days["days"].as_array().unwrap().iter().map(|day| day["from"].as_str().unwrap()).collect();
    assert_eq!(froms, ["2026-11-01T00:00:00Z", "2026-11-01T11:00:00Z", "2026-11-02T11:00:00Z"]);
    refused(&stage, "/api/statistics?since=2020-01-01T00:00:00Z", 422, "400 days");
    refused(&stage, "/api/statistics?since=2026-12-01T00:00:00Z", 422, "not after");
}

#[test]
fn a_mail_is_explained() {
    let stage = Stage::new("");
    let bearer = bearer(WATCHER);
    let send = |target: &str, kind: &str, body: &str| {
        let response = stage.ask(Method::Post, target, &[(AUTH, &bearer), ("Content-Type", kind)], body);
        (response.status, serde_json::from_slice::<Value>(&response.body).unwrap())
    };
    let mail = "Subject: db1\n\ndb1 is DOWN\n";
    for kind in ["text/plain; charset=utf-8", "message/rfc822"] {
        let (status, explained) = send("/api/explain?recipient=ops@example.com", kind, mail);
        assert_eq!((status, &explained["rule"], &explained["key"]), (200, &json!("down"), &json!("db1")));
    }
    assert_eq!(send("/api/explain", "text/plain", "").0, 422);
    assert_eq!(send("/api/explain", "application/x-www-form-urlencoded", mail).0, 415);
    assert_eq!(send("/api/explain?recipients=x", "text/plain", mail).0, 400);
}

#[test]
fn roles_and_strangers_are_told_apart() {
    let mut stage = Stage::new("");
    let id = stage.alert("db1", "db1 is DOWN", "…");
    let (status, _) = ask(&stage, WATCHER, Method::Get, "/api/alerts/1", "");
    assert_eq!(status, 200);
    for target in ["/api/alerts/1/ack", "/api/oncall/systems", "/api/oncall/systems/end"] {
        let (status, value) = ask(&stage, WATCHER, Method::Post, target, "");
        assert_eq!(status, 403, "{value}");
    }
    for endpoint in &ENDPOINTS {
        let none = stage.ask(endpoint.method, endpoint.path, &[], "");
        assert_eq!(none.status, 401, "{}", endpoint.path);
        assert!(none.headers.contains(&("WWW-Authenticate".to_owned(), "Bearer".to_owned())));
        let wrong = stage.ask(endpoint.method, endpoint.path, &[(AUTH, "Bearer thialfi_nobody")], "");
        assert!(matches!(wrong.status, 401 | 429), "{}", wrong.status);
    }
    assert_eq!(stage.get("/api/openapi.json", &[]).status, 200);
    assert!(!stage.history(id).contains("API"));
}

#[test]
fn a_browser_acts_in_its_own_name_and_only_from_our_pages() {
    let mut stage = Stage::new("");
    let id = stage.alert("db1", "db1 is DOWN", "…");
    let user = ("Remote-User", "david");
    let page = text(&stage.get("/alerts/1", &[user]));
    let csrf = page.split("name=\"csrf\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let ours = ("Sec-Fetch-Site", "same-origin");
    let ask = |headers: &[(&str, &str)], body: &str| {
        let response = stage.ask(Method::Post, "/api/alerts/1/ack", headers, body);
        (response.status, text(&response))
    };
    assert_eq!(stage.get("/api/alerts", &[user]).status, 200);
    assert_eq!(ask(&[user, ours], "").0, 403, "no token of the page");
    assert_eq!(ask(&[user, ("X-CSRF-Token", &csrf), ("Sec-Fetch-Site", "cross-site")], "").0, 403);
    let json = ("Content-Type", "application/json");
    let other = ask(&[user, ours, ("X-CSRF-Token", &csrf), json], r#"{"by":"darren"}"#);
    assert!(other.0 == 403 && other.1.contains("own name"), "{other:?}");
    assert_eq!(ask(&[user, ours, ("X-CSRF-Token", &csrf)], "").0, 200);
    assert!(stage.history(id).contains("David (on the web page)"));
}

#[test]
fn methods_and_types_that_are_not_taken_are_named() {
    let mut stage = Stage::new("");
    stage.alert("db1", "db1 is DOWN", "…");
    let bearer = bearer(TOKEN);
    let allowed = |method, target: &str| {
        let response = stage.ask(method, target, &[(AUTH, &bearer)], "");
        assert_eq!(response.status, 405, "{target}");
        response.headers.iter().find(|(name, _)| name == "Allow").unwrap().1.clone()
    };
    assert_eq!(allowed(Method::Post, "/api/alerts"), "GET, HEAD");
    assert_eq!(allowed(Method::Head, "/api/explain"), "POST");
    assert_eq!(allowed(Method::Post, "/api/openapi.json"), "GET, HEAD");
    assert_eq!(stage.ask(Method::Head, "/api/alerts", &[(AUTH, &bearer)], "").status, 200);
    let form = [(AUTH, bearer.as_str()), ("Content-Type", "application/x-www-form-urlencoded")];
    assert_eq!(stage.ask(Method::Post, "/api/alerts/1/ack", &form, "by=x").status, 415);
    let answer = stage.get("/api/alerts", &[(AUTH, &bearer)]);
    for field in ["X-Content-Type-Options", "Cache-Control", "Strict-Transport-Security"] {
        assert!(answer.headers.iter().any(|(name, _)| name == field), "{field}");
    }
}

#[test]
fn a_store_that_fails_is_told_without_its_path() {
    let stage = Stage::new("");
    std::fs::remove_file(&stage.path).unwrap();
    std::fs::create_dir(&stage.path).unwrap();
    let (status, value) = ask(&stage, TOKEN, Method::Get, "/api/alerts", "");
    assert_eq!(status, 503);
    assert!(!value.to_string().contains("thialfi.db"), "{value}");
}

fn description() -> Value {
    serde_json::from_str(DESCRIPTION).unwrap()
}

#[test]
fn the_description_has_every_address_and_no_other() {
    let described = description();
    let mut theirs = BTreeSet::new();
    for (path, methods) in described["paths"].as_object().unwrap() {
        theirs.extend(methods.as_object().unwrap().keys().map(|method| format!("{} {path}", method.to_uppercase())));
    }
    let mut ours: BTreeSet<String> =
        ENDPOINTS.iter().map(|endpoint| format!("{} {}", endpoint.method.name(), endpoint.path)).collect();
    assert_eq!(ours.len(), ENDPOINTS.len());
    ours.insert(format!("GET {DESCRIBED_AT}"));
    assert_eq!(ours, theirs);
    for endpoint in &ENDPOINTS {
        let operation = &described["paths"][endpoint.path][endpoint.method.name().to_lowercase()];
        let parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
        let described: BTreeSet<String> = parameters
            .iter()
            .filter(|one| one["in"] == "query")
            .map(|one| one["name"].as_str().unwrap().to_owned())
            .collect();
        let known = endpoint.parameters.iter().map(|name| name.trim_end_matches('*').to_owned()).collect();
        assert_eq!(described, known, "{}", endpoint.path);
    }
}

/// What is wrong with a value by a schema: of JSON Schema, what the description uses.
fn wrong(described: &Value, schema: &Value, value: &Value, place: &str) -> Vec<String> {
    if let Some(name) = schema["$ref"].as_str() {
        let schema = described.pointer(name.trim_start_matches('#')).unwrap_or_else(|| panic!("no {name}"));
        return wrong(described, schema, value, place);
    }
    if let Some(any) = schema["anyOf"].as_array() {
        let fits = any.iter().any(|schema| wrong(described, schema, value, place).is_empty());
        return if fits { Vec::new() } else { vec![format!("{place}: {value} is none of {any:?}")] };
    }
    let kinds: Vec<&str> = match &schema["type"] {
        Value::Null => return Vec::new(),
        Value::Array(kinds) => kinds.iter().map(|kind| kind.as_str().unwrap()).collect(),
        kind => vec![kind.as_str().unwrap()],
    };
    let is = |kind: &&str| match *kind {
        "null" => value.is_null(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        other => panic!("{other}"),
    };
    if !kinds.iter().any(is) {
        return vec![format!("{place}: {value} is no {kinds:?}")];
    }
    let mut faults = Vec::new();
    if let Some(known) = schema["enum"].as_array().filter(|known| !known.contains(value)) {
        faults.push(format!("{place}: {value} is none of {known:?}"));
    }
    if schema["format"] == "date-time" && value.as_str().is_some_and(|text| query::rfc3339(text).is_none()) {
        faults.push(format!("{place}: {value} is no time"));
    }
    if let (Value::Array(items), false) = (value, schema["items"].is_null()) {
        faults.extend(items.iter().flat_map(|item| wrong(described, &schema["items"], item, &format!("{place}[]"))));
    }
    if let Value::Object(fields) = value {
        for name in schema["required"].as_array().into_iter().flatten() {
            if !fields.contains_key(name.as_str().unwrap()) {
                faults.push(format!("{place}: {name} is missing"));
            }
        }
        for (name, field) in fields {
            match &schema["properties"][name] {
                Value::Null if schema["additionalProperties"] == false => {
                    faults.push(format!("{place}.{name} is not described"));
                }
                schema => faults.extend(wrong(described, schema, field, &format!("{place}.{name}"))),
            }
        }
    }
    faults
}

#[test]
fn answers_are_as_they_are_described() {
    let mut stage = Stage::new("");
    stage.alert("db1", "db1 is DOWN", "…");
    stage.alert("db2", "db2 is DOWN", "…");
    let described = description();
    let bearer = bearer(TOKEN);
    let mut seen = BTreeSet::new();
    for (method, path, target, kind, body) in [
        ("get", "/api/alerts", "/api/alerts?limit=1", "", ""),
        ("get", "/api/alerts", "/api/alerts?nonsense=1", "", ""),
        ("get", "/api/alerts/{id}", "/api/alerts/1", "", ""),
        ("get", "/api/alerts/{id}", "/api/alerts/99", "", ""),
        ("post", "/api/alerts/{id}/{action}", "/api/alerts/1/acknowledge", "application/json", r#"{"by":"david"}"#),
        ("post", "/api/alerts/{id}/{action}", "/api/alerts/1/resolve", "text/plain", "x"),
        ("post", "/api/alerts/{id}/{action}", "/api/alerts/1/resolve", "application/json", r#"{"by":null}"#),
        ("get", "/api/alerts/{id}", "/api/alerts/1", "", ""),
        ("get", "/api/alerts", "/api/alerts", "", ""),
        ("get", "/api/oncall", "/api/oncall?at=18:00", "", ""),
        ("post", "/api/oncall/{group}", "/api/oncall/systems", "application/json", r#"{"contact":"darren"}"#),
        ("post", "/api/oncall/{group}", "/api/oncall/systems", "application/json", r#"{"contact":"nobody"}"#),
        ("get", "/api/oncall/{group}", "/api/oncall/systems", "", ""),
        ("get", "/api/oncall/{group}", "/api/oncall/night", "", ""),
        ("post", "/api/oncall/{group}/end", "/api/oncall/systems/end", "", ""),
        ("get", "/api/groups", "/api/groups", "", ""),
        ("get", "/api/rules", "/api/rules", "", ""),
        ("post", "/api/explain", "/api/explain?recipient=ops@example.com", "text/plain", "Subject: x\n\ndb1 is DOWN\n"),
        ("post", "/api/explain", "/api/explain", "message/rfc822", "Subject: newsletter\n\nhello\n"),
        ("get", "/api/statistics", "/api/statistics", "", ""),
        ("get", "/api/openapi.json", "/api/openapi.json", "", ""),
    ] {
        let verb = if method == "get" { Method::Get } else { Method::Post };
        let mut headers = vec![(AUTH, bearer.as_str())];
        headers.extend(Some(("Content-Type", kind)).filter(|(_, kind)| !kind.is_empty()));
        let response = stage.ask(verb, target, &headers, body);
        let answers = &described["paths"][path][method]["responses"];
        let mut answer = &answers[response.status.to_string()];
        assert!(!answer.is_null(), "{method} {target}: {} is not described", response.status);
        if let Some(name) = answer["$ref"].as_str() {
            answer = described.pointer(name.trim_start_matches('#')).unwrap();
        }
        let schema = &answer["content"][&response.content_type]["schema"];
        assert!(!schema.is_null(), "{method} {target}: {} is not described", response.content_type);
        let value: Value = serde_json::from_slice(&response.body).unwrap();
        let faults = wrong(&described, schema, &value, "");
        assert!(faults.is_empty(), "{method} {target}: {faults:#?}\n{value:#}");
        if response.status < 400 {
            seen.insert(format!("{method} {path}"));
        }
    }
    assert_eq!(seen.len(), ENDPOINTS.len() + 1, "{seen:?}");
}

#[test]
fn what_does_not_fit_a_schema_is_found() {
    let described = description();
    let schema = json!({ "$ref": "#/components/schemas/Ended" });
    assert_eq!(wrong(&described, &schema, &json!({ "ended": 1 }), "").len(), 0);
    for value in [json!({}), json!({ "ended": "1" }), json!({ "ended": 1, "more": 1 }), json!([])] {
        assert_eq!(wrong(&described, &schema, &value, "").len(), 1, "{value}");
    }
    let state = json!({ "$ref": "#/components/schemas/State" });
    assert_eq!(wrong(&described, &state, &json!("shut"), "").len(), 1);
}

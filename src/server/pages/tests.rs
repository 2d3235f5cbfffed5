//! The pages without a network and without a browser: what is on them, who may do what, and what then stands in the history.

use std::ops::{Deref, DerefMut};

use jiff::{SignedDuration, Timestamp};

use crate::alert::{AlertId, State};
use crate::clock::Clock as _;
use crate::server::http::{Method, Response};
use crate::server::stage::{Stage, header, text};
use crate::store::{Filter, Store as _};

const RULES: &str = r#"
[server]
public_url = "https://pager.example.com"
link  = "token"
proxy = { addresses = ["127.0.0.1"], user_header = "Remote-User" }
[users]
david = { role = "act" }
vera  = { role = "view" }
anna  = { role = "admin" }
[contacts]
david  = { name = "David <b>", phone = "+64211110001" }
darren = { name = "Darren", phone = "+64211110002" }
mute   = { name = "Mute", email = "mute@example.com" }
[groups.systems]
name    = "Systems & <i>more</i>"
members = ["david", "darren"]
oncall  = "david"
[groups."night.1_x"]
members = ["darren"]
[recipients]
"ops@example.com" = { group = "systems" }
"*@example.org"   = { group = "systems" }
[defaults]
time_zone = "Pacific/Auckland"
[[rules]]
name   = "down"
when   = [{ text = '(?<host>\w+) is DOWN' }]
action = "call"
group  = "systems"
key    = "{{ host }}"
[[rules]]
name   = "never"
when   = [{ subject = "<never>" }]
action = "call"
group  = "systems"
[[rules]]
name   = "news"
when   = [{ subject = "newsletter" }]
action = "ignore"
"#;

/// A server, and people who ask it by what the proxy says.
struct House(Stage);

fn stage() -> House {
    House(Stage::of(RULES))
}

impl Deref for House {
    type Target = Stage;

    fn deref(&self) -> &Stage {
        &self.0
    }
}

impl DerefMut for House {
    fn deref_mut(&mut self) -> &mut Stage {
        &mut self.0
    }
}

impl House {
    fn ask(&self, method: Method, target: &str, user: Option<&str>, body: &str) -> Response {
        let mut headers = vec![("Sec-Fetch-Site", "same-origin")];
        headers.extend(user.map(|user| ("Remote-User", user)));
        if method == Method::Post {
            headers.push(("Content-Type", "application/x-www-form-urlencoded"));
        }
        self.0.ask(method, target, &headers, body)
    }

    fn page(&self, target: &str, user: &str) -> String {
        let response = self.ask(Method::Get, target, Some(user), "");
        assert_eq!(response.status, 200, "{target}: {}", text(&response));
        text(&response)
    }

    /// Sends a form as the page at `from` would.
    fn send(&self, from: &str, target: &str, user: &str, fields: &[(&str, &str)]) -> Response {
        let page = self.page(from, user);
        let csrf = page.split("name=\"csrf\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
        let mut body = form_urlencoded::Serializer::new(String::new());
        body.append_pair("csrf", &csrf).extend_pairs(fields);
        self.ask(Method::Post, target, Some(user), &body.finish())
    }
}

/// All pages that there are, for an alert of number 1.
const PAGES: [&str; 9] = [
    "/",
    "/alerts",
    "/alerts?state=open&text=db&from=2026-10-01&to=2026-12-01&group=systems&recipient=ops",
    "/alerts/1",
    "/groups/systems",
    "/groups/night.1_x",
    "/rules",
    "/try",
    "/statistics?days=90",
];

#[test]
fn nothing_of_a_mail_becomes_markup_on_any_page() {
    let mut stage = stage();
    let evil = "<script>alert(1)</script>\" onmouseover=\"x' & \u{202e}\u{0}";
    let _ = stage.alert(evil, evil, evil);
    for page in PAGES {
        let html = stage.page(page, "anna");
        assert!(!html.contains("<script>alert"), "{page}");
        assert!(!html.contains("\" onmouseover="), "{page}");
        assert!(!html.contains("David <b>") && !html.contains("<i>more"), "{page}");
        assert!(!html.contains(['\u{202e}', '\0']), "{page}");
        assert!(html.starts_with("<!DOCTYPE html>") && html.trim_end().ends_with("</html>"), "{page}: {html}");
        assert!(html.len() < 50_000, "{page}: {} bytes", html.len());
    }
}

#[test]
fn who_is_not_signed_in_sees_nothing_and_is_shown_the_way() {
    let mut stage = stage();
    let id = stage.alert("db1", "db1 is DOWN", "db1 is DOWN");
    for page in PAGES {
        let response = stage.ask(Method::Get, page, None, "");
        assert_eq!(response.status, 303, "{page}");
        assert!(header(&response, "Location").unwrap().starts_with("/sign-in"), "{page}");
        assert!(response.body.is_empty());
    }
    assert_eq!(stage.ask(Method::Get, "/report.csv", None, "").status, 303);
    assert_eq!(stage.ask(Method::Post, "/alerts/1/acknowledge", None, "").status, 401);
    assert_eq!(stage.ask(Method::Get, "/", Some("stranger"), "").status, 403);
    assert_eq!(stage.state(id), State::Open);
}

#[test]
fn an_alert_is_taken_passed_on_and_resolved_and_the_history_says_by_whom() {
    let mut stage = stage();
    let id = stage.alert("db1", "db1 is DOWN", "db1 is DOWN since 03:00");
    let page = stage.page("/alerts/1", "david");
    for words in ["db1 is DOWN since 03:00", "what was said before", "Quoted history", "Acknowledge", "Next person"] {
        assert!(page.contains(words), "{words}: {page}");
    }
    let done = stage.send("/", "/alerts/1/acknowledge", "david", &[("back", "now")]);
    assert_eq!((done.status, header(&done, "Location")), (303, Some("/")));
    assert_eq!(stage.state(id), State::Acknowledged);
    assert!(stage.history(id).contains("David <b> (on the web page) has it"), "{}", stage.history(id));
    assert!(stage.page("/", "david").contains("Give back"));
    assert!(stage.page("/", "anna").contains("Take over"));

    assert_eq!(stage.send("/", "/alerts/1/take-over", "anna", &[]).status, 303);
    assert_eq!(stage.store.alert(id).unwrap().acknowledged_by.as_deref(), Some("anna"));
    assert_eq!(stage.send("/", "/alerts/1/resolve", "anna", &[]).status, 303);
    assert_eq!(stage.state(id), State::Resolved);
    assert!(!stage.page("/alerts/1", "david").contains("<button class=\"plain\""));
}

#[test]
fn who_passes_on_what_nobody_else_can_take_is_told_so() {
    let mut stage = stage();
    let id = stage.alert("db1", "db1 is DOWN", "down");
    let done = stage.send("/", "/alerts/1/pass-on", "david", &[("back", "now")]);
    assert_eq!((done.status, header(&done, "Location")), (303, Some("/alerts/1?said=nobody-further")));
    assert!(stage.page("/alerts/1?said=nobody-further", "david").contains("Nobody else can be called"));
    assert!(!stage.page("/alerts/1?said=%3Cb%3E", "david").contains("Nobody else"));
    assert_eq!(stage.state(id), State::Open);
}

#[test]
fn only_the_alerts_that_were_looked_at_are_taken_together() {
    let mut stage = stage();
    let ids: Vec<AlertId> =
        ["db1", "db2", "db3"].map(|host| stage.alert(host, &format!("{host} is DOWN"), "down")).into();
    let done = stage.send("/", "/alerts/acknowledge", "david", &[("id", "1"), ("id", "2"), ("id", "x"), ("id", "99")]);
    assert_eq!(done.status, 303);
    let states: Vec<State> = ids.iter().map(|id| stage.state(*id)).collect();
    assert_eq!(states, [State::Acknowledged, State::Acknowledged, State::Open]);
}

#[test]
fn who_may_only_look_changes_nothing() {
    let mut stage = stage();
    let id = stage.alert("db1", "db1 is DOWN", "down");
    let page = stage.page("/", "vera");
    assert!(!page.contains("Acknowledge"), "{page}");
    for target in ["/alerts/1/acknowledge", "/alerts/acknowledge", "/groups/systems/override", "/groups/systems/end"] {
        let fields = [("id", "1"), ("contact", "darren")];
        assert_eq!(stage.send("/", target, "vera", &fields).status, 403, "{target}");
    }
    assert_eq!(stage.state(id), State::Open);
    assert!(stage.store.overrides(Timestamp::UNIX_EPOCH).unwrap().is_empty());
}

#[test]
fn a_form_from_another_site_or_without_its_mark_does_nothing() {
    let mut stage = stage();
    let id = stage.alert("db1", "db1 is DOWN", "down");
    assert_eq!(stage.ask(Method::Post, "/alerts/1/acknowledge", Some("david"), "").status, 403);
    assert_eq!(stage.ask(Method::Post, "/alerts/1/acknowledge", Some("david"), "csrf=AAAA").status, 403);
    assert_eq!(stage.state(id), State::Open);
}

#[test]
fn somebody_is_put_on_call_and_what_cannot_be_is_said() {
    let mut stage = stage();
    let send = |stage: &House, fields: &[(&str, &str)]| {
        stage.send("/groups/systems", "/groups/systems/override", "david", fields)
    };
    for (fields, complaint) in [
        (&[("contact", "")][..], "Choose who"),
        (&[("contact", "nobody")], "Choose who"),
        (&[("contact", "mute")], "no number"),
        (&[("contact", "darren"), ("from", "2026-11-01T09:00")], "in the past"),
        (&[("contact", "darren"), ("until", "2026-11-01T09:00")], "before it begins"),
        (&[("contact", "darren"), ("until", "soon")], "is no time"),
    ] {
        let answer = send(&stage, fields);
        assert_eq!(answer.status, 400, "{fields:?}");
        assert!(text(&answer).contains(complaint), "{complaint}: {}", text(&answer));
    }
    // 15:00 in Auckland.
    let done = send(&stage, &[("contact", "darren"), ("from", ""), ("until", "2026-11-02T18:00")]);
    assert_eq!((done.status, header(&done, "Location")), (303, Some("/groups/systems")));
    let now = stage.clock.now();
    let overrides = stage.store.overrides(now).unwrap();
    assert_eq!(overrides[0].made_by, "web:david");
    assert_eq!(overrides[0].until, "2026-11-02T05:00:00Z".parse().ok());
    let page = stage.page("/groups/systems", "david");
    assert!(page.contains("override by web:david") && page.contains("18:00"), "{page}");
    assert!(page.contains("mailto:ops@example.com") && page.contains("<code>*@example.org</code>"), "{page}");
    assert_eq!(stage.send("/groups/systems", "/groups/systems/end", "david", &[]).status, 303);
    assert!(stage.store.overrides(now).unwrap().iter().all(|one| !one.holds(now)));
}

#[test]
fn rules_tell_how_often_they_matched_and_what_they_look_for_to_administrators_alone() {
    let mut stage = stage();
    let _ = stage.alert("db1", "db1 is DOWN", "down");
    let page = stage.page("/rules", "anna");
    assert!(page.contains("1 rule never matched") && page.contains("not counted"), "{page}");
    assert!(page.contains("is DOWN"), "{page}");
    assert!(!stage.page("/rules", "david").contains("is DOWN"));
}

#[test]
fn a_mail_is_tried_and_nothing_comes_of_it() {
    let mut stage = stage();
    let mail = "From: mon@example.com\r\nTo: ops@example.com\r\nSubject: x\r\n\r\ndb1 is DOWN <b>\r\n";
    let answer = stage.send("/try", "/try", "anna", &[("mail", mail)]);
    assert_eq!(answer.status, 200);
    let page = text(&answer);
    assert!(page.contains("Call to David &lt;b&gt; at once") && page.contains("db1 is DOWN &lt;b&gt;"), "{page}");
    assert!(stage.store.alerts(&Filter::default()).unwrap().is_empty());
    assert!(page.contains("text matches"), "{page}");
    let answer = text(&stage.send("/try", "/try", "david", &[("mail", mail)]));
    assert!(answer.contains("Call to David &lt;b&gt; at once") && !answer.contains("text matches"), "{answer}");
    let nothing = stage.send("/try", "/try", "anna", &[("mail", "  ")]);
    assert_eq!(nothing.status, 400);
}

#[test]
fn the_link_in_a_text_shows_one_alert_and_lets_it_be_taken() {
    let mut stage = stage();
    let id = stage.alert("db1", "db1 is DOWN", "down since 03:00");
    let other = stage.alert("db2", "db2 is DOWN", "down");
    let call = stage.store.alert(id).unwrap().notifications[0].clone();
    let link = format!("/a/{}", crate::server::session::Link::make(call.id, &call.token));
    let page = stage.ask(Method::Get, &link, None, "");
    assert_eq!(page.status, 200);
    assert!(text(&page).contains("down since 03:00") && !text(&page).contains("db2"), "{}", text(&page));
    assert!(!text(&page).contains(">Resolve<"), "who has not taken it cannot end it for all");
    assert_eq!(stage.state(id), State::Open, "looking changes nothing");

    for wrong in [format!("{link}x"), link.replace("/a/1.", "/a/2."), "/a/1.1.".to_owned(), "/a/".to_owned()] {
        assert_eq!(stage.ask(Method::Get, &wrong, None, "").status, 404, "{wrong}");
        assert_eq!(stage.ask(Method::Post, &format!("{wrong}/acknowledge"), None, "").status, 404, "{wrong}");
    }
    assert_eq!(stage.ask(Method::Post, &format!("{link}/acknowledge"), None, "").status, 303);
    assert_eq!((stage.state(id), stage.state(other)), (State::Acknowledged, State::Open));
    assert!(stage.history(id).contains("David <b> (on the web page) has it"));

    stage.clock.advance(SignedDuration::from_hours(25));
    assert_eq!(stage.ask(Method::Get, &link, None, "").status, 404, "a day later it is good for nothing");
}

#[test]
fn who_has_the_page_is_not_sent_it_again() {
    let mut stage = stage();
    let first = stage.ask(Method::Get, "/", Some("david"), "");
    let tag = header(&first, "ETag").unwrap().to_owned();
    let again = |house: &House| {
        let headers = [("Remote-User", "david"), ("If-None-Match", tag.as_str())];
        house.0.ask(Method::Get, "/", &headers, "")
    };
    assert_eq!(again(&stage).status, 304);
    let _ = stage.alert("db1", "db1 is DOWN", "down");
    assert_eq!(again(&stage).status, 200);
}

#[test]
fn what_is_not_there_is_said_to_be_not_there() {
    let stage = stage();
    for target in
        ["/alerts/99", "/alerts/-1", "/alerts/1x", "/groups/none", "/nothing", "/static/../mod.rs", "/rules/1"]
    {
        assert_eq!(stage.ask(Method::Get, target, Some("anna"), "").status, 404, "{target}");
    }
    for target in ["/alerts/99/acknowledge", "/alerts/99/explode", "/groups/none/override", "/nothing"] {
        assert_eq!(stage.send("/", target, "anna", &[]).status, 404, "{target}");
    }
}

#[test]
fn a_report_is_a_table() {
    let mut stage = stage();
    let _ = stage.alert("db1", "db1 is DOWN", "down");
    let answer = stage.ask(Method::Get, "/report.csv?from=2026-11-01", Some("vera"), "");
    assert_eq!(answer.content_type, "text/csv; charset=utf-8");
    assert!(text(&answer).starts_with("timestamp,id,status,recipient,group\r\n2026-11-02T02:00:00Z,1,open,"));
    assert_eq!(stage.ask(Method::Get, "/report.csv?from=soon", Some("vera"), "").status, 400);
}

//! What others write (mails, and names in the rule file) is text on every page, and never markup.

use super::{Answer, get, post, signed_in, users};
use crate::support::{DAVID, Phone, Test};

/// What each hostile text ends with, so that one sees whether it is shown at all.
const MARK: &str = "MARK";
/// Every way out of where a text stands: an element, an attribute, a script, a comment, a template.
const EVIL: &str = "'\"><script>alert(1)</script><img src=x onerror=alert(2)><!-- </title></textarea></style><svg/onload=alert(3)> {{ 7777*7 }}{% raw %} &lt;b&gt; javascript:alert(4) MARK";

/// The elements and attributes that our templates are made of. No other may be there.
const ELEMENTS: &[&str] = &[
    "!doctype", "html", "head", "meta", "title", "link", "body", "a", "header", "svg", "path", "nav", "form", "input",
    "span", "button", "p", "b", "main", "footer", "script", "section", "div", "h1", "h2", "h3", "ul", "ol", "li",
    "table", "thead", "tbody", "tr", "th", "td", "time", "br", "article", "details", "summary", "pre", "dl", "dt",
    "dd", "label", "select", "option", "textarea", "small", "code", "rect", "text", "g", "line",
];
const ATTRIBUTES: &[&str] = &[
    "html",
    "lang",
    "charset",
    "name",
    "content",
    "rel",
    "href",
    "type",
    "class",
    "viewbox",
    "width",
    "height",
    "aria-hidden",
    "d",
    "aria-label",
    "aria-current",
    "method",
    "action",
    "value",
    "title",
    "role",
    "id",
    "tabindex",
    "data-live",
    "hidden",
    "src",
    "defer",
    "aria-labelledby",
    "scope",
    "data-label",
    "datetime",
    "open",
    "selected",
    "required",
    "autocomplete",
    "autocapitalize",
    "spellcheck",
    "autofocus",
    "x",
    "y",
    "rx",
    "x1",
    "x2",
    "y1",
    "y2",
    "label",
];

/// What is wrong with the markup of a page, read as a browser reads it: tags begin with `<` and a letter.
fn faults(page: &str) -> Vec<String> {
    let mut faults = Vec::new();
    let mut rest = page;
    while let Some(start) = rest.find('<') {
        rest = &rest[start + 1..];
        let (is_end, tag) = (rest.starts_with('/'), rest.trim_start_matches('/'));
        let name: String = tag.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '!' || *c == '-').collect();
        let name = name.to_ascii_lowercase();
        if !ELEMENTS.contains(&name.as_str()) {
            faults.push(format!("<{name}: {}", cut(rest)));
            continue;
        }
        let attributes = &tag[name.len()..];
        let (found, after) = read_attributes(attributes, &mut faults);
        rest = after;
        for (key, value) in &found {
            if !ATTRIBUTES.contains(&key.as_str()) {
                faults.push(format!("<{name} {key}={value}"));
            }
            let leads = matches!(key.as_str(), "href" | "src" | "action");
            let is_ours = value.starts_with('/') && !value.starts_with("//")
                || ["#main", "tel:+", "sms:+", "mailto:"].iter().any(|begin| value.starts_with(begin));
            if leads && !is_ours {
                faults.push(format!("<{name} {key}={value} leads elsewhere"));
            }
        }
        let source = found.iter().find(|(key, _)| key == "src").map_or("", |(_, value)| value.as_str());
        if name == "script" && !is_end && !source.starts_with("/static/live.") {
            faults.push(format!("a script within the page: {}", cut(tag)));
        }
        // What is between the tags of a script would not be text: ours have nothing there.
        if name == "script" && !is_end && !rest.starts_with("</script>") {
            faults.push(format!("a script with a body: {}", cut(rest)));
        }
    }
    faults
}

/// The attributes up to the end of the tag, and what follows it. Each value stands in quotes.
fn read_attributes<'p>(text: &'p str, faults: &mut Vec<String>) -> (Vec<(String, String)>, &'p str) {
    let mut found = Vec::new();
    let mut rest = text;
    loop {
        rest = rest.trim_start();
        if let Some(after) = rest.strip_prefix("/>").or_else(|| rest.strip_prefix('>')) {
            return (found, after);
        }
        if rest.is_empty() {
            faults.push("a tag that does not end".to_owned());
            return (found, rest);
        }
        let end = rest.find(|c: char| c.is_whitespace() || matches!(c, '=' | '>' | '/')).unwrap_or(rest.len()).max(1);
        let key = rest.get(..end).unwrap_or(rest).to_ascii_lowercase();
        rest = rest.get(end..).unwrap_or_default();
        let Some(value) = rest.strip_prefix('=') else {
            found.push((key, String::new()));
            continue;
        };
        let Some(quoted) = value.strip_prefix('"') else {
            faults.push(format!("a value without quotes: {key}={}", cut(value)));
            return (found, value);
        };
        let (value, after) = quoted.split_once('"').unwrap_or((quoted, ""));
        if !after.starts_with([' ', '>', '/', '\n']) {
            faults.push(format!("a value that ends too early: {key}=\"{value}\"{}", cut(after)));
        }
        found.push((key, decoded(value)));
        rest = after;
    }
}

/// The text that a value stands for, as far as the escapes go that our pages use.
fn decoded(value: &str) -> String {
    let escapes = [("&#x2f;", "/"), ("&#x27;", "'"), ("&quot;", "\""), ("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&")];
    escapes.iter().fold(value.to_owned(), |text, (escape, character)| text.replace(escape, character))
}

fn cut(text: &str) -> String {
    text.chars().take(80).collect()
}

#[test]
fn the_reader_of_markup_sees_what_it_is_to_see() {
    for bad in [
        "<p><script>alert(1)</script></p>",
        "<p><img src=\"x\"></p>",
        "<p onclick=\"x\">a</p>",
        "<p class=x>a</p>",
        "<a href=\"javascript:alert(1)\">a</a>",
        "<a href=\"//evil.example\">a</a>",
        "<a href=\"https://evil.example\">a</a>",
        "<input value=\"\"><script src=\"/static/x\">",
        "<input value=\"a\"onfocus=\"b\">",
        "<script src=\"/static/live.1.js\" defer>alert(1)</script>",
        "<!-- a -->",
        "<p",
    ] {
        assert!(!faults(bad).is_empty(), "{bad}");
    }
    let good = "<!DOCTYPE html><p class=\"a &lt;b> c\">x &lt;script> <br/></p><script src=\"/static/live.1.js\" defer></script>";
    assert_eq!(faults(good), Vec::<String>::new());
}

/// People, a group, a rule and addresses with hostile names, and hostile mails.
fn haunted() -> Test {
    let rules = format!(
        "{}\n[contacts]\ndavid = {{ name = '''{EVIL} contact''', phone = \"+64211110001\" }}\n\
         simon = {{ name = '''{EVIL} other''', phone = \"+64211110003\" }}\n\
         [groups.systems]\nname = '''{EVIL} group'''\nmembers = [\"david\", \"simon\"]\noncall = \"david\"\n\
         [recipients]\n\"systems@sms.example.com\" = {{ group = \"systems\" }}\n{}\
         [[rules]]\nname = '''{EVIL} rule'''\nwhen = [{{ text = '(?<what>.*script.*)' }}]\naction = \"page\"\ngroup = \"systems\"\n\
         key = \"{{{{ what }}}}\"\nsay = \"{{{{ what }}}}\"\nsms = \"{{{{ what }}}}\"\n",
        users(),
        crate::support::PAGE.replace("backup", "oncall"),
    );
    let test = Test::new().rules(&rules).phone(DAVID, [Phone::Stay]).serve();
    for number in 0..2 {
        let mail = format!(
            "From: \"{}\" <\"<script>alert(1)</script>\"@example.com>\r\nTo: systems@sms.example.com\r\nSubject: {EVIL}{number} subject\r\n\
             Message-ID: <{number}\"><script>@example.com>\r\nDate: Mon, 2 Nov 2026 02:00:00 +0000\r\n\r\n{EVIL} body {number}\r\n\r\n\
             On Mon, 2 Nov 2026 at 01:00, A <a@example.com> wrote:\r\n> {EVIL} quoted\r\n",
            EVIL.replace('"', "\\\"")
        );
        test.deliver_to(&["systems@sms.example.com"], mail.as_bytes()).exit(0).done();
    }
    test
}

#[track_caller]
fn is_text(answer: &Answer, what: &str) {
    assert_eq!(faults(&answer.body), Vec::<String>::new(), "{what}");
    assert!(!answer.body.contains("54439"), "a template within a text was filled: {what}");
}

#[test]
fn hostile_text_is_text_on_every_page() {
    let test = haunted();
    let (cookie, csrf) = signed_in(&test, "david");
    let origin = test.url();
    let headers = [("Origin", origin.as_str()), ("Cookie", cookie.as_str())];
    for (path, shows) in [
        ("/", "subject"),
        ("/alerts", "subject"),
        ("/alerts/1", "body 0"),
        ("/alerts/2", "quoted"),
        ("/groups/systems", "contact"),
        ("/rules", "rule"),
        ("/statistics", "rule"),
    ] {
        let page = get(&test, path, &cookie);
        assert_eq!(page.status, 200, "{path}");
        assert!(page.body.contains(MARK) && page.body.contains(shows), "{path} does not show it: {}", page.body);
        is_text(&page, path);
    }
    let query: String = form_urlencoded::byte_serialize(EVIL.as_bytes()).collect();
    for path in [
        format!("/alerts?text={query}&recipient={query}&state={query}&group={query}&from={query}&to={query}"),
        format!("/alerts?text={query}"),
        format!("/alerts/{query}"),
        format!("/groups/{query}"),
        format!("/statistics?days={query}"),
        format!("/{query}"),
    ] {
        is_text(&get(&test, &path, &cookie), &path);
        is_text(&get(&test, &path, ""), &path);
    }
    is_text(&get(&test, &format!("/sign-in?to={query}"), ""), "sign-in");
    let form = [("name", EVIL), ("password", EVIL), ("to", EVIL)];
    is_text(&post(&test, "/sign-in", &form, &[("Origin", &origin)]), "signing in");
    let form = [("csrf", csrf.as_str()), ("contact", EVIL), ("from", EVIL), ("until", EVIL)];
    is_text(&post(&test, "/groups/systems/override", &form, &headers), "override");
    let form = [("csrf", csrf.as_str()), ("contact", "simon"), ("from", EVIL), ("until", EVIL)];
    let page = post(&test, "/groups/systems/override", &form, &headers);
    assert!(page.body.contains(MARK), "{}", page.body);
    is_text(&page, "override");
    let mail = format!("From: {EVIL}\nSubject: {EVIL}\n\n{EVIL}\n");
    let form =
        [("csrf", csrf.as_str()), ("mail", mail.as_str()), ("recipient", "systems@sms.example.com"), ("sender", EVIL)];
    let page = post(&test, "/try", &form, &headers);
    assert!(page.status == 200 && page.body.contains(MARK), "{}", page.body);
    is_text(&page, "try");

    // The table: no cell that a spreadsheet would reckon with.
    let table = get(&test, "/report.csv", &cookie);
    assert_eq!((table.status, table.header("content-disposition").is_some()), (200, true));
    for cell in table.body.split(['\n', ',']) {
        let begin = cell.trim_start_matches('"');
        assert!(!begin.starts_with(['=', '+', '-', '@', '\t']), "{cell}");
    }
    // Whatever was shown, nobody acted.
    assert!(test.alerts().iter().all(|alert| alert["state"] == "open"));
}

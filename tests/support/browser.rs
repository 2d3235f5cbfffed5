//! A browser beside a test: Debian's Chromium, driven by its chromedriver with the W3C's WebDriver protocol, JSON over HTTP.
//! What WebDriver has no word for (colours, a telephone's screen, no script) goes through it as Chromium's own commands.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{PATIENCE, free_port};

/// The key under which WebDriver hands out an element (W3C WebDriver, 12.2).
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";
/// Nothing but what the test asks for is to go out, and nothing of another run to be found.
const FLAGS: [&str; 11] = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--no-default-browser-check",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-extensions",
];

/// How large the window is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Screen {
    /// A telephone held upright.
    Phone,
    /// A desk.
    Desktop,
}

/// What the system's colours are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Colours {
    Light,
    Dark,
}

/// Something that came over the wire.
#[derive(Debug, Clone)]
pub struct Fetched {
    pub url: String,
    pub kind: String,
    /// Header and body, as they were sent.
    pub bytes: f64,
}

/// A running browser with one window. It ends when it is dropped.
pub struct Browser {
    agent: ureq::Agent,
    driver: Child,
    /// `http://127.0.0.1:PORT/session/ID`.
    session: String,
    profile: tempfile::TempDir,
}

impl Browser {
    /// Starts one; `None`, and a line that says so, where there is none.
    pub fn start() -> Option<Self> {
        Self::start_with(&[])
    }

    /// Starts one with more flags.
    pub fn start_with(more: &[String]) -> Option<Self> {
        let installed = |program: &str| Path::new("/usr/bin").join(program).exists();
        if !installed("chromium") || !installed("chromedriver") {
            eprintln!("chromium and chromium-driver are not installed: skipped");
            return None;
        }
        let profile = tempfile::tempdir().unwrap();
        let port = free_port();
        let driver = Command::new("/usr/bin/chromedriver")
            .args([format!("--port={port}"), "--log-level=OFF".to_owned()])
            .env("HOME", profile.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let config =
            ureq::Agent::config_builder().http_status_as_error(false).timeout_global(Some(PATIENCE)).proxy(None);
        let agent = ureq::Agent::new_with_config(config.build());
        let mut browser = Self { agent, driver, session: format!("http://127.0.0.1:{port}"), profile };
        browser.begin(more);
        Some(browser)
    }

    /// Waits for the driver, and has it start Chromium.
    fn begin(&mut self, more: &[String]) {
        let end = Instant::now() + PATIENCE;
        while self.agent.get(format!("{}/status", self.session)).call().is_err() {
            assert!(Instant::now() < end, "chromedriver does not answer");
            std::thread::sleep(Duration::from_millis(20));
        }
        let mut flags: Vec<String> = FLAGS.map(str::to_owned).into();
        flags.push(format!("--user-data-dir={}", self.profile.path().join("chromium").display()));
        flags.extend(more.iter().cloned());
        let wanted = json!({
            "browserName": "chrome",
            "goog:chromeOptions": { "binary": "/usr/bin/chromium", "args": flags },
            "goog:loggingPrefs": { "browser": "ALL", "performance": "ALL" },
        });
        let begun = self.post("/session", &json!({ "capabilities": { "alwaysMatch": wanted } }));
        let id = begun["sessionId"].as_str().unwrap_or_else(|| panic!("no session: {begun}"));
        self.session = format!("{}/session/{id}", self.session);
        // The page that it begins with asks for things of its own.
        self.open("about:blank");
        self.fetched();
    }

    /// The value of an answer, or what was wrong.
    fn try_post(&self, path: &str, body: &Value) -> Result<Value, Value> {
        let request = self.agent.post(format!("{}{path}", self.session)).content_type("application/json");
        let mut answer = request.send(body.to_string()).unwrap_or_else(|error| panic!("{path}: {error}"));
        let status = answer.status();
        let text = answer.body_mut().with_config().limit(64 << 20).read_to_string().unwrap();
        let mut value: Value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{path}: {error}: {text}"));
        if status.is_success() { Ok(value["value"].take()) } else { Err(value["value"].take()) }
    }

    #[track_caller]
    fn post(&self, path: &str, body: &Value) -> Value {
        self.try_post(path, body).unwrap_or_else(|error| panic!("{path} {body}: {error}"))
    }

    /// One of Chromium's own commands.
    pub fn command(&self, name: &str, parameters: &Value) -> Value {
        self.post("/goog/cdp/execute", &json!({ "cmd": name, "params": parameters }))
    }

    /// Goes there, and waits until all of it is loaded.
    pub fn open(&self, url: &str) {
        self.post("/url", &json!({ "url": url }));
    }

    /// Where it is: the path and the query.
    pub fn path(&self) -> String {
        self.script("return location.pathname + location.search").as_str().unwrap_or_default().to_owned()
    }

    /// Runs a script in the page, and returns what it returns.
    #[track_caller]
    pub fn script(&self, script: &str) -> Value {
        self.post("/execute/sync", &json!({ "script": script, "args": [] }))
    }

    /// Runs one that calls its last argument when it is done.
    #[track_caller]
    pub fn script_until_done(&self, script: &str) -> Value {
        self.post("/execute/async", &json!({ "script": script, "args": [] }))
    }

    /// The text of the first element, as it is shown; nothing where there is none.
    pub fn text(&self, css: &str) -> String {
        let script =
            format!("const e = document.querySelector({}); return e ? e.innerText || e.textContent : ''", json!(css));
        self.script(&script).as_str().unwrap_or_default().to_owned()
    }

    /// How many elements there are.
    pub fn count(&self, css: &str) -> u64 {
        self.script(&format!("return document.querySelectorAll({}).length", json!(css))).as_u64().unwrap_or_default()
    }

    /// Does something to the element at this place. A page that is just being brought up to date may take it away meanwhile:
    /// then the new one is looked for.
    #[track_caller]
    fn on(&self, using: &str, value: &str, action: &str, body: &Value) {
        let end = Instant::now() + Duration::from_secs(10);
        loop {
            let found = self.try_post("/element", &json!({ "using": using, "value": value }));
            let done = found.and_then(|element| {
                let id = element[ELEMENT].as_str().unwrap_or_default().to_owned();
                // As one scrolls who wants to press something that the navigation covers.
                let scroll = "arguments[0].scrollIntoView({ block: 'center' })";
                self.try_post("/execute/sync", &json!({ "script": scroll, "args": [element] }))?;
                self.try_post(&format!("/element/{id}/{action}"), body)
            });
            match done {
                Ok(_) => return,
                Err(error) if Instant::now() > end => {
                    self.screenshot("failed");
                    panic!("{action} {value} at {}: {error}\n{}", self.path(), self.text("body"));
                }
                Err(_) => std::thread::sleep(Duration::from_millis(50)),
            }
        }
    }

    /// Clicks as a person does: what is covered by something else cannot be clicked.
    #[track_caller]
    pub fn click(&self, css: &str) {
        self.on("css selector", css, "click", &json!({}));
    }

    /// Presses the first button that begins with these words.
    #[track_caller]
    pub fn press(&self, words: &str) {
        self.on("xpath", &format!("//button[starts-with(normalize-space(.), '{words}')]"), "click", &json!({}));
    }

    /// Follows the first link with these words.
    #[track_caller]
    pub fn follow(&self, words: &str) {
        self.on("xpath", &format!("//a[contains(normalize-space(.), '{words}')]"), "click", &json!({}));
    }

    /// Types into a field, instead of what is there.
    #[track_caller]
    pub fn fill(&self, css: &str, text: &str) {
        self.on("css selector", css, "clear", &json!({}));
        self.on("css selector", css, "value", &json!({ "text": text }));
    }

    /// Puts a value into a field that has a dialogue of its own, such as one for dates.
    pub fn set(&self, css: &str, value: &str) {
        self.script(&format!("document.querySelector({}).value = {}", json!(css), json!(value)));
    }

    /// Chooses from a list.
    #[track_caller]
    pub fn choose(&self, css: &str, value: &str) {
        self.on("css selector", &format!("{css} option[value=\"{value}\"]"), "click", &json!({}));
    }

    /// Waits until the page shows these words.
    #[track_caller]
    pub fn wait_for(&self, words: &str) {
        self.wait_until(words, |text| text.contains(words));
    }

    /// Waits until the text of the page is like that.
    #[track_caller]
    pub fn wait_until(&self, what: &str, is_so: impl Fn(&str) -> bool) {
        let end = Instant::now() + Duration::from_secs(20);
        loop {
            let text = self.text("body");
            if is_so(&text) {
                return;
            }
            if Instant::now() > end {
                self.screenshot("failed");
                panic!("not `{what}` at {}:\n{text}", self.path());
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Looks at the pages with such a screen and in such colours from now on.
    pub fn look_with(&self, screen: Screen, colours: Colours) {
        let (width, height) = match screen {
            Screen::Phone => (390, 844),
            Screen::Desktop => (1280, 900),
        };
        let size =
            json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": screen == Screen::Phone });
        self.command("Emulation.setDeviceMetricsOverride", &size);
        let scheme = if colours == Colours::Dark { "dark" } else { "light" };
        let features = json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme }] });
        self.command("Emulation.setEmulatedMedia", &features);
    }

    /// Whether pages may run scripts, from the next page on.
    pub fn scripts(&self, allowed: bool) {
        self.command("Emulation.setScriptExecutionDisabled", &json!({ "value": !allowed }));
    }

    /// Keeps a picture of the whole page in `target/screenshots`.
    pub fn screenshot(&self, name: &str) {
        use base64::Engine as _;
        let taken = self.command("Page.captureScreenshot", &json!({ "captureBeyondViewport": true }));
        let picture = base64::engine::general_purpose::STANDARD.decode(taken["data"].as_str().unwrap()).unwrap();
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/screenshots");
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join(format!("{name}.png")), picture).unwrap();
    }

    fn log(&self, kind: &str) -> Vec<Value> {
        self.post("/se/log", &json!({ "type": kind })).as_array().cloned().unwrap_or_default()
    }

    /// What the browser complains about since it was last asked: errors of scripts, refused content.
    pub fn complaints(&self) -> Vec<String> {
        let serious = |line: &Value| matches!(line["level"].as_str(), Some("SEVERE" | "WARNING"));
        let lines = self.log("browser").into_iter().filter(serious);
        lines.map(|line| line["message"].as_str().unwrap_or_default().to_owned()).collect()
    }

    /// What was asked for since this was last called, wherever it was asked, and what came of it.
    pub fn fetched(&self) -> Vec<Fetched> {
        let mut found: Vec<(String, Fetched)> = Vec::new();
        for entry in self.log("performance") {
            let text = entry["message"].as_str().unwrap_or_default();
            let message: Value = serde_json::from_str(text).unwrap_or_default();
            let (method, parameters) = (&message["message"]["method"], &message["message"]["params"]);
            let id = parameters["requestId"].as_str().unwrap_or_default();
            match method.as_str() {
                Some("Network.requestWillBeSent") => {
                    let url = parameters["request"]["url"].as_str().unwrap_or_default().to_owned();
                    let kind = parameters["type"].as_str().unwrap_or_default().to_owned();
                    found.push((id.to_owned(), Fetched { url, kind, bytes: 0.0 }));
                }
                Some("Network.loadingFinished") => {
                    let bytes = parameters["encodedDataLength"].as_f64().unwrap_or_default();
                    if let Some((_, one)) = found.iter_mut().rev().find(|(known, _)| known == id) {
                        one.bytes += bytes;
                    }
                }
                Some(_) | None => {}
            }
        }
        found.into_iter().map(|(_, fetched)| fetched).collect()
    }

    /// Forgets who is signed in.
    pub fn forget(&self) {
        self.command("Network.clearBrowserCookies", &json!({}));
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // This has Chromium end, too.
        let _ = self.agent.delete(&self.session).call();
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}

/// Where `tests/run` puts the accessibility checker; `None`, and a line that says so, where it did not.
pub fn axe() -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/axe/node_modules/axe-core/axe.min.js");
    if !path.exists() {
        eprintln!("axe-core is not there (tests/run installs it): skipped");
        return None;
    }
    Some(path)
}

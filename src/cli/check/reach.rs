//! Whether `public_url` leads to our server: one look from here, bounded in time. Never an error: the provider looks
//! from elsewhere, and the server may be started after the check.

use std::sync::mpsc;
use std::time::Duration;

/// For name, connection and answer together.
const PATIENCE: Duration = Duration::from_secs(5);

/// What is odd about the URL, if anything.
pub fn look(public_url: &str) -> Option<(String, String)> {
    let url = format!("{public_url}/healthz");
    let (sender, receiver) = mpsc::channel();
    // Looking a name up cannot be interrupted: let it hang where it holds nobody up.
    std::thread::spawn(move || {
        let _ = sender.send(ask(&url));
    });
    match receiver.recv_timeout(PATIENCE + Duration::from_secs(1)) {
        Ok(Ok(status)) => odd(status),
        Ok(Err(why)) => Some(not_reached(&why)),
        Err(_) => Some(not_reached(&format!("no answer within {} seconds", PATIENCE.as_secs()))),
    }
}

fn not_reached(why: &str) -> (String, String) {
    (
        format!("`public_url` cannot be reached from here: {why}"),
        "start `thialfi serve-twiml` and the proxy before it; `--offline` leaves this out".to_owned(),
    )
}

/// What an answer tells. `/healthz` may be kept from the world, and then the proxy at least has answered.
fn odd(status: u16) -> Option<(String, String)> {
    match status {
        200..=299 | 401 | 403 => None,
        300..=399 => Some((
            format!("`public_url` answers with a redirection ({status})"),
            "write the URL to which it leads: signatures are made over the URL that Twilio is given".to_owned(),
        )),
        404 | 405 => Some((
            format!("behind `public_url` there is a web server, but no thialfi: `/healthz` is {status}"),
            "lead its paths `/twiml/` and `/twilio/` to `thialfi serve-twiml`, see `examples/nginx.conf`".to_owned(),
        )),
        502 | 504 => Some((
            format!("`public_url` answers {status}: the proxy is there, thialfi is not"),
            "start `thialfi serve-twiml`".to_owned(),
        )),
        _ => Some((
            format!("`public_url` is not well: `/healthz` answers {status}"),
            "see the log of `thialfi serve-twiml`".to_owned(),
        )),
    }
}

/// The status of a GET, or why there is none.
fn ask(url: &str) -> Result<u16, String> {
    let mut config = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .user_agent(concat!("thialfi/", env!("CARGO_PKG_VERSION")))
        .timeout_connect(Some(PATIENCE))
        .timeout_global(Some(PATIENCE));
    let host = url.split("://").nth(1).unwrap_or_default();
    if ["127.", "localhost", "[::1]"].iter().any(|loopback| host.starts_with(loopback)) {
        config = config.proxy(None);
    }
    let agent: ureq::Agent = config.build().into();
    match agent.get(url).call() {
        Ok(answer) => Ok(answer.status().as_u16()),
        Err(error) => {
            let text = error.to_string();
            Err(text
                .strip_prefix("io: ")
                .unwrap_or(&text)
                .split(" (os error")
                .next()
                .unwrap_or_default()
                .to_lowercase())
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};

    use super::*;

    fn server(status: &'static str) -> String {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        std::thread::spawn(move || {
            for stream in listener.incoming().take(1) {
                let mut stream = stream.unwrap();
                let _ = stream.read(&mut [0; 1024]);
                let _ = write!(stream, "HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
            }
        });
        url
    }

    #[test]
    fn a_server_that_is_well_needs_no_word() {
        assert_eq!(look(&server("200 OK")), None);
        assert_eq!(look(&server("403 Forbidden")), None);
    }

    #[test]
    fn what_answers_otherwise_is_told() {
        let told = |status| look(&server(status)).unwrap().0;
        assert!(told("502 Bad Gateway").contains("the proxy is there, thialfi is not"));
        assert!(told("404 Not Found").contains("no thialfi"));
        assert!(told("301 Moved Permanently").contains("redirection"));
        assert!(told("503 Service Unavailable").contains("503"));
    }

    #[test]
    fn nobody_there_is_told() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        drop(listener);
        let (message, hint) = look(&url).unwrap();
        assert!(message.contains("cannot be reached from here: ") && hint.contains("serve-twiml"), "{message}");
    }
}

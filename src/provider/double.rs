//! A gateway for tests: it keeps what it was sent and answers what it was told to.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};

/// A request as it came.
#[derive(Debug, Clone, Default)]
pub struct Received {
    pub method: String,
    pub target: String,
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Received {
    /// The value of a header, or nothing.
    pub fn header(&self, name: &str) -> &str {
        let found = self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map_or("", |(_, value)| value.as_str())
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

/// A gateway on loopback.
pub struct Double {
    pub url: String,
    received: Arc<Mutex<Vec<Received>>>,
}

impl Double {
    /// Answers with these, in turn, the last again and again. Status 0: hangs up without an answer.
    pub fn answering(answers: &[(u16, &str)]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let answers: Vec<(u16, String)> = answers.iter().map(|(status, body)| (*status, (*body).to_owned())).collect();
        let received = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&received);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut reader = BufReader::new(stream.unwrap());
                let mut request = Received::default();
                let mut line = String::new();
                reader.read_line(&mut line).unwrap();
                let mut words = line.split(' ').map(str::to_owned);
                (request.method, request.target) = (words.next().unwrap(), words.next().unwrap());
                loop {
                    let mut line = String::new();
                    reader.read_line(&mut line).unwrap();
                    let Some((name, value)) = line.trim_end().split_once(": ") else { break };
                    request.headers.push((name.to_owned(), value.to_owned()));
                }
                let length = request.header("Content-Length").parse().unwrap_or(0);
                let mut body = vec![0; length];
                reader.read_exact(&mut body).unwrap();
                request.body = String::from_utf8(body).unwrap();
                let mut all = kept.lock().unwrap();
                let (status, answer) = answers.get(all.len()).or(answers.last()).unwrap();
                all.push(request);
                drop(all);
                let length = answer.len();
                if *status > 0 {
                    let head = format!("HTTP/1.1 {status} x\r\nContent-Length: {length}\r\nConnection: close\r\n");
                    let _ = write!(reader.get_mut(), "{head}Retry-After: 7\r\n\r\n{answer}");
                }
            }
        });
        Self { url, received }
    }

    /// What came, the first first.
    pub fn received(&self) -> Vec<Received> {
        self.received.lock().unwrap().clone()
    }
}

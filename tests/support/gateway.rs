//! A gateway for tests: it keeps what it was sent and answers what it was told to.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
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

    /// Reads a request; `None`: whoever connected has gone away.
    fn read(reader: &mut BufReader<TcpStream>) -> Option<Self> {
        let mut request = Self::default();
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let mut words = line.split(' ').map(str::to_owned);
        (request.method, request.target) = (words.next()?, words.next()?);
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).ok()?;
            let Some((name, value)) = line.trim_end().split_once(": ") else { break };
            request.headers.push((name.to_owned(), value.to_owned()));
        }
        let mut body = vec![0; request.header("Content-Length").parse().unwrap_or(0)];
        reader.read_exact(&mut body).ok()?;
        request.body = String::from_utf8(body).unwrap();
        Some(request)
    }
}

/// What comes back.
pub enum Answer {
    Status(u16, String),
    /// The connection is closed without a word.
    HangUp,
    /// Nothing comes, and the connection stays open.
    Silence,
}

pub struct Gateway {
    pub url: String,
    received: Arc<Mutex<Vec<Received>>>,
}

impl Gateway {
    /// Answers with these, in turn, the last again and again. Status 0: hangs up without an answer.
    pub fn answering(answers: &[(u16, &str)]) -> Self {
        let answers: Vec<(u16, String)> = answers.iter().map(|(status, body)| (*status, (*body).to_owned())).collect();
        Self::by(move |_, nth| match answers.get(nth).or(answers.last()).unwrap() {
            (0, _) => Answer::HangUp,
            (status, body) => Answer::Status(*status, body.clone()),
        })
    }

    /// Takes every request, and never says a word.
    pub fn silent() -> Self {
        Self::by(|_, _| Answer::Silence)
    }

    /// Answers as `answer` says to the request, and to how many came before it.
    pub fn by(answer: impl Fn(&Received, usize) -> Answer + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let received = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&received);
        std::thread::spawn(move || {
            let mut silent = Vec::new();
            for stream in listener.incoming() {
                let mut reader = BufReader::new(stream.unwrap());
                let Some(request) = Received::read(&mut reader) else { continue };
                let mut all = kept.lock().unwrap();
                let answer = answer(&request, all.len());
                all.push(request);
                drop(all);
                match answer {
                    Answer::Status(status, body) => {
                        let length = body.len();
                        let mut head = format!("HTTP/1.1 {status} x\r\nContent-Length: {length}\r\nConnection: close");
                        if status == 429 {
                            head.push_str("\r\nRetry-After: 7");
                        }
                        let _ = write!(reader.get_mut(), "{head}\r\n\r\n{body}");
                    }
                    Answer::HangUp => {}
                    Answer::Silence => silent.push(reader),
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

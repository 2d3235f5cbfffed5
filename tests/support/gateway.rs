//! An SMS gateway for tests: it keeps what it was sent and answers what it was told to.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};

pub struct Gateway {
    pub url: String,
    received: Arc<Mutex<Vec<(String, String)>>>,
}

impl Gateway {
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
                let (mut first, mut length) = (String::new(), 0);
                reader.read_line(&mut first).unwrap();
                loop {
                    let mut line = String::new();
                    reader.read_line(&mut line).unwrap();
                    let Some((name, value)) = line.trim_end().split_once(": ") else { break };
                    if name.eq_ignore_ascii_case("content-length") {
                        length = value.parse().unwrap();
                    }
                }
                let mut body = vec![0; length];
                reader.read_exact(&mut body).unwrap();
                let mut all = kept.lock().unwrap();
                let (status, answer) = answers.get(all.len()).or(answers.last()).unwrap();
                let target = first.split(' ').nth(1).unwrap_or_default().to_owned();
                all.push((target, String::from_utf8(body).unwrap()));
                if *status > 0 {
                    let length = answer.len();
                    let head = format!("HTTP/1.1 {status} x\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n");
                    let _ = write!(reader.get_mut(), "{head}{answer}");
                }
            }
        });
        Self { url, received }
    }

    /// Path and body of each request, the first first.
    pub fn received(&self) -> Vec<(String, String)> {
        self.received.lock().unwrap().clone()
    }
}

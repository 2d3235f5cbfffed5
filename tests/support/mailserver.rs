//! A mail server for tests: it takes mails over plain TCP, keeps them, and does with each connection what it was told to.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// What becomes of one connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// The mail is taken.
    Accept,
    /// Answers one of `greeting`, `EHLO`, `STARTTLS`, `AUTH`, `MAIL`, `RCPT`, `DATA` or `end` (of the mail) with this.
    Answer(&'static str, &'static str),
    /// Hangs up instead of an answer to one of these. At `end` the mail has been taken.
    Drop(&'static str),
    /// Never answers one of these. At `end` the mail has been taken.
    Hang(&'static str),
}

/// A mail as it came.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Received {
    /// What the client called itself.
    pub hello: String,
    /// User and password.
    pub login: Option<(String, String)>,
    /// What stood after `MAIL FROM:`.
    pub from: String,
    /// What stood after `RCPT TO:`.
    pub to: Vec<String>,
    /// The mail, without the dots of transparency.
    pub data: Vec<u8>,
}

impl Received {
    /// The mail as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.data).into_owned()
    }

    /// The value of a header field, unfolded but not decoded; empty when there is none.
    pub fn field(&self, name: &str) -> String {
        let text = self.text();
        let head = text.split("\r\n\r\n").next().unwrap_or_default().replace("\r\n ", " ").replace("\r\n\t", " ");
        let found =
            head.split("\r\n").filter_map(|line| line.split_once(':')).find(|(one, _)| one.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.trim().to_owned()).unwrap_or_default()
    }
}

pub struct MailServer {
    pub port: u16,
    received: Arc<Mutex<Vec<Received>>>,
    connections: Arc<Mutex<usize>>,
}

impl MailServer {
    /// One that takes every mail.
    pub fn start() -> Self {
        Self::doing(&[Turn::Accept])
    }

    /// One that does these, a turn for each connection, the last again and again; it offers 8BITMIME.
    pub fn doing(turns: &[Turn]) -> Self {
        Self::offering(&["8BITMIME"], turns)
    }

    /// The same with other extensions.
    pub fn offering(extensions: &[&str], turns: &[Turn]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let (received, connections) = (Arc::new(Mutex::new(Vec::new())), Arc::new(Mutex::new(0)));
        let (kept, counted) = (Arc::clone(&received), Arc::clone(&connections));
        let turns = turns.to_vec();
        let extensions: Vec<String> = extensions.iter().map(|one| (*one).to_owned()).collect();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut count = counted.lock().unwrap();
                let turn = *turns.get(*count).or(turns.last()).unwrap();
                *count += 1;
                drop(count);
                let (kept, extensions) = (Arc::clone(&kept), extensions.clone());
                std::thread::spawn(move || {
                    // A client that hangs up is no fault of a test's.
                    let _ = Session { reader: BufReader::new(stream.unwrap()), turn, extensions, kept }.run();
                });
            }
        });
        Self { port, received, connections }
    }

    /// The mails that were taken, the first first.
    pub fn received(&self) -> Vec<Received> {
        self.received.lock().unwrap().clone()
    }

    /// How many connections there were.
    pub fn connections(&self) -> usize {
        *self.connections.lock().unwrap()
    }

    /// The `[providers.mails]` that leads here.
    pub fn provider(&self) -> String {
        format!(
            "[providers.mails]\nkind = \"smtp\"\nhost = \"127.0.0.1\"\nport = {}\nfrom = \"thialfi@alerts.example.com\"\n",
            self.port
        )
    }
}

struct Session {
    reader: BufReader<TcpStream>,
    turn: Turn,
    extensions: Vec<String>,
    kept: Arc<Mutex<Vec<Received>>>,
}

/// The end of a session.
struct Over;

impl From<std::io::Error> for Over {
    fn from(_: std::io::Error) -> Self {
        Self
    }
}

impl Session {
    fn run(mut self) -> Result<(), Over> {
        let mut mail = Received::default();
        self.answer("greeting", "220 mail.example ESMTP")?;
        loop {
            let line = self.line()?;
            let verb = line.split([' ', ':']).next().unwrap_or_default().to_ascii_uppercase();
            match verb.as_str() {
                "EHLO" => {
                    line.get(5..).unwrap_or_default().clone_into(&mut mail.hello);
                    let all: Vec<&str> =
                        std::iter::once("mail.example").chain(self.extensions.iter().map(String::as_str)).collect();
                    let last = all.len() - 1;
                    let lines =
                        all.iter().enumerate().map(|(n, it)| format!("250{}{it}", if n == last { ' ' } else { '-' }));
                    let lines = lines.collect::<Vec<_>>().join("\r\n");
                    self.answer("EHLO", &lines)?;
                }
                "AUTH" => {
                    let decoded = line.rsplit(' ').next().map(base64).unwrap_or_default();
                    let mut parts = decoded.split('\0').skip(1).map(str::to_owned);
                    mail.login = parts.next().zip(parts.next());
                    self.answer("AUTH", "235 2.7.0 welcome")?;
                }
                "MAIL" => {
                    line.get(10..).unwrap_or_default().clone_into(&mut mail.from);
                    self.answer("MAIL", "250 2.1.0 ok")?;
                }
                "RCPT" => {
                    mail.to.push(line.get(8..).unwrap_or_default().to_owned());
                    self.answer("RCPT", "250 2.1.5 ok")?;
                }
                "DATA" => {
                    if self.answer("DATA", "354 go ahead")? {
                        mail.data = self.data()?;
                        let refused = matches!(self.turn, Turn::Answer("end", _));
                        let number = {
                            let mut kept = self.kept.lock().unwrap();
                            if !refused {
                                kept.push(mail.clone());
                            }
                            kept.len()
                        };
                        self.answer("end", &format!("250 2.0.0 Ok: queued as MAIL{number}"))?;
                    }
                }
                "STARTTLS" => drop(self.answer("STARTTLS", "454 4.7.0 TLS is not available")?),
                "QUIT" => {
                    self.say("221 2.0.0 bye")?;
                    return Ok(());
                }
                _ => self.say("502 5.5.2 what?")?,
            }
        }
    }

    /// The mail up to its end, without the dots that stand for dots.
    fn data(&mut self) -> Result<Vec<u8>, Over> {
        let mut data = Vec::new();
        loop {
            let mut line = Vec::new();
            if self.reader.read_until(b'\n', &mut line)? == 0 {
                return Err(Over);
            }
            assert!(line.ends_with(b"\r\n"), "a line ends without CRLF: {:?}", String::from_utf8_lossy(&line));
            assert!(!line[..line.len() - 2].contains(&b'\r'), "a lone CR");
            if line == b".\r\n" {
                return Ok(data);
            }
            data.extend_from_slice(line.strip_prefix(b".").unwrap_or(&line));
        }
    }

    fn line(&mut self) -> Result<String, Over> {
        let mut line = String::new();
        if self.reader.read_line(&mut line)? == 0 {
            return Err(Over);
        }
        Ok(line.trim_end().to_owned())
    }

    /// Answers, as the turn has it. True when the answer was the usual one.
    fn answer(&mut self, at: &str, usual: &str) -> Result<bool, Over> {
        match self.turn {
            Turn::Answer(place, answer) if place == at => {
                self.say(answer)?;
                Ok(false)
            }
            Turn::Drop(place) if place == at => Err(Over),
            Turn::Hang(place) if place == at => {
                // Until the client has had enough.
                let _ = self.reader.read_to_end(&mut Vec::new());
                Err(Over)
            }
            Turn::Accept | Turn::Answer(..) | Turn::Drop(_) | Turn::Hang(_) => {
                self.say(usual)?;
                Ok(true)
            }
        }
    }

    fn say(&mut self, answer: &str) -> Result<(), Over> {
        Ok(write!(self.reader.get_mut(), "{answer}\r\n")?)
    }
}

fn base64(text: &str) -> String {
    use base64::Engine as _;
    let bytes = base64::engine::general_purpose::STANDARD.decode(text).unwrap_or_default();
    String::from_utf8_lossy(&bytes).into_owned()
}

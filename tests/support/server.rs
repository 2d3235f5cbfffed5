//! `serve-twiml` beside a test: started, asked, stopped, killed.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::Command;
use std::time::{Duration, Instant};

use super::{PATIENCE, Test, ran, wait};

impl Test {
    /// Starts `serve-twiml` and waits until it serves.
    pub fn serve(mut self) -> Self {
        self.start_server();
        self
    }

    pub fn start_server(&mut self) {
        let command = self.command();
        assert!(self.start_server_by(command), "no server");
        wait(|| self.get("/healthz") == 200, "the server is not healthy");
    }

    /// Starts `serve-twiml` by a command to which only that argument is missing; false when it ends before it serves. One that
    /// cannot say that it serves, since its standard output fails, is asked.
    pub fn start_server_by(&mut self, mut command: Command) -> bool {
        let mut child = command.arg("serve-twiml").env("THIALFI_LOG", "debug").spawn().unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let (said, hears) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            let mut line = String::new();
            let _ = out.read_line(&mut line);
            let _ = said.send(line);
            // Who says more is not stopped by a pipe that nobody reads.
            let _ = std::io::copy(&mut out, &mut std::io::sink());
        });
        let end = Instant::now() + PATIENCE;
        let (serves, line) = loop {
            match hears.recv_timeout(Duration::from_secs(2)) {
                Ok(line) => break (line.contains("serving on"), line),
                Err(_) if self.get("/livez") == 200 => break (true, String::new()),
                Err(_) => assert!(Instant::now() < end, "the server neither serves nor ends"),
            }
        };
        if !serves {
            let _ = child.kill();
            eprintln!("no server: {line} {:#?}", ran(&child.wait_with_output().unwrap()));
            return false;
        }
        // Its log is a help where a test fails; a pipe that nobody reads would stop it.
        let mut err = child.stderr.take().unwrap();
        let mut log = std::fs::File::create(self.path("server.log")).unwrap();
        std::thread::spawn(move || std::io::copy(&mut err, &mut log));
        let inbound = if self.webhooks { format!("{}/twilio/sms", self.url()) } else { String::new() };
        self.sandbox.inbound_url(&inbound);
        self.server = Some(child);
        true
    }

    /// The number of the process that was started; 0 for none.
    pub fn server_id(&self) -> u32 {
        self.server.as_ref().map_or(0, std::process::Child::id)
    }

    /// Whether the server that was started has ended by itself.
    pub fn server_has_ended(&mut self) -> bool {
        self.server.as_mut().is_none_or(|child| child.try_wait().unwrap().is_some())
    }

    /// The status of a GET; 0 when there is none.
    pub fn get(&self, path: &str) -> u16 {
        let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
        self.exchange(&request).0
    }

    /// Sends these bytes to the server; the status and all of the answer.
    pub fn exchange(&self, request: &str) -> (u16, String) {
        let mut answer = String::new();
        if let Ok(mut stream) = std::net::TcpStream::connect(("127.0.0.1", self.port)) {
            let _ = stream.write_all(request.as_bytes());
            let _ = std::io::Read::read_to_string(&mut stream, &mut answer);
        }
        let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
        (status, answer)
    }

    /// SIGTERM, and how the server ended.
    pub fn stop_server(&mut self) -> Option<i32> {
        let mut child = self.server.take()?;
        let _ = Command::new("kill").arg(child.id().to_string()).status();
        child.wait().unwrap().code()
    }

    /// A signal, and nothing is waited for.
    pub fn signal_server(&self, signal: &str) {
        if let Some(child) = &self.server {
            let _ = Command::new("kill").arg(format!("-{signal}")).arg(child.id().to_string()).status();
        }
    }

    /// Waits until the server's log says so.
    #[track_caller]
    pub fn wait_for_log(&self, words: &str) {
        let log = || std::fs::read_to_string(self.path("server.log")).unwrap_or_default();
        wait(|| log().contains(words), &format!("the log does not say `{words}`"));
    }

    /// SIGKILL.
    pub fn kill_server(&mut self) {
        if let Some(mut child) = self.server.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

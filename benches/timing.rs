//! Whether the time of a check tells how much of a secret was right. `cargo bench --bench timing`
//!
//! Welch's t-test, as in Reparaz, Balasch and Verbauwhede, "Dude, is my code constant time?" (2017): the same check of two
//! kinds of input, taken in turns at random, and of each kind the times below the 90th percentile. With |t| below 4.5 nothing
//! is to be seen; a comparison that stops at the first wrong byte is measured beside them, so that one sees that it would be
//! seen. What is measured is the check itself, without the network, whose noise would only hide it.
#![allow(
    missing_docs,
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::cast_precision_loss,
    clippy::indexing_slicing
)]

use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

use secrecy::SecretString;
use sha2::{Digest as _, Sha256};
use thialfi::alert::Token;
use thialfi::clock::SystemClock;
use thialfi::config::{Config, PasswordHash};
use thialfi::server::http::{Method, Request};
use thialfi::server::session::{Sessions, SignIn};
use thialfi::server::signature::{sign, verify};
use thialfi::store::{Sqlite, Store as _};

const ROUNDS: usize = 200_000;
const TOKEN: &str = "0123456789abcdef0123456789abcdef";
const URL: &str = "https://pager.example.com/twilio/sms";

fn main() {
    let parameters: Vec<(String, String)> =
        [("Body", "7K"), ("From", "+64211110001"), ("MessageSid", "SM1")].map(|(k, v)| (k.into(), v.into())).into();
    let secret = SecretString::from(TOKEN);
    let right = sign(TOKEN, URL, &parameters);
    let wrong_at = |place: usize| {
        let mut bytes = right.clone().into_bytes();
        bytes[place] = if bytes[place] == b'A' { b'B' } else { b'A' };
        String::from_utf8(bytes).unwrap()
    };
    let (first, last) = (wrong_at(0), wrong_at(right.len() - 2));
    told("signature, wrong at its beginning or at its end", &[&first, &last], |header| {
        verify(&[&secret], URL, &parameters, header)
    });
    told("signature, wrong at its beginning or right", &[&first, &right], |header| {
        verify(&[&secret], URL, &parameters, header)
    });
    // The one that would be seen: longer, so that a step of it is more than the clock's.
    let (long, long_first, long_last) = ("x".repeat(4096), "y".repeat(4096), "x".repeat(4095) + "y");
    told("for comparison: bytes compared until one is wrong", &[&long_first, &long_last], |given| {
        given.bytes().zip(long.bytes()).all(|(a, b)| black_box(a) == black_box(b))
    });

    // A token is looked for only after a signature was right, and is looked up in an index. None of these is there.
    let mut store = Sqlite::in_memory().unwrap();
    let near: Token = Token::from_bits(1);
    let far: Token = Token::from_bits(u128::MAX);
    told("token that is not there, small or large", &[&near, &far], |token| store.by_token(token).unwrap().is_some());

    sessions();
}

/// The cookie of a session, and a program's token, of which the rule file has the digest.
fn sessions() {
    // All of one length: how long what was sent is, whoever sends it knows.
    let nearly = |place: usize, of: &[u8]| {
        (0..10_000_000_u32).map(|number| format!("Bearer thialfi_{number:08}")).find(|header| {
            let digest = Sha256::digest(&header["Bearer ".len()..]);
            digest[..place] == of[..place] && digest[place] != of[place]
        })
    };
    let right = Sha256::digest(b"thialfi_right");
    let digest: String = right.iter().map(|byte| format!("{byte:02x}")).collect();
    let (hash, salt) = ("correct horse battery", [7; 16]);
    let hash = PasswordHash::make(hash, salt).unwrap();
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("rules.toml");
    let rules = format!("[users.david]\npassword = \"{}\"\n[tokens.x]\nsha256 = \"{digest}\"\n", hash.expose());
    std::fs::write(&path, rules).unwrap();
    let config = Config::load(&path).unwrap();
    let sessions = Sessions::new([7; 32], Arc::new(SystemClock));
    let asking = |name: &str, value: &str| Request {
        method: Method::Get,
        path: "/".into(),
        query: String::new(),
        headers: vec![(name.into(), value.into())],
        body: Vec::new(),
        remote: None,
    };
    let SignIn::Accepted { cookie } = sessions.sign_in(&asking("Host", "a"), &config, "david", "correct horse battery")
    else {
        panic!("not signed in")
    };
    let cookie = cookie.split(';').next().unwrap();
    let signature = cookie.find('.').unwrap() + 1;
    let wrong_at = |place: usize| {
        let mut bytes = cookie.as_bytes().to_vec();
        bytes[place] = if bytes[place] == b'A' { b'B' } else { b'A' };
        Slot::of(&bytes)
    };
    // The last character holds two bits that are not of the signature: the one before it is the last that counts.
    let (first, last) = (wrong_at(signature), wrong_at(cookie.len() - 2));
    // One request is asked again and again with another value: where something lies in memory takes time, too.
    let mut request = asking("Cookie", cookie);
    let mut ask = |what: &str, one: &Slot, other: &Slot| {
        told(what, &[one, other], |cookie| {
            refill(&mut request, cookie);
            sessions.visitor(&request, &config) == Ok(None)
        });
    };
    // Less than a nanosecond is to be seen here even between a cookie and its copy (|t| up to 14 in three runs, to either side),
    // so that the first of these two says something only beside the second.
    ask("session, signature wrong at its beginning or at its end", &first, &last);
    ask("for comparison: a cookie and its copy", &first, &wrong_at(signature));
    let (far, near) = (nearly(0, &right).unwrap(), nearly(2, &right).unwrap());
    let mut request = asking("Authorization", &far);
    // The first ten are told in another way than those after them.
    (0..10).for_each(|_| assert!(sessions.visitor(&request, &config).is_err()));
    told(
        "token, digest wrong at its first byte or at its third",
        &[&Slot::of(far.as_bytes()), &Slot::of(near.as_bytes())],
        |token| {
            refill(&mut request, token);
            sessions.visitor(&request, &config).is_err()
        },
    );
}

/// A text that begins where a line of the cache does: how it lies there must not tell two of them apart.
#[repr(align(64))]
struct Slot([u8; 256], usize);

impl Slot {
    fn of(text: &[u8]) -> Self {
        let mut slot = Self([b' '; 256], text.len());
        slot.0[..text.len()].copy_from_slice(text);
        slot
    }
}

/// Another value in the same place.
fn refill(request: &mut Request, value: &Slot) {
    let held = &mut request.headers[0].1;
    held.clear();
    held.push_str(std::str::from_utf8(&value.0[..value.1]).unwrap());
}

/// Measures and prints it.
fn told<T: ?Sized>(what: &str, inputs: &[&T; 2], mut check: impl FnMut(&T) -> bool) {
    let mut times: [Vec<f64>; 2] = [Vec::with_capacity(ROUNDS), Vec::with_capacity(ROUNDS)];
    let mut state = 88_172_645_463_325_252_u64;
    for _ in 0..2 * ROUNDS {
        // Xorshift: which kind comes next must not follow a rhythm of the machine's.
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        let kind = usize::from(state & 1 == 1);
        let began = Instant::now();
        black_box(check(black_box(inputs[kind])));
        times[kind].push(began.elapsed().as_nanos() as f64);
    }
    let [a, b] = times.map(cropped);
    let t = (mean(&a) - mean(&b)) / (variance(&a) / a.len() as f64 + variance(&b) / b.len() as f64).sqrt();
    let verdict = if t.abs() < 4.5 { "nothing to be seen" } else { "to be seen" };
    println!("{what}: {:.0} ns and {:.0} ns, t = {t:.1}: {verdict}", mean(&a), mean(&b));
}

/// Without what the machine was interrupted in.
fn cropped(mut times: Vec<f64>) -> Vec<f64> {
    times.sort_by(f64::total_cmp);
    times.truncate(times.len() * 9 / 10);
    times
}

fn mean(times: &[f64]) -> f64 {
    times.iter().sum::<f64>() / times.len() as f64
}

fn variance(times: &[f64]) -> f64 {
    let mean = mean(times);
    times.iter().map(|time| (time - mean).powi(2)).sum::<f64>() / (times.len() - 1) as f64
}

//! Nights, simulated: the program's own parts, the real store, a provider that fails as the night wants it, and time that
//! passes as fast as it can. Every night comes from one number; one that breaks a promise is played again by it alone.
//!
//! `cargo test --test nights` plays a few. `cargo test --release --test nights -- --nights 100000 --seed 1` plays
//! as many as one likes, `--sweep N` breaks every transaction of so many; `-- --one SEED` plays one and tells what happens.
#![allow(missing_docs)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stderr,
    clippy::print_stdout
)]
#![allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_possible_wrap, clippy::similar_names)]

mod dice;
mod morning;
mod network;
mod outside;
mod people;
mod processes;
mod promises;
mod rules;
mod setting;
mod state;
mod store;
mod world;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use dice::Dice;
use setting::{Follows, MINUTE, MORNING, Mishap, SECOND, Setting};
use state::Says;
use world::{Broken, Counts, Happening, World};

/// So many nights are played where nothing else is said, and so many transactions of the first of them are broken: as many
/// as take less than half a minute.
const NIGHTS: u64 = if cfg!(debug_assertions) { 24 } else { 600 };
const BREAKS: u64 = if cfg!(debug_assertions) { 8 } else { 100 };

const USAGE: &str = "usage: nights [--nights N] [--sweep N] [--seed S] [--threads T] [--one SEED[:MISHAP]]
  --nights N  play so many nights, of the seeds from S on
  --sweep N   of so many nights break each transaction that writes, one after the other: the process dies before it, dies
              after it, finds the disk full
  --one SEED  play one night and tell what happens; MISHAP is before=N, after=N or full=N";

#[derive(Clone, Copy)]
struct Arguments {
    nights: u64,
    swept: u64,
    /// At most so many transactions of a night are broken.
    breaks: u64,
    seed: u64,
    threads: u64,
    one: Option<(u64, Option<Mishap>)>,
    /// The test is left out: another one was named.
    other: bool,
}

/// What has been played so far.
#[derive(Default)]
struct Played {
    counts: Counts,
    nights: u64,
    /// What to type to play the nights again that broke a promise.
    broken: Vec<String>,
}

fn main() -> ExitCode {
    let arguments = match arguments() {
        Ok(arguments) => arguments,
        Err(why) => {
            eprintln!("{why}\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    if arguments.other {
        println!("\ntest result: ok. 0 passed; 0 failed; 0 ignored; 0 measured; 1 filtered out");
        return ExitCode::SUCCESS;
    }
    if let Some((seed, mishap)) = arguments.one {
        return match night(seed, mishap, true) {
            Ok((counts, _)) => {
                print(&counts);
                ExitCode::SUCCESS
            }
            Err(how) => {
                println!("seed {}: {how}", named(seed, mishap));
                ExitCode::FAILURE
            }
        };
    }
    many(arguments)
}

fn many(arguments: Arguments) -> ExitCode {
    let Arguments { nights, swept, breaks, seed, threads, .. } = arguments;
    println!("playing {nights} nights, seeds {seed} to {}, on {threads} threads", seed + nights.max(1) - 1);
    let played = Mutex::new(Played::default());
    let began = Instant::now();
    each(seed, nights, threads, began, &played, &|seed| {
        record(&played, seed, None);
    });
    if swept > 0 {
        let before = played.lock().unwrap().nights;
        println!("breaking each transaction of {swept} nights, seeds {seed} to {}", seed + swept - 1);
        each(seed, swept, threads, began, &played, &|seed| {
            let Some(writes) = record(&played, seed, Some(Mishap::Nothing)) else { return };
            // Each, or some from all over the night.
            for write in (1..=writes).step_by(writes.div_ceil(breaks).max(1) as usize) {
                for mishap in [Mishap::DiesBefore(write), Mishap::DiesAfter(write), Mishap::Full(write)] {
                    record(&played, seed, Some(mishap));
                }
            }
        });
        let mut played = played.lock().unwrap();
        let more = played.nights - before;
        played.counts.0.insert("nights in which one transaction was broken".to_owned(), more);
    }
    let played = played.into_inner().unwrap();
    print(&played.counts);
    for which in &played.broken {
        println!("to play it again: cargo test --test nights -- --one {which}");
    }
    let (failed, how) = (played.broken.len(), if played.broken.is_empty() { "ok" } else { "FAILED" });
    let seconds = began.elapsed().as_secs_f64();
    println!("{} nights passed, {failed} failed, in {seconds:.0} s", played.nights - failed as u64);
    let (passed, failed) = (u32::from(failed == 0), u32::from(failed > 0));
    println!("\ntest result: {how}. {passed} passed; {failed} failed; 0 ignored; 0 measured; 0 filtered out");
    if passed == 1 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Does something with each of `count` seeds, on several threads.
fn each(seed: u64, count: u64, threads: u64, began: Instant, played: &Mutex<Played>, play: &(dyn Fn(u64) + Sync)) {
    let (next, done) = (AtomicU64::new(seed), AtomicU64::new(0));
    let told = Mutex::new(Instant::now());
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let this = next.fetch_add(1, Ordering::Relaxed);
                    if this >= seed + count || played.lock().unwrap().broken.len() >= 10 {
                        break;
                    }
                    play(this);
                    let done = done.fetch_add(1, Ordering::Relaxed) + 1;
                    let mut told = told.lock().unwrap();
                    if told.elapsed() >= Duration::from_secs(20) {
                        *told = Instant::now();
                        println!("{done} of {count} after {:.0} s, up to seed {this}", began.elapsed().as_secs_f64());
                    }
                }
            });
        }
    });
}

/// Plays a night and adds up what happened. How many transactions wrote in it; `None`: it broke a promise.
fn record(played: &Mutex<Played>, seed: u64, mishap: Option<Mishap>) -> Option<u64> {
    if played.lock().unwrap().broken.len() >= 10 {
        return None;
    }
    let night = night(seed, mishap, false);
    let mut played = played.lock().unwrap();
    played.nights += 1;
    match night {
        Ok((counts, writes)) => {
            for (what, count) in counts.0 {
                *played.counts.0.entry(what).or_default() += count;
            }
            Some(writes)
        }
        Err(how) => {
            let how: String = how.chars().take(3000).collect();
            println!("seed {} breaks a promise, after {} nights: {how}", named(seed, mishap), played.nights);
            played.broken.push(named(seed, mishap));
            None
        }
    }
}

/// Plays a night. What happened how often, and how many transactions wrote; or which promise was broken.
fn night(seed: u64, mishap: Option<Mishap>, tell: bool) -> Result<(Counts, u64), String> {
    let play = catch_unwind(AssertUnwindSafe(|| {
        let (config, rules, _) = rules::load(seed);
        let setting = Setting::of(seed, &config, mishap);
        if tell {
            println!("rule file {}:\n{}\n{setting:#?}", rules.number, rules.text);
        }
        let world = World::new(setting.clone(), seed, tell);
        prepare(&world, &setting);
        world.play();
        // The engine holds the world, which holds the engine.
        *world.engine.lock().unwrap() = None;
        *world.routes.lock().unwrap() = None;
        world.with(|state| {
            state.works.clear();
            state.answers.clear();
            state.counts.add(if setting.calm { "nights in which nothing goes wrong" } else { "nights with troubles" });
            (state.counts.clone(), state.writes)
        })
    }));
    play.map_err(|why| match why.downcast::<Broken>() {
        Ok(broken) => broken.0,
        Err(why) => {
            let words = why.downcast_ref::<String>().cloned();
            let words = words.or_else(|| why.downcast_ref::<&str>().map(|words| (*words).to_owned()));
            format!("panicked: {}", words.unwrap_or_default())
        }
    })
}

/// What `--one` takes to play a night again.
fn named(seed: u64, mishap: Option<Mishap>) -> String {
    match mishap {
        None => seed.to_string(),
        Some(Mishap::Nothing) => format!("{seed}:nothing=0"),
        Some(Mishap::DiesBefore(write)) => format!("{seed}:before={write}"),
        Some(Mishap::DiesAfter(write)) => format!("{seed}:after={write}"),
        Some(Mishap::Full(write)) => format!("{seed}:full={write}"),
    }
}

fn parsed(name: &str) -> Option<(u64, Option<Mishap>)> {
    let Some((seed, mishap)) = name.split_once(':') else { return Some((name.parse().ok()?, None)) };
    let (what, write) = mishap.split_once('=')?;
    let write = write.parse().ok()?;
    let mishap = match what {
        "nothing" => Mishap::Nothing,
        "before" => Mishap::DiesBefore(write),
        "after" => Mishap::DiesAfter(write),
        "full" => Mishap::Full(write),
        _ => return None,
    };
    Some((seed.parse().ok()?, Some(mishap)))
}

/// Names that are spoken as they are written.
const HOSTS: [&str; 8] = ["anvil", "birch", "cedar", "dahlia", "ember", "falcon", "garnet", "hazel"];

/// What will happen from outside.
fn prepare(world: &std::sync::Arc<World>, setting: &Setting) {
    let mut dice = Dice::new(setting.seed ^ 0xA11);
    let (mails, hosts) = if setting.storm { (dice.between(6, 14), 8) } else { (dice.between(1, 4), 2) };
    let storm_at = dice.between(setting.begins + SECOND, setting.quiet_at);
    for _ in 0..mails {
        let at = if setting.storm && dice.chance(700) {
            storm_at + dice.between(0, 4 * MINUTE)
        } else {
            dice.between(setting.begins + SECOND, setting.quiet_at)
        };
        let host = *dice.pick(&HOSTS[..hosts]);
        let says = match dice.below(20) {
            0..13 => Says::Down,
            13..16 => Says::Up,
            16..18 => Says::Seen,
            _ => Says::Quotes,
        };
        world.add_mail(at, host, says);
        // The same once more, or several times, within moments.
        while dice.chance(250) {
            world.add_mail(at + dice.between(0, 90 * SECOND), host, Says::Down);
        }
    }
    world.with(|state| {
        for (at, by) in &setting.jumps {
            state.plan(*at, Happening::Jump(*by));
        }
        if setting.follows != Follows::Queue {
            state.plan(setting.begins, Happening::Start);
        }
        if setting.follows == Follows::MortalEngine {
            while dice.chance(700) {
                state.plan(dice.between(setting.begins, setting.quiet_at), Happening::Kill);
            }
        }
        while dice.chance(200) {
            state.plan(dice.between(setting.begins, setting.quiet_at), Happening::Override);
        }
        while dice.chance(200) {
            state.plan(dice.between(setting.begins, setting.quiet_at), Happening::Resolve);
        }
        // In the morning people come to work.
        state.plan(setting.quiet_at + dice.between(5 * MINUTE, MORNING), Happening::Resolve);
        state.plan(setting.quiet_at + MORNING, Happening::Resolve);
    });
}

fn print(counts: &Counts) {
    for (what, count) in &counts.0 {
        println!("{count:>12}  {what}");
    }
}

fn arguments() -> Result<Arguments, String> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from) as u64;
    let mut found = Arguments { nights: NIGHTS, swept: 1, breaks: BREAKS, seed: 1, threads, one: None, other: false };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let mut number = || -> Result<u64, String> {
            let value = words.next().ok_or(format!("{word} wants a number"))?;
            value.parse().map_err(|_| format!("{word} wants a number, not {value}"))
        };
        match word.as_str() {
            "--nights" => (found.nights, found.swept) = (number()?, 0),
            "--sweep" => (found.swept, found.breaks, found.nights) = (number()?, u64::MAX, 0),
            "--seed" => found.seed = number()?,
            "--threads" => found.threads = number()?.max(1),
            "--one" => {
                let which = words.next().unwrap_or_default();
                found.one = Some(parsed(&which).ok_or(format!("{which} is no night"))?);
            }
            // What `cargo test` hands to every test.
            "--list" | "--ignored" => found.other = true,
            "--test-threads" | "--format" | "--color" | "--skip" => drop(words.next()),
            other if other.starts_with('-') => {}
            name => found.other |= !"nights".contains(name),
        }
    }
    Ok(found)
}

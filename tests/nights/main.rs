//! Nights, simulated: the program's own parts, the real store, a provider that fails as the night wants it, and time that
//! passes as fast as it can. Every night comes from one number; one that breaks a promise is played again by it alone.
//!
//! `cargo test --test nights` plays a few. `cargo test --release --test nights -- --nights 100000 --seed 1` plays
//! as many as one likes; `-- --one SEED` plays one and tells what happens in it.
#![allow(missing_docs)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stderr,
    clippy::print_stdout
)]
#![allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_possible_wrap)]

mod dice;
mod network;
mod people;
mod processes;
mod promises;
mod setting;
mod state;
mod store;
mod world;

use std::io::IsTerminal as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use dice::Dice;
use indicatif::{ProgressBar, ProgressStyle};
use setting::{Follows, HOUR, MINUTE, SECOND, Setting};
use world::{Broken, Counts, Happening, World};

/// So many nights are played where nothing else is said: as many as take less than a minute.
const NIGHTS: u64 = if cfg!(debug_assertions) { 100 } else { 2000 };

struct Arguments {
    nights: u64,
    seed: u64,
    threads: u64,
    one: Option<u64>,
    /// The test is left out: another one was named.
    other: bool,
}

fn main() -> ExitCode {
    let arguments = match arguments() {
        Ok(arguments) => arguments,
        Err(why) => {
            eprintln!("{why}\nusage: nights [--nights N] [--seed S] [--threads T] [--one SEED]");
            return ExitCode::from(2);
        }
    };
    if arguments.other {
        println!("\ntest result: ok. 0 passed; 0 failed; 0 ignored; 0 measured; 1 filtered out");
        return ExitCode::SUCCESS;
    }
    if let Some(seed) = arguments.one {
        return match night(seed, true) {
            Ok(counts) => {
                print(&counts);
                ExitCode::SUCCESS
            }
            Err(how) => {
                println!("seed {seed}: {how}");
                ExitCode::FAILURE
            }
        };
    }
    many(&arguments)
}

fn many(arguments: &Arguments) -> ExitCode {
    let Arguments { nights, seed, threads, .. } = *arguments;
    let last = seed + nights - 1;
    println!("playing {nights} nights, seeds {seed} to {last}, on {threads} threads");
    let bar = ProgressBar::new(nights);
    bar.set_style(ProgressStyle::with_template("{bar:40} {pos}/{len} nights, {per_sec}, {eta} left").unwrap());
    let (next, began) = (AtomicU64::new(seed), Instant::now());
    let (faults, total) = (Mutex::new(Vec::new()), Mutex::new(Counts::default()));
    let lines = !std::io::stderr().is_terminal();
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed > last || faults.lock().unwrap().len() >= 10 {
                        break;
                    }
                    match night(seed, false) {
                        Ok(counts) => {
                            let mut total = total.lock().unwrap();
                            for (what, count) in counts.0 {
                                *total.0.entry(what).or_default() += count;
                            }
                        }
                        Err(how) => {
                            let how: String = how.chars().take(3000).collect();
                            bar.suspend(|| println!("seed {seed} breaks a promise: {how}"));
                            faults.lock().unwrap().push(seed);
                        }
                    }
                    bar.inc(1);
                    let played = bar.position();
                    if lines && nights >= 1000 && played.is_multiple_of(nights / 20) {
                        println!(
                            "{played} of {nights} nights after {:.0} s, up to seed {seed}",
                            began.elapsed().as_secs_f64()
                        );
                    }
                }
            });
        }
    });
    bar.finish_and_clear();
    let faults = faults.into_inner().unwrap();
    print(&total.into_inner().unwrap());
    let seconds = began.elapsed().as_secs_f64();
    for seed in &faults {
        println!("to play it again: cargo test --test nights -- --one {seed}");
    }
    let (passed, failed) = (bar.position() - faults.len() as u64, faults.len());
    let how = if faults.is_empty() { "ok" } else { "FAILED" };
    println!("{passed} nights passed, {failed} failed, in {seconds:.0} s");
    let (passed, failed) = (u32::from(faults.is_empty()), u32::from(!faults.is_empty()));
    println!("\ntest result: {how}. {passed} passed; {failed} failed; 0 ignored; 0 measured; 0 filtered out");
    if faults.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Plays a night. What happened how often; or which promise was broken.
fn night(seed: u64, tell: bool) -> Result<Counts, String> {
    let played = catch_unwind(AssertUnwindSafe(|| {
        let (config, templates) = setting::config(seed);
        let setting = Setting::of(seed, &config);
        if tell {
            println!("{}\n{setting:#?}", std::fs::read_to_string(&config.path).unwrap_or_default());
        }
        let world = World::new(setting.clone(), config, templates, tell);
        prepare(&world, &setting);
        world.play();
        // The engine holds the world, which holds the engine.
        *world.engine.lock().unwrap() = None;
        *world.routes.lock().unwrap() = None;
        world.with(|state| {
            state.works.clear();
            state.answers.clear();
            state.counts.add(if setting.calm { "nights in which nothing goes wrong" } else { "nights with troubles" });
            state.counts.clone()
        })
    }));
    played.map_err(|why| match why.downcast::<Broken>() {
        Ok(broken) => broken.0,
        Err(why) => {
            let words = why.downcast_ref::<String>().cloned();
            let words = words.or_else(|| why.downcast_ref::<&str>().map(|words| (*words).to_owned()));
            format!("panicked: {}", words.unwrap_or_default())
        }
    })
}

/// What will happen from outside.
fn prepare(world: &std::sync::Arc<World>, setting: &Setting) {
    let mut dice = Dice::new(setting.seed ^ 0xA11);
    let mails = dice.between(1, 6);
    for _ in 0..mails {
        let at = dice.between(setting.begins + SECOND, setting.quiet_at);
        let host = dice.pick(&["db1", "db2", "web1"]);
        let text = match dice.below(20) {
            0..13 => format!("{host} is DOWN"),
            13..16 => format!("{host} is UP"),
            16..18 => format!("{host} is SEEN"),
            _ => format!("> {host} is DOWN\r\n\r\nThanks, I have read it."),
        };
        world.add_mail(at, &text);
        // A storm: the same once more, or several times, within moments.
        while dice.chance(250) {
            world.add_mail(at + dice.between(0, 90 * SECOND), &format!("{host} is DOWN"));
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
        state.plan(setting.quiet_at + dice.between(10 * MINUTE, 10 * HOUR), Happening::Resolve);
    });
}

fn print(counts: &Counts) {
    for (what, count) in &counts.0 {
        println!("{count:>12}  {what}");
    }
}

fn arguments() -> Result<Arguments, String> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from) as u64;
    let mut found = Arguments { nights: NIGHTS, seed: 1, threads, one: None, other: false };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let mut number = || -> Result<u64, String> {
            let value = words.next().ok_or(format!("{word} wants a number"))?;
            value.parse().map_err(|_| format!("{word} wants a number, not {value}"))
        };
        match word.as_str() {
            "--nights" => found.nights = number()?.max(1),
            "--seed" => found.seed = number()?,
            "--threads" => found.threads = number()?.max(1),
            "--one" => found.one = Some(number()?),
            // What `cargo test` hands to every test.
            "--list" | "--ignored" => found.other = true,
            "--test-threads" | "--format" | "--color" | "--skip" => drop(words.next()),
            other if other.starts_with('-') => {}
            name => found.other |= !"nights".contains(name),
        }
    }
    Ok(found)
}

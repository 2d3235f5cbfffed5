//! What a night is like: its people, and what goes wrong in it.

use thialfi::config::Config;

use crate::dice::Dice;

pub const PUBLIC_URL: &str = "https://pager.example.com";
pub const SID: &str = "AC00000000000000000000000000000001";
pub const TOKEN: &str = "a-token-that-only-tests-know";
pub const FROM: &str = "+6498123450";
pub const SECOND: i64 = 1000;
pub const MINUTE: i64 = 60 * SECOND;
pub const HOUR: i64 = 60 * MINUTE;
/// So long after the last trouble somebody comes who ends whatever is open.
pub const MORNING: i64 = HOUR;

/// Who follows up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Follows {
    /// An engine, all night.
    Engine,
    /// An engine that dies and is started again.
    MortalEngine,
    /// The mail server's queue.
    Queue,
}

/// How the provider behaves towards a request that makes something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    Refused,
    TooMany,
    Error,
    ErrorMade,
    DroppedBefore,
    DroppedAfter,
    Hangs,
    HangsMade,
    Unreadable,
    Credentials,
}

pub const FAULTS: [Fault; 10] = [
    Fault::Refused,
    Fault::TooMany,
    Fault::Error,
    Fault::ErrorMade,
    Fault::DroppedBefore,
    Fault::DroppedAfter,
    Fault::Hangs,
    Fault::HangsMade,
    Fault::Unreadable,
    Fault::Credentials,
];

/// One thing that goes wrong at one transaction that writes, counted from the beginning of the night; nothing else breaks
/// in the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mishap {
    /// Nothing: to count the transactions.
    Nothing,
    /// The process dies before it is committed.
    DiesBefore(u64),
    /// The process dies when it has just been committed.
    DiesAfter(u64),
    /// The disk is full.
    Full(u64),
}

/// How often, in a thousand, a phone does what.
#[derive(Debug, Clone, Copy)]
pub struct Temper {
    pub no_answer: u64,
    pub busy: u64,
    pub fails: u64,
    pub mailbox: u64,
    pub hangs_up: u64,
    pub listens: u64,
    pub wrong_key: u64,
    pub passes: u64,
    pub resolves: u64,
    /// Of texts: answered, undelivered.
    pub replies: u64,
    pub undelivered: u64,
}

/// What is so all night.
#[derive(Debug, Clone)]
#[allow(clippy::struct_excessive_bools, reason = "each is a fact of its own about a night")]
pub struct Setting {
    pub seed: u64,
    /// Nothing goes wrong: then there is no excuse.
    pub calm: bool,
    pub follows: Follows,
    pub webhooks: bool,
    pub detection: bool,
    /// When it begins, in milliseconds since 1970.
    pub begins: i64,
    /// From then on nothing goes wrong any more.
    pub quiet_at: i64,
    /// Of a thousand requests.
    pub flaky: u64,
    pub outages: Vec<(i64, i64, Fault)>,
    /// Of ten thousand writes and requests.
    pub crashes: u64,
    /// Of a thousand transactions; of a thousand deliveries, those that cannot open the store.
    pub store_fails: u64,
    pub cannot_open: u64,
    /// In place of crashes and failures by chance.
    pub mishap: Option<Mishap>,
    /// Many alerts within minutes.
    pub storm: bool,
    pub preempted: u64,
    pub callbacks_lost: u64,
    pub callbacks_twice: u64,
    pub callbacks_late: u64,
    pub jumps: Vec<(i64, i64)>,
    pub temper: Temper,
    /// A number that the provider refuses for good.
    pub refused: Option<usize>,
}

impl Setting {
    pub fn of(seed: u64, config: &Config, mishap: Option<Mishap>) -> Self {
        let mut dice = Dice::new(seed);
        let calm = dice.chance(200);
        let begins = begins(&mut dice);
        let quiet_at = begins + dice.between(10 * MINUTE, HOUR);
        let follows = match dice.below(10) {
            0..4 => Follows::Engine,
            4..8 => {
                if calm {
                    Follows::Engine
                } else {
                    Follows::MortalEngine
                }
            }
            _ => Follows::Queue,
        };
        let mut rate = |often: u64, most: u64| if !calm && dice.chance(often) { dice.below(most) + 1 } else { 0 };
        let (flaky, mut crashes, mut store_fails) = (rate(500, 400), rate(500, 300), rate(300, 40));
        let mut cannot_open = rate(150, 300);
        let (callbacks_lost, callbacks_twice, callbacks_late) = (rate(400, 500), rate(400, 500), rate(400, 500));
        let mut outages = Vec::new();
        while !calm && dice.chance(300) && outages.len() < 3 {
            let from = dice.between(begins, quiet_at);
            let until = (from + dice.between(MINUTE, HOUR)).min(quiet_at);
            outages.push((from, until, *dice.pick(&FAULTS)));
        }
        let mut jumps = Vec::new();
        while !calm && dice.chance(200) && jumps.len() < 3 {
            // Our clock stays within an hour of the provider's: further off, its lists cannot be asked by time.
            jumps.push((dice.between(begins, quiet_at), dice.between(-25 * MINUTE, 25 * MINUTE) / 3));
        }
        let temper = *dice.pick(&TEMPERS);
        let mut follows = follows;
        if mishap.is_some() {
            (crashes, store_fails, cannot_open) = (0, 0, 0);
            if follows == Follows::Engine {
                follows = Follows::MortalEngine;
            }
        }
        let refused = (!calm && dice.chance(100)).then(|| dice.below(5) as usize);
        Self {
            seed,
            calm: calm && mishap.is_none(),
            follows,
            webhooks: config.server.public_url.is_some(),
            detection: config.accounts().any(|account| account.machine_detection),
            begins,
            quiet_at,
            flaky,
            outages,
            crashes,
            store_fails,
            cannot_open,
            mishap,
            storm: dice.chance(100),
            preempted: if dice.chance(500) { 60 } else { 0 },
            callbacks_lost,
            callbacks_twice,
            callbacks_late,
            jumps,
            temper,
            refused,
        }
    }
}

const TEMPERS: [Temper; 5] = [
    // People.
    Temper {
        no_answer: 250,
        busy: 80,
        fails: 50,
        mailbox: 150,
        hangs_up: 50,
        listens: 80,
        wrong_key: 60,
        passes: 80,
        resolves: 60,
        replies: 250,
        undelivered: 80,
    },
    // Nobody there.
    Temper {
        no_answer: 500,
        busy: 150,
        fails: 100,
        mailbox: 250,
        hangs_up: 0,
        listens: 0,
        wrong_key: 0,
        passes: 0,
        resolves: 0,
        replies: 0,
        undelivered: 300,
    },
    // Mailboxes.
    Temper {
        no_answer: 50,
        busy: 0,
        fails: 0,
        mailbox: 900,
        hangs_up: 20,
        listens: 10,
        wrong_key: 0,
        passes: 0,
        resolves: 0,
        replies: 30,
        undelivered: 0,
    },
    // Quick.
    Temper {
        no_answer: 30,
        busy: 10,
        fails: 10,
        mailbox: 30,
        hangs_up: 10,
        listens: 30,
        wrong_key: 30,
        passes: 30,
        resolves: 60,
        replies: 500,
        undelivered: 10,
    },
    // Everybody passes it on.
    Temper {
        no_answer: 100,
        busy: 50,
        fails: 50,
        mailbox: 50,
        hangs_up: 100,
        listens: 100,
        wrong_key: 100,
        passes: 350,
        resolves: 20,
        replies: 300,
        undelivered: 50,
    },
];

/// Any evening of two years, often one on which clocks change.
fn begins(dice: &mut Dice) -> i64 {
    const CHANGES: [i64; 8] = [
        1_774_746_000, // Berlin 2026-03-29 01:00 UTC
        1_792_890_000, // Berlin 2026-10-25
        1_775_311_200, // Auckland 2026-04-04 14:00 UTC
        1_790_431_200, // Auckland 2026-09-26
        1_772_953_200, // New York 2026-03-08 07:00 UTC
        1_793_512_800, // New York 2026-11-01 06:00 UTC
        1_775_314_800, // Lord Howe 2026-04-04 15:00 UTC
        1_791_041_400, // Lord Howe 2026-10-03 15:30 UTC
    ];
    if dice.chance(300) {
        *dice.pick(&CHANGES) * SECOND - dice.between(0, 90 * MINUTE)
    } else {
        1_767_225_600 * SECOND + dice.between(0, 730 * 24 * HOUR)
    }
}

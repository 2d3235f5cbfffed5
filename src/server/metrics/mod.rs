//! `/metrics`: what Prometheus is told. What the store has counted, how things stand there, and how we are ourselves: all of it
//! costs the same however many alerts there have been.

mod exposition;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

use jiff::{SignedDuration, Timestamp};

use super::http::{Method, Request, Response};
use super::{ILL_AFTER, Routes};
use crate::config::Config;
use crate::engine::heartbeats;
use crate::heartbeat::State as Beat;
use crate::store::{self, Counter, Gauges, RuleUse, Series, Store, unwanted};

use exposition::{CONTENT_TYPE, Exposition, Kind, label};

/// So many rules have a label of their own.
const MOST_RULES: usize = 1000;
/// Under which the others are added up.
const OTHERS: &str = "(others)";
/// What came from a proxy carries one of these: it is not from this machine, whoever connected.
const FORWARDED: [&str; 3] = ["x-forwarded-for", "x-forwarded-host", "x-forwarded-proto"];

/// What became of requests that say that they are the provider's, since the process began.
#[derive(Debug, Default)]
pub(super) struct Webhooks {
    /// Answered.
    pub ok: AtomicU64,
    /// Without a true signature.
    pub forged: AtomicU64,
    /// The store failed.
    pub failed: AtomicU64,
}

/// What is read from the store, in one go.
struct Known {
    counters: Vec<Counter>,
    rules: Vec<RuleUse>,
    gauges: Gauges,
    /// The heartbeats of the rule file: when the last mail came, and whether one is late.
    heartbeats: BTreeMap<String, (Option<Timestamp>, bool)>,
}

impl Routes {
    /// The metrics, for this machine and for whoever may see the pages.
    pub(super) fn metrics(&self, request: &Request) -> Response {
        if request.method == Method::Post {
            return super::health::only_get();
        }
        if !is_from_here(request) {
            match self.sessions().visitor(request, &self.desk.config) {
                Ok(Some(_)) => {}
                Ok(None) => {
                    let line = "metrics are for this machine, and for tokens of the rule file: `[tokens]`";
                    return Response::text(401, line).with_header("WWW-Authenticate", "Bearer");
                }
                Err(refused) => {
                    let answer = Response::text(refused.status(), &refused.to_string());
                    let answer = match refused.status() {
                        401 => answer.with_header("WWW-Authenticate", "Bearer error=\"invalid_token\""),
                        _ => answer,
                    };
                    return match refused.retry_after() {
                        Some(after) => answer.with_header("Retry-After", &after.to_string()),
                        None => answer,
                    };
                }
            }
        }
        Response::new(200, CONTENT_TYPE, self.measured()).with_header("Cache-Control", "no-store")
    }

    /// A store that fails is no reason to say nothing: that is when somebody looks.
    fn measured(&self) -> String {
        let now = self.desk.now();
        let known = self.with_store(|store| known(store, &self.desk.config, now));
        let mut out = Exposition::default();
        self.tell_process(&mut out, known.is_ok());
        self.tell_provider(&mut out);
        match known {
            Ok(known) => tell_store(&mut out, &known, now),
            Err(error) => tracing::error!(%error, "the store cannot be read for the metrics"),
        }
        out.finish()
    }

    fn tell_process(&self, out: &mut Exposition, can_read: bool) {
        let version = env!("CARGO_PKG_VERSION");
        out.family("thialfi_build_info", Kind::Gauge, "Which thialfi this is.").sample(&[("version", version)], 1);
        let began = milliseconds(self.counter.began_at.as_millisecond());
        out.one("process_start_time_seconds", Kind::Gauge, "When the process began.", began);
        let age = self.pulse().age();
        let turns = age.is_some_and(|age| age <= ILL_AFTER);
        out.one("thialfi_engine_up", Kind::Gauge, "Whether the engine turns.", u8::from(turns));
        if let Some(age) = age {
            let help = "How long ago the engine last turned.";
            out.one("thialfi_engine_turn_age_seconds", Kind::Gauge, help, seconds(age));
        }
        let works = can_read && self.pulse().store_fails().is_none();
        out.one("thialfi_store_up", Kind::Gauge, "Whether the store can be read and written.", u8::from(works));
        let help = "Requests that say that they are the provider's, by what became of them.";
        let webhooks = &self.counter.webhooks;
        out.family("thialfi_webhook_requests_total", Kind::Counter, help);
        for (answer, count) in [("ok", &webhooks.ok), ("forged", &webhooks.forged), ("failed", &webhooks.failed)] {
            out.sample(&[("answer", answer)], count.load(Ordering::Relaxed));
        }
    }

    fn tell_provider(&self, out: &mut Exposition) {
        if self.desk.config.server.public_url.is_some() {
            let reaches = self.pulse().unreachable().is_none();
            let help = "Whether the provider reaches `public_url`, as far as is known.";
            out.one("thialfi_public_url_reached", Kind::Gauge, help, u8::from(reaches));
        }
        out.family("thialfi_provider_alarm", Kind::Gauge, "Whether a provider refuses our credentials.");
        for (provider, refuses) in self.desk.providers.refusing() {
            out.sample(&[("provider", provider)], u8::from(refuses));
        }
    }
}

/// Whether this machine asks: over loopback, and not for somebody else.
fn is_from_here(request: &Request) -> bool {
    let is_loopback = request.remote.is_some_and(|address| address.to_canonical().is_loopback());
    is_loopback && FORWARDED.iter().all(|name| request.header(name).is_none())
}

fn known(store: &mut dyn Store, config: &Config, now: Timestamp) -> store::Result<Known> {
    let seen = heartbeats::stand(config, store, now)?;
    let heartbeats = seen.into_iter().map(|one| {
        let is_late = one.standing.is_some_and(|standing| standing.state == Beat::Late);
        (label(&one.heartbeat.name), (one.sighting.arrived_at, is_late))
    });
    let mut counters = store.counters()?;
    counters.push(Counter::of(Series::Mails, unwanted::WORD, unwanted::counted(&config.store)));
    Ok(Known { heartbeats: heartbeats.collect(), counters, rules: store.rule_uses()?, gauges: store.gauges(now)? })
}

fn tell_store(out: &mut Exposition, known: &Known, now: Timestamp) {
    tell_counters(out, &known.counters);
    tell_rules(out, &known.rules);
    tell_gauges(out, &known.gauges, now);
    tell_heartbeats(out, known, now);
}

fn tell_counters(out: &mut Exposition, counters: &[Counter]) {
    let of = |series| counters.iter().filter(move |counter| counter.series == series);
    let mut family = |series, name, help, labels: &[&str]| {
        out.family(name, Kind::Counter, help);
        for counter in of(series) {
            let labels: Vec<(&str, &str)> =
                labels.iter().copied().zip(counter.labels.iter().map(String::as_str)).collect();
            out.sample(&labels, counter.value);
        }
    };
    let help = "Mails, by what became of them; one that several groups hear of counts for each.";
    family(Series::Mails, "thialfi_mails_total", help, &["verdict"]);
    family(Series::Alerts, "thialfi_alerts_total", "Alerts, by how they changed.", &["change"]);
    let help = "Calls, texts and mails that have ended, by how.";
    let labels = ["channel", "provider", "outcome"];
    family(Series::Attempts, "thialfi_notifications_total", help, &labels);
    let help = "How long it took until somebody had an alert.";
    out.family("thialfi_acknowledge_seconds", Kind::Histogram, help);
    let mut count = 0;
    for counter in of(Series::AcknowledgedWithin) {
        let [bound, ..] = &counter.labels;
        count = counter.value;
        out.sample_of("_bucket", &[("le", bound)], counter.value);
    }
    let sum = of(Series::AcknowledgedMilliseconds).map(|counter| counter.value).sum::<u64>();
    out.sample_of("_sum", &[], milliseconds(i64::try_from(sum).unwrap_or(i64::MAX)));
    out.sample_of("_count", &[], count);
}

/// The rules that are used most, and the others together. Names are the rule file's, as it was: they may be any.
fn tell_rules(out: &mut Exposition, rules: &[RuleUse]) {
    let mut by_use: Vec<&RuleUse> = rules.iter().collect();
    by_use.sort_by_key(|rule| std::cmp::Reverse(rule.mails));
    let (own, others) = by_use.split_at(by_use.len().min(MOST_RULES));
    let mut shown: BTreeMap<String, u64> = BTreeMap::new();
    for rule in own {
        *shown.entry(label(&rule.rule)).or_default() += rule.mails;
    }
    if !others.is_empty() {
        *shown.entry(OTHERS.to_owned()).or_default() += others.iter().map(|rule| rule.mails).sum::<u64>();
    }
    let help = "Mails that a rule matched and that reached the store.";
    out.family("thialfi_rule_mails_total", Kind::Counter, help);
    for (rule, mails) in shown {
        out.sample(&[("rule", &rule)], mails);
    }
}

fn tell_gauges(out: &mut Exposition, gauges: &Gauges, now: Timestamp) {
    out.family("thialfi_alerts", Kind::Gauge, "Alerts in each state.");
    for (state, count) in &gauges.alerts {
        out.sample(&[("state", state.word())], count);
    }
    out.family("thialfi_due", Kind::Gauge, "What should have been done by now.");
    out.sample(&[("what", "alerts")], gauges.due_alerts);
    out.sample(&[("what", "notifications")], gauges.due_notifications);
    out.sample(&[("what", "mails")], gauges.outbox_waiting);
    let overdue = gauges.oldest_due_at.map_or(SignedDuration::ZERO, |at| now.duration_since(at));
    let help = "How long the oldest of what is due has been so.";
    out.one("thialfi_due_seconds", Kind::Gauge, help, seconds(overdue));
    let help = "Notifications that a limit holds back.";
    out.one("thialfi_held_notifications", Kind::Gauge, help, gauges.held_notifications);
    out.one("thialfi_claimed_notifications", Kind::Gauge, "Notifications that are being sent.", gauges.claimed);
}

fn tell_heartbeats(out: &mut Exposition, known: &Known, now: Timestamp) {
    let help = "How long ago the last mail came that must come.";
    out.family("thialfi_heartbeat_age_seconds", Kind::Gauge, help);
    for (name, (came, _)) in &known.heartbeats {
        if let Some(at) = came {
            out.sample(&[("name", name)], seconds(now.duration_since(*at)));
        }
    }
    out.family("thialfi_heartbeat_late", Kind::Gauge, "Whether a mail that must come is late.");
    for (name, (_, is_late)) in &known.heartbeats {
        out.sample(&[("name", name)], u8::from(*is_late));
    }
}

/// Seconds with their thousandths; a clock that was set back makes none negative.
fn seconds(span: SignedDuration) -> String {
    milliseconds(i64::try_from(span.as_millis()).unwrap_or(i64::MAX).max(0))
}

fn milliseconds(count: i64) -> String {
    format!("{}.{:03}", count / 1000, count % 1000)
}

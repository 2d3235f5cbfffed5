//! Rules and their conditions on a page: what each asks for, and what it saw.

use std::fmt::Write as _;

use crate::cli::layout::{BAD, FAINT, GOOD, HEADING, NOTE, PLAIN, Room, Styled, hang};
use crate::cli::terminal;
use crate::rules::{ConditionReport, Judgement, RuleVerdict};

/// A pattern may take so many lines of a page; who wrote a longer one has it in the rule file.
const PATTERN_LINES: usize = 3;

/// Adds all rules of a judgement: the ones that decide bright, what was not asked faint.
pub fn rules(page: &mut String, judgement: &Judgement<'_>, automatic: bool, width: usize) {
    let mut decided: Option<&str> = None;
    let mut told = false;
    for verdict in &judgement.verdicts {
        let name = terminal::one_line(&verdict.rule.name);
        if let (Some(by), false) = (decided, told) {
            let _ = writeln!(page, "  {FAINT}─ not asked, because `{}` decides:{FAINT:#}", terminal::one_line(by));
            told = true;
        }
        rule(page, verdict, &name, decided.is_some(), automatic, width);
        if verdict.matched && verdict.considered && !verdict.rule.goes_on && decided.is_none() {
            decided = Some(&verdict.rule.name);
        }
    }
    if judgement.verdicts.is_empty() {
        let _ = writeln!(page, "  {FAINT}(the rule file has none){FAINT:#}");
    }
}

fn rule(page: &mut String, verdict: &RuleVerdict<'_>, name: &str, late: bool, automatic: bool, width: usize) {
    let passed_over = !late && automatic && !verdict.considered;
    let note = match (verdict.considered, verdict.matched) {
        (true, true) if verdict.rule.goes_on => "  matches, and goes on",
        (true, true) => "  matches",
        (false, _) if passed_over => "  passed over: this is an automatic answer, and the rule has no `auto = true`",
        (false, true) => "  would match",
        (true | false, false) => "",
    };
    let (sign, style) = match (verdict.considered, verdict.matched) {
        (true, true) => ("✓", GOOD.bold()),
        (true, false) => ("✗", PLAIN),
        (false, _) => ("·", FAINT),
    };
    let aside = if verdict.matched && verdict.considered { GOOD } else { FAINT };
    let _ = writeln!(page, "  {style}{sign} {name}{style:#}{aside}{note}{aside:#}");
    if verdict.conditions.is_empty() {
        let _ = writeln!(page, "      {FAINT}no conditions: every mail{FAINT:#}");
    }
    for report in &verdict.conditions {
        condition(page, report, 4, verdict.considered, width);
    }
}

/// Adds a condition, and those within it. What decided (the one that did not hold) is bright.
pub fn condition(page: &mut String, report: &ConditionReport, indent: usize, considered: bool, width: usize) {
    let (sign, sign_style) = match (report.matched, considered) {
        (true, true) => ("✓", GOOD),
        (false, true) => ("✗", BAD),
        (true, false) => ("✓", FAINT),
        (false, false) => ("✗", FAINT),
    };
    let style = if considered { PLAIN } else { FAINT };
    let lead = format!("{sign_style}{sign}{sign_style:#} ");
    let words = terminal::one_line(&report.describes);
    let room = Room { width, most: PATTERN_LINES };
    hang(page, indent, &lead, 2, &Styled { text: &words, style, mark: None }, room);
    if !report.saw.is_empty() {
        let saw = terminal::one_line(&report.saw);
        let mark = considered.then_some(if report.matched { HEADING } else { NOTE });
        let saw = Styled { text: &saw, style: FAINT, mark };
        hang(page, indent + 4, "", 0, &saw, Room { width, most: PATTERN_LINES });
    }
    for within in &report.within {
        condition(page, within, indent + 4, considered, width);
    }
}

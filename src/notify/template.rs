//! The rule file's templates: minijinja with the filters `digits`, `spell`, `first_line`, `truncate`, `random`.
//!
//! What a template says is escaped where it leaves (TwiML, texts, terminal), never here. What can be used is a short
//! list, so that `check` knows all of it and a mail cannot make a template hang or fill the memory: the variables that a
//! mail fills are cut at 16 KiB, the output ends at 64 KiB, the work at 20,000 steps. Who writes the rule file is
//! trusted with more than that.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, OnceLock};

use minijinja::value::Value;
use minijinja::{AutoEscape, Environment, Error, ErrorKind, UndefinedBehavior, functions, tests as is};

mod filters;
mod names;

/// The longest template, in bytes.
const SOURCE_LIMIT: usize = 16 * 1024;
/// A variable or header is cut here, in bytes: nobody listens to more, and filters multiply it.
const VALUE_LIMIT: usize = 16 * 1024;
/// The longest output, in bytes.
const OUTPUT_LIMIT: usize = 64 * 1024;
/// How many steps a template may take; a page of text takes a few hundred.
const FUEL: u64 = 20_000;

/// What templates can use.
#[derive(Debug, Clone, Default)]
pub struct Variables {
    /// By name, in order; a later one of the same name replaces the earlier.
    pub values: Vec<(String, String)>,
    /// Header fields, for `header('NAME')`.
    pub headers: Vec<(String, String)>,
    /// Decides what `random` picks: the same mail, the same pick.
    pub seed: u64,
}

/// Why a template cannot be rendered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct TemplateError {
    /// Lower case, one line.
    pub message: String,
    /// From 1, where known.
    pub line: Option<usize>,
}

/// What `check` learns of a template without rendering it: the names of the variables that it uses, sorted, without
/// those that it sets itself and without functions.
///
/// # Errors
/// When it cannot be parsed, names an unknown filter, test or function, includes another template, or is longer than
/// 16 KiB.
pub fn check(source: &str) -> Result<Vec<String>, TemplateError> {
    let environment = base();
    let template = parse(environment, source)?;
    names::check(source)?;
    let mut variables: Vec<String> = template.undeclared_variables(false).into_iter().collect();
    variables.retain(|name| !names::is_function(name));
    variables.sort_unstable();
    Ok(variables)
}

/// Renders `source`. A variable or header that is missing is an error when it is used: the caller decides what to fall
/// back to. A template that can do without says so: `{% if who %}by {{ who }}{% endif %}`, or
/// `{{ header('X-Project') | default('none') }}`.
///
/// # Errors
/// When it cannot be parsed, a variable is missing, it takes too long, or its output is over 64 KiB.
pub fn render(source: &str, variables: &Variables) -> Result<String, TemplateError> {
    let mut environment = base().clone();
    let headers: Arc<[(String, Value)]> =
        variables.headers.iter().map(|(name, value)| (name.clone(), bounded(value))).collect();
    environment.add_function("header", move |name: &str| {
        let found = headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map_or(Value::UNDEFINED, |(_, value)| value.clone())
    });
    let seed = variables.seed;
    environment.add_filter("random", move |list: &Value| filters::random(list, seed));

    let context: BTreeMap<&str, Value> =
        variables.values.iter().map(|(name, value)| (name.as_str(), bounded(value))).collect();
    let mut output = Output::default();
    let rendered = parse(&environment, source)?.render_captured_to(Value::from(context), &mut output).map(|_| ());
    if output.over {
        return Err(TemplateError { message: format!("it says more than {} KiB", OUTPUT_LIMIT / 1024), line: None });
    }
    rendered.map_err(|error| template_error(&error))?;
    String::from_utf8(output.text).map_err(|error| TemplateError { message: error.to_string(), line: None })
}

fn parse<'e, 's>(
    environment: &'e Environment<'s>,
    source: &'s str,
) -> Result<minijinja::Template<'e, 's>, TemplateError> {
    if source.len() > SOURCE_LIMIT {
        let message = format!("a template of more than {} KiB", SOURCE_LIMIT / 1024);
        return Err(TemplateError { message, line: None });
    }
    environment.template_from_str(source).map_err(|error| template_error(&error))
}

/// All that a template can use, but for what depends on the mail.
fn base() -> &'static Environment<'static> {
    static BASE: OnceLock<Environment<'static>> = OnceLock::new();
    BASE.get_or_init(|| {
        let mut environment = Environment::empty();
        environment.set_auto_escape_callback(|_| AutoEscape::None);
        // Not `Strict`, which would not even let a template ask whether there is such a variable.
        environment.set_undefined_behavior(UndefinedBehavior::SemiStrict);
        environment.set_fuel(Some(FUEL));
        // Lets errors name the variable that is missing.
        environment.set_debug(true);
        filters::add(&mut environment);
        environment.add_function("dict", functions::dict);
        environment.add_test("defined", is::is_defined);
        environment.add_test("undefined", is::is_undefined);
        environment.add_test("none", is::is_none);
        environment.add_test("number", is::is_number);
        environment.add_test("string", is::is_string);
        environment.add_test("odd", is::is_odd);
        environment.add_test("even", is::is_even);
        environment.add_test("divisibleby", is::is_divisibleby);
        environment.add_test("startingwith", is::is_startingwith);
        environment.add_test("endingwith", is::is_endingwith);
        environment.add_test("in", is::is_in);
        environment.add_test("eq", is::is_eq);
        environment.add_test("ne", is::is_ne);
        environment.add_test("lt", is::is_lt);
        environment.add_test("le", is::is_le);
        environment.add_test("gt", is::is_gt);
        environment.add_test("ge", is::is_ge);
        environment
    })
}

fn bounded(value: &str) -> Value {
    let end = (0..=VALUE_LIMIT.min(value.len())).rev().find(|end| value.is_char_boundary(*end));
    Value::from(end.and_then(|end| value.get(..end)).unwrap_or_default())
}

/// Where a template writes: no more than [`OUTPUT_LIMIT`].
#[derive(Default)]
struct Output {
    text: Vec<u8>,
    over: bool,
}

impl io::Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.text.len() + bytes.len() > OUTPUT_LIMIT {
            self.over = true;
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.text.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn template_error(error: &Error) -> TemplateError {
    let detail = error.detail().unwrap_or_default();
    let message = match error.kind() {
        ErrorKind::UndefinedError if detail.is_empty() => "a variable is missing".to_owned(),
        // Their details are sentences of their own: "`who` is undefined".
        ErrorKind::SyntaxError | ErrorKind::UndefinedError => detail.to_owned(),
        ErrorKind::OutOfFuel => "it takes too long".to_owned(),
        kind if detail.is_empty() => kind.to_string(),
        kind => format!("{kind}: {detail}"),
    };
    TemplateError { message: message.split_whitespace().collect::<Vec<_>>().join(" "), line: error.line() }
}

#[cfg(test)]
mod tests;

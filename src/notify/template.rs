//! The rule file's templates: minijinja with the filters `digits`, `spell`, `first_line`, `truncate`, `random`.

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

/// What `check` learns of a template without rendering it.
///
/// # Errors
/// When it cannot be parsed, or names an unknown filter, test or function.
pub fn check(source: &str) -> Result<Vec<String>, TemplateError> {
    // Stand-in for config's tests.
    let mut environment = minijinja::Environment::new();
    for name in ["digits", "spell", "first_line", "truncate", "random"] {
        environment.add_filter(name, |text: String| text);
    }
    environment.add_function("header", |name: String| name);
    let template = environment
        .template_from_str(source)
        .map_err(|error| TemplateError { message: error.to_string().to_lowercase(), line: error.line() })?;
    let mut names: Vec<String> = template.undeclared_variables(false).into_iter().collect();
    names.sort();
    Ok(names)
}

/// Renders `source`. A variable that is missing is an error: the caller decides what to fall back to.
///
/// # Errors
/// When it cannot be parsed, a variable is missing, or its output is over 64 KiB.
pub fn render(source: &str, variables: &Variables) -> Result<String, TemplateError> {
    let _ = (source, variables);
    todo!()
}

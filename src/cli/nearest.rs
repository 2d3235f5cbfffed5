//! A name that nobody knows, and the one that was probably meant.

/// What to add to "there is no …": the name that was probably meant, or all there are.
pub fn nearest<'a>(name: &str, names: impl Iterator<Item = &'a str>) -> String {
    let all: Vec<&str> = names.collect();
    let close = all.iter().map(|known| (strsim::jaro_winkler(name, known), known)).filter(|(score, _)| *score > 0.7);
    match close.max_by(|a, b| a.0.total_cmp(&b.0)) {
        Some((_, known)) => format!("; did you mean `{known}`?"),
        None if all.is_empty() => "; the rule file has none".to_owned(),
        None => format!("; there are {}", all.join(", ")),
    }
}

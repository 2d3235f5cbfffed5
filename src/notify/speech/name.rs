//! Names that are made of several words: `db1.example.com`, `ORA-01653`, `disk_full`, `KubeNodeDown`, `load=5`.

use super::quantity::LONGEST;
use super::tongue::Tongue;
use super::word::{Around, atom, is_figures, spell, starts_with_figure};

/// A word with signs in it: what they part is said for itself, with a pause where there is one.
pub(super) fn compound(core: &str, tongue: &Tongue) -> String {
    if let Some((_, said)) = SHORT.iter().find(|(short, _)| !tongue.german && short.eq_ignore_ascii_case(core)) {
        return (*said).to_owned();
    }
    if let Some((left, right)) = core.split_once('/')
        && is_figures(left)
        && is_figures(right)
    {
        let is_part = (left.len(), left) <= (right.len(), right);
        return format!("{left} {} {right}", if is_part { tongue.of } else { tongue.slash });
    }
    let core = core.replace("->", "→").replace("=>", "→").replace("::", "→");
    let mut said = String::with_capacity(core.len() * 2);
    let mut before = "";
    let mut rest = &*core;
    while !rest.is_empty() {
        let end = rest.find(is_sign).unwrap_or(rest.len());
        let (part, after) = rest.split_at_checked(end).unwrap_or((rest, ""));
        // `HTTP/1.1` is no decimal number.
        let is_version = said.ends_with(' ') && part.contains('.') && core.contains('/');
        let around = Around { before, after: "" };
        let one = if is_version { None } else { atom(part, around, tongue) };
        said.push_str(&one.unwrap_or_else(|| dotted(part, tongue)));
        before = part;
        let sign = after.chars().next();
        rest = after.get(sign.map_or(0, char::len_utf8)..).unwrap_or_default();
        match sign {
            Some(':') if is_port(part, rest) => {
                said.push_str(&format!(", {} ", tongue.port));
                before = "port";
            }
            Some(sign) => said.push_str(&between(sign, part, rest, tongue)),
            None => {}
        }
    }
    said
}

/// Written short, said long.
const SHORT: [(&str, &str); 3] = [("w/o", "without"), ("n/a", "not available"), ("24/7", "24 7")];

fn is_sign(c: char) -> bool {
    let is_ascii_sign = c.is_ascii_punctuation() && !matches!(c, '.' | '-' | '\'' | '$');
    is_ascii_sign || matches!(c, '°' | '→' | '“' | '”' | '„' | '…')
}

/// What is said for a sign between two parts of a word.
fn between(sign: char, left: &str, right: &str, tongue: &Tongue) -> String {
    let is_spelt = left.len() > 1 && left.chars().all(char::is_uppercase);
    let by_letter = right.starts_with(char::is_alphabetic);
    let comparison = |words: &str| if starts_with_figure(right) { format!(" {words} ") } else { " ".to_owned() };
    match sign {
        '@' => format!(" {} ", tongue.at),
        '&' => format!(" {} ", tongue.and),
        '%' => format!(" {} ", tongue.percent),
        '°' => format!(" {} ", tongue.degrees),
        '+' if right.is_empty() => format!(" {}", tongue.plus),
        '>' => comparison(tongue.more),
        '<' => comparison(tongue.less),
        ':' if by_letter => ": ".to_owned(),
        '/' if (is_name(left) || is_spelt) && by_letter => ", ".to_owned(),
        ',' | ';' | '(' | '[' | '→' | '…' if !right.is_empty() => ", ".to_owned(),
        '!' | '?' if !right.is_empty() => format!("{sign} "),
        _ => " ".to_owned(),
    }
}

/// Whether this is the name of a host or a part, and no word.
fn is_name(text: &str) -> bool {
    text.contains(|c: char| c.is_ascii_digit()) || text.contains(['.', '-']) || text == "localhost"
}

fn is_port(host: &str, port: &str) -> bool {
    is_name(host)
        && host.contains(|c: char| c.is_alphabetic() || c == '.')
        && (2..=5).contains(&port.len())
        && is_figures(port)
}

/// Letters, figures, dots and dashes.
fn dotted(text: &str, tongue: &Tongue) -> String {
    let apart = text.contains(|c: char| c.is_ascii_digit()) || text.contains('.') || has_capital_part(text);
    let labels: Vec<&str> = text.split('.').collect();
    let mut said = String::with_capacity(text.len() * 2);
    let is_host = is_host(&labels);
    for (index, label) in labels.iter().enumerate() {
        if index > 0 {
            // `Full.Please`: a sentence that begins without a space. And `e.g.` is read as it stands.
            let is_sentence = label.starts_with(char::is_uppercase);
            match (is_host, is_sentence) {
                (true, _) => said.push_str(&format!(" {} ", tongue.dot)),
                (false, true) => said.push_str(". "),
                (false, false) => said.push('.'),
            }
        }
        let apart = apart || label.split('-').any(|part| part.len() > 1 && simple(part, tongue).ends_spelt());
        if apart {
            said.push_str(&in_parts(label, tongue));
        } else {
            said.push_str(&simple(label, tongue).words());
        }
    }
    said
}

/// What dashes part; with a pause where both sides are spelt: `O R A, 0 1 6 5 3`.
fn in_parts(label: &str, tongue: &Tongue) -> String {
    let mut said = String::new();
    let mut was_spelt = false;
    for part in label.split('-').filter(|part| !part.is_empty()) {
        let runs = simple(part, tongue);
        if !said.is_empty() {
            said.push_str(if was_spelt && runs.begins_spelt() { ", " } else { " " });
        }
        said.push_str(&runs.words());
        was_spelt = runs.ends_spelt();
    }
    said
}

/// Names of hosts and files, and versions: not `e.g`, and not a sentence that begins without a space.
fn is_host(labels: &[&str]) -> bool {
    let is_label = |label: &&str| !label.is_empty() && label.chars().all(|c| c.is_alphanumeric() || c == '-');
    let has_word = labels.iter().any(|label| label.chars().count() > 1);
    let has_figure = labels.iter().any(|label| label.contains(|c: char| c.is_ascii_digit()));
    let is_sentence = labels.len() == 2
        && labels.last().is_some_and(|last| last.starts_with(char::is_uppercase) && last.contains(char::is_lowercase));
    labels.len() > 1 && labels.iter().all(is_label) && (has_word || has_figure) && !is_sentence
}

fn has_capital_part(text: &str) -> bool {
    text.split('-').any(|part| part.len() > 1 && part.chars().all(char::is_uppercase))
}

/// Letters and figures without a sign between them, run by run.
struct Runs(Vec<String>);

impl Runs {
    fn words(&self) -> String {
        self.0.join(" ")
    }

    fn begins_spelt(&self) -> bool {
        self.0.first().is_some_and(|run| run.len() > 1 && is_spelt(run))
    }

    fn ends_spelt(&self) -> bool {
        self.0.last().is_some_and(|run| is_spelt(run))
    }
}

/// Whether words begin with a code, character by character.
pub(super) fn begins_spelt(words: &str) -> bool {
    let mut words = words.split(' ');
    words.next().is_some_and(is_spelt) && words.next().is_some_and(is_spelt)
}

/// Whether words end with one.
pub(super) fn ends_spelt(words: &str) -> bool {
    let mut words = words.rsplit(' ');
    words.next().is_some_and(is_spelt) && words.next().is_some_and(is_spelt)
}

/// Whether every character stands for itself.
fn is_spelt(run: &str) -> bool {
    run.split(' ').all(|word| word.chars().count() == 1)
}

fn simple(word: &str, tongue: &Tongue) -> Runs {
    let ordinal = ["st", "nd", "rd", "th"].iter().any(|end| word.strip_suffix(end).is_some_and(is_figures));
    if word.is_empty() || ordinal || word == "VMware" {
        return Runs(vec![word.to_owned()]);
    }
    let mut runs: Vec<String> = Vec::new();
    for (index, c) in word.char_indices() {
        let after = word.get(index + c.len_utf8()..).unwrap_or_default();
        let joins = runs.last().and_then(|run| Some((run, run.chars().next_back()?))).is_some_and(|(run, last)| {
            let is_hump = c.is_uppercase() && last.is_lowercase();
            // The last capital of `HTTPServer` begins a word; that of `URLs` and of `IPv6` does not.
            let small = after.chars().take(2).take_while(|c| c.is_lowercase()).count();
            let begins = c.is_uppercase() && last.is_uppercase() && small > 1;
            let may_be_alone = c.is_lowercase() && last.is_uppercase() && small == 0 && c != 's';
            let is_alone = may_be_alone && run.len() > 1 && run.chars().all(char::is_uppercase);
            last.is_ascii_digit() == c.is_ascii_digit() && !is_hump && !begins && !is_alone
        });
        match runs.last_mut() {
            Some(run) if joins => run.push(c),
            Some(_) | None => runs.push(c.to_string()),
        }
    }
    let mixed = runs.len() > 1;
    let said = runs.iter().map(|run| if is_figures(run) { figures(run, mixed) } else { letters(run, tongue) });
    Runs(said.collect())
}

fn figures(run: &str, mixed: bool) -> String {
    let one_by_one = run.len() > 1 && run.starts_with('0') || run.len() >= if mixed { 3 } else { LONGEST + 1 };
    // A figure that stands for a part of a code (`ORA-01653`, `OPS-1234`) is heard apart as well.
    if one_by_one || !mixed && run.len() >= 4 { spell(run) } else { run.to_owned() }
}

/// Capitals are letters or shouted words; a word that nobody can pronounce is spelt.
fn letters(run: &str, tongue: &Tongue) -> String {
    let count = run.chars().count();
    if !run.chars().all(char::is_alphabetic) || count < 2 {
        return run.to_owned();
    }
    let lower = run.to_lowercase();
    if let Some((_, said)) = KNOWN.iter().find(|(name, _)| *name == lower) {
        return (*said).to_owned();
    }
    if run == "Id" {
        return spell(run);
    }
    let has_vowel = lower.contains(is_vowel);
    if run.chars().all(char::is_uppercase) {
        if let Some(word) = run.strip_prefix("SQL").filter(|word| word.len() > 3) {
            return format!("S Q L {}", letters(word, tongue));
        }
        return match run {
            "OK" => run.to_owned(),
            "CRIT" if !tongue.german => "critical".to_owned(),
            "WARN" if !tongue.german => "warning".to_owned(),
            "ERR" if !tongue.german => "error".to_owned(),
            _ if tongue.short_words.contains(&run) => lower,
            _ if count <= 3 || !has_vowel || SPELT.contains(&run) || !begins_like_a_word(&lower) => spell(run),
            _ => with_spelt_end(&lower),
        };
    }
    if run.is_ascii() && run.chars().all(char::is_lowercase) {
        let is_spoken = ["vs", "mr", "dr", "st", "pst", "hmm", "nr", "bzw", "tps"].contains(&run);
        let is_device = count == 3 && (run.starts_with("sd") || run.starts_with("vd") && run != "vds");
        if !is_spoken && (count <= 6 && !has_vowel || is_device || ["id", "ip", "io"].contains(&run)) {
            return spell(run);
        }
        return with_spelt_end(run);
    }
    run.to_owned()
}

/// Names that no voice can read, as their users say them.
const KNOWN: [(&str, &str); 4] =
    [("nginx", "engine X"), ("systemd", "system D"), ("postgresql", "postgres Q L"), ("etcd", "E T C D")];

/// Words in capitals that look as if they could be read, and are not.
const SPELT: [&str; 8] = ["LDAP", "IMAP", "IPMI", "UUID", "ACPI", "IOPS", "EDAC", "OLAP"];

/// `proddb` is `prod D B`, `mysql` is `my S Q L`.
fn with_spelt_end(word: &str) -> String {
    for end in ["sql", "db"] {
        if let Some(start) = word.strip_suffix(end)
            && start.contains(is_vowel)
            && start.len() > 1
        {
            return format!("{start} {}", spell(end));
        }
    }
    word.to_owned()
}

fn is_vowel(c: char) -> bool {
    "aeiouyäöü".contains(c)
}

/// Whether English or German words begin with such consonants: those of `RMAN` and `SCSI` are letters.
fn begins_like_a_word(lower: &str) -> bool {
    const BEGINNINGS: [&str; 52] = [
        "bl", "br", "ch", "chr", "cl", "cr", "dr", "dw", "fl", "fr", "gh", "gl", "gn", "gr", "kl", "kn", "kr", "pf",
        "pfl", "ph", "phr", "pl", "pr", "ps", "rh", "sc", "sch", "schl", "schm", "schn", "schr", "schw", "scr", "sh",
        "shr", "sk", "sl", "sm", "sn", "sp", "spl", "spr", "st", "str", "sw", "th", "thr", "tr", "tw", "wh", "wr",
        "zw",
    ];
    let consonants = lower.find(is_vowel).and_then(|end| lower.get(..end)).unwrap_or_default();
    consonants.chars().count() < 2 || BEGINNINGS.contains(&consonants) || consonants == "sq"
}

//! A validator for the keywords that the schema uses, and what it is held against.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::{Map, Value, json};

use super::super::Config;
use super::SCHEMA;

fn schema() -> Value {
    serde_json::from_str(SCHEMA).unwrap()
}

/// What is wrong with `value`, by JSON pointer.
fn validate(root: &Value, schema: &Value, value: &Value, at: &str, wrong: &mut Vec<String>) {
    let fields = schema.as_object().unwrap_or_else(|| panic!("{at}: {schema} is no schema"));
    for (keyword, rule) in fields {
        match keyword.as_str() {
            "$schema" | "$defs" | "title" | "description" | "examples" | "default" => {}
            "$ref" => {
                let pointer = rule.as_str().unwrap().strip_prefix('#').unwrap();
                validate(root, root.pointer(pointer).unwrap_or_else(|| panic!("{rule}")), value, at, wrong);
            }
            "anyOf" => {
                let fits = |schema: &Value| {
                    let mut inner = Vec::new();
                    validate(root, schema, value, at, &mut inner);
                    inner.is_empty()
                };
                if !rule.as_array().unwrap().iter().any(fits) {
                    wrong.push(format!("{at}: fits none of anyOf"));
                }
            }
            "type" => {
                let types = rule.as_array().cloned().unwrap_or_else(|| vec![rule.clone()]);
                if !types.iter().any(|kind| is(kind.as_str().unwrap(), value)) {
                    wrong.push(format!("{at}: is no {rule}"));
                }
            }
            "enum" => check(rule.as_array().unwrap().contains(value), at, "is none of enum", wrong),
            "const" => check(rule == value, at, "is not const", wrong),
            _ => match value {
                Value::Object(object) => validate_object(root, fields, (keyword, rule), object, at, wrong),
                Value::Array(items) => match keyword.as_str() {
                    "items" => {
                        for (index, item) in items.iter().enumerate() {
                            validate(root, rule, item, &format!("{at}/{index}"), wrong);
                        }
                    }
                    "minItems" => check(items.len() as u64 >= rule.as_u64().unwrap(), at, "has too few items", wrong),
                    other => known(other),
                },
                Value::String(text) => match keyword.as_str() {
                    "pattern" => {
                        check(regex::Regex::new(rule.as_str().unwrap()).unwrap().is_match(text), at, "pattern", wrong);
                    }
                    "minLength" => check(text.chars().count() as u64 >= rule.as_u64().unwrap(), at, "is short", wrong),
                    other => known(other),
                },
                Value::Number(number) => match keyword.as_str() {
                    "minimum" => check(number.as_f64() >= rule.as_f64(), at, "is too small", wrong),
                    "maximum" => check(number.as_f64() <= rule.as_f64(), at, "is too large", wrong),
                    other => known(other),
                },
                Value::Null | Value::Bool(_) => known(keyword),
            },
        }
    }
}

fn validate_object(
    root: &Value,
    schema: &Map<String, Value>,
    (keyword, rule): (&str, &Value),
    object: &Map<String, Value>,
    at: &str,
    wrong: &mut Vec<String>,
) {
    let names = |list: &Value| -> Vec<String> {
        list.as_array().unwrap().iter().map(|name| name.as_str().unwrap().to_owned()).collect()
    };
    match keyword {
        "properties" => {
            for (name, schema) in rule.as_object().unwrap() {
                if let Some(value) = object.get(name) {
                    validate(root, schema, value, &format!("{at}/{name}"), wrong);
                }
            }
        }
        "additionalProperties" => {
            let described = schema.get("properties").and_then(Value::as_object);
            for (name, value) in
                object.iter().filter(|(name, _)| described.is_none_or(|described| !described.contains_key(*name)))
            {
                if *rule == json!(false) {
                    wrong.push(format!("{at}/{name}: is unknown"));
                } else {
                    validate(root, rule, value, &format!("{at}/{name}"), wrong);
                }
            }
        }
        "propertyNames" => {
            for name in object.keys() {
                validate(root, rule, &json!(name), &format!("{at}/{name}"), wrong);
            }
        }
        "required" => check(names(rule).iter().all(|name| object.contains_key(name)), at, "lacks a key", wrong),
        "dependentRequired" => {
            for (name, needed) in rule.as_object().unwrap().iter().filter(|(name, _)| object.contains_key(*name)) {
                check(names(needed).iter().all(|name| object.contains_key(name)), at, name, wrong);
            }
        }
        "minProperties" => check(object.len() as u64 >= rule.as_u64().unwrap(), at, "is empty", wrong),
        other => known(other),
    }
}

fn check(holds: bool, at: &str, complaint: &str, wrong: &mut Vec<String>) {
    if !holds {
        wrong.push(format!("{at}: {complaint}"));
    }
}

/// Keywords for another kind of value are passed over; one that this validator does not know must not be.
fn known(keyword: &str) {
    const ALL: [&str; 13] = [
        "properties",
        "additionalProperties",
        "propertyNames",
        "required",
        "dependentRequired",
        "minProperties",
        "items",
        "minItems",
        "pattern",
        "minLength",
        "minimum",
        "maximum",
        "title",
    ];
    assert!(ALL.contains(&keyword), "the validator does not know `{keyword}`");
}

fn is(kind: &str, value: &Value) -> bool {
    match kind {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64(),
        "number" => value.is_number(),
        other => panic!("no type {other}"),
    }
}

/// As editors see TOML: dates and times are texts.
fn as_json(value: &toml::Value) -> Value {
    match value {
        toml::Value::Table(table) => table.iter().map(|(key, value)| (key.clone(), as_json(value))).collect(),
        toml::Value::Array(items) => items.iter().map(as_json).collect(),
        toml::Value::Datetime(moment) => json!(moment.to_string()),
        toml::Value::String(text) => json!(text),
        toml::Value::Integer(number) => json!(number),
        toml::Value::Float(number) => json!(number),
        toml::Value::Boolean(truth) => json!(truth),
    }
}

fn complaints(text: &str) -> Vec<String> {
    let table: toml::Table = text.parse().unwrap();
    let mut wrong = Vec::new();
    validate(&schema(), &schema(), &as_json(&toml::Value::Table(table)), "", &mut wrong);
    wrong
}

/// The places of the rule file that have keys of their own: a rule file with a key there that does not exist, and
/// where the schema describes the place.
const PLACES: &[(&str, &str)] = &[
    ("ZZ = 1", ""),
    ("[twilio]\nZZ = 1", "/properties/twilio"),
    ("[server]\nZZ = 1", "/properties/server"),
    ("[store]\nZZ = 1", "/properties/store"),
    ("[voice]\nZZ = 1", "/properties/voice"),
    ("[defaults]\nZZ = 1", "/properties/defaults"),
    ("[limits]\nZZ = 1", "/$defs/limits"),
    ("[contacts]\nx = { limits = { ZZ = 1 } }", "/$defs/limits"),
    ("[delivery]\nZZ = 1", "/properties/delivery"),
    ("[contacts]\nx = { ZZ = 1 }", "/$defs/contact"),
    ("[groups]\nx = { ZZ = 1 }", "/$defs/group"),
    ("[contacts]\nx = {}\n[groups.x]\nmembers = [\"x\"]\nforward = { ZZ = 1 }", "/$defs/forward"),
    ("[groups.x]\nrotation = { ZZ = 1 }", "/$defs/rotation"),
    ("[groups.x]\nlayers = [ { ZZ = 1 } ]", "/$defs/layer"),
    ("[groups.x]\nlayers = [ { only = { ZZ = 1 } } ]", "/$defs/hours"),
    (
        "[contacts]\nx = {}\n[groups.x]\nmembers = [\"x\"]\nsecondary = { offset = 1, ZZ = 1 }",
        "/$defs/secondary/anyOf/1",
    ),
    ("[policies]\nx = { ZZ = 1 }", "/$defs/policy"),
    ("[policies]\nx = { steps = [ { ZZ = 1 } ] }", "/$defs/step"),
    ("[recipients]\n'a@b' = { ZZ = 1 }", "/$defs/recipient"),
    ("[[rules]]\nZZ = 1", "/$defs/rule"),
    ("[[rules]]\nwhen = [ { ZZ = 1 } ]", "/$defs/condition"),
    ("[[heartbeats]]\nZZ = 1", "/properties/heartbeats/items"),
    ("[self_test]\nZZ = 1", "/properties/self_test"),
    ("[[tests]]\nZZ = 1", "/$defs/test"),
    ("[users.x]\nZZ = 1", "/$defs/user"),
    ("[tokens.x]\nZZ = 1", "/$defs/token"),
    ("[server]\nproxy = { ZZ = 1 }", "/$defs/proxy"),
];

/// The keys that the reader knows at a place, as its hint lists them.
fn keys_of_the_reader(text: &str) -> BTreeSet<String> {
    // Like no key that there is, so that the hint lists all instead of guessing.
    let text = text.replace("ZZ", "zz-no-such-key-zz");
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("rules.toml");
    std::fs::write(&path, &text).unwrap();
    let report = Config::check(&path, &|_| None);
    let found = report.diagnostics.0.iter().find(|one| one.message.contains("zz-no-such-key-zz"));
    let hint = found.and_then(|one| one.hint.clone()).unwrap_or_else(|| panic!("{text}: {:#?}", report.diagnostics));
    let list = hint.strip_prefix("known here: ").unwrap_or_else(|| panic!("{hint}"));
    list.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

#[test]
fn the_schema_has_the_keys_that_the_reader_knows_and_no_others() {
    let schema = schema();
    for (text, pointer) in PLACES {
        let properties = schema.pointer(&format!("{pointer}/properties")).unwrap_or_else(|| panic!("{pointer}"));
        let described: BTreeSet<String> = properties.as_object().unwrap().keys().cloned().collect();
        assert_eq!(described, keys_of_the_reader(text), "{text}");
        let refused = complaints(&text.replace("ZZ", "zz"));
        assert!(
            refused.iter().any(|one| one.contains("zz: is unknown") || one.contains("anyOf")),
            "{text}: {refused:?}"
        );
    }
}

#[test]
fn every_place_of_the_schema_is_held_against_the_reader() {
    fn closed(value: &Value, pointer: &str, found: &mut Vec<String>) {
        if let Value::Object(fields) = value {
            if fields.get("additionalProperties") == Some(&json!(false)) {
                found.push(pointer.to_owned());
            }
            for (name, inner) in fields {
                closed(inner, &format!("{pointer}/{name}"), found);
            }
        }
    }
    let mut found = Vec::new();
    closed(&schema(), "", &mut found);
    for pointer in found {
        assert!(PLACES.iter().any(|(_, known)| *known == pointer), "{pointer}");
    }
}

#[test]
fn every_rule_file_of_the_repository_fits_the_schema() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = vec![root.join("rules.example.toml"), root.join("src/cli/demo.toml")];
    let examples = std::fs::read_dir(root.join("examples")).unwrap().map(|entry| entry.unwrap().path());
    files.extend(examples.filter(|path| path.extension().is_some_and(|extension| extension == "toml")));
    assert!(files.len() > 2);
    for file in files {
        assert_eq!(complaints(&std::fs::read_to_string(&file).unwrap()), Vec::<String>::new(), "{}", file.display());
    }
}

#[test]
fn what_the_reader_takes_fits() {
    for condition in [
        "size = '> 5 MiB'",
        "size = '<=10k'",
        "size = '>= 0'",
        "size = '< 12 Bytes'",
        "between = '8:00-24:00'",
        "between = ' 22:00 - 07:00  Europe/Berlin '",
        "on = 'Sat,Sun'",
        "on = 'MONDAY - fri, sunday Pacific/Auckland'",
        "count = '10000 in 1 day'",
        "count = '02 in 10m'",
    ] {
        let text = format!("[[rules]]\nname = \"x\"\naction = \"ignore\"\nwhen = [ {{ {condition} }} ]");
        assert_eq!(complaints(&text), Vec::<String>::new(), "{condition}");
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("rules.toml");
        std::fs::write(&path, &text).unwrap();
        assert_eq!(Config::check(&path, &|_| None).diagnostics.errors(), 0, "{condition}");
    }
}

#[test]
fn what_the_reader_refuses_is_refused() {
    for text in [
        "[contacts]\nx = { phone = \"0211110001\" }",
        "[[rules]]\nname = \"x\"\nwhen = []\naction = \"phone\"",
        "[[rules]]\nname = \"x\"\naction = \"call\"",
        "[[rules]]\nname = \"x\"\naction = \"call\"\nwhen = [ {} ]",
        "[[rules]]\nname = \"x\"\naction = \"call\"\nwhen = [ { matches = 'x' } ]",
        "[[rules]]\nname = \"x\"\naction = \"call\"\nwhen = [ { size = '> 5 TB' } ]",
        "[[rules]]\nname = \"x\"\naction = \"call\"\nwhen = [ { between = '22:00' } ]",
        "[[rules]]\nname = \"x\"\naction = \"call\"\nwhen = [ { between = '25:00-07:00' } ]",
        "[[rules]]\nname = \"x\"\naction = \"call\"\nwhen = [ { on = 'Weekend' } ]",
        "[[rules]]\nname = \"x\"\naction = \"call\"\nwhen = [ { count = '1 in 10m' } ]",
        "[policies.x]\nsteps = []",
        "[groups.x]\nrotation = { start = \"2026-11-02\" }",
        "[groups.x]\nlayers = []",
        "[groups.x]\nlayers = [ { members = \"a\", only = {} } ]",
        "[groups.x]\nsecondary = \"simon\"",
        "[policies.x]\nsteps = [ { notify = \"nobody\" } ]",
        "[policies.x]\nsteps = [ { notify = \"oncall\", attempts = 0 } ]",
        "[twilio]\naccount_sid = \"AC\"\nauth_token = { env = \"X\" }",
        "[server]\npublic_url = \"pager.example.com\"",
        "[defaults]\nunmatched = \"call\"",
        "[[tests]]\nrule = \"x\"",
        "[users.x]\nrole = \"root\"",
        "[tokens.x]\nsha256 = \"abc\"",
        "[tokens.x]\nrole = \"view\"",
        "[server]\nlink = \"yes\"",
        "[server]\nproxy = { user_header = \"Remote-User\" }",
        "[server]\nproxy = { addresses = \"unix\", role = \"view\" }",
    ] {
        assert_ne!(complaints(text), Vec::<String>::new(), "{text}");
    }
}

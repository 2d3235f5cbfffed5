//! Values, tables and keys of a parsed file, each with its place.

use toml::de::{DeTable, DeValue};

/// Where something stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct At {
    /// The index of the document.
    pub file: usize,
    /// Its first byte.
    pub start: usize,
    /// The byte after its last.
    pub end: usize,
}

impl At {
    /// The whole of the main file: what is missing has no place.
    pub const MAIN_FILE: Self = Self { file: 0, start: usize::MAX, end: usize::MAX };

    pub fn new(file: usize, span: std::ops::Range<usize>) -> Self {
        Self { file, start: span.start, end: span.end }
    }
}

/// A value and its place.
#[derive(Clone, Copy)]
pub(super) struct Value<'a> {
    pub at: At,
    pub raw: &'a DeValue<'a>,
}

/// A table and its place: its header, or the whole of an inline table.
#[derive(Clone, Copy)]
pub(super) struct Table<'a> {
    pub at: At,
    pub entries: &'a DeTable<'a>,
}

/// A key and its value.
#[derive(Clone, Copy)]
pub(super) struct Entry<'a> {
    pub key: &'a str,
    pub key_at: At,
    pub value: Value<'a>,
}

impl<'a> Value<'a> {
    /// The text, if it is one.
    pub fn as_text(self) -> Option<&'a str> {
        self.raw.as_str()
    }

    /// Whether it is a table.
    pub fn is_table(self) -> bool {
        self.raw.is_table()
    }

    /// Whether it is a list.
    pub fn is_list(self) -> bool {
        self.raw.is_array()
    }

    /// A date without time and zone, written without quotes.
    pub fn as_date(self) -> Option<String> {
        let moment = self.raw.as_datetime()?;
        (moment.time.is_none() && moment.offset.is_none()).then(|| moment.to_string())
    }

    /// What a setting of a provider says, as text: a text, number or boolean.
    pub fn scalar(self) -> Option<String> {
        match self.raw {
            DeValue::String(text) => Some(text.to_string()),
            DeValue::Integer(number) => Some(number.to_string()),
            DeValue::Float(number) => Some(number.to_string()),
            DeValue::Boolean(truth) => Some(truth.to_string()),
            DeValue::Datetime(_) | DeValue::Array(_) | DeValue::Table(_) => None,
        }
    }

    /// What it is, with its article.
    pub fn kind(self) -> &'static str {
        match self.raw {
            DeValue::String(_) => "a text",
            DeValue::Integer(_) => "a whole number",
            DeValue::Float(_) => "a number",
            DeValue::Boolean(_) => "`true` or `false`",
            DeValue::Datetime(_) => "a date or time",
            DeValue::Array(_) => "a list",
            DeValue::Table(_) => "a table",
        }
    }
}

impl<'a> Table<'a> {
    /// The value of a key.
    pub fn get(self, key: &str) -> Option<Value<'a>> {
        let value = self.entries.get(key)?;
        Some(Value { at: At::new(self.at.file, value.span()), raw: value.get_ref() })
    }

    /// All keys and values, in the order of the file.
    pub fn entries(self) -> Vec<Entry<'a>> {
        let file = self.at.file;
        let mut entries: Vec<Entry<'a>> = self
            .entries
            .iter()
            .map(|(key, value)| Entry {
                key: key.get_ref(),
                key_at: At::new(file, key.span()),
                value: Value { at: At::new(file, value.span()), raw: value.get_ref() },
            })
            .collect();
        entries.sort_by_key(|entry| entry.key_at.start);
        entries
    }

    /// Whether there is nothing in it.
    pub fn is_empty(self) -> bool {
        self.entries.is_empty()
    }
}

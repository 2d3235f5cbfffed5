//! The JSON schema of the rule file (draft 2020-12), for editors. It is written by hand; a test holds every key of it
//! against what the reader knows, and every rule file of this repository against it.

/// The schema.
pub const SCHEMA: &str = include_str!("schema.json");

#[cfg(test)]
mod tests;

//! The rule file as a whole.

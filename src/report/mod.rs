//! What is shown of alerts and of who is on call, whoever asks: objects for machines, tables for spreadsheets.

pub mod alert;
pub mod csv;
pub mod duty;
pub mod story;

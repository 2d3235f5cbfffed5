//! What the user types: one file per subcommand.
pub mod check;

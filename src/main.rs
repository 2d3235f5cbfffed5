//! The `thialfi` command: arguments, run, exit status.

use std::process::ExitCode;

fn main() -> ExitCode {
    thialfi::cli::run(std::env::args_os()).into()
}

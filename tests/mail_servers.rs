//! The files for mail servers, under the real programs. A program that is not installed is skipped, and the test says so;
//! `tests/run` installs them.

mod dovecot;
mod exim;
mod filters;
mod mta;
mod opensmtpd;
mod postfix;

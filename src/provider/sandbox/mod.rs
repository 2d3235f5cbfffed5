//! Twilio's telephone network in a box, on loopback: what tests, `demo` and anybody's staging use.

//! Alerts as a table for a spreadsheet (RFC 4180).

use crate::alert::Alert;
use crate::notify::clean::is_hidden;

/// The report of the old Thialfi, a line for each address of each alert, the newest first (RFC 4180).
pub fn alerts(alerts: &[Alert]) -> String {
    let mut text = String::from("timestamp,id,status,recipient,group\r\n");
    for alert in alerts {
        let nobody = [String::new()];
        let recipients = if alert.recipients.is_empty() { &nobody[..] } else { &alert.recipients };
        for recipient in recipients {
            let opened = alert.opened_at.to_string();
            let (id, group) = (alert.id.to_string(), alert.group.to_string());
            let fields = [opened.as_str(), &id, alert.state.word(), recipient, &group].map(field);
            text.push_str(&fields.join(","));
            text.push_str("\r\n");
        }
    }
    text
}

/// A field that a spreadsheet reads as text: quoted where it must be, and never as a formula (OWASP "CSV Injection").
fn field(value: &str) -> String {
    let is_formula = value.starts_with(['\t', '\r', '\n']) || value.trim_start().starts_with(['=', '+', '-', '@']);
    let visible = value.chars().filter(|c| c.is_whitespace() || !is_hidden(*c));
    let clean: String = visible.map(|c| if c.is_control() { ' ' } else { c }).collect();
    let clean = if is_formula { format!("'{clean}") } else { clean };
    if clean.contains([',', '"']) { format!("\"{}\"", clean.replace('"', "\"\"")) } else { clean }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_no_formula_and_no_new_line() {
        assert_eq!(field("=1+1"), "'=1+1");
        assert_eq!(field("+1"), "'+1");
        assert_eq!(field("-1"), "'-1");
        assert_eq!(field("@SUM(A1)"), "'@SUM(A1)");
        assert_eq!(field("\t=1"), "' =1");
        assert_eq!(field("\rx"), "' x");
        assert_eq!(field(" =1"), "' =1");
        assert_eq!(field("=1,\"a\""), "\"'=1,\"\"a\"\"\"");
        assert_eq!(field("a,\"b\"\nc"), "\"a,\"\"b\"\" c\"");
        assert_eq!(field("plain@example.com"), "plain@example.com");
    }
}

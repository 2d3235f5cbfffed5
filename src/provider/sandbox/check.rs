//! What Twilio refuses, with its codes: <https://www.twilio.com/docs/api/errors>. Parameters that are not known are
//! ignored, as there.

use crate::oncall::Phone;

/// The parameters of a request.
pub(super) struct Form<'a>(pub &'a [(String, String)]);

impl<'a> Form<'a> {
    /// The value of the parameter `name`, when it is there and not empty.
    pub fn get(&self, name: &str) -> Option<&'a str> {
        self.0.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    }

    fn all(&self, name: &str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(n, _)| n == name).map(|(_, value)| value.as_str())
    }
}

/// The code with which a call is refused.
pub(super) fn call(form: &Form) -> Result<(), u32> {
    let to = form.get("To").ok_or(21201_u32)?;
    match to {
        "+15005550001" => return Err(21217),
        "+15005550002" => return Err(21214),
        "+15005550003" => return Err(21215),
        "+15005550004" => return Err(21216),
        _ if !is_number(to) => return Err(21211),
        _ => {}
    }
    let from = form.get("From").ok_or(21213_u32)?;
    if from == "+15005550001" || !is_number(from) {
        return Err(21212);
    }
    match (form.get("Url"), form.get("Twiml")) {
        (None, None) => return Err(21205),
        (Some(url), _) if !is_url(url) => return Err(21205),
        (None, Some(document)) if document.chars().count() > 4000 => return Err(21621),
        _ => {}
    }
    if form.get("StatusCallback").is_some_and(|url| !is_url(url)) {
        return Err(21609);
    }
    let events = ["initiated", "ringing", "answered", "completed"];
    if !form.all("StatusCallbackEvent").all(|event| events.contains(&event)) {
        return Err(21626);
    }
    let in_range =
        |name, most| form.get(name).is_none_or(|text| text.parse().is_ok_and(|n: u32| (1..=most).contains(&n)));
    if !in_range("Timeout", 600) || !in_range("TimeLimit", 86_400) {
        return Err(20001);
    }
    if form.get("MachineDetection").is_some_and(|value| !["Enable", "DetectMessageEnd", "None"].contains(&value)) {
        return Err(20001);
    }
    Ok(())
}

/// The code with which a text is refused.
pub(super) fn text(form: &Form) -> Result<(), u32> {
    let to = form.get("To").ok_or(21604_u32)?;
    match to {
        "+15005550001" => return Err(21211),
        "+15005550002" => return Err(21612),
        "+15005550003" => return Err(21408),
        "+15005550004" => return Err(21610),
        "+15005550009" => return Err(21614),
        _ if !is_number(to) => return Err(21211),
        _ => {}
    }
    match (form.get("From"), form.get("MessagingServiceSid")) {
        (_, Some(service)) if service.len() == 34 && service.starts_with("MG") => {}
        (_, Some(_)) => return Err(21703),
        (None, None) => return Err(21603),
        (Some("+15005550001"), _) => return Err(21212),
        (Some("+15005550007"), _) => return Err(21606),
        (Some("+15005550008"), _) => return Err(21611),
        (Some(from), _) if !is_number(from) => return Err(21212),
        (Some(_), None) => {}
    }
    let body = form.get("Body").ok_or(21602_u32)?;
    if body.chars().count() > 1600 {
        return Err(21617);
    }
    if form.get("StatusCallback").is_some_and(|url| !is_url(url)) {
        return Err(21609);
    }
    if form.get("ValidityPeriod").is_some_and(|text| !text.parse().is_ok_and(|n: u32| (1..=36_000).contains(&n))) {
        return Err(20001);
    }
    Ok(())
}

/// The HTTP status and the words of a code.
pub(super) fn words(code: u32) -> (u16, &'static str) {
    let words = match code {
        20001 => "Invalid parameter",
        20003 => "Authenticate",
        20404 => "The requested resource was not found",
        20429 => "Too Many Requests",
        20500 => "Internal Server Error",
        21201 => "No 'To' number is specified",
        21205 => "Url is not a valid URL",
        21210 => "'From' phone number not verified",
        21211 => "Invalid 'To' Phone Number",
        21212 => "Invalid 'From' Phone Number",
        21213 => "No 'From' number is specified",
        21214 => "'To' phone number cannot be reached",
        21215 => "Account not authorized to call this number",
        21216 => "Account not allowed to call this number",
        21217 => "The phone number does not appear to be valid",
        21219 => "'To' phone number not verified",
        21220 => "Invalid call state: call is not in-progress",
        21408 => "Permission to send an SMS has not been enabled for the region indicated by the 'To' number",
        21602 => "Message body is required",
        21603 => "A 'From' phone number is required",
        21604 => "A 'To' phone number is required",
        21606 => "The 'From' phone number is not a valid, message-capable number for this destination",
        21608 => "The number is unverified, and trial accounts cannot send messages to it",
        21609 => "The 'StatusCallback' URL is not a valid URL",
        21610 => "Attempt to send to unsubscribed recipient",
        21611 => "This 'From' number has exceeded the maximum number of queued messages",
        21612 => "The message cannot be sent with this combination of 'To' and 'From'",
        21614 => "'To' number is not a valid mobile number",
        21617 => "The message body exceeds the 1600 character limit",
        21621 => "The 'Twiml' exceeds the 4000 character limit",
        21626 => "Invalid 'StatusCallbackEvent' value",
        21703 => "The Messaging Service was not found",
        _ => "Refused by the sandbox's script",
    };
    let status = match code {
        20003 => 401,
        20404 | 21703 => 404,
        20429 => 429,
        20500 => 500,
        _ => 400,
    };
    (status, words)
}

fn is_number(text: &str) -> bool {
    text.parse::<Phone>().is_ok()
}

/// Absolute, by HTTP, to a host without an underscore, which Twilio does not take.
fn is_url(text: &str) -> bool {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    let host = rest.and_then(|rest| rest.split(['/', '?', '#']).next()).unwrap_or_default();
    !host.is_empty() && !host.contains('_') && !text.contains(char::is_whitespace)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(check: fn(&Form) -> Result<(), u32>, valid: &[(&str, &str)], changed: (&str, &str)) -> Result<(), u32> {
        let mut form: Vec<(String, String)> =
            valid.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).filter(|(n, _)| n != changed.0).collect();
        form.push((changed.0.into(), changed.1.into()));
        check(&Form(&form))
    }

    #[test]
    fn calls_are_refused_as_twilio_refuses_them() {
        let valid = [("To", "+64211110001"), ("From", "+15005550006"), ("Twiml", "<Response/>")];
        let long = "x".repeat(4001);
        for (name, value, code) in [
            ("To", "", 21201),
            ("To", "0211110001", 21211),
            ("To", "+15005550001", 21217),
            ("To", "+15005550004", 21216),
            ("From", "", 21213),
            ("From", "+15005550001", 21212),
            ("Twiml", "", 21205),
            ("Twiml", &long, 21621),
            ("Url", "/relative", 21205),
            ("StatusCallback", "https://under_score.example/x", 21609),
            ("StatusCallbackEvent", "initiated,ringing", 21626),
            ("StatusCallbackEvent", "initiated ringing", 21626),
            ("Timeout", "601", 20001),
            ("MachineDetection", "true", 20001),
        ] {
            assert_eq!(checked(call, &valid, (name, value)), Err(code), "{name}={value}");
        }
        for (name, value) in
            [("StatusCallbackEvent", "ringing"), ("Unknown", "x"), ("Timeout", "30"), ("Url", "http://a.example/x_y")]
        {
            assert_eq!(checked(call, &valid, (name, value)), Ok(()), "{name}={value}");
        }
    }

    #[test]
    fn texts_are_refused_as_twilio_refuses_them() {
        let valid = [("To", "+64211110001"), ("From", "+15005550006"), ("Body", "7K disk full")];
        let long = "ü".repeat(1601);
        for (name, value, code) in [
            ("To", "", 21604),
            ("To", "+15005550004", 21610),
            ("To", "+15005550009", 21614),
            ("From", "", 21603),
            ("From", "+15005550007", 21606),
            ("MessagingServiceSid", "service", 21703),
            ("Body", "", 21602),
            ("Body", &long, 21617),
            ("StatusCallback", "ftp://a.example/", 21609),
            ("ValidityPeriod", "0", 20001),
        ] {
            assert_eq!(checked(text, &valid, (name, value)), Err(code), "{name}={value}");
        }
        assert_eq!(checked(text, &valid, ("Body", &"ü".repeat(1600))), Ok(()));
    }
}

//! The parameters of a query, read strictly: a name that is not known, or is there twice, is told rather than passed over. A
//! program that misspells `state` must not take all alerts for open ones.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::problem::Problem;
use crate::oncall::moment::moment;
use crate::server::http::Request;

/// No value is longer, in characters.
pub(super) const LONGEST: usize = 200;

/// The parameters, decoded.
#[derive(Debug)]
pub(super) struct Query(Vec<(String, String)>);

impl Query {
    /// Those of a request. `known`: their names; one that ends with `*` may be there several times.
    pub fn of(request: &Request, known: &[&str]) -> Result<Self, Problem> {
        let pairs = request.query_pairs();
        for (place, (name, value)) in pairs.iter().enumerate() {
            let Some(entry) = known.iter().find(|one| one.trim_end_matches('*') == name) else {
                return Err(Problem::bad(format!("there is no parameter `{}` here", shown(name))));
            };
            if !entry.ends_with('*') && pairs.iter().take(place).any(|(other, _)| other == name) {
                return Err(Problem::bad(format!("the parameter `{name}` is there twice")));
            }
            if value.is_empty() {
                return Err(Problem::bad(format!("the parameter `{name}` is empty: leave it out")));
            }
            if value.chars().count() > LONGEST {
                return Err(Problem::bad(format!("`{name}` is longer than {LONGEST} characters")));
            }
        }
        Ok(Self(pairs))
    }

    /// The value of this parameter.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.all(name).next()
    }

    /// All values of this parameter.
    pub fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.0.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// A time as RFC 3339 has it.
    pub fn time(&self, name: &str) -> Result<Option<Timestamp>, Problem> {
        let Some(text) = self.get(name) else { return Ok(None) };
        let wrong = || Problem::bad(format!("`{name}` is no time: write for example 2026-11-02T09:00:00+13:00"));
        rfc3339(text).map(Some).ok_or_else(wrong)
    }

    /// A time as a person may write it, too: `18:00`, `8h`.
    pub fn moment(&self, name: &str, now: Timestamp, zone: &TimeZone) -> Result<Option<Timestamp>, Problem> {
        let Some(text) = self.get(name) else { return Ok(None) };
        if let Some(at) = rfc3339(text) {
            return Ok(Some(at));
        }
        moment(text, now, zone).map(Some).map_err(|error| Problem::bad(format!("`{name}`: {error}")))
    }

    /// A whole number within bounds.
    pub fn number(&self, name: &str, (least, most): (i64, i64)) -> Result<Option<i64>, Problem> {
        let Some(text) = self.get(name) else { return Ok(None) };
        let digits = text.bytes().all(|byte| byte.is_ascii_digit());
        let number = text.parse().ok().filter(|number| digits && (least..=most).contains(number));
        number.map(Some).ok_or_else(|| Problem::bad(format!("`{name}` is no whole number from {least} to {most}")))
    }
}

/// A time as RFC 3339 has it, in whatever case; a `+` that was not escaped has become a space on its way.
pub(super) fn rfc3339(text: &str) -> Option<Timestamp> {
    let text = text.replace(' ', "+").to_ascii_uppercase();
    let is_so = |place: usize, byte: u8| text.as_bytes().get(place) == Some(&byte);
    let has_form = is_so(4, b'-')
        && is_so(7, b'-')
        && is_so(10, b'T')
        && is_so(13, b':')
        && is_so(16, b':')
        && !text.contains('[');
    text.parse().ok().filter(|_| has_form)
}

/// What was sent, in an answer: not more of it than one can read, and nothing that is none of its letters.
pub(super) fn shown(text: &str) -> String {
    text.chars().filter(|one| !one.is_control()).take(60).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::http::Method;

    fn query(text: &str) -> Result<Query, Problem> {
        let request = Request {
            method: Method::Get,
            path: "/api/x".to_owned(),
            query: text.to_owned(),
            headers: Vec::new(),
            body: Vec::new(),
            remote: None,
        };
        Query::of(&request, &["state", "since", "limit", "recipient*"])
    }

    #[test]
    fn what_is_not_known_or_twice_is_refused_by_its_name() {
        let refused = |text: &str| format!("{:?}", query(text).unwrap_err());
        assert!(refused("stat=open").contains("`stat`"));
        assert!(refused("state=open&state=open").contains("twice"));
        assert!(refused("state=").contains("empty"));
        assert!(refused(&format!("state={}", "x".repeat(LONGEST + 1))).contains("longer"));
        let several = query("recipient=a&recipient=b").unwrap();
        assert_eq!(several.all("recipient").collect::<Vec<_>>(), ["a", "b"]);
    }

    #[test]
    fn times_and_numbers_are_read_strictly() {
        let time = |text: &str| query(&format!("since={text}")).unwrap().time("since").map(Option::unwrap).ok();
        let nine = "2026-11-01T20:00:00Z".parse().ok();
        assert_eq!(time("2026-11-01T20:00:00Z"), nine);
        assert_eq!(time("2026-11-02t09:00:00%2B13:00"), nine);
        assert_eq!(time("2026-11-02T09:00:00+13:00"), nine, "a plus that was not escaped");
        for wrong in ["2026-11-02", "yesterday", "2026-11-02T09:00:00", "20261101T200000Z", "2026-13-01T00:00:00Z"] {
            assert_eq!(time(wrong), None, "{wrong}");
        }
        let number = |text: &str| query(&format!("limit={text}")).unwrap().number("limit", (1, 200)).ok().flatten();
        assert_eq!((number("1"), number("200"), number("007")), (Some(1), Some(200), Some(7)));
        for wrong in ["0", "201", "-1", "%2B1", "1.0", "x", "99999999999999999999"] {
            assert_eq!(number(wrong), None, "{wrong}");
        }
    }
}

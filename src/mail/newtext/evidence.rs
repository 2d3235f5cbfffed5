//! Evidence in a line: a date, a time, an address. Cheap scanners, no regular expressions: they run over every line of
//! every mail.

/// What was found.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Evidence {
    /// `2 June 2025`, `2025-06-02`, `02.06.25`, `6/2/2025`, `2025年6月2日`, a year.
    pub date: bool,
    /// `10:00`, `10.00`, `10h00`.
    pub time: bool,
    /// `a@b`.
    pub address: bool,
}

impl Evidence {
    /// What `text` holds.
    pub fn of(text: &str) -> Evidence {
        let mut evidence = Evidence::default();
        if text.bytes().all(|byte| byte.is_ascii() && !byte.is_ascii_digit() && byte != b'@') {
            return evidence;
        }
        let mut groups: Vec<Group> = Vec::new();
        let mut previous = ' ';
        let mut current: Option<Group> = None;
        for char in text.chars() {
            if let Some(digit) = digit(char) {
                let group = current.get_or_insert(Group { before: previous, value: 0, length: 0, after: ' ' });
                group.value = group.value.saturating_mul(10).saturating_add(digit);
                group.length += 1;
            } else if let Some(mut group) = current.take() {
                group.after = char;
                groups.push(group);
            }
            if previous.is_alphanumeric() && char == '@' {
                evidence.address = true;
            }
            previous = char;
            if groups.len() > 64 {
                break;
            }
        }
        groups.extend(current);
        for (index, group) in groups.iter().enumerate() {
            let next = groups.get(index + 1).filter(|next| next.before == group.after);
            if group.is_year() || matches!(group.after, '年' | '月' | '년' | '월') {
                evidence.date = true;
            }
            let Some(next) = next else { continue };
            if matches!(group.after, '/' | '-' | '.')
                && group.is_small(31)
                && next.is_small(31)
                && next.after == group.after
            {
                // Not an IP address or a version: `02.06.25`, `2/6/2025`, and nothing more.
                let year = groups.get(index + 2).filter(|year| year.before == group.after && year.after != group.after);
                evidence.date |=
                    year.is_some_and(|year| year.length == 2 || year.length == 4) && group.before != group.after;
            }
            let short = group.length <= 2 && group.value < 25 && next.length == 2 && next.value < 60;
            if short && matches!(group.after, ':' | 'h' | 'H' | '：' | '٫')
                || short && group.after == '.' && next.after != '.' && group.before != '.'
            {
                evidence.time = true;
            }
            if matches!(group.after, '时' | '時' | '시' | '点') {
                evidence.time = true;
            }
        }
        evidence
    }

    /// A date or a time.
    pub fn when(self) -> bool {
        self.date || self.time
    }

    /// Anything.
    pub fn any(self) -> bool {
        self.when() || self.address
    }
}

/// A run of digits and what stands around it.
#[derive(Clone, Copy)]
struct Group {
    before: char,
    value: u32,
    length: u8,
    after: char,
}

impl Group {
    fn is_year(self) -> bool {
        let word = |char: char| char.is_alphabetic() || char == ':';
        self.length == 4 && (1970..2100).contains(&self.value) && !word(self.before)
            || self.length == 4 && (1390..1500).contains(&self.value) && self.before == ' '
    }

    fn is_small(self, limit: u32) -> bool {
        self.length <= 2 && self.value <= limit
    }
}

fn digit(char: char) -> Option<u32> {
    match char {
        '0'..='9' => char.to_digit(10),
        '٠'..='٩' => Some(u32::from(char) - u32::from('٠')),
        '۰'..='۹' => Some(u32::from(char) - u32::from('۰')),
        '०'..='९' => Some(u32::from(char) - u32::from('०')),
        '๐'..='๙' => Some(u32::from(char) - u32::from('๐')),
        '０'..='９' => Some(u32::from(char) - u32::from('０')),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_times_and_addresses() {
        for text in
            ["02.06.25", "6/2/2025", "2025-06-02", "2 June 2025", "2016年12月12日", "في ٠٤/٠٧/٢٠٢٤", "Le 4 janv. 2016"]
        {
            assert!(Evidence::of(text).date, "{text}");
        }
        for text in ["10:00", "at 9.05 Bob", "18h30", "٣:٣٦ م"] {
            assert!(Evidence::of(text).time, "{text}");
        }
        assert!(Evidence::of("<a@b.example>").address);
        for text in ["On host db1 the slave wrote:", "status 12", "192.0.2.2", "node7:9100", "@ home"] {
            assert_eq!(Evidence::of(text), Evidence::default(), "{text}");
        }
    }
}

use proptest::prelude::*;

use super::*;

const SEPARATOR_LINE: &str = "From a@b.example Mon Nov  2 02:00:00 2026\n";

/// The mails of an mbox, without their separators.
fn read(mbox: &str) -> Vec<String> {
    pieces(mbox).into_iter().map(|piece| text(&piece)).collect()
}

fn pieces(mbox: &str) -> Vec<Piece> {
    let mut reader = Mbox::new(mbox.as_bytes());
    let mut found = Vec::new();
    while let Some(piece) = reader.next_mail().unwrap() {
        found.push(piece);
    }
    assert_eq!(found.iter().map(|piece| piece.length).sum::<u64>(), mbox.len() as u64);
    found
}

fn text(piece: &Piece) -> String {
    let text = String::from_utf8_lossy(&piece.raw.bytes).into_owned();
    match text.strip_prefix("From a@b.example ") {
        Some(rest) => rest.split_once('\n').unwrap_or_default().1.to_owned(),
        None => text,
    }
}

fn mail(header: &str, body: &str) -> String {
    format!("{SEPARATOR_LINE}Subject: x\n{header}\n{body}")
}

#[test]
fn an_mboxo_is_split_at_its_separators_and_unquoted() {
    let mbox = mail("", "one\n>From the logs:\n\n") + &mail("", "From here on\ntwo\n\n");
    assert_eq!(read(&mbox), ["Subject: x\n\none\nFrom the logs:\n", "Subject: x\n\nFrom here on\ntwo\n"]);
}

#[test]
fn an_mboxrd_loses_one_mark_of_many() {
    let mbox = mail("", ">From a\n>>From b\n>>> From c\n> >From d\n\n");
    assert_eq!(read(&mbox), ["Subject: x\n\nFrom a\n>From b\n>>> From c\n> >From d\n"]);
}

#[test]
fn a_length_that_leads_to_a_separator_is_believed() {
    let body = format!("one\n\n{SEPARATOR_LINE}Subject: not a mail\n\n>From me\nend\n");
    let length = format!("Content-Length: {}\n", body.len());
    let mbox = mail(&length, &format!("{body}\n")) + &mail("Content-length: 4\n", "two\n\n");
    let found = read(&mbox);
    assert_eq!(found.len(), 2);
    // An mboxcl2: what looks quoted is meant so.
    assert_eq!(found[0], format!("Subject: x\n{length}\n{body}"));
    assert_eq!(found[1], "Subject: x\nContent-length: 4\n\ntwo\n");
}

#[test]
fn an_mboxcl_is_unquoted() {
    let body = ">From me\nend\n";
    let mbox = mail(&format!("Content-Length: {}\n", body.len()), &format!("{body}\n")) + &mail("", "two\n\n");
    assert!(read(&mbox)[0].ends_with("\n\nFrom me\nend\n"), "{:?}", read(&mbox));
}

#[test]
fn a_wrong_length_is_told_and_the_separators_count() {
    for length in ["2", "70", "99999", "18446744073709551615", "-1", "x", ""] {
        let mbox = mail(&format!("Content-Length: {length}\n"), "one\n\n") + &mail("", "two\n\n");
        let found = pieces(&mbox);
        assert_eq!(found.len(), 2, "{length}");
        assert!(found[0].wrong_length && !found[1].wrong_length, "{length}");
        assert!(text(&found[0]).ends_with("\n\none\n"), "{length}");
    }
}

#[test]
fn a_separator_needs_no_empty_line_before_it_and_a_mail_no_body() {
    let mbox = format!("\n\n{SEPARATOR_LINE}Subject: a\n{SEPARATOR_LINE}{SEPARATOR_LINE}Subject: c\n\nlast");
    assert_eq!(read(&mbox), ["Subject: a\n", "", "Subject: c\n\nlast"]);
}

#[test]
fn carriage_returns_are_kept_with_their_lines() {
    let mbox = (mail("", "one\n>From x\n\n") + &mail("", "two\n\n")).replace('\n', "\r\n");
    assert_eq!(read(&mbox), ["Subject: x\r\n\r\none\r\nFrom x\r\n", "Subject: x\r\n\r\ntwo\r\n"]);
}

#[test]
fn a_separator_of_nobody_names_no_sender() {
    let mbox = "From MAILER-DAEMON Mon Nov  2 02:00:00 2026\nSubject: x\n\none\n\n";
    assert_eq!(read(mbox), ["Subject: x\n\none\n"]);
    assert!(pieces(mbox)[0].date.is_some());
}

#[test]
fn a_mail_of_any_size_takes_little_memory_and_its_size_is_told() {
    let long = "y".repeat(3_000_000);
    let mbox = mail("", &format!("{long}\n\n")) + &mail("", "two\n\n");
    let found = pieces(&mbox);
    assert_eq!((found[0].raw.bytes.len(), found.len()), (PARSE_LIMIT, 2));
    assert_eq!(found[0].raw.size, "Subject: x\n\n".len() as u64 + 3_000_001);
}

/// Writes mails as each kind does.
fn write(bodies: &[String], rd: bool, length: bool, quote: bool) -> String {
    let mut mbox = String::new();
    for body in bodies {
        let mut written = String::new();
        for line in body.split_inclusive('\n') {
            let marks = line.trim_start_matches('>');
            let depth = line.len() - marks.len();
            if quote && marks.starts_with("From ") && (rd || depth == 0) {
                written.push('>');
            }
            written.push_str(line);
        }
        let header = if length { format!("Content-Length: {}\n", written.len()) } else { String::new() };
        mbox += &mail(&header, &format!("{written}\n"));
    }
    mbox
}

proptest! {
    #[test]
    fn what_is_written_is_read_again(
        bodies in proptest::collection::vec(
            proptest::collection::vec(
                proptest::sample::select(vec!["", "From me", ">From you", ">>From x", "text", &SEPARATOR_LINE[..41], "x: y"]),
                0..6,
            ),
            1..5,
        ),
        kind in 0..2,
    ) {
        // An mboxcl2 whose first mail has a bare `From ` line, and an mboxrd, are the kinds from which everything returns.
        let mut bodies: Vec<String> =
            bodies.iter().map(|lines| lines.iter().fold(String::new(), |text, line| text + line + "\n")).collect();
        bodies.insert(0, "From the start\n".to_owned());
        let mbox = if kind == 0 { write(&bodies, true, false, true) } else { write(&bodies, false, true, false) };
        let found = read(&mbox);
        prop_assert_eq!(found.len(), bodies.len(), "{}", mbox);
        for (found, body) in found.iter().zip(&bodies) {
            prop_assert_eq!(found.split_once("\n\n").unwrap().1, body, "{}", mbox);
        }
    }

    #[test]
    fn no_bytes_are_lost_or_loop(bytes in proptest::collection::vec(any::<u8>(), 0..400), lines in 0..4_usize) {
        let mut mbox = SEPARATOR_LINE.repeat(lines).into_bytes();
        mbox.extend(&bytes);
        mbox.extend(SEPARATOR_LINE.as_bytes());
        mbox.extend(bytes);
        let mut reader = Mbox::new(mbox.as_slice());
        let mut length = 0;
        while let Some(piece) = reader.next_mail().unwrap() {
            prop_assert!(piece.length > 0);
            length += piece.length;
        }
        prop_assert!(length <= mbox.len() as u64);
    }
}

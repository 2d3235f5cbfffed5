//! Each class of mail that failed once, with neighbours that nobody sent: other names, languages, wrappings, line ends.

use super::{Context, new, new_text};

const REPLY: Context = Context { is_reply: true, is_report: false, is_fresh: false };
const REPORT: Context = Context { is_reply: false, is_report: true, is_fresh: false };
const FRESH: Context = Context { is_reply: false, is_report: false, is_fresh: true };

/// Compares all, also with CRLF, and tells of all that fail.
fn all(cases: &[(&str, &str)], context: Context) {
    let mut failed = Vec::new();
    for (text, expected) in cases {
        for text in [(*text).to_owned(), text.replace('\n', "\r\n")] {
            let found = new_text(&text, context).replace('\r', "");
            if found != *expected {
                failed.push(format!("{text:?}: {found:?}"));
            }
        }
    }
    assert!(failed.is_empty(), "{} failed:\n{}", failed.len(), failed.join("\n"));
}

/// All lines must stay.
fn kept(texts: &[&str], context: Context) {
    let cases: Vec<(&str, &str)> = texts.iter().map(|text| (*text, *text)).collect();
    all(&cases, context);
}

#[test]
fn marks_that_are_not_angles() {
    all(
        &[
            (
                "On Feb 2,  8:03am, Yann Ro wrote:\n} Old one.\n}\n} Old two.\n\nNew:\n\nf() {\n  go\n}\n\n} Old three.\n\nEnd.",
                "New:\n\nf() {\n  go\n}\n\nEnd.\n",
            ),
            ("On 2 Jun 2025 at 10:00, Ida Berg wrote:\n% Old one.\n% Old two.\n\nNew.", "New.\n"),
            ("Am 02.06.25 um 10:00 schrieb Ida Berg:\n» Alt eins.\n» Alt zwei.\n\nNeu.", "Neu.\n"),
            (
                "In a message dated 5/4/2001 10:11:12 AM,\nida@mail.example writes:\n\n<< Old one\n old two. >>\n\nNew.",
                "New.\n",
            ),
            (
                "In a message dated 03/02/99 8:01:02 PM EST, ida@mail.example writes:\n\n<< Old. >>\n\nNew one.\n\n<< Old\n again >>\n\nNew two.",
                "New one.\n\nNew two.\n",
            ),
        ],
        REPLY,
    );
    kept(
        &["if (x) {\n  go();\n}\n\n} else stays\n", "<< attention >>\n\nDisk full.\n", "% uptime\n% df -h\nfull\n"],
        REPLY,
    );
}

#[test]
fn introductions_in_forms_of_mutt_news_and_broken_clients() {
    all(
        &[
            ("* Ida Berg [2025-06-02 10:00 +0200]:\n> Old.\n\n* New point\n* another", "* New point\n* another\n"),
            ("Ida Berg (2025-06-02 10:00):\n> Old.\n\nNew.", "New.\n"),
            (
                "In message <a1$b@news.example>\n  on Sun, 7 Mar 2004 15:01:16 +0000,\n  in the newsgroup comp.misc,\n  Ida Berg <ida@mail.example> wrote:\n\n> Old.\n\nNew.",
                "New.\n",
            ),
            (
                "In <a1@news.example>, on 03/07/04\n   at 03:01 PM, Ida Berg <ida@mail.example> said:\n\n>Old.\n\nNew.",
                "New.\n",
            ),
            (
                "Neu.\n\notrd., 2024. g. 19. marts, plkst. 08:55 — lietotājs Ida Berga (<\nida@mail.example>) rakstīja:\n\n> Vecs.",
                "Neu.\n",
            ),
            ("Neu.\n\nwt., 19 mar 2024 o 08:55 Ida Berg <\nida@mail.example> napisał(a):\n\n> Stare.", "Neu.\n"),
        ],
        REPLY,
    );
    kept(
        &[
            "On Tue, 14 Jan 2020 at 02:00, job \"valuation\" wrote:\n\n> 02:00 start\n> FAILED: no space\n\nNext run: 02:00.\n",
            "On Wed 14 Nov 2001 17:43:10 process loader wrote:\n> 20112 rows\n> stop\n",
            "On 2025-06-02 at 10:00 the task importer wrote:\n> DOWN\n",
        ],
        REPORT,
    );
    kept(&["On Wed 14 Nov 2001 17:43:10 process loader wrote:\n> 20112 rows\n> stop\n"], FRESH);
}

#[test]
fn text_below_a_marked_end_of_a_forward_is_new() {
    all(
        &[
            (
                "----- Forwarded message from mon@x.example -----\n\nDate: Tue, 5 Mar 2024 03:12:41 +0000\nFrom: mon@x.example\nTo: ops@x.example\nSubject: x\n\nOld.\n\n----- End forwarded message -----\n\ndb4 is DOWN.",
                "db4 is DOWN.\n",
            ),
            (
                "See below.\n\n----- Weitergeleitete Nachricht -----\n\nAlt.\n\n----- Ende der weitergeleiteten Nachricht -----\n\nBitte anrufen.",
                "See below.\n\nBitte anrufen.\n",
            ),
            (
                "----- Forwarded message from a@x.example -----\n\nOld.\n----- Forwarded message from b@x.example -----\nOlder.\n----- End forwarded message -----\nOld again.\n----- End forwarded message -----\nNew.",
                "New.\n",
            ),
            (
                "Top.\n\n-----Original Message-----\nFrom: Ida Berg <ida@x.example>\nSent: Monday, June 2, 2025 10:00 AM\n\n----- Forwarded message from b@x.example -----\nOlder.\n----- End forwarded message -----\nOld.",
                "Top.\n",
            ),
        ],
        Context::default(),
    );
}

#[test]
fn an_answer_below_an_unmarked_mail_is_new() {
    let head = "Ada Winslow\n10/03/2000 03:58 PM\nTo: Hal Crane/HOU/ACME@ACME\ncc:\nSubject: Credit\n\n";
    let old = format!("{head}Hal,\n\nHow much is left?\n\nThanks,\nAda\n");
    assert_eq!(new_text(&format!("{old}\n\nAda,\n\nTwo million.\n\nHal"), REPLY), "Ada,\n\nTwo million.\n\nHal\n");
    assert_eq!(new_text(&format!("{old}\n\nHi Ada,\n\nTwo million."), REPLY), "Hi Ada,\n\nTwo million.\n");
    // Above there is an answer already, and Ada only greets.
    assert_eq!(new_text(&format!("Two million.\n\n{old}"), REPLY), "Two million.\n");
    assert_eq!(new_text(&old, REPLY), "");
    let forward = "---------------------- Forwarded by Lyle Hart/HOU/ACME on 09/18/2001 06:01 PM ---------------------------\n\nIda Berg <ida@x.example> on 09/18/2001 03:10:45 PM\nTo: lyle@acme.example\ncc:\nSubject: Letter\n\nLyle,\n\nOld words.\n\nIda\n";
    assert_eq!(new(forward), "");
    let rule = "-".repeat(70);
    assert_eq!(
        new(&format!("{forward}{rule}\n\nPhil,\n\nSee above.\n\nLyle\nx318")),
        "Phil,\n\nSee above.\n\nLyle\nx318\n"
    );
    assert_eq!(new(&format!("{forward}{rule}\n\nThis mail is confidential.\n")), "");
}

#[test]
fn lotus_notes_in_columns_and_with_more_above() {
    for old in [
        "                                                            \n             Tom Barlow                                      \n             <tom@broker.exam                                \n             ple>                                     To     \n                                  \"Rita\" <rita@x.example>  \n             02/11/2026 09:14                          cc    \n                                                  Subject    \n                                  Storm claims               \n\nOld?",
        "                    lsand@kest                          \n                    relpipe.com     To:     Wen Ok <w@x.example>\n                    Sent by:        cc:     Ivo\n                                    Subject:     Meeting\n                    08/13/2001                         \n                    06:12 PM                           \n\nOld?",
        "(Embedded     \"Garth En\" <g@x.example>\nimage moved   02/07/2000 04:41 PM\nto file:\npic26.pcx)\n\n\n\nPlease respond to g@x.example\n\nTo:   Imo/HOU/ACME@ACME\ncc:   \"L\" <l@x.example>, \"O\"\n      <o@x.example>\n\nSubject:  Rates\n\nOld?",
        "______________________________ Reply Separator _________________________________\nSubject: Tap\nAuthor:  bob at INTERNET\nDate:    3/4/99 4:12 PM\n\n     Old?",
        "----- Weitergeleitet von Ida Berg/FFM/ACME am 09.11.2004 07:11 \n-----\n\nAlt.",
        "----- Transféré par Ida Berg/PAR/ACME le 09/11/2004 07:11 -----\n\nVieux.",
    ] {
        assert_eq!(new_text(&format!("Fine, thanks.\n\n\n{old}"), REPLY), "Fine, thanks.\n", "{old}");
    }
    kept(
        &[
            "Route table\n\n    From        To         Subject\n    10:00       11:00      night train\n    2025-06-02  db1 DOWN   replica\n",
        ],
        FRESH,
    );
}

#[test]
fn marked_lines_of_the_author_stay() {
    kept(
        &[
            "Two corrections:\n\n> item 3 is for Ida;\n> item 5 goes.\n\nThe rest is right.\n",
            "[PATCH]\n---\nChanges since v1:\n> 32 is tested\n\ndiff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n",
        ],
        FRESH,
    );
    let quote = "\n\nOn 2 Jun 2025 at 10:00, Ida Berg <ida@x.example> wrote:\n\n> Round halves?\n> Or not?\n";
    all(
        &[
            (&format!("The rule:\n\n> 0.5 goes up\n\nTonight.{quote}"), "The rule:\n\n> 0.5 goes up\n\nTonight.\n"),
            (&format!("You ask:\n\n> Round halves?\n\nYes.{quote}"), "You ask:\n\nYes.\n"),
        ],
        REPLY,
    );
    all(
        &[(
            "On 2 Jun 2025 at 10:00, Ida Berg <ida@x.example> wrote:\n> I do:\n> >>> a.sort()\n\nTry:\n\n>>> a.sort()\n>>> a\n['x']\n\nor not.",
            "Try:\n\n>>> a.sort()\n>>> a\n['x']\n\nor not.\n",
        )],
        REPLY,
    );
    all(
        &[(
            "On 2 Jun 2025 at 10:00, Ida Berg <ida@x.example> wrote:\n> one\n>> two\n>>> three\n\nNew.\n\n>>> four\n\nNewer.",
            "New.\n\nNewer.\n",
        )],
        REPLY,
    );
}

#[test]
fn heads_in_a_document_of_ones_own_stay() {
    kept(
        &[
            "Over the wire at 8:30.\n\nFrom: Acme Energy, Communications\nDate: January 16, 2001\nSubject: Acme to build a plant\n\nHOUSTON -- Acme said today …\n",
            "They look the same:\n\nReceived: from relay (relay [198.51.100.77])\n\tfor <info@x.example>; Wed, 7 Jun 2017 03:12:08 +0200\nFrom: \"Delivery\" <no-reply@y.example>\nTo: info@x.example\nDate: Wed, 7 Jun 2017 03:12:07 +0200\nSubject: Your parcel\n\nAnybody?\n",
            "Der Kopf sieht so aus:\n\nVon: Ida Berg <ida@x.example>\nGesendet: Montag, 2. Juni 2025 10:00\nAn: Ops\nBetreff: x\n\nWer kennt das?\n",
        ],
        FRESH,
    );
}

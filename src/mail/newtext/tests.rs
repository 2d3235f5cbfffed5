use super::*;

mod neighbours;

fn new_text(text: &str, context: Context) -> String {
    split(text.split('\n').map(Line::plain).collect(), context).new
}

fn new(text: &str) -> String {
    new_text(text, Context::default())
}

/// As clients wrap: at most 72 columns.
fn wrapped(line: &str) -> String {
    let mut text = String::new();
    let mut column = 0;
    for word in line.split(' ') {
        if column > 0 && column + word.chars().count() > 71 {
            text.push('\n');
            column = 0;
        } else if column > 0 {
            text.push(' ');
            column += 1;
        }
        text.push_str(word);
        column += word.chars().count();
    }
    text
}

const INTRODUCTIONS: [&str; 78] = [
    "Op Ma. 2 Jun. 2025 om 10:00 het Bob Longstocking <bob.longstocking@mail.example> geskryf:",
    "في الاثنين، 2 يونيو 2025 في 10:00 ص تمت كتابة ما يلي بواسطة Bob <bob@mail.example>:",
    "На пн, 2.06.2025 г. в 10:00 Bob Longstocking <bob.longstocking@mail.example> написа:",
    "Missatge de Bob <bob@mail.example> del dia dl., 2 de juny 2025 a les 10:00:",
    "po 2. 6. 2025 v 10:00 odesílatel Bob Longstocking <bob.longstocking@mail.example> napsal:",
    "Den man. 2. jun. 2025 kl. 10.00 skrev Bob Longstocking <bob.longstocking@mail.example>:",
    "Am Mo., 2. Juni 2025 um 10:00 Uhr schrieb Bob Longstocking <bob.longstocking@mail.example>:",
    "Στις Δευ 2 Ιουν 2025 στις 10:00 π.μ., ο χρήστης Bob <bob@mail.example> έγραψε:",
    "El lun, 2 jun 2025 a las 10:00, Bob Longstocking (<bob.longstocking@mail.example>) escribió:",
    "Kuupäev E, 2. juuni 2025 kell 10:00 kirjutas Bob Longstocking <bob.longstocking@mail.example>:",
    "Bob (bob@mail.example) erabiltzaileak hau idatzi du (2025 eka. 2(a), al. (10:00)):",
    "در تاریخ دوشنبه ۲ ژوئن ۲۰۲۵،‏ ۱۰:۰۰ Bob <bob@mail.example> نوشت:",
    "ma 2. kesäk. 2025 klo 10.00 Bob Longstocking (bob.longstocking@mail.example) kirjoitti:",
    "Le lun. 2 juin 2025 à 10:00, Bob Longstocking <bob.longstocking@mail.example> a écrit :",
    "O Lun., 2 de xuñ. de 2025 ás 10:00, Bob (<bob@mail.example>) escribiu:",
    "בתאריך יום ב׳, 2 ביוני 2025 ב-10:00 מאת Bob <bob@mail.example>:",
    "सोम, 2 जून 2025 को 10:00 am बजे को Bob <bob@mail.example> ने लिखा:",
    "pon, 2. lip 2025. u 10:00 Bob Longstocking <bob.longstocking@mail.example> napisao je:",
    "Bob Longstocking <bob.longstocking@mail.example> ezt írta (időpont: 2025. jún. 2., H, 10:00):",
    "Pada Sen, 2 Jun 2025 pukul 10.00 Bob Longstocking <bob.longstocking@mail.example> menulis:",
    "Il giorno lun 2 giu 2025 alle ore 10:00 Bob Longstocking <bob.longstocking@mail.example> ha scritto:",
    "2025年6月2日(月) 10:00 Bob <bob@mail.example>:",
    "2025년 6월 2일 (월) 오전 10:00, Bob <bob@mail.example>님이 작성:",
    "2025-06-02, pr, 10:00 Bob Longstocking <bob.longstocking@mail.example> rašė:",
    "pirmd., 2025. g. 2. jūn., plkst. 10:00 — lietotājs Bob (<bob@mail.example>) rakstīja:",
    "Pada Isn, 2 Jun 2025 pada 10:00 PG Bob <bob@mail.example> menulis:",
    "Op ma 2 jun 2025 om 10:00 schreef Bob Longstocking <bob.longstocking@mail.example>:",
    "man. 2. juni 2025 kl. 10:00 skrev Bob Longstocking <bob.longstocking@mail.example>:",
    "pon., 2 cze 2025 o 10:00 Bob Longstocking <bob.longstocking@mail.example> napisał(a):",
    "Em seg., 2 de jun. de 2025 às 10:00, Bob Longstocking <bob.longstocking@mail.example> escreveu:",
    "În lun., 2 iun. 2025 la 10:00, Bob Longstocking <bob.longstocking@mail.example> a scris:",
    "пн, 2 июн. 2025 г. в 10:00, Bob Longstocking <bob.longstocking@mail.example>:",
    "po 2. 6. 2025 o 10:00 Bob Longstocking <bob.longstocking@mail.example> napísal(a):",
    "V V pon., 2. jun. 2025 ob 10:00 je oseba Bob Longstocking <bob.longstocking@mail.example> napisala:",
    "пон, 2. јун 2025. у 10:00 Bob <bob@mail.example> је написао/ла:",
    "Den mån 2 juni 2025 kl 10:00 skrev Bob Longstocking <bob.longstocking@mail.example>:",
    "ในวันที่ จ. 2 มิ.ย. 2025 เวลา 10:00 Bob <bob@mail.example> เขียนว่า:",
    "Bob Longstocking <bob.longstocking@mail.example>, 2 Haz 2025 Pzt, 10:00 tarihinde şunu yazdı:",
    "пн, 2 черв. 2025 р. о 10:00 Bob Longstocking <bob.longstocking@mail.example> пише:",
    "Vào Th 2, 2 thg 6, 2025 vào lúc 10:00 Bob <bob@mail.example> đã viết:",
    "Bob <bob@mail.example> 于2025年6月2日周一 10:00写道：",
    "Bob <bob@mail.example> 於 2025年6月2日 週一 上午10:00寫道：",
    "Op 2 jun. 2025, om 10:00 heeft Bob <bob@mail.example> het volgende geschreven:",
    "Wiadomość napisana przez Bob <bob@mail.example> w dniu 2 cze 2025, o godz. 10:00:",
    "2. 6. 2025 v 10:00, Bob <bob@mail.example>:",
    "2025/06/02 10:00、Bob <bob@mail.example>のメール:",
    "2 Haz 2025 tarihinde 10:00 saatinde, Bob <bob@mail.example> şunları yazdı:",
    "Bob <bob@mail.example> kirjoitti 2.6.2025 kello 10.00:",
    "Bob <bob@mail.example> escreveu no dia 02/06/2025, às 10:00:",
    "2 июня 2025 г., в 10:00, Bob <bob@mail.example> написал(а):",
    "02.06.2025 10:00, Bob пишет:",
    "02.06.2025, 10:00, \"Bob\" <bob@mail.example>:",
    "Le 02/06/2025 à 10:00, Bob Longstocking a écrit :",
    "Il 02/06/2025 10:00, Bob Longstocking ha scritto:",
    "El 2/6/25 a las 10:00, Bob Longstocking escribió:",
    "Em 02/06/2025 10:00, Bob Longstocking escreveu:",
    "Op 02-06-2025 om 10:00 schreef Bob Longstocking:",
    "W dniu 2.06.2025 o 10:00, Bob Longstocking pisze:",
    "Dne 02. 06. 25 v 10:00 Bob Longstocking napsal(a):",
    "Dňa 2. 6. 2025 o 10:00 Bob Longstocking napísal(a):",
    "2025. 06. 02. 10:00 keltezéssel, Bob Longstocking írta:",
    "På 2. juni 2025 10:00, Bob Longstocking skrev:",
    "On 02.06.25 10:00, Bob Longstocking wrote:",
    "On Mon, Jun 02, 2025 at 10:00:00AM +0200, Bob Longstocking wrote:",
    "On Mon, 2 Jun 2025 10:00:00 +0200, Bob Longstocking <bob.longstocking@mail.example> said:",
    "On Monday, June 2nd, 2025 at 10:00 AM, Bob Longstocking <bob@mail.example> wrote:",
    "On Jun 2, 2025, at 10:00 AM, Bob Longstocking via RT <bob.longstocking@mail.example> wrote:",
    "From: Bob <bob@mail.example> at 2 Jun 2025 10:00 wrote:",
    "---- On Mon, 02 Jun 2025 10:00:00 +0200 Bob <bob@mail.example> wrote ----",
    "--- On Mon, 6/2/25, Bob Longstocking <bob@mail.example> wrote:",
    "Bob Longstocking <bob@mail.example> wrote on 06/02/2025 10:00:00 AM:",
    "Bob Longstocking wrote on 02/06/2025 10:00:",
    "\"Bob\" <bob@mail.example> wrote at Mon Jun 2 10:00:00 2025:",
    "In a message dated 6/2/2025 10:00:00 A.M. Eastern, bob@mail.example writes:",
    "2025-06-02 10:00 GMT+02:00 Bob Longstocking <bob.longstocking@mail.example>:",
    "Bob Longstocking (bob@mail.example) skrev den 2 juni 2025 10:00:",
    "Bob Longstocking <bob@mail.example> schreef op 2 juni 2025 10:00:",
    "Zitat von Bob Longstocking <bob@mail.example> am 02.06.2025 10:00:",
];

#[test]
fn introductions_in_forty_languages_are_no_new_text() {
    let mut failed = Vec::new();
    for line in INTRODUCTIONS {
        for line in [line.to_owned(), wrapped(line)] {
            for old in ["\n> Old words here.\n> And more.", "> Old words here.", "\nOld words here.\nAnd more."] {
                let text = format!("Fine, thanks.\nSee you on Monday.\n\n{line}\n{old}");
                if new(&text) != "Fine, thanks.\nSee you on Monday.\n" {
                    failed.push(format!("{line:?} above {old:?}: {:?}", new(&text)));
                }
            }
        }
    }
    assert!(failed.is_empty(), "{} failed:\n{}", failed.len(), failed.join("\n"));
}

/// A header block in every language of the table, as Outlook, Thunderbird and Apple Mail print it.
#[test]
fn header_blocks_in_every_language_are_no_new_text() {
    let mut failed = Vec::new();
    for row in include_str!("labels.txt").lines().filter(|row| !row.starts_with('#') && !row.is_empty()) {
        let cells: Vec<Vec<&str>> = row.split('|').map(|cell| cell.split(',').map(str::trim).collect()).collect();
        let [language, from, date, to, _, subject] = cells.as_slice() else { panic!("{row}") };
        for sent in date {
            let (from, to, subject) = (from[0], to[0], subject[0]);
            let when = "Monday, June 2, 2025 10:00 AM";
            for block in [
                format!(
                    "{from}: Bob <bob@mail.example>\n{sent}: {when}\n{to}: Ops <ops@mail.example>\n{subject}: disk full"
                ),
                format!("{from}: Bob Brown\n{sent}: {when}\n{to}: Ops\n{subject}: disk full"),
                format!("*{from}:* Bob Brown\n*{sent}:* {when}\n*{to}:* Ops\n*{subject}:* disk full"),
                format!(
                    "{subject}: \tdisk full\n{sent}: \t02.06.2025 10:00\n{from}: \tBob <bob@mail.example>\n{to}: \tops@mail.example"
                ),
                format!(
                    "{from} : Bob <bob@mail.example>\n{to} : Ops <ops@mail.example>\n{sent} : 02/06/2025 10:00\n{subject} : disk full"
                ),
                format!(
                    "{from}：Bob <bob@mail.example>\n{sent}：2025年6月2日 10:00\n{to}：Ops <ops@mail.example>\n{subject}：disk full"
                ),
            ] {
                let text = format!("Fine, thanks.\n\n{block}\n\nOld words here.\nAnd more.");
                if new(&text) != "Fine, thanks.\n" {
                    failed.push(format!("{} {:?}: {:?}", language[0], block, new(&text)));
                }
            }
        }
    }
    assert!(failed.is_empty(), "{} failed:\n{}", failed.len(), failed.join("\n"));
}

#[test]
fn separators_in_every_language_are_no_new_text() {
    for phrase in include_str!("separators.txt").lines().filter(|row| !row.starts_with('#') && !row.is_empty()) {
        if phrase.ends_with(':') {
            assert_eq!(new(&format!("Fine, thanks.\n\n{phrase}\n\nOld words here.")), "Fine, thanks.\n", "{phrase}");
        }
        let phrase = phrase.trim_end_matches(':');
        for line in [
            format!("-----{phrase}-----"),
            format!("---------- {phrase} ---------"),
            format!("*-------- {phrase} --------*"),
        ] {
            assert_eq!(new(&format!("Fine, thanks.\n\n{line}\n\nOld words here.")), "Fine, thanks.\n", "{line}");
        }
    }
}

#[test]
fn mailing_list_habits() {
    let mut failed = Vec::new();
    for (text, expected) in [
        ("Bob Brown wrote:\n> Old words.\n\nNew words.", "New words.\n"),
        ("Bob Brown <b@x.example> writes:\n\n> Old words.\nNew words.", "New words.\n"),
        ("* Bob Brown <b@x.example> [2025-06-02 10:00]:\n> Old words.\nNew words.", "New words.\n"),
        ("Quoting Bob Brown <b@x.example>:\n\n> Old words.\n\nNew words.", "New words.\n"),
        (
            "In article <abc@news.example>,\nBob Brown <b@x.example> wrote:\n>Old words.\n>More.\nNew words.",
            "New words.\n",
        ),
        (
            "On Mon, 2 Jun 2025, Bob Brown wrote:\n\n> Old.\n\nNew one.\n\n> Old again.\n\nNew two.",
            "New one.\n\nNew two.\n",
        ),
        ("On Mon, 2 Jun 2025 10:00:00 +0200\nBob Brown <b@x.example> wrote:\n\n> Old.\nNew.", "New.\n"),
        ("> Old one.\n> Old two.\n\nNew.\n\n> Old three.\nNew again.", "New.\n\nNew again.\n"),
        ("Hi,\n\n> Is it down?\nYes.\n\n> Since when?\nNine.", "Hi,\n\nYes.\n\nNine.\n"),
        (
            "At 10:00 I restarted it.\nOn Mon, Jun 2, 2025 at 10:00 AM Bob <b@x.example> wrote:\n> Old.",
            "At 10:00 I restarted it.\n",
        ),
        ("Bob Brown wrote on 2 June 2025:\nBob> Old words.\nBob> More.\n\nNew words.", "New words.\n"),
        (
            "Bob Brown wrote on 2 June 2025:\n\n| Old words.\n| More.\n\nNew words.\n\n| Old.\n\nNew.",
            "New words.\n\nNew.\n",
        ),
        (
            ">>>>> \"Bob\" == Bob Brown <b@x.example> writes:\n\n  Bob> Old words.\n  Bob> More.\n\nNew words.",
            "New words.\n",
        ),
    ] {
        if new(text) != expected {
            failed.push(format!("{text:?}: {:?}", new(text)));
        }
    }
    assert!(failed.is_empty(), "{} failed:\n{}", failed.len(), failed.join("\n"));
}

#[test]
fn lotus_notes_and_enron() {
    let mut failed = Vec::new();
    for old in [
        "---------------------- Forwarded by Bob Brown/ACME on 01/22/2001 10:36 AM\n---------------------------\n\nCarol Chan\n01/22/2001 09:00 AM\nTo: Bob Brown/ACME@ACME\ncc:\nSubject: x\n\nOld words.",
        "Bob Brown@ACME\n01/22/2001 10:36 AM\nTo:\tCarol Chan/ACME@ACME\ncc:\t \n\nSubject:\tRe: x\n\nOld words.",
        "\"Brown, Bob\" <bob@mail.example> on 01/22/2001 10:36:12 AM\nTo: \"Carol\" <carol@mail.example>\ncc:\nSubject: RE: x\n\nOld words.",
        "From:  Bob Brown                           01/22/2001 10:36 AM\n\t\n\nTo:\tCarol Chan/ACME@ACME\ncc:\t \nSubject:\tRe: x\n\nOld words.",
        "\tAcme North America Corp.\n\t\n\tFrom:  Bob Brown                           01/22/2001 10:36 AM\n\t\n\nTo:\tCarol Chan/ACME@ACME, Dan\nReyes/ACME@ACME\ncc:\t \nSubject:\tRe: x\n\nOld words.",
        "Bob Brown <bob@mail.example>\nSent by: Dan Reyes\n22.01.2001 10:36\nPlease respond to bob\n\nTo\nCarol Chan/ACME@ACME\ncc\n\nSubject\nRe: x\n\nOld words.",
        "-----Original Message-----\nFrom: \tBrown, Bob  \nSent:\tMonday, January 22, 2001 10:36 AM\nTo:\tChan, Carol\nSubject:\tRE: x\n\nOld words.",
        "Bob Brown <bob@mail.example> wrote on 01/22/2001 10:36:12 AM:\n\n> Old words.",
        "________________________________\n From: Bob Brown <bob@mail.example>\nTo: carol@mail.example \nSent: Monday, January 22, 2001 10:36 AM\nSubject: x\n \nOld words.",
    ] {
        let found = new(&format!("Fine, thanks.\n\nCarol\n\n\n{old}"));
        if found != "Fine, thanks.\n\nCarol\n" {
            failed.push(format!("{old:?}: {found:?}"));
        }
    }
    assert!(failed.is_empty(), "{} failed:\n{}", failed.len(), failed.join("\n"));
}

#[test]
fn what_only_looks_like_a_quote_is_kept() {
    let mut failed = Vec::new();
    for text in [
        "--HOST-ALERT--\n- State: DOWN\n- Host: db1\n",
        "Queue report\n\nFrom: mx1.example.com\nDate: 2025-06-02 10:00:00\nSubject: deferred queue CRITICAL\nTo: on-call\n\n4211 messages deferred.\n",
        "Von: Temperatursensor 4\nStatus: CRITICAL\nDatum: 02.06.2025 10:00\nBetreff: Serverraum zu warm\n\nBitte sofort anrufen.\n",
        "Cron <root@app3> backup\n\n> rsync: connection unexpectedly closed\n> rsync error: code 12\nbackup CRITICAL: exit status 12\n",
        "CRITICAL: replication stopped.\nOn host db1 the slave wrote:\nLast_SQL_Error: duplicate entry\n",
        "CRITICAL: replication stopped.\nOn 2025-06-02 at 09:58 the slave wrote:\nLast_SQL_Error: duplicate entry\n",
        "Config changed:\n5c5\n< port 80\n---\n> port 8080\n\nplease check\n",
        "Problem started at 04:27:58 on 2026.09.26\nProblem name: down\nHost: shop.example.com\nSeverity: Disaster\n",
        "Job failed on 2025-06-02 10:00, contact Bob <bob@mail.example>:\nno space left on device\n",
        "Disk report\n--------------------\nDate: 2025-06-02\nHost: db1\nDisk: full\n",
        "----- Queue status -----\n12 messages\n",
        "The following error occurred:\n\n> ERROR 1062\n",
        "Time: 10:00\nTo: 4711\nResult: call failed\n",
        "Errors:\nThe daemon wrote:\n> out of memory\nand stopped\n",
        "2025-06-02 10:00:01 Rsync output:\n> rsync: connection closed\nbackup failed\n",
        "Nightly job\nBackup geschrieben am 02.06.2025 um 10:00:\n/dev/st0 failed\n",
        "Alert\nOn 2025-06-02 10:00:00, Host db1 said:\ndisk failed\n",
        "Rejected mail:\nFrom: app@shop.example\nTo: bob@mail.example\nSubject: invoice\n\nreason: disk full\n",
        "Try this:\n\n>>> import time\n>>> time.time()\n\nand this.\n",
        "Changes of 2025-06-02 10:00 by Bob <bob@mail.example>:\n# one\n# two\n",
        "Host: db1\nSince: 2025-06-02 10:00\nState: CRITICAL\nThe daemon wrote:\n> out of memory\nend\n",
        "Since 2025-06-02 10:00 Bob <bob@mail.example> is on call.\nState: CRITICAL\nwrote:\n> out of memory\nend\n",
        ">>> CRITICAL: db1 is down <<<\n\nHost: db1\n",
        "> CRITICAL: db1 is down\n> since 10:00\n",
        "Forward:\n12 packets\n",
        "Original text:\nfoo\n",
        "Backup\n--\nStatus: failed\nSize: 0\nFrom: 10:00\nTo: 11:00\n",
    ] {
        if new(text) != text {
            failed.push(format!("{text:?}: {:?}", new(text)));
        }
    }
    assert!(failed.is_empty(), "{} failed:\n{}", failed.len(), failed.join("\n"));
}

#[test]
fn a_report_is_kept_even_where_an_answer_would_be_cut() {
    let report = Context { is_report: true, ..Context::default() };
    let reply = Context { is_reply: true, ..Context::default() };
    let text = "Output:\n\n> one\n> two\n\nend\n";
    assert_eq!(new_text(text, report), text);
    assert_eq!(new_text(text, reply), "Output:\n\nend\n");
    let text = "From: sensor@dc.example\nDate: 2 June 2025 10:00\nTo: ops@dc.example\nSubject: warm\n\n41 degrees\n";
    assert_eq!(new_text(text, report), text);
    assert_eq!(new_text(text, reply), "");
}

#[test]
fn a_mail_that_answers_nothing_loses_no_line_of_its_report() {
    let fresh = Context { is_fresh: true, ..Context::default() };
    let mut failed = Vec::new();
    for text in [
        "Held:\n\nFrom: a@shop.example\nTo: b@client.example\nDate: Mon, 2 Nov 2026 02:11:09 +0000\nSubject: Bill\nReason: 450 greylisted\n\nQueue DOWN\n",
        "Found:\n\n    From: nobody@localhost\n    To: a@x.example\n    Subject: totals\n    Date: Sun, 1 Nov 2026 23:59:59 +0000\n\nIndex CRITICAL\n",
        "Lost.\n\nSent:    2026-11-02 03:04:10\nFrom:    probe@noc.example\nTo:      echo@far.example\nSubject: probe\n\nCRITICAL\n",
        "Not sent.\n\n----- Original Message -----\nLine: modem 3\nText: \"off\"\n--------\nModem DOWN\n",
        "Not sent.\n\n----- Original Message -----\nboiler off\n--------\nModem DOWN\n",
        "Nov  2 03:14:02 core kernel: filer1\nNov  2 03:14:03 core app[92]: user f@shop.example wrote: \"empty\"\nfiler1 DOWN\n",
        "Watch\n\nOn db7, Mon Nov 2 03:14:10 2026, the replica wrote:\n  relay log corrupt\nDOWN\n",
        "> rsync: read errors\n> rsync error: code 23\n\nCopy FAILED\n",
    ] {
        if new_text(text, fresh) != text {
            failed.push(format!("{text:?}: {:?}", new_text(text, fresh)));
        }
    }
    assert!(failed.is_empty(), "{} failed:\n{}", failed.len(), failed.join("\n"));
    for old in [
        "-----Original Message-----\nFrom: Bob Brown\nSent: Monday, June 2, 2025 10:00 AM\nTo: Ops\nSubject: x\n\nOld.",
        "On Mon, Jun 2, 2025 at 10:00 AM Bob <b@x.example> wrote:\n> Old.",
        "From: Bob <b@x.example>\nSent: Monday, June 2, 2025 10:00 AM\nTo: Ops\nSubject: x\n\nOld.",
    ] {
        assert_eq!(new_text(&format!("Done.\n\n{old}"), fresh), "Done.\n", "{old}");
    }
}

#[test]
fn subjects_of_answers_and_forwards_are_known() {
    for subject in ["Fwd: x", "WG: x", "AW[2]: x", "[ops] Re: x", "转发：x", "İLT: x", "Re^2: x"] {
        assert!(is_marked_subject(subject), "{subject}");
    }
    for subject in ["PROBLEM: x", "[FIRING:1] x", "disk full", "Error: Re: x"] {
        assert!(!is_marked_subject(subject), "{subject}");
    }
}

#[test]
fn reply_markers_part_only_below_an_answer() {
    let text = "Done.\n\n##- Please type your reply above this line -##\n\nTicket 12: server down";
    assert_eq!(new(text), "Done.\n");
    assert_eq!(new("--- Reply above this line ---\n\nTicket 12: down"), "Ticket 12: down\n");
}

#[test]
fn signatures_go_but_separators_in_reports_stay() {
    assert_eq!(new("Done.\n\n-- \nBob\n+64 21 111"), "Done.\n");
    assert_eq!(
        new("Done.\n-- \nBob\n\nOn 2 Jun 2025 at 10:00, Carol <c@x.example> wrote:\n> Old.\n\nNew below."),
        "Done.\n\nNew below.\n"
    );
}

#[test]
fn a_million_bytes_of_quotes_take_milliseconds() {
    let text = "> quoted line of ordinary length, as mails have it\n".repeat(20_000);
    let start = std::time::Instant::now();
    assert_eq!(new(&format!("New.\n\nOn 2 Jun 2025 at 10:00, Bob <b@x.example> wrote:\n{text}")), "New.\n");
    let limit = if cfg!(debug_assertions) { 30_000 } else { 2_000 };
    assert!(start.elapsed().as_millis() < limit, "{:?}", start.elapsed());
}

#[test]
fn html_of_many_clients() {
    let mut failed = Vec::new();
    for old in [
        "<div class=\"gmail_quote\"><div dir=\"ltr\" class=\"gmail_attr\">---------- Forwarded message ---------<br>From: <b>Bob</b> &lt;bob@mail.example&gt;<br>Date: Mon, Jun 2, 2025<br>Subject: x<br></div><br><br>Old words.<br>More.</div>",
        "<div class=\"gmail_extra\"><br><div class=\"gmail_quote\">On Jun 2, 2025 10:00 AM, &quot;Bob&quot; &lt;bob@mail.example&gt; wrote:<br type=\"attribution\"><blockquote class=\"gmail_quote\">Old words.</blockquote></div></div>",
        "<hr id=\"stopSpelling\">Date: Mon, 2 Jun 2025 10:00:00 +0200<br>From: bob@mail.example<br>To: carol@mail.example<br>Subject: x<br><br>Old words.",
        "<div style='border:none;border-top:solid #E1E1E1 1.0pt;padding:3.0pt 0cm 0cm 0cm'><p class=MsoNormal><b>From:</b> Bob Brown <br><b>Sent:</b> Monday, June 2, 2025 10:00 AM<br><b>To:</b> Carol<br><b>Subject:</b> x</p></div><p>Old words.</p>",
        "<div><b>Von:</b> Bob &lt;bob@mail.example&gt;<br><b>Gesendet:</b> Montag, 2. Juni 2025 10:00<br><b>An:</b> Carol<br><b>Betreff:</b> x</div><p>Old words.",
        "<blockquote type=\"cite\"><div>On 2 Jun 2025, at 10:00, Bob wrote:</div><div>Old words.</div></blockquote>",
        "<div class=\"moz-cite-prefix\">Am 02.06.25 um 10:00 schrieb Bob:<br></div><blockquote type=\"cite\">Old words.</blockquote>",
        "<div>Am 02.06.25 um 10:00 schrieb Bob:</div><blockquote>Old words.</blockquote>",
        "<div id=\"yahoo_quoted_123\" class=\"yahoo_quoted\"><div>On Monday, June 2, 2025, Bob wrote:</div><div>Old words.</div></div>",
        "<div class=\"protonmail_quote\">On Monday, June 2nd, 2025 at 10:00 AM, Bob wrote:<br><blockquote class=\"protonmail_quote\">Old words.</blockquote></div>",
        "<div name=\"quote\" style=\"border-left:2px solid #C3D9E5\"><div><b>Gesendet:</b> Montag<br><b>Von:</b> Bob</div>Old words.</div>",
        "<hr id=\"zwchr\" data-marker=\"__DIVIDER__\"><div data-marker=\"__HEADERS__\"><b>From: </b>Bob<br></div><div data-marker=\"__QUOTED_TEXT__\">Old words.</div>",
        "<div>-------- Original message --------</div><div>From: Bob &lt;bob@mail.example&gt; </div><div>Date: 02/06/2025  10:00  (GMT+01:00) </div><div>To: Carol </div><div>Old words.</div>",
        "<div>02.06.2025, 10:00, \"Bob\" &lt;bob@mail.example&gt;:</div><blockquote><p>Old words.</p></blockquote>",
        "<span id=\"OLK_SRC_BODY_SECTION\"><div><b>From: </b>Bob<br><b>Date: </b>Monday<br></div>Old words.</span>",
        "<div id=\"mail-editor-reference-message-container\"><div><p><b>From: </b>Bob</p><p>Old words.</p></div></div>",
        "<div class=\"zmail_extra\">---- On Mon, 02 Jun 2025 10:00:00 +0200 <b>Bob &lt;bob@mail.example&gt;</b> wrote ----<br><blockquote>Old words.</blockquote></div>",
        "<p id=\"reply-intro\">On 2025-06-02 10:00, Bob wrote:</p><blockquote type=\"cite\">Old words.</blockquote>",
        "<div class=OutlookMessageHeader dir=ltr align=left><hr tabindex=-1><font><b>From:</b> Bob [mailto:bob@mail.example]<br><b>Sent:</b> Monday<br><b>To:</b> Carol<br></font></div><div>Old words.</div>",
    ] {
        let lines = super::super::html::render(&format!("<div>Fine, thanks.</div><div><br></div>{old}"));
        let found = split(lines, Context::default()).new;
        if found != "Fine, thanks.\n" {
            failed.push(format!("{old:?}: {found:?}"));
        }
    }
    assert!(failed.is_empty(), "{} failed:\n{}", failed.len(), failed.join("\n"));
}

#[test]
fn replies_below_and_between_quotes_in_html() {
    let html = "<div class=\"gmail_quote\"><div class=\"gmail_attr\">On Mon, Jun 2, 2025 Bob wrote:<br></div><blockquote class=\"gmail_quote\">Old one.</blockquote><div>New one.</div><blockquote class=\"gmail_quote\">Old two.</blockquote><div>New two.</div></div>";
    assert_eq!(split(super::super::html::render(html), Context::default()).new, "New one.\nNew two.\n");
    let html = "<p>The log says:</p><blockquote>disk full</blockquote><p>Please call.</p>";
    assert_eq!(
        split(super::super::html::render(html), Context::default()).new,
        "The log says:\n\ndisk full\n\nPlease call.\n"
    );
}

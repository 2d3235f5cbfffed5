use super::*;

fn text(html: &str) -> String {
    render(html).iter().map(|line| line.text.as_str()).collect::<Vec<_>>().join("\n")
}

fn history(html: &str) -> Vec<(String, bool)> {
    render(html).into_iter().filter(|line| !line.text.is_empty()).map(|line| (line.text, line.history)).collect()
}

#[test]
fn blocks_end_lines_and_inline_elements_do_not() {
    assert_eq!(text("<div>a<b>b</b> c</div><div>d</div>e<br>f<hr>g"), "ab c\nd\ne\nf\ng");
    assert_eq!(text("<p>a</p><p>b</p>\n<ul><li>c</li><li>d</li></ul>"), "a\n\nb\n\nc\nd");
    assert_eq!(text("a\n   b\t c<br><br>d"), "a b c\n\nd");
    assert_eq!(text("<h1>Head</h1>text"), "Head\n\ntext");
}

#[test]
fn cells_of_a_row_stand_on_one_line() {
    let table =
        "<table><tr><th>Host:</th><td>db1</td></tr>\n<tr><td><p>State:</p></td><td><p>DOWN</p></td></tr></table>";
    assert_eq!(text(table), "Host: db1\nState: DOWN");
    assert_eq!(text("<table><tr><td>a<br>b</td><td>c</td></tr></table>"), "a\nb\nc");
}

#[test]
fn line_ends_of_pre_are_those_of_lf_when_they_are_crlf() {
    let page = "a<pre>\n> x\n\n y</pre>b\n<p>c";
    assert_eq!(text(&page.replace('\n', "\r\n")), text(page));
    assert_eq!(text(&page.replace('\n', "\r")), text(page));
}

#[test]
fn pre_keeps_its_lines_and_spaces() {
    assert_eq!(text("a<pre>\n  x\n    y\n</pre>b"), "a\n\n  x\n    y\n\nb");
}

#[test]
fn what_is_no_text_is_left_out() {
    assert_eq!(text("<head><title>t</title><style>p{}</style></head><body>a<!-- c --><script>x<y</script>b"), "ab");
    assert_eq!(text("<![if !mso]>a<![endif]><?xml x?>b<o:p></o:p>"), "ab");
}

#[test]
fn broken_markup_loses_no_text() {
    assert_eq!(text("a < b and c<d"), "a < b and c<d");
    assert_eq!(text("mail <root@host.example> now"), "mail <root@host.example> now");
    assert_eq!(text("<style>never ended: DOWN"), "never ended: DOWN");
    assert_eq!(text("<!-- never ended>DOWN"), "DOWN");
    assert_eq!(text("<a href=\"x>DOWN</a> more"), "DOWN more");
    assert_eq!(text("</div></td></blockquote>DOWN"), "DOWN");
}

#[test]
fn what_clients_mark_as_history_is_marked() {
    let gmail = "<div>new</div><div class=\"gmail_quote\"><div class=\"gmail_attr\">On x wrote:</div>\
                 <blockquote class=\"gmail_quote\">old</blockquote><div>below</div></div>";
    let found = history(gmail);
    let found: Vec<(&str, bool)> = found.iter().map(|(text, old)| (text.as_str(), *old)).collect();
    assert_eq!(found, [("new", false), ("On x wrote:", true), ("old", true), ("below", false)]);
    let outlook = "new<div id=\"x_divRplyFwdMsg\"><b>From:</b> a</div><div>old</div>";
    let found = history(outlook);
    let found: Vec<(&str, bool)> = found.iter().map(|(text, old)| (text.as_str(), *old)).collect();
    assert_eq!(found, [("new", false), ("From: a", true), ("old", true)]);
}

#[test]
fn a_bare_blockquote_is_no_history() {
    let lines = render("<blockquote>said</blockquote>after");
    assert_eq!((lines[0].depth, lines[0].history, lines[1].depth), (1, false, 0));
}

#[test]
fn end_tags_may_be_left_out() {
    let many = "<p>line".repeat(700);
    let lines = render(&format!("<div class=gmail_quote><blockquote type=cite>{many}</blockquote></div><p>below"));
    assert_eq!(lines.last().map(|line| (line.text.as_str(), line.history)), Some(("below", false)));
    let rows = "<tr><td>a<td>b".repeat(700);
    let lines = render(&format!("<blockquote type=cite><table>{rows}</table></blockquote>below"));
    assert_eq!(lines.first().map(|line| line.text.as_str()), Some("a b"));
    assert_eq!(lines.last().map(|line| (line.text.as_str(), line.history)), Some(("below", false)));
}

#[test]
fn outlook_paragraphs_are_lines() {
    assert_eq!(
        text(
            "<p class=MsoNormal>a</p><p class=\"MsoNormal\">b<o:p></o:p></p><p class=MsoNormal>&nbsp;</p><p class=MsoNormal>c"
        ),
        "a\nb\n\nc"
    );
}

#[test]
fn a_page_says_its_charset() {
    assert_eq!(charset(b"<meta http-equiv=x content=\"text/html; charset=KOI8-R\">").as_deref(), Some("koi8-r"));
    assert_eq!(charset(b"<meta charset='windows-1251'>").as_deref(), Some("windows-1251"));
    assert_eq!(charset(b"<p>text"), None);
}

#[test]
fn hostile_input_costs_linear_time() {
    let million = 1 << 20;
    for piece in [
        "<div>",
        "<",
        "<!--",
        "<table><tr><td>",
        "&",
        "&amp",
        "&#",
        "<a \"",
        "<a x=\"",
        "<script>",
        "</div>",
        "<blockquote>",
        "<span>",
        "<a x='\">",
        "<td><span></div>",
        "<p style=\"",
        "<a x=\"<a y='>",
        "<!",
        "</",
        "<pre>\n",
        "<br>",
        "<style></",
        "<div class='x_x_x_x_",
        "<div id=\"divRplyFwdMsg\">",
    ] {
        let html = piece.repeat(million / piece.len());
        let start = std::time::Instant::now();
        let lines = render(&html);
        assert!(lines.len() <= million, "{piece}");
        if std::env::var_os("SHOW_TIMES").is_some() {
            println!("{:?}: {piece}", start.elapsed());
        }
        let limit = if cfg!(debug_assertions) { 60 } else { 10 };
        assert!(start.elapsed().as_secs() < limit, "{piece} took {:?}", start.elapsed());
    }
}

//! What mail clients put around quoted history, by the marks they leave in class, id and style.

use super::token::Tag;

/// What an element says about the text in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Nothing.
    Plain,
    /// It is quoted history, or the line that introduces it.
    History,
    /// It holds the introduction, the quote, and what is written below it.
    Wrapper,
    /// It is the signature.
    Signature,
    /// From here to the end of the mail is quoted history: Outlook's header block and what follows.
    Tail,
    /// It is a line across the page.
    Rule,
}

/// Marks of quoted history: Apple, Thunderbird, Yahoo, Outlook for Mac and mobile, Proton, Zimbra, Zoho, Tuta, GMX,
/// Roundcube, Spark, Newton, Airmail, Edison, Front, Superhuman, Mailbird, Mimecast, K-9.
const HISTORY: [&str; 34] = [
    "gmail_attr",
    "moz-cite-prefix",
    "moz-forward-container",
    "moz-email-headers-table",
    "yahoo_quoted",
    "yahoo-quoted",
    "yqtext",
    "olk_src_body_section",
    "mail-editor-reference-message-container",
    "ms-outlook-mobile-reference-message",
    "protonmail_quote",
    "proton_quote",
    "zmail_extra",
    "tutanota_quote",
    "reply-intro",
    "messagereplysection",
    "cloudmagic_quote",
    "newton_quote",
    "bloop_original_html",
    "airmail_ext_on",
    "email-quote",
    "front-blockquote",
    "sh-quoted-content",
    "quoted-text",
    "mail_android_quote",
    "gmx_quote",
    "isreplycontent",
    "isforwardcontent",
    "k9mail-signature-quote",
    "elided-text",
    "replyforwardcontent",
    "hcl_quote",
    "ox_quote",
    "appleoriginalcontents",
];

const SIGNATURES: [&str; 6] = [
    "gmail_signature",
    "moz-signature",
    "protonmail_signature_block",
    "messagesignaturesection",
    "tutanota_signature",
    "k9mail-signature",
];

/// What `tag` says. Linear in its attributes.
pub fn role(tag: &Tag<'_>) -> Role {
    if tag.attributes.len() < 4 {
        return Role::Plain;
    }
    let is_quote = tag.name == "blockquote";
    if is_quote && tag.attribute("type").is_some_and(|value| value.eq_ignore_ascii_case("cite")) {
        return Role::History;
    }
    for name in ["class", "id", "name", "data-marker", "data-smartmail"] {
        let Some(value) = tag.attribute(name) else { continue };
        for word in value.split_ascii_whitespace().take(20) {
            let word = word.to_ascii_lowercase();
            let mut word = word.as_str();
            while let Some(inner) = word.strip_prefix("x_") {
                word = inner; // Outlook renames what it quotes.
            }
            match word {
                "divrplyfwdmsg" => return Role::Tail,
                "appendonsend" => return Role::Rule,
                "gmail_quote" if is_quote => return Role::History,
                "gmail_quote" => return Role::Wrapper,
                "__quoted_text__" | "__headers__" => return Role::History,
                "__sig_post__" | "__sig_pre__" => return Role::Signature,
                "quote" if name == "name" => return Role::History,
                _ if HISTORY.contains(&word) => return Role::History,
                _ if SIGNATURES.contains(&word) => return Role::Signature,
                _ => {}
            }
        }
    }
    if tag.name == "div" && tag.attribute("style").is_some_and(is_outlook_border) {
        return Role::Rule;
    }
    Role::Plain
}

/// `border:none;border-top:solid #E1E1E1 1.0pt`: the line above the header block of Outlook and Windows Mail.
fn is_outlook_border(style: &str) -> bool {
    let style = style.to_ascii_lowercase();
    style.contains("border-top") && style.contains("solid") || style.contains("border-style: solid none none")
}

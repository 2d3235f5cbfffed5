//! Texts: GSM-7, smart characters made plain, segments.

/// How a text is encoded on the air.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub enum Encoding {
    /// 7 bits a character (3GPP TS 23.038).
    #[serde(rename = "GSM-7")]
    Gsm7,
    /// 16 bits a unit.
    #[serde(rename = "UCS-2")]
    Ucs2,
}

/// How many segments a text takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct Length {
    /// How it is encoded.
    pub encoding: Encoding,
    /// Septets or UTF-16 units.
    pub units: usize,
    /// How many segments.
    pub segments: usize,
}

/// The length of `text` as it is, after nothing has been made plain.
pub fn length(text: &str) -> Length {
    let _ = text;
    todo!()
}

/// The body of an alert's text: `CODE words`, cleaned, smart characters made plain where that makes it GSM-7, cut to
/// at most `segments` whole segments (with `…` made `...`).
pub fn compose(code: &str, words: &str, segments: usize) -> String {
    let _ = (code, words, segments);
    todo!()
}

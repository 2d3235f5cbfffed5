//! Character references of HTML: numbers, and the names that occur in mail.

/// `text` with its character references replaced. What is none stays as it is. Linear.
pub fn decode(text: &str) -> String {
    let mut decoded = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        let (before, reference) = rest.split_at(at);
        decoded.push_str(before);
        if let Some((char, length)) = character(reference) {
            decoded.push(char);
            rest = reference.get(length..).unwrap_or_default();
        } else {
            decoded.push('&');
            rest = reference.get(1..).unwrap_or_default();
        }
    }
    decoded.push_str(rest);
    decoded
}

/// The character that the reference at the start of `text` names, and the length of the reference in bytes.
fn character(text: &str) -> Option<(char, usize)> {
    let body = text.strip_prefix('&')?;
    if let Some(number) = body.strip_prefix('#') {
        let (digits, radix, skipped) = match number.strip_prefix(['x', 'X']) {
            Some(hex) => (hex, 16, 3),
            None => (number, 10, 2),
        };
        let length = digits.bytes().take(10).take_while(|byte| char::from(*byte).is_digit(radix)).count();
        let code = u32::from_str_radix(digits.get(..length)?, radix).ok()?;
        let end = usize::from(digits.as_bytes().get(length) == Some(&b';'));
        return Some((from_code(code), skipped + length + end));
    }
    let length = body.bytes().take(32).take_while(u8::is_ascii_alphanumeric).count();
    let name = body.get(..length)?;
    if body.as_bytes().get(length) == Some(&b';') {
        return named(name).map(|char| (char, length + 2));
    }
    // Without a semicolon only the names of old HTML, and only whole words: `a&amp b`, but `&notify=1` is an address.
    let old = ["amp", "lt", "gt", "quot", "nbsp", "copy", "reg"].contains(&name);
    let in_address = body.as_bytes().get(length) == Some(&b'=');
    (old && !in_address).then(|| named(name)).flatten().map(|char| (char, length + 1))
}

/// Numbers 128 to 159 mean Windows-1252, as every browser reads them.
fn from_code(code: u32) -> char {
    const WINDOWS: [char; 32] = [
        '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž', '\u{8f}', '\u{90}', '‘',
        '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}', 'ž', 'Ÿ',
    ];
    let windows = code.checked_sub(128).and_then(|index| WINDOWS.get(usize::try_from(index).ok()?));
    windows
        .copied()
        .or_else(|| char::from_u32(code).filter(|char| *char != '\0'))
        .unwrap_or(char::REPLACEMENT_CHARACTER)
}

fn named(name: &str) -> Option<char> {
    let index = NAMES.binary_search_by(|(known, _)| (*known).cmp(name)).ok()?;
    NAMES.get(index).map(|(_, char)| *char)
}

/// Sorted by name.
#[rustfmt::skip]
static NAMES: [(&str, char); 381] = [
    ("AElig", 'Æ'), ("AMP", '&'), ("Aacute", 'Á'), ("Abreve", 'Ă'), ("Acirc", 'Â'), ("Agrave", 'À'), ("Alpha", 'Α'),
    ("Aogon", 'Ą'), ("Aring", 'Å'), ("Atilde", 'Ã'), ("Auml", 'Ä'), ("Beta", 'Β'), ("COPY", '©'), ("Cacute", 'Ć'),
    ("Ccaron", 'Č'), ("Ccedil", 'Ç'), ("Chi", 'Χ'), ("Dagger", '‡'), ("Dcaron", 'Ď'), ("Delta", 'Δ'), ("Dstrok",
    'Đ'), ("ETH", 'Ð'), ("Eacute", 'É'), ("Ecaron", 'Ě'), ("Ecirc", 'Ê'), ("Egrave", 'È'), ("Eogon", 'Ę'),
    ("Epsilon", 'Ε'), ("Eta", 'Η'), ("Euml", 'Ë'), ("GT", '>'), ("Gamma", 'Γ'), ("Gbreve", 'Ğ'), ("Hat", '^'),
    ("Iacute", 'Í'), ("Icirc", 'Î'), ("Idot", 'İ'), ("Igrave", 'Ì'), ("Iota", 'Ι'), ("Iuml", 'Ï'), ("Kappa", 'Κ'),
    ("LT", '<'), ("Lambda", 'Λ'), ("Lstrok", 'Ł'), ("Mu", 'Μ'), ("Nacute", 'Ń'), ("Ncaron", 'Ň'), ("NewLine",
    '\u{a}'), ("NoBreak", '\u{2060}'), ("Ntilde", 'Ñ'), ("Nu", 'Ν'), ("OElig", 'Œ'), ("Oacute", 'Ó'), ("Ocirc",
    'Ô'), ("Odblac", 'Ő'), ("Ograve", 'Ò'), ("Omega", 'Ω'), ("Omicron", 'Ο'), ("Oslash", 'Ø'), ("Otilde", 'Õ'),
    ("Ouml", 'Ö'), ("Phi", 'Φ'), ("Pi", 'Π'), ("Prime", '″'), ("Psi", 'Ψ'), ("QUOT", '"'), ("REG", '®'), ("Rcaron",
    'Ř'), ("Rho", 'Ρ'), ("Sacute", 'Ś'), ("Scaron", 'Š'), ("Scedil", 'Ş'), ("Sigma", 'Σ'), ("THORN", 'Þ'), ("Tab",
    '\u{9}'), ("Tau", 'Τ'), ("Tcaron", 'Ť'), ("Tcedil", 'Ţ'), ("Theta", 'Θ'), ("Uacute", 'Ú'), ("Ucirc", 'Û'),
    ("Udblac", 'Ű'), ("Ugrave", 'Ù'), ("Upsilon", 'Υ'), ("Uring", 'Ů'), ("Uuml", 'Ü'), ("Xi", 'Ξ'), ("Yacute", 'Ý'),
    ("Yuml", 'Ÿ'), ("Zacute", 'Ź'), ("Zcaron", 'Ž'), ("Zdot", 'Ż'), ("ZeroWidthSpace", '\u{200b}'), ("Zeta", 'Ζ'),
    ("aacute", 'á'), ("abreve", 'ă'), ("acirc", 'â'), ("acute", '´'), ("aelig", 'æ'), ("agrave", 'à'), ("alefsym",
    'ℵ'), ("alpha", 'α'), ("amacr", 'ā'), ("amp", '&'), ("and", '∧'), ("ang", '∠'), ("aogon", 'ą'), ("apos", '\''),
    ("aring", 'å'), ("ast", '*'), ("asymp", '≈'), ("atilde", 'ã'), ("auml", 'ä'), ("bdquo", '„'), ("beta", 'β'),
    ("bigstar", '★'), ("blacksquare", '▪'), ("block", '█'), ("brvbar", '¦'), ("bsol", '\\'), ("bull", '•'),
    ("cacute", 'ć'), ("cap", '∩'), ("ccaron", 'č'), ("ccedil", 'ç'), ("cedil", '¸'), ("cent", '¢'), ("check", '✓'),
    ("checkmark", '✓'), ("chi", 'χ'), ("circ", 'ˆ'), ("clubs", '♣'), ("colon", ':'), ("comma", ','), ("commat",
    '@'), ("cong", '≅'), ("copy", '©'), ("crarr", '↵'), ("cross", '✗'), ("cup", '∪'), ("curren", '¤'), ("dArr",
    '⇓'), ("dagger", '†'), ("darr", '↓'), ("dash", '‐'), ("dcaron", 'ď'), ("deg", '°'), ("delta", 'δ'), ("diams",
    '♦'), ("divide", '÷'), ("dollar", '$'), ("dstrok", 'đ'), ("eacute", 'é'), ("ecaron", 'ě'), ("ecirc", 'ê'),
    ("egrave", 'è'), ("emacr", 'ē'), ("empty", '∅'), ("emsp", '\u{2003}'), ("ensp", '\u{2002}'), ("eogon", 'ę'),
    ("epsilon", 'ε'), ("equals", '='), ("equiv", '≡'), ("eta", 'η'), ("eth", 'ð'), ("euml", 'ë'), ("euro", '€'),
    ("excl", '!'), ("exist", '∃'), ("female", '♀'), ("fnof", 'ƒ'), ("forall", '∀'), ("frac12", '½'), ("frac14",
    '¼'), ("frac34", '¾'), ("frasl", '⁄'), ("gamma", 'γ'), ("gbreve", 'ğ'), ("ge", '≥'), ("grave", '`'), ("gt",
    '>'), ("hArr", '⇔'), ("hairsp", '\u{200a}'), ("harr", '↔'), ("hearts", '♥'), ("hellip", '…'), ("horbar", '―'),
    ("hyphen", '‐'), ("iacute", 'í'), ("icirc", 'î'), ("iexcl", '¡'), ("igrave", 'ì'), ("imacr", 'ī'), ("image",
    'ℑ'), ("imath", 'ı'), ("infin", '∞'), ("inodot", 'ı'), ("int", '∫'), ("iota", 'ι'), ("iquest", '¿'), ("isin",
    '∈'), ("iuml", 'ï'), ("kappa", 'κ'), ("kcedil", 'ķ'), ("lArr", '⇐'), ("lacute", 'ĺ'), ("lambda", 'λ'), ("lang",
    '⟨'), ("laquo", '«'), ("larr", '←'), ("lbrace", '{'), ("lbrack", '['), ("lcaron", 'ľ'), ("lcedil", 'ļ'),
    ("lceil", '⌈'), ("lcub", '{'), ("ldquo", '“'), ("ldquor", '„'), ("le", '≤'), ("leftarrow", '←'), ("lfloor",
    '⌊'), ("lowast", '∗'), ("lowbar", '_'), ("loz", '◊'), ("lpar", '('), ("lrm", '\u{200e}'), ("lsaquo", '‹'),
    ("lsqb", '['), ("lsquo", '‘'), ("lsquor", '‚'), ("lstrok", 'ł'), ("lt", '<'), ("macr", '¯'), ("male", '♂'),
    ("mdash", '—'), ("micro", 'µ'), ("middot", '·'), ("minus", '−'), ("mldr", '…'), ("mu", 'μ'), ("nabla", '∇'),
    ("nacute", 'ń'), ("nbsp", '\u{a0}'), ("ncaron", 'ň'), ("ncedil", 'ņ'), ("ndash", '–'), ("ne", '≠'), ("ni", '∋'),
    ("nldr", '‥'), ("not", '¬'), ("notin", '∉'), ("nsub", '⊄'), ("ntilde", 'ñ'), ("nu", 'ν'), ("num", '#'),
    ("numsp", '\u{2007}'), ("oacute", 'ó'), ("ocirc", 'ô'), ("odblac", 'ő'), ("oelig", 'œ'), ("ograve", 'ò'),
    ("oline", '‾'), ("omacr", 'ō'), ("omega", 'ω'), ("omicron", 'ο'), ("oplus", '⊕'), ("or", '∨'), ("ordf", 'ª'),
    ("ordm", 'º'), ("oslash", 'ø'), ("otilde", 'õ'), ("otimes", '⊗'), ("ouml", 'ö'), ("para", '¶'), ("part", '∂'),
    ("percnt", '%'), ("period", '.'), ("permil", '‰'), ("perp", '⊥'), ("phi", 'φ'), ("phone", '☎'), ("pi", 'π'),
    ("piv", 'ϖ'), ("plus", '+'), ("plusmn", '±'), ("pound", '£'), ("prime", '′'), ("prod", '∏'), ("prop", '∝'),
    ("psi", 'ψ'), ("puncsp", '\u{2008}'), ("quest", '?'), ("quot", '"'), ("rArr", '⇒'), ("radic", '√'), ("rang",
    '⟩'), ("raquo", '»'), ("rarr", '→'), ("rbrace", '}'), ("rbrack", ']'), ("rcaron", 'ř'), ("rcedil", 'ŗ'),
    ("rceil", '⌉'), ("rcub", '}'), ("rdquo", '”'), ("rdquor", '”'), ("real", 'ℜ'), ("reg", '®'), ("rfloor", '⌋'),
    ("rho", 'ρ'), ("rightarrow", '→'), ("rlm", '\u{200f}'), ("rpar", ')'), ("rsaquo", '›'), ("rsqb", ']'), ("rsquo",
    '’'), ("rsquor", '’'), ("sacute", 'ś'), ("sbquo", '‚'), ("scaron", 'š'), ("scedil", 'ş'), ("sdot", '⋅'),
    ("sect", '§'), ("semi", ';'), ("shy", '\u{ad}'), ("sigma", 'σ'), ("sigmaf", 'ς'), ("sim", '∼'), ("sol", '/'),
    ("spades", '♠'), ("squ", '□'), ("square", '□'), ("star", '☆'), ("starf", '★'), ("sub", '⊂'), ("sube", '⊆'),
    ("sum", '∑'), ("sup", '⊃'), ("sup1", '¹'), ("sup2", '²'), ("sup3", '³'), ("supe", '⊇'), ("szlig", 'ß'), ("tau",
    'τ'), ("tcaron", 'ť'), ("tcedil", 'ţ'), ("there4", '∴'), ("theta", 'θ'), ("thetasym", 'ϑ'), ("thinsp",
    '\u{2009}'), ("thorn", 'þ'), ("tilde", '˜'), ("times", '×'), ("trade", '™'), ("uArr", '⇑'), ("uacute", 'ú'),
    ("uarr", '↑'), ("ucirc", 'û'), ("udblac", 'ű'), ("ugrave", 'ù'), ("umacr", 'ū'), ("uml", '¨'), ("upsih", 'ϒ'),
    ("upsilon", 'υ'), ("uring", 'ů'), ("uuml", 'ü'), ("vellip", '⋮'), ("verbar", '|'), ("vert", '|'), ("weierp",
    '℘'), ("xi", 'ξ'), ("yacute", 'ý'), ("yen", '¥'), ("yuml", 'ÿ'), ("zacute", 'ź'), ("zcaron", 'ž'), ("zdot",
    'ż'), ("zeta", 'ζ'), ("zwj", '\u{200d}'), ("zwnj", '\u{200c}'),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted() {
        assert!(NAMES.is_sorted_by_key(|(name, _)| *name));
    }

    #[test]
    fn names_numbers_and_what_is_neither() {
        assert_eq!(decode("&lt;a&gt; &amp;amp; &auml;&#228;&#xE4; &nbsp;&hellip;"), "<a> &amp; äää \u{a0}…");
        assert_eq!(decode("&#146;&#0;&#x110000;"), "’\u{fffd}\u{fffd}");
        assert_eq!(decode("a&b &; &# &copy=1 &notify=1 &unknown; &amp"), "a&b &; &# &copy=1 &notify=1 &unknown; &");
    }
}

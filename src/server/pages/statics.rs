//! Style, script and icon: compiled in, named by what is in them, so that a browser asks for each but once.

use std::sync::LazyLock;

use sha2::{Digest as _, Sha256};

use crate::server::http::{Request, Response};

/// A file.
struct File {
    name: &'static str,
    media_type: &'static str,
    content: &'static [u8],
    /// `style.1f3a….css`.
    address: String,
}

static FILES: LazyLock<[File; 3]> = LazyLock::new(|| {
    [
        file("style.css", "text/css; charset=utf-8", include_bytes!("static/style.css")),
        file("live.js", "text/javascript; charset=utf-8", include_bytes!("static/live.js")),
        file("icon.svg", "image/svg+xml", include_bytes!("static/icon.svg")),
    ]
});

fn file(name: &'static str, media_type: &'static str, content: &'static [u8]) -> File {
    let mark: String = Sha256::digest(content).iter().take(6).map(|byte| format!("{byte:02x}")).collect();
    let (stem, ending) = name.split_once('.').unwrap_or((name, ""));
    File { name, media_type, content, address: format!("{stem}.{mark}.{ending}") }
}

/// Where the file of this name is: `/static/style.1f3a….css`.
pub(super) fn path_of(name: &str) -> String {
    let known = FILES.iter().find(|file| file.name == name);
    known.map_or_else(String::new, |file| format!("/static/{}", file.address))
}

/// The file at `/static/ADDRESS`. They are nobody's secret: the page on which one signs in has them, too.
pub(super) fn answer(_request: &Request, address: &str) -> Response {
    match FILES.iter().find(|file| file.address == address) {
        Some(file) => Response::new(200, file.media_type, file.content)
            .with_header("Cache-Control", "public, max-age=31536000, immutable"),
        None => Response::text(404, "there is nothing here"),
    }
}

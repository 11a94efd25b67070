//! Files that pages refer to, from the binary itself. A name has the hash of its content, so that browsers keep a file for
//! good and never show a page with the file of another version.

use std::borrow::Cow;
use std::sync::LazyLock;

use actix_web::HttpResponse;
use actix_web::http::header::{self, HeaderValue};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use keymint_actix::ApiError;
use sha2::{Digest as _, Sha256};

use crate::answer::Answer;
use crate::ask::Ask;

/// A file.
#[derive(Debug)]
pub(crate) struct Asset {
    /// The path that pages refer to.
    pub(crate) path: String,
    tag: String,
    media_type: &'static str,
    content: Cow<'static, [u8]>,
}

/// The path of all files, with the parameter of the route.
pub(crate) const PATTERN: &str = "/console/assets/{name}";

macro_rules! assets {
    ($($(#[$doc:meta])* $name:ident = $file:literal, $stem:literal, $extension:literal, $media_type:literal;)*) => {
        $(
            $(#[$doc])*
            pub(crate) static $name: LazyLock<Asset> = LazyLock::new(|| {
                Asset::new($stem, $extension, $media_type, &include_bytes!(concat!("../assets/", $file))[..])
            });
        )*

        /// Every file.
        fn all() -> [&'static Asset; [$($file),*].len()] {
            [$(&$name),*]
        }
    };
}

assets! {
    /// The style sheet.
    STYLE = "console.css", "console", "css", "text/css; charset=utf-8";
    /// The script that chooses the theme before the page is drawn.
    THEME = "theme.js", "theme", "js", "text/javascript; charset=utf-8";
    /// The other scripts.
    SCRIPT = "console.js", "console", "js", "text/javascript; charset=utf-8";
    /// The icon of the browser's tab.
    ICON = "icon.svg", "icon", "svg", "image/svg+xml";
}

impl Asset {
    pub(crate) fn new(
        stem: &str,
        extension: &str,
        media_type: &'static str,
        content: impl Into<Cow<'static, [u8]>>,
    ) -> Self {
        let content = content.into();
        let hash = URL_SAFE_NO_PAD.encode(&Sha256::digest(&content)[..12]);
        Self {
            path: format!("/console/assets/{stem}.{hash}.{extension}"),
            tag: format!("\"{hash}\""),
            media_type,
            content,
        }
    }
}

const FOREVER: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");

/// Answers a file, or 304 if the browser has it.
pub(crate) async fn show(ask: Ask) -> Answer {
    let Ask { request, console, .. } = &ask;
    let name = request.parameter("name")?;
    let is_it = |asset: &&Asset| asset.path.rsplit('/').next() == Some(&name);
    let asset = all().into_iter().find(is_it);
    let of_brand = console.look.assets().find(is_it);
    let asset = asset.or(of_brand).ok_or(ApiError::NotFound)?;
    let known = request.http().headers().get(header::IF_NONE_MATCH).and_then(|tag| tag.to_str().ok());
    let is_known =
        known.is_some_and(|known| known.split(',').any(|tag| tag.trim().trim_start_matches("W/") == asset.tag));
    let mut answer = if is_known { HttpResponse::NotModified() } else { HttpResponse::Ok() };
    answer.insert_header((header::CACHE_CONTROL, FOREVER)).insert_header((header::ETAG, asset.tag.as_str()));
    if of_brand.is_some() {
        // An image of somebody's own may be shown, and nothing more.
        answer
            .insert_header((header::CONTENT_SECURITY_POLICY, "default-src 'none'; style-src 'unsafe-inline'; sandbox"));
    }
    Ok(if is_known { answer.finish() } else { answer.content_type(asset.media_type).body(asset.content.to_vec()) })
}

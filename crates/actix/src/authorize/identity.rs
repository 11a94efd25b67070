use actix_web::HttpResponseBuilder;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use keymint_domain::{ApiKey, Permissions};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// What stands for nothing. A header is always there and never empty: a gateway that copies what it finds would else
/// leave its client's own.
const NONE: &str = "-";
/// Bytes of a text at most; what is longer counts as nothing, which no upstream mistakes for somebody else's.
const MAX_TEXT: usize = 512;
/// Bytes of permissions and of metadata at most, likewise.
const MAX_LIST: usize = 2048;
/// What is not percent-encoded (RFC 3986 2.3, unreserved).
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Says whose the request is, and `assertion` says so signed. Every value is ASCII without spaces, whatever the key's texts hold.
pub(crate) fn identify(response: &mut HttpResponseBuilder, key: &ApiKey, assertion: Option<String>) {
    let details = &*key.details;
    let permissions = details.permissions.as_ref().map(Permissions::to_words);
    let metadata = details.metadata.as_ref().map(|metadata| URL_SAFE_NO_PAD.encode(metadata.as_json()));
    for (name, value) in [
        ("X-Key-Id", text(details.id.as_str())),
        ("X-Key-Owner", text(details.owner.as_str())),
        ("X-Key-Config", text(details.config_id.as_str())),
        ("X-Key-Name", text(details.name.as_deref().unwrap_or_default())),
        ("X-Key-Permissions", bounded(permissions.unwrap_or_default(), MAX_LIST)),
        ("X-Key-Meta", bounded(metadata.unwrap_or_default(), MAX_LIST)),
        ("X-Key-Remaining", key.usage.remaining.map_or_else(|| NONE.to_owned(), |left| left.to_string())),
        ("X-Key-Assertion", assertion.unwrap_or_else(|| NONE.to_owned())),
    ] {
        response.insert_header((name, value));
    }
}

fn text(text: &str) -> String {
    // A text that is the sign for nothing is none of it.
    if text == NONE { "%2D".to_owned() } else { bounded(encode(text), MAX_TEXT) }
}

fn bounded(value: String, max: usize) -> String {
    if value.is_empty() || value.len() > max { NONE.to_owned() } else { value }
}

fn encode(text: &str) -> String {
    utf8_percent_encode(text, ENCODED).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_plain_ascii_of_bounded_length_and_nothing_has_a_sign() {
        for (given, expected) in [
            ("", "-"),
            ("-", "%2D"),
            ("a-b.c_d~e", "a-b.c_d~e"),
            ("Ada's key: 100 %", "Ada%27s%20key%3A%20100%20%25"),
            ("a\r\nX-Key-Owner: eve", "a%0D%0AX-Key-Owner%3A%20eve"),
            ("ключ", "%D0%BA%D0%BB%D1%8E%D1%87"),
        ] {
            assert_eq!(text(given), expected, "{given:?}");
        }
        assert_eq!((text(&"x".repeat(512)).len(), text(&"x".repeat(513)).as_str()), (512, "-"));
        assert_eq!(text(&"é".repeat(86)), "-", "the bound is one of what is sent");
    }
}

use actix_web::HttpResponseBuilder;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use keymint_domain::{ApiKey, Permissions};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::views::secret::FORMER;

/// Stands for nothing. A header is always there and never empty: otherwise a gateway that copies the headers of the
/// answer would leave its client's own.
const NONE: &str = "-";
/// The longest text, in bytes. A longer one counts as nothing, which no upstream mistakes for another's.
const MAX_TEXT: usize = 512;
/// The longest permissions and metadata, in bytes.
const MAX_LIST: usize = 2048;
/// The characters that are percent-encoded: all but the unreserved ones (RFC 3986 2.3).
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A header that tells an upstream whose the request is.
pub(super) struct Header {
    pub(super) name: &'static str,
    pub(super) about: &'static str,
    value: fn(&Identity<'_>) -> String,
}

/// The key of a request that may pass.
struct Identity<'a> {
    key: &'a ApiKey,
    /// The headers that show the key, between commas.
    headers: &'a str,
    /// True if the key was presented by a secret that a rotation has replaced.
    is_former: bool,
    assertion: Option<String>,
}

/// Every header. Every value is ASCII without spaces, whatever the key's texts hold.
pub(super) static HEADERS: [Header; 11] = [
    Header { name: "x-key-id", about: "The key's id.", value: |identity| text(identity.key.details.id.as_str()) },
    Header {
        name: "x-key-owner",
        about: "The key's owner.",
        value: |identity| text(identity.key.details.owner.as_str()),
    },
    Header {
        name: "x-key-config",
        about: "The key's configuration.",
        value: |identity| text(identity.key.details.config_id.as_str()),
    },
    Header {
        name: "x-key-name",
        about: "Its name, percent-encoded; `-` is none.",
        value: |identity| text(identity.key.details.name.as_deref().unwrap_or_default()),
    },
    Header {
        name: "x-key-permissions",
        about: "The granted actions, as `files:read,files:write`; `-` is none.",
        value: |identity| {
            let permissions = identity.key.details.permissions.as_ref().map(Permissions::to_words);
            bounded(permissions.unwrap_or_default(), MAX_LIST)
        },
    },
    Header {
        name: "x-key-meta",
        about: "Its metadata as JSON in base64url; `-` is none.",
        value: |identity| {
            let metadata = identity.key.details.metadata.as_ref();
            let metadata = metadata.map(|metadata| URL_SAFE_NO_PAD.encode(metadata.as_json()));
            bounded(metadata.unwrap_or_default(), MAX_LIST)
        },
    },
    Header {
        name: "x-key-remaining",
        about: "Calls that the quota still allows; `-` is no quota.",
        value: |identity| identity.key.usage.remaining.map_or_else(|| NONE.to_owned(), |left| left.to_string()),
    },
    Header {
        name: "x-key-secret",
        about: "`former` if the key was presented by a secret that a rotation has replaced; else `-`.",
        value: |identity| if identity.is_former { FORMER } else { NONE }.to_owned(),
    },
    Header {
        name: "x-key-assertion",
        about: "All of it as a signed JWT, where `authorize.assertion.audience` is set; else `-`.",
        value: |identity| identity.assertion.clone().unwrap_or_else(|| NONE.to_owned()),
    },
    Header {
        name: "x-key-header",
        about: "The headers that contained the key, separated by commas.",
        value: |identity| identity.headers.to_owned(),
    },
    Header {
        name: "x-envoy-auth-headers-to-remove",
        about: "The same, for Envoy, which takes them from the request.",
        value: |identity| identity.headers.to_owned(),
    },
];

/// Adds the headers to an answer. `headers` are those that show the key.
pub(super) fn show(
    response: &mut HttpResponseBuilder,
    key: &ApiKey,
    headers: &str,
    is_former: bool,
    assertion: Option<String>,
) {
    let identity = Identity { key, headers, is_former, assertion };
    for header in &HEADERS {
        response.insert_header((header.name, (header.value)(&identity)));
    }
}

fn text(text: &str) -> String {
    // A text that looks like the sign for nothing.
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

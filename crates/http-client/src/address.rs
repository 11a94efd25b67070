use url::Url;

/// Parses the address below which endpoints are called: http or https, with a host, without user, query and fragment.
/// Returns `None` for another text.
pub fn parse_base(text: &str) -> Option<Url> {
    let url = Url::parse(text).ok()?;
    let is_plain = url.username().is_empty() && url.password().is_none();
    let is_base = url.query().is_none() && url.fragment().is_none() && url.has_host();
    (is_plain && is_base && matches!(url.scheme(), "http" | "https")).then_some(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_base_is_http_with_a_host_and_nothing_behind_its_path() {
        for text in ["http://k", "https://keys.example.com/api/auth", "http://127.0.0.1:8787/", "http://[::1]/a"] {
            assert!(parse_base(text).is_some(), "{text}");
        }
        for text in
            ["", "k", "k/a", "ftp://k", "unix:/k", "http://", "http://u@k", "http://:p@k", "http://k?", "http://k#"]
        {
            assert_eq!(parse_base(text), None, "{text}");
        }
    }
}

/// Returns true if `url` is a path on the server's own origin for every browser and router (RFC 3986 4.2): without a
/// second slash, a backslash, an escaped slash or backslash, or an invisible character.
pub(super) fn is_safe_path(url: &str) -> bool {
    let path = url.split(['?', '#']).next().unwrap_or_default().to_ascii_lowercase();
    url.starts_with('/')
        && !url.starts_with("//")
        && !url.contains('\\')
        && !url.chars().any(char::is_control)
        && !path.contains("%2f")
        && !path.contains("%5c")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_paths_are_safe() {
        for url in ["/", "/a/b?c=/d#e", "/a?next=%2Fb", "/ä"] {
            assert!(is_safe_path(url), "{url}");
        }
        for url in ["", "a", "//evil.org", "/\\evil.org", "/a\\b", "/%2Fevil.org", "/a%5cb", "/a\nb", "https://a"] {
            assert!(!is_safe_path(url), "{url}");
        }
    }
}

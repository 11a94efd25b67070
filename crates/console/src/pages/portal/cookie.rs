use crate::Console;

/// The cookies of portal sessions.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cookies {
    is_secure: bool,
    is_framed: bool,
}

impl Cookies {
    /// Returns those of a server that browsers reach by https alone, or not, and whose portal is framed, or not.
    pub(super) fn of(console: &Console) -> Self {
        Self { is_secure: console.base_url.starts_with("https:"), is_framed: console.look.is_framed() }
    }

    pub(super) fn session_name(self) -> &'static str {
        if self.is_secure { "__Secure-keymint-portal" } else { "keymint-portal" }
    }

    pub(super) fn probe_name(self) -> &'static str {
        if self.is_secure { "__Secure-keymint-probe" } else { "keymint-probe" }
    }

    /// Returns the cookie of a session, which the browser shows on the pages of that session alone.
    pub(super) fn session(self, token: &str, home: &str, seconds: u64) -> String {
        self.line(self.session_name(), token, home, seconds)
    }

    /// Returns a cookie that means nothing, for as long as a link is valid.
    pub(super) fn probe(self) -> String {
        self.line(self.probe_name(), "1", "/console/portal", 300)
    }

    fn line(self, name: &str, value: &str, path: &str, seconds: u64) -> String {
        // A frame of another site gets no cookie without `SameSite=None`, which needs `Secure`. `Partitioned` keeps it
        // where browsers block the cookies of third parties.
        let attributes = match (self.is_secure, self.is_framed) {
            (true, true) => "; Secure; SameSite=None; Partitioned",
            (true, false) => "; Secure; SameSite=Lax",
            (false, _) => "; SameSite=Lax",
        };
        format!("{name}={value}; Max-Age={seconds}; Path={path}; HttpOnly{attributes}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_goes_as_far_as_it_must() {
        let line = |is_secure, is_framed| Cookies { is_secure, is_framed }.session("t", "/console/portal/s/a", 60);
        let to = "=t; Max-Age=60; Path=/console/portal/s/a; HttpOnly";
        assert_eq!(line(true, true), format!("__Secure-keymint-portal{to}; Secure; SameSite=None; Partitioned"));
        assert_eq!(line(true, false), format!("__Secure-keymint-portal{to}; Secure; SameSite=Lax"));
        assert_eq!(line(false, true), format!("keymint-portal{to}; SameSite=Lax"));
    }
}

use std::fmt;

use sha2::{Digest as _, Sha256};

use super::Attempt;
use crate::address::ClientAddress;

/// A digest of one use of a key, by which a retry of the same use is recognized. Nothing can be read from it.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fingerprint([u8; 32]);

impl Fingerprint {
    /// Returns the digest of an attempt.
    ///
    /// It covers everything that decides the attempt, and what the caller says identifies the request: an id, and the
    /// request's purpose.
    pub fn of(attempt: &Attempt, request_identity: &[&[u8]]) -> Self {
        let Attempt {
            hash,
            unhashed: _,
            prefix: _,
            config_id,
            permissions,
            client,
            cost,
            opens_session_by,
            deferred: _,
            settles,
            is_paid: _,
        } = attempt;
        let client = match client {
            ClientAddress::Unknown => None,
            ClientAddress::Known(address) => Some(address.to_string()),
            ClientAddress::Anywhere => Some(String::new()),
        };
        let mut digest = Sha256::new();
        // Each part has its length in front, so that no two lists of parts give one text.
        let mut take = |part: Option<&[u8]>| {
            let length = part.map_or(u64::MAX, |part| part.len() as u64);
            digest.update(length.to_be_bytes());
            digest.update(part.unwrap_or_default());
        };
        take(Some(hash.as_str().as_bytes()));
        take(config_id.as_ref().map(|id| id.as_str().as_bytes()));
        take(permissions.as_ref().map(|permissions| permissions.as_json().as_bytes()));
        take(client.as_ref().map(String::as_bytes));
        take(Some(&cost.0.to_be_bytes()));
        take(opens_session_by.as_ref().map(String::as_bytes));
        take(Some(&[u8::from(*settles)]));
        for part in request_identity {
            take(Some(part));
        }
        Self(digest.finalize().into())
    }
}

/// Prints nothing of the digest, which tells requests apart and names none.
impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Fingerprint")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::PlainKey;
    use crate::policy::Policy;
    use crate::verify::Cost;
    use crate::{ConfigId, Permissions};

    #[test]
    fn whatever_decides_a_use_or_names_it_tells_it_from_others() {
        let policy = Policy::default();
        let attempt = |key: &str| Attempt::new(&PlainKey::new(key), &policy);
        let with = |edit: fn(&mut Attempt)| {
            let mut attempt = attempt("k");
            edit(&mut attempt);
            attempt
        };
        let identity: [&[u8]; 2] = [b"id", b"GET"];
        let of = |attempt: &Attempt| Fingerprint::of(attempt, &identity);
        let first = of(&attempt("k"));
        assert_eq!(first, of(&attempt("k")));
        assert_eq!(first, of(&attempt("k").paid()), "a repetition is the same use");
        let mut all = vec![
            first,
            of(&attempt("l")),
            of(&with(|attempt| attempt.config_id = Some(ConfigId::default_id()))),
            of(&with(|attempt| attempt.permissions = Some(Permissions::of(&[("files", &["read"])])))),
            of(&with(|attempt| attempt.permissions = Some(Permissions::of(&[])))),
            of(&with(|attempt| attempt.client = ClientAddress::Anywhere)),
            of(&with(|attempt| attempt.client = ClientAddress::Known([192, 0, 2, 7].into()))),
            of(&with(|attempt| attempt.cost = Cost(2))),
            of(&with(|attempt| attempt.opens_session_by = Some(String::new()))),
        ];
        for identity in ["", "id", "idGET", "i dGET", "id GET ", "GET id"] {
            let identity: Vec<_> = identity.split(' ').map(str::as_bytes).collect();
            all.push(Fingerprint::of(&attempt("k"), &identity));
        }
        let count = all.len();
        let distinct: std::collections::HashSet<_> = all.into_iter().collect();
        assert_eq!(distinct.len(), count);
    }
}

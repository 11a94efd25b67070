use serde_json::{Map, Value, json};

use super::{ClientAddress, Network, Networks};

/// The networks that a key may be used from, and those that it may not be used from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AddressRules {
    /// The networks that the key may be used from; empty = from everywhere.
    pub allowed: Networks,
    /// The networks that the key may not be used from, even if `allowed` contains them.
    pub denied: Networks,
}

/// The error for a stored text that holds no address rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a JSON object of two lists of networks")]
pub struct InvalidAddressRules;

impl AddressRules {
    /// Returns true if a client at this address may use the key.
    ///
    /// If there is any rule, a client without a known address is refused: an address that cannot be judged must not
    /// grant access.
    pub fn admit(&self, client: ClientAddress) -> bool {
        match client {
            _ if self.is_empty() => true,
            ClientAddress::Anywhere => true,
            ClientAddress::Unknown => false,
            ClientAddress::Known(address) => {
                !self.denied.contain(address) && (self.allowed.is_empty() || self.allowed.contain(address))
            }
        }
    }

    /// Returns true if there is no rule.
    pub fn is_empty(&self) -> bool {
        self.allowed.is_empty() && self.denied.is_empty()
    }

    /// Returns the bytes that the rules hold on the heap.
    pub(crate) fn heap_bytes(&self) -> usize {
        self.allowed.heap_bytes() + self.denied.heap_bytes()
    }

    /// Returns the JSON text for a row, `{"allowed":[..],"denied":[..]}`, or `None` if there is no rule.
    pub fn to_stored(&self) -> Option<String> {
        let list = |networks: &Networks| networks.texts().collect::<Vec<_>>();
        (!self.is_empty()).then(|| json!({ "allowed": list(&self.allowed), "denied": list(&self.denied) }).to_string())
    }

    /// Reads the text of a stored row.
    ///
    /// # Errors
    ///
    /// Returns [`InvalidAddressRules`] for any text but those that [`AddressRules::to_stored`] writes: a rule that
    /// cannot be read must not be skipped.
    pub fn from_stored(text: &str) -> Result<Self, InvalidAddressRules> {
        let lists: Map<String, Value> = serde_json::from_str(text).map_err(|_| InvalidAddressRules)?;
        let list = |name| lists.get(name).and_then(networks).ok_or(InvalidAddressRules);
        let rules = Self { allowed: list("allowed")?, denied: list("denied")? };
        if lists.len() > 2 { Err(InvalidAddressRules) } else { Ok(rules) }
    }
}

fn networks(value: &Value) -> Option<Networks> {
    let network = |value: &Value| Network::parse(value.as_str()?).ok();
    Networks::new(value.as_array()?.iter().map(network).collect::<Option<_>>()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(texts: &[&str]) -> Networks {
        Networks::new(texts.iter().map(|text| Network::parse(text).unwrap()).collect()).unwrap()
    }

    fn rules(allowed: &[&str], denied: &[&str]) -> AddressRules {
        AddressRules { allowed: list(allowed), denied: list(denied) }
    }

    #[test]
    fn a_denial_goes_before_an_allowance_and_no_rule_admits_everybody() {
        let from = |address: &str| ClientAddress::Known(address.parse().unwrap());
        let both = rules(&["10.0.0.0/8", "2001:db8::/32"], &["10.9.0.0/16"]);
        for (address, admitted) in [
            ("10.1.2.3", true),
            ("::ffff:10.1.2.3", true),
            ("10.9.2.3", false),
            ("::ffff:10.9.2.3", false),
            ("2001:db8::7", true),
            ("192.0.2.1", false),
        ] {
            assert_eq!(both.admit(from(address)), admitted, "{address}");
        }
        let denying = rules(&[], &["10.9.0.0/16"]);
        assert!(denying.admit(from("192.0.2.1")) && !denying.admit(from("10.9.0.0")));
        for any in [ClientAddress::Unknown, ClientAddress::Anywhere, from("192.0.2.1")] {
            assert!(AddressRules::default().admit(any), "{any:?}");
        }
    }

    #[test]
    fn whose_address_is_not_known_is_refused_by_any_rule() {
        for rules in [rules(&["0.0.0.0/0", "::/0"], &[]), rules(&[], &["192.0.2.1"])] {
            assert!(!rules.admit(ClientAddress::Unknown));
            assert!(rules.admit(ClientAddress::Anywhere), "what only reads the key is judged by none");
        }
    }

    #[test]
    fn what_is_stored_is_read_back_and_nothing_else_is() {
        let full = rules(&["10.0.0.0/8"], &["10.9.0.0/16", "::1"]);
        let text = r#"{"allowed":["10.0.0.0/8"],"denied":["10.9.0.0/16","::1/128"]}"#;
        assert_eq!(full.to_stored().as_deref(), Some(text));
        assert_eq!(AddressRules::from_stored(text), Ok(full));
        assert_eq!(AddressRules::default().to_stored(), None);
        for text in [
            "",
            "null",
            "[]",
            "{}",
            r#"{"allowed":[]}"#,
            r#"{"allowed":[],"denied":null}"#,
            r#"{"allowed":["10.0.0.1/8"],"denied":[]}"#,
            r#"{"allowed":[1],"denied":[]}"#,
            r#"{"allowed":[],"denied":[],"until":1}"#,
        ] {
            assert_eq!(AddressRules::from_stored(text), Err(InvalidAddressRules), "{text}");
        }
    }
}

use std::net::IpAddr;

use keymint_domain::address::{Network, Networks, parse_address};
use serde_json::Value;

use super::Object;
use super::kind::kind;

impl Object<'_> {
    /// An optional network address. One that comes from a socket may have its port and its zone.
    pub fn address(&mut self, name: &str) -> Option<IpAddr> {
        let text = self.text(name);
        let invalid = "Invalid IP address: expected one as in 203.0.113.7 or 2001:db8::7";
        self.parse(name, text, |text| parse_address(&text).ok_or(invalid))
    }

    /// An optional list of networks; null is an empty one.
    pub fn networks(&mut self, name: &str) -> Option<Networks> {
        let items = match self.get(name)? {
            Value::Null => return Some(Networks::default()),
            Value::Array(items) => items.clone(),
            other => {
                let received = kind(Some(other));
                self.expected(name, "array", received);
                return None;
            }
        };
        if items.len() > Networks::MAX {
            self.issue(name, format_args!("Too big: expected array to have <={} items", Networks::MAX));
            return None;
        }
        let items = items.iter().enumerate();
        let networks: Vec<_> = items.map(|(index, item)| self.network(&format!("{name}.{index}"), item)).collect();
        Networks::new(networks.into_iter().collect::<Option<_>>()?).ok()
    }

    fn network(&mut self, path: &str, item: &Value) -> Option<Network> {
        let Value::String(text) = item else {
            self.expected(path, "string", kind(Some(item)));
            return None;
        };
        Network::parse(text).map_err(|error| self.issue(path, format_args!("Invalid network: {error}"))).ok()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::validate::support::read;

    #[test]
    fn every_wrong_network_is_named_with_its_place() {
        let form = "must be an address or a network without host bits, as in 203.0.113.7, 10.0.0.0/8 or 2001:db8::/32";
        let many = "[body.n] Too big: expected array to have <=100 items";
        for (value, problem) in [
            (json!("10.0.0.0/8"), "[body.n] Invalid input: expected array, received string".to_owned()),
            (json!(["10.0.0.0/8", 5]), "[body.n.1] Invalid input: expected string, received number".to_owned()),
            (
                json!(["10.0.0.1/8", "10.0.0.0/8", "x"]),
                format!("[body.n.0] Invalid network: {form}; [body.n.2] Invalid network: {form}"),
            ),
            (json!(vec!["10.0.0.0/8"; 101]), many.to_owned()),
            (json!(vec!["x"; 100_000]), many.to_owned()),
        ] {
            assert_eq!(read(&value, |object| object.networks("n")), Err(problem), "{value}");
        }
        for none in [json!(null), json!([])] {
            assert_eq!(read(&none, |object| object.networks("n")), Ok(Some(Networks::default())));
        }
        let full = read(&json!(vec!["10.0.0.0/8"; 100]), |object| object.networks("n"));
        assert_eq!(full.unwrap().map(|networks| networks.texts().count()), Some(100));
    }

    #[test]
    fn an_address_is_one_and_not_a_network() {
        let address = |value: &Value| read(value, |object| object.address("n"));
        assert_eq!(address(&json!("[2001:db8::7]:443")), Ok(Some("2001:db8::7".parse().unwrap())));
        let invalid = "[body.n] Invalid IP address: expected one as in 203.0.113.7 or 2001:db8::7";
        for text in ["", "10.0.0.0/8", "198.51.100.7, 10.0.0.1", "unknown"] {
            assert_eq!(address(&json!(text)), Err(invalid.to_owned()), "{text}");
        }
        let null = "[body.n] Invalid input: expected string, received null";
        assert_eq!(address(&json!(null)), Err(null.to_owned()));
    }
}

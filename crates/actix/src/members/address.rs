use std::net::IpAddr;

use keymint_domain::address::{Network, Networks, parse_address};
use serde_json::{Value, json};
use utoipa::openapi::SchemaFormat;
use utoipa::openapi::schema::{ArrayBuilder, ObjectBuilder, SchemaType, Type};

use super::{Member, kind, schema};

impl Member<'_, '_> {
    /// Reads a network address. One that comes from a socket may have its port and its zone.
    pub(crate) fn address(mut self) -> Option<IpAddr> {
        self.state(|_| address());
        let text = self.read_text();
        let invalid = "Invalid IP address: expected one as in 203.0.113.7 or 2001:db8::7";
        self.parsed(text, |text| parse_address(&text).ok_or(invalid))
    }

    /// Reads a list of networks; null is an empty one.
    pub(crate) fn networks(mut self) -> Option<Networks> {
        self.state(|_| networks());
        if self.value() == Some(&Value::Null) {
            return Some(Networks::default());
        }
        let items = self.read_list(Networks::MAX)?;
        let name = self.name;
        let items = items.iter().enumerate();
        let networks: Vec<_> = items.map(|(index, item)| self.network(&format!("{name}.{index}"), item)).collect();
        Networks::new(networks.into_iter().collect::<Option<_>>()?).ok()
    }

    fn network(&mut self, path: &str, item: &Value) -> Option<Network> {
        let Value::String(text) = item else {
            self.expected_at(path, "string", kind(Some(item)));
            return None;
        };
        Network::parse(text).map_err(|error| self.members.refuse(path, format_args!("Invalid network: {error}"))).ok()
    }
}

/// JSON Schema's own formats know no ports, and either kind of address alone.
fn address() -> ObjectBuilder {
    schema::text().format(Some(SchemaFormat::Custom("ip".to_owned()))).examples(["203.0.113.7"])
}

fn networks() -> ArrayBuilder {
    let network = schema::text().format(Some(SchemaFormat::Custom("cidr".to_owned())));
    schema::list(network, Networks::MAX)
        .schema_type(SchemaType::from_iter([Type::Array, Type::Null]))
        .examples([json!(["203.0.113.0/24", "2001:db8::7"])])
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::members::support::read;

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
            assert_eq!(read(&value, |body| body.optional("n", "").networks()), Err(problem), "{value}");
        }
        for none in [json!(null), json!([])] {
            assert_eq!(read(&none, |body| body.optional("n", "").networks()), Ok(Some(Networks::default())));
        }
        let full = read(&json!(vec!["10.0.0.0/8"; 100]), |body| body.optional("n", "").networks());
        assert_eq!(full.unwrap().map(|networks| networks.texts().count()), Some(100));
    }

    #[test]
    fn an_address_is_one_and_not_a_network() {
        let address = |value: &Value| read(value, |body| body.optional("n", "").address());
        assert_eq!(address(&json!("[2001:db8::7]:443")), Ok(Some("2001:db8::7".parse().unwrap())));
        let invalid = "[body.n] Invalid IP address: expected one as in 203.0.113.7 or 2001:db8::7";
        for text in ["", "10.0.0.0/8", "198.51.100.7, 10.0.0.1", "unknown"] {
            assert_eq!(address(&json!(text)), Err(invalid.to_owned()), "{text}");
        }
        let null = "[body.n] Invalid input: expected string, received null";
        assert_eq!(address(&json!(null)), Err(null.to_owned()));
    }
}

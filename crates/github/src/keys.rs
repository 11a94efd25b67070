use keymint_http_client::pki_types::SubjectPublicKeyInfoDer;
use keymint_http_client::pki_types::pem::PemObject as _;
use keymint_ports::GithubKey;
use serde_json::Value;

/// The largest number of keys that are taken from an answer. GitHub lists a handful.
const MOST: usize = 100;

/// The bytes before the point of a public key on P-256 (RFC 5480): the algorithm, the curve, and the length.
const P256: [u8; 26] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce,
    0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
];

/// The length of an uncompressed point.
const POINT: usize = 65;

/// Reads the keys of an answer. Those that are of another kind, or no keys at all, are left out.
///
/// A key counts whether it is current or not: a report may have been signed before the change.
pub(crate) fn read(answer: &[u8]) -> Vec<GithubKey> {
    let answer: Value = serde_json::from_slice(answer).unwrap_or_default();
    let entries = answer["public_keys"].as_array().into_iter().flatten().take(MOST);
    entries
        .filter_map(|entry| {
            let id = entry["key_identifier"].as_str().filter(|id| !id.is_empty())?;
            Some(GithubKey { id: id.into(), point: point(entry["key"].as_str()?)? })
        })
        .collect()
}

fn point(pem: &str) -> Option<Box<[u8]>> {
    let info = SubjectPublicKeyInfoDer::from_pem_slice(pem.as_bytes()).ok()?;
    let point = info.strip_prefix(&P256)?;
    (point.len() == POINT && point[0] == 4).then(|| point.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    const PEM: &str = "-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEYAGMWO8XgCamYKMJS6jc/qgvSlAd\n\
                       AjPuDPRcXU22YxgBrz+zoN19MzuRyW87qEt9/AmtoNP5GrobzUvQSyJFVw==\n-----END PUBLIC KEY-----\n";

    fn answer(entries: &[Value]) -> Vec<u8> {
        serde_json::json!({ "public_keys": entries }).to_string().into_bytes()
    }

    #[test]
    fn keys_are_read_whether_they_are_current_or_not() {
        let entry = |id: &str, is_current: bool| serde_json::json!({ "key_identifier": id, "key": PEM, "is_current": is_current, "more": 1 });
        let keys = read(&answer(&[entry("a", true), entry("b", false)]));
        assert_eq!(keys.iter().map(|key| &*key.id).collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!((keys[0].point.len(), keys[0].point[0]), (65, 4));
        assert_eq!(read(&answer(&vec![entry("a", true); 1000])).len(), 100);
    }

    #[test]
    fn what_is_no_key_on_p256_is_left_out() {
        let p384 = "-----BEGIN PUBLIC KEY-----\nMHYwEAYHKoZIzj0CAQYFK4EEACIDYgAE\n-----END PUBLIC KEY-----\n";
        for key in ["", "x", "-----BEGIN PUBLIC KEY-----\n-----END PUBLIC KEY-----\n", p384, &PEM.replace("MFk", "MFl")]
        {
            assert_eq!(read(&answer(&[serde_json::json!({ "key_identifier": "a", "key": key })])), [], "{key}");
        }
        for text in ["", "null", "[]", "{}", r#"{"public_keys":{}}"#, r#"{"public_keys":[null,7,{}]}"#, "\u{0}<html>"] {
            assert_eq!(read(text.as_bytes()), [], "{text}");
        }
        assert_eq!(read(&answer(&[serde_json::json!({ "key_identifier": "", "key": PEM })])), []);
    }
}

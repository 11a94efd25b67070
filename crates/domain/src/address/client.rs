use std::net::IpAddr;

/// From where a key is used, as far as it is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ClientAddress {
    /// Nobody has said it.
    #[default]
    Unknown,
    /// From here. Whoever says so answers for it: a header that anybody can have written is no proof.
    Known(IpAddr),
    /// From wherever it may be: what only reads the key, to judge its uses afterwards.
    Anywhere,
}

impl From<Option<IpAddr>> for ClientAddress {
    fn from(address: Option<IpAddr>) -> Self {
        address.map_or(Self::Unknown, Self::Known)
    }
}

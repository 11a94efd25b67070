use std::net::IpAddr;

/// The network address that a key is used from, as far as it is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ClientAddress {
    /// The address is not known.
    #[default]
    Unknown,
    /// The key is used from this address.
    ///
    /// The caller vouches for it: a header that any client can write is no proof.
    Known(IpAddr),
    /// The address does not matter: the attempt only reads the key, to judge its uses later.
    Anywhere,
}

impl From<Option<IpAddr>> for ClientAddress {
    fn from(address: Option<IpAddr>) -> Self {
        address.map_or(Self::Unknown, Self::Known)
    }
}

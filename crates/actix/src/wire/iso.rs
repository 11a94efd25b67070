use keymint_domain::Timestamp;
use serde::{Serialize, Serializer};

/// An instant as Better Auth writes it.
#[derive(Debug)]
pub(super) struct Iso(pub(super) Timestamp);

impl Serialize for Iso {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

use keymint_domain::Timestamp;
use serde::{Serialize, Serializer};
use utoipa::ToSchema;

/// An instant as Better Auth writes it.
#[derive(Debug, ToSchema)]
#[schema(as = Instant, value_type = String, format = DateTime, examples("2023-11-14T22:13:20.000Z"))]
pub(crate) struct Iso(pub(crate) Timestamp);

impl Serialize for Iso {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

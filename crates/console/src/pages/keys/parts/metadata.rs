use keymint_domain::Metadata;
use keymint_domain::key::MetadataInput;

use crate::form::Problems;

/// Reads metadata: a JSON object.
pub(in crate::pages::keys) fn read_metadata(text: &str, problems: &mut Problems) -> MetadataInput {
    let metadata = serde_json::from_str(text).ok().and_then(|value| Metadata::from_json(&value));
    if metadata.is_none() {
        problems.add("metadata", "Enter a JSON object, as in {\"team\":\"backend\"}.");
    }
    metadata.map_or(MetadataInput::Absent, MetadataInput::Given)
}

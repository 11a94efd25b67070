//! `[[api_key]]`: the configurations of the policy.

mod addresses;
mod entry;
mod limits;
mod permissions;

use keymint_domain::Policy;

use crate::config::section::Section;
use entry::Entry;

/// Reads all entries. If there are none, returns the default configuration alone.
pub(in crate::config) fn read(root: &mut Section<'_, '_>) -> Policy {
    let entries = root.sections("api_key", entry::read);
    check_ids(root, &entries);
    check_prefixes(root, &entries);
    let configurations = entries.into_iter().map(|entry| entry.configuration).collect();
    // Duplicates have been reported, with their places.
    Policy::new(configurations).unwrap_or_default()
}

fn check_ids(root: &mut Section<'_, '_>, entries: &[Entry]) {
    for (index, entry) in entries.iter().enumerate() {
        if entries.len() > 1 && !entry.has_id {
            root.problem(entry.id_location.clone(), "must be set where there is more than one entry");
        }
        let same = |earlier: &&Entry| earlier.id.is_some() && earlier.id == entry.id;
        if let Some(earlier) = entries[..index].iter().find(same) {
            root.problem(entry.id_location.clone(), format!("is taken by {}", earlier.id_location));
        }
    }
}

/// Refuses a prefix that an entry with `checked_only` has too, unless its own keys meet the same demand.
fn check_prefixes(root: &mut Section<'_, '_>, entries: &[Entry]) {
    for Entry { configuration, prefix_location, .. } in entries {
        let demands = |other: &&Entry| {
            other.configuration.checked_only && other.configuration.default_prefix == configuration.default_prefix
        };
        let demanding = entries.iter().find(demands).filter(|_| configuration.default_prefix.is_some());
        if let Some(other) = demanding.filter(|_| !configuration.checked_only) {
            let message = format!("needs checked_only = true, which {} has", other.prefix_location);
            root.problem(prefix_location.clone(), message);
        }
    }
}

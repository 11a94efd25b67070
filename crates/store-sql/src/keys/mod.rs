//! Statements on the table `apikey`.

mod bulk;
mod count;
mod deleted;
mod filter;
mod find;
mod foreign;
mod import;
mod insert;
mod leaks;
mod list;
mod moving;
mod place;
mod remove;
mod rotate;
mod update;

use keymint_domain::ConfigId;
use keymint_domain::policy::ConfigFilter;

pub use bulk::{preview_update_many, update_many};
pub use count::count;
pub use deleted::{find_deleted, list_deleted, purge_deleted, restore, set_aside};
pub use find::{find, find_stub};
pub use foreign::{find_foreign, foreign_groups, rehash};
pub use import::{import, preview_import};
pub use insert::insert;
pub use leaks::report_leaks;
pub use list::list;
pub use moving::end_of_moves;
pub use remove::{remove, remove_exhausted, remove_expired};
pub use rotate::{Secrets, rotate, rotation_change, rotation_changes};
pub use update::{revoke_unreadable, update};

use crate::columns::CONFIG_ID;
use crate::{Dialect, Statement};

/// Narrows a statement, which ends in its `where` clause, to the keys of some configurations.
pub(crate) fn narrow<'f>(statement: &mut Statement<'f>, filter: &'f ConfigFilter, dialect: &dyn Dialect) {
    let (not, ids) = match filter {
        ConfigFilter::Any => return,
        ConfigFilter::NoneOf(ids) if ids.is_empty() => return,
        ConfigFilter::AnyOf(ids) => ("", ids),
        ConfigFilter::NoneOf(ids) => ("not ", ids),
    };
    let list = statement.placeholder(ids.iter().map(ConfigId::as_str).collect::<Vec<_>>());
    statement.push(&format!(" and {not}{CONFIG_ID} {}", dialect.one_of(&list)));
}

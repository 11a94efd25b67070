//! The move of a whole database into another one.

use std::collections::hash_map::DefaultHasher;
use std::collections::{BTreeMap, BTreeSet};
use std::hash::{Hash, Hasher};

use keymint_ports::{CopyEnd, CopyError, CopyKind, CopyPlan, CopyRow, CopyTable};

/// Better Auth's tables that Keymint uses. All tables of Keymint's own are moved too.
const TABLES: [&str; 8] =
    ["user", "session", "account", "verification", "organization", "member", "invitation", "apikey"];

/// The table of the migrations that have run, which each database has of its own.
const MIGRATIONS: &str = "keymint_migrations";

/// The rows of one statement.
const PORTION: u32 = 1000;

/// The reason why a database is not moved. The target is as it was.
#[derive(Debug, thiserror::Error)]
pub enum MoveError {
    /// The target has rows.
    #[error("the target is not empty: it has {}", listed(.0))]
    NotEmpty(Vec<(String, u64)>),
    /// The target has no place for a part of the source.
    #[error(
        "the target lacks {}: run the migrations there first that made them here, those of Better Auth's plugins or of a \
         newer Keymint",
        .0.join(", ")
    )]
    Lacks(Vec<String>),
    /// The rows of a table differ after they were copied.
    #[error(
        "the table {table} differs after the copy: {source_rows} rows became {target_rows}, or one has other values"
    )]
    Differs {
        /// The table.
        table: String,
        /// The number of rows in the source.
        source_rows: u64,
        /// The number of rows in the target.
        target_rows: u64,
    },
    /// The tables refer to each other in a circle.
    #[error("the tables {} refer to each other in a circle", .0.join(", "))]
    Circle(Vec<String>),
    /// One of the databases failed.
    #[error(transparent)]
    End(#[from] CopyError),
}

/// A database that was moved.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Moved {
    /// The tables and the numbers of their rows, in the order in which they were copied.
    pub tables: Vec<(String, u64)>,
    /// Tables with rows that are of nobody whom Keymint knows, and stay behind.
    pub left: Vec<(String, u64)>,
}

/// The state of a move: the rows that were copied or compared, of all that will be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MoveProgress {
    /// The rows that are done.
    pub done: u64,
    /// All rows: each is copied, and then compared.
    pub all: u64,
}

fn listed(tables: &[(String, u64)]) -> String {
    tables.iter().map(|(table, rows)| format!("{rows} rows in {table}")).collect::<Vec<_>>().join(", ")
}

/// Copies all rows of one database into another one that is empty, reads them back, compares every value, and commits.
///
/// # Errors
///
/// Returns [`MoveError`]. Then the target is as it was.
pub async fn move_database(
    from: &mut dyn CopyEnd,
    to: &mut dyn CopyEnd,
    progress: &mut (dyn FnMut(MoveProgress) + Send),
) -> Result<Moved, MoveError> {
    let (mut sources, mut left) = (Vec::new(), Vec::new());
    for table in from.tables().await? {
        let is_ours = table.name.starts_with("keymint_") && table.name != MIGRATIONS;
        if is_ours || TABLES.contains(&table.name.as_str()) {
            sources.push(table);
        } else if table.rows > 0 && table.name != MIGRATIONS {
            left.push((table.name, table.rows));
        }
    }
    let targets: BTreeMap<String, CopyTable> =
        to.tables().await?.into_iter().map(|table| (table.name.clone(), table)).collect();
    let plans = plans(&sources, &targets)?;
    for plan in &plans {
        to.lock(&plan.table).await?;
    }
    // Nobody writes from now on.
    let moved: BTreeSet<&str> = plans.iter().map(|plan| plan.table.as_str()).collect();
    let full = to.tables().await?.into_iter().filter(|table| table.rows > 0 && moved.contains(table.name.as_str()));
    let full: Vec<_> = full.map(|table| (table.name, table.rows)).collect();
    if !full.is_empty() {
        return Err(MoveError::NotEmpty(full));
    }
    let rows: BTreeMap<&str, u64> = sources.iter().map(|table| (table.name.as_str(), table.rows)).collect();
    let all = 2 * plans.iter().filter_map(|plan| rows.get(plan.table.as_str())).sum::<u64>();
    let mut advance = Advance { done: 0, all, progress };
    let mut sums = Vec::new();
    for plan in &plans {
        from.open(plan).await?;
        let mut sum = Sum::default();
        loop {
            let portion = from.next(PORTION).await?;
            if portion.is_empty() {
                break;
            }
            to.write(plan, &portion).await?;
            sum.add(&portion);
            advance.by(portion.len());
        }
        sums.push(sum);
    }
    let mut tables = Vec::new();
    for (plan, sum) in plans.iter().zip(sums) {
        to.open(plan).await?;
        let mut found = Sum::default();
        loop {
            let portion = to.next(PORTION).await?;
            if portion.is_empty() {
                break;
            }
            found.add(&portion);
            advance.by(portion.len());
        }
        if found != sum {
            let (table, source_rows, target_rows) = (plan.table.clone(), sum.rows, found.rows);
            return Err(MoveError::Differs { table, source_rows, target_rows });
        }
        tables.push((plan.table.clone(), found.rows));
    }
    to.commit().await?;
    Ok(Moved { tables, left })
}

struct Advance<'p> {
    done: u64,
    all: u64,
    progress: &'p mut (dyn FnMut(MoveProgress) + Send),
}

impl Advance<'_> {
    fn by(&mut self, rows: usize) {
        self.done += rows as u64;
        (self.progress)(MoveProgress { done: self.done, all: self.all });
    }
}

/// A sum over rows, whatever their order.
#[derive(Debug, Default, PartialEq, Eq)]
struct Sum {
    rows: u64,
    hashes: u64,
}

impl Sum {
    fn add(&mut self, rows: &[CopyRow]) {
        for row in rows {
            let mut hasher = DefaultHasher::new();
            row.hash(&mut hasher);
            self.rows += 1;
            self.hashes = self.hashes.wrapping_add(hasher.finish());
        }
    }
}

/// Returns the columns to copy of each table, in an order in which a row comes after those that it refers to.
fn plans(sources: &[CopyTable], targets: &BTreeMap<String, CopyTable>) -> Result<Vec<CopyPlan>, MoveError> {
    let (mut plans, mut lacks) = (Vec::new(), Vec::new());
    for source in in_order(sources, targets)? {
        let Some(target) = targets.get(&source.name) else {
            if source.rows > 0 {
                lacks.push(format!("the table {}", source.name));
            }
            continue;
        };
        let mut columns = Vec::new();
        for column in &source.columns {
            match target.columns.iter().find(|other| other.name == column.name) {
                Some(other) => {
                    let kind = column.kind.or(other.kind).unwrap_or(CopyKind::Text);
                    columns.push((column.name.clone(), other.kind.unwrap_or(kind)));
                }
                None if source.rows == 0 => {}
                None => lacks.push(format!("the column {}.{}", source.name, column.name)),
            }
        }
        plans.push(CopyPlan { table: source.name.clone(), columns });
    }
    if lacks.is_empty() { Ok(plans) } else { Err(MoveError::Lacks(lacks)) }
}

fn in_order<'t>(
    sources: &'t [CopyTable],
    targets: &BTreeMap<String, CopyTable>,
) -> Result<Vec<&'t CopyTable>, MoveError> {
    let (mut ordered, mut rest): (Vec<&CopyTable>, Vec<&CopyTable>) = (Vec::new(), sources.iter().collect());
    while !rest.is_empty() {
        let waits = |table: &&CopyTable| {
            let theirs = targets.get(&table.name).map_or(&[][..], |target| &target.references);
            let mut references = table.references.iter().chain(theirs);
            references.any(|name| *name != table.name && rest.iter().any(|other| other.name == *name))
        };
        let (waiting, ready): (Vec<_>, Vec<_>) = rest.iter().copied().partition(waits);
        if ready.is_empty() {
            return Err(MoveError::Circle(waiting.iter().map(|table| table.name.clone()).collect()));
        }
        ordered.extend(ready);
        rest = waiting;
    }
    Ok(ordered)
}

#[cfg(test)]
mod tests {
    use keymint_ports::CopyColumn;

    use super::*;

    fn table(name: &str, columns: &[&str], references: &[&str], rows: u64) -> CopyTable {
        let column = |name: &&str| CopyColumn { name: (*name).to_owned(), kind: None };
        let references = references.iter().map(|name| (*name).to_owned()).collect();
        CopyTable { name: name.to_owned(), columns: columns.iter().map(column).collect(), references, rows }
    }

    fn by_name(tables: &[CopyTable]) -> BTreeMap<String, CopyTable> {
        tables.iter().map(|table| (table.name.clone(), table.clone())).collect()
    }

    #[test]
    fn a_table_comes_after_those_that_it_refers_to() {
        let tables = [table("member", &["id"], &["user", "organization"], 1), table("organization", &["id"], &[], 1)];
        let tables = [&tables[..], &[table("user", &["id"], &["user"], 1)]].concat();
        let order: Vec<_> = plans(&tables, &by_name(&tables)).unwrap().into_iter().map(|plan| plan.table).collect();
        assert_eq!(order, ["organization", "user", "member"]);
        let circle = [table("a", &["id"], &["b"], 1), table("b", &["id"], &["a"], 1)];
        assert!(matches!(plans(&circle, &by_name(&circle)), Err(MoveError::Circle(names)) if names == ["a", "b"]));
    }

    #[test]
    fn what_the_target_has_no_place_for_is_told_unless_it_is_empty() {
        let source = [table("user", &["id", "banned"], &[], 1), table("keymint_new", &["id"], &[], 2)];
        let target = by_name(&[table("user", &["id"], &[], 0)]);
        let error = plans(&source, &target).unwrap_err().to_string();
        assert!(error.contains("the column user.banned, the table keymint_new"), "{error}");
        let empty = [table("user", &["id", "banned"], &[], 0), table("keymint_new", &["id"], &[], 0)];
        assert_eq!(plans(&empty, &target).unwrap().len(), 1);
    }

    #[test]
    fn a_sum_knows_every_value_and_no_order() {
        let row = |texts: &[Option<&str>]| texts.iter().map(|text| text.map(str::to_owned)).collect::<CopyRow>();
        let sum = |rows: &[CopyRow]| {
            let mut sum = Sum::default();
            sum.add(rows);
            sum
        };
        let (a, b) = (row(&[Some("a"), None]), row(&[Some("b"), Some("")]));
        assert_eq!(sum(&[a.clone(), b.clone()]), sum(&[b.clone(), a.clone()]));
        assert_ne!(sum(&[a.clone(), row(&[Some("b"), None])]), sum(&[a.clone(), b.clone()]));
        assert_ne!(sum(&[a.clone(), a.clone()]), sum(&[a]));
    }
}

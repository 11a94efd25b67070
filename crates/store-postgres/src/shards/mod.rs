//! The shards of the table of keys, and the nodes that hold them.

mod hash;
mod map;

use std::collections::{BTreeMap, HashSet};

use keymint_domain::key::StoredKey;
use keymint_ports::Shard;
use sqlx::postgres::PgConnection;
use sqlx::{Row as _, raw_sql};

use self::hash::hash_of;

pub(crate) use map::{ShardMap, follow};

/// The shards by the hashes of their texts, as the coordinator has told them.
///
/// A shard that has moved since then is only served by the lanes of another node. One that was split is two, so that a
/// batch may take a transaction over both.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Shards {
    /// The lowest hash of each shard, in order.
    starts: Vec<i32>,
    /// The place of each shard's node among the nodes.
    nodes: Vec<usize>,
}

impl Shards {
    /// Asks the coordinator.
    ///
    /// # Errors
    /// It does not answer.
    pub(crate) async fn look(connection: &mut PgConnection) -> Result<Self, sqlx::Error> {
        const LOOK: &str = "select s.shardminvalue, (dense_rank() over (order by p.groupid))::text
            from pg_dist_shard as s join pg_dist_placement as p on p.shardid = s.shardid
            where s.logicalrelid = to_regclass('apikey') order by s.shardminvalue::integer";
        let rows = raw_sql(LOOK).fetch_all(connection).await?;
        let mut shards = Self { starts: Vec::new(), nodes: Vec::new() };
        for row in rows {
            let number = |column: usize| {
                let text: String = row.try_get(column)?;
                text.parse::<i32>().map_err(|error| sqlx::Error::Decode(error.into()))
            };
            shards.starts.push(number(0)?);
            shards.nodes.push(usize::try_from(number(1)? - 1).unwrap_or(0));
        }
        Ok(shards)
    }

    /// Returns the number of nodes that hold shards.
    pub(crate) fn nodes(&self) -> usize {
        self.nodes.iter().collect::<HashSet<_>>().len()
    }

    /// Returns the number of shards.
    pub(crate) fn len(&self) -> usize {
        self.starts.len()
    }

    /// Returns the shard of a text.
    pub(crate) fn of(&self, stored: &StoredKey) -> Shard {
        let number = self.number_of(stored.as_str());
        Shard { number, node: self.nodes.get(number).copied().unwrap_or(0) }
    }

    fn number_of(&self, text: &str) -> usize {
        let hash = hash_of(text);
        self.starts.partition_point(|start| *start <= hash).saturating_sub(1)
    }

    /// Divides texts by their shards, in the order of these: whoever locks rows of several shards does it in one order.
    pub(crate) fn divide<'t>(&self, texts: Vec<&'t str>) -> Vec<Vec<&'t str>> {
        self.divide_by(texts.into_iter().map(|text| (text, text)))
    }

    /// Divides what has texts by the shards of these.
    pub(crate) fn divide_by<'t, T>(&self, items: impl IntoIterator<Item = (&'t str, T)>) -> Vec<Vec<T>> {
        let mut divided: BTreeMap<usize, Vec<T>> = BTreeMap::new();
        for (text, item) in items {
            divided.entry(self.number_of(text)).or_default().push(item);
        }
        divided.into_values().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_belongs_to_the_shard_with_the_last_start_before_its_hash() {
        let shards = Shards { starts: vec![i32::MIN, 0, 1 << 30], nodes: vec![0, 1, 0] };
        assert_eq!(shards.nodes(), 2);
        let texts: Vec<String> = (0..100).map(|number: u32| number.to_string()).collect();
        let divided = shards.divide(texts.iter().map(String::as_str).collect());
        assert_eq!(divided.len(), 3);
        for (number, texts) in divided.into_iter().enumerate() {
            let first = [i32::MIN, 0, 1 << 30][number];
            for text in texts {
                assert!(hash_of(text) >= first);
                assert!(number == 2 || hash_of(text) < [0, 1 << 30][number]);
                assert_eq!(shards.of(&StoredKey::from_stored(text)), Shard { number, node: [0, 1, 0][number] });
            }
        }
    }
}

//! One line of a file, and the key that its members describe.

use std::borrow::Cow;
use std::fmt::Display;

use keymint_domain::address::{AddressRules, Network, Networks};
use keymint_domain::event;
use keymint_domain::key::{
    Actor, Encoding, Field, HashKind, ImportKey, ImportedCounters, ImportedSecret, KeyDetails, MetadataInput, NewKey,
    PepperName, RefillInput, Revocation,
};
use keymint_domain::usage::Every;
use keymint_domain::value::{KeyName, MAX_COUNT, MAX_PERIOD_MS, Prefix};
use keymint_domain::{ConfigId, KeyId, Metadata, OwnerId, Permissions, Timestamp};
use serde_json::Value;

/// Every member of a line, named as on the wire, with the secret and the state of GCRA.
pub(super) const MEMBERS: [&str; 31] = [
    "id",
    "configId",
    "referenceId",
    "hash",
    "hashKind",
    "pepper",
    "name",
    "start",
    "prefix",
    "enabled",
    "expiresAt",
    "remaining",
    "refillAmount",
    "refillInterval",
    "refill",
    "lastRefillAt",
    "rateLimitEnabled",
    "rateLimitTimeWindow",
    "rateLimitMax",
    "requestCount",
    "lastRequest",
    "backlogNs",
    "permissions",
    "metadata",
    "allowedAddresses",
    "deniedAddresses",
    "revokedAt",
    "revokedBy",
    "createdAt",
    "createdBy",
    "updatedAt",
];

/// A value of a line.
#[derive(Debug, PartialEq)]
pub(super) enum Cell {
    /// A field of CSV, which is not empty.
    Text(String),
    /// The JSON text of a member, which is not null.
    Json(Box<str>),
}

/// The members of a line. A member that is there without a value says that the key has none.
#[derive(Debug, Default)]
pub(super) struct Record(Vec<(&'static str, Option<Cell>)>);

/// The meaning of what a line leaves open.
#[derive(Debug, Clone)]
pub(super) struct Defaults {
    pub(super) kind: Option<HashKind>,
    pub(super) encoding: Option<Encoding>,
    pub(super) pepper: Option<PepperName>,
    pub(super) owner: Option<OwnerId>,
    pub(super) config_id: ConfigId,
}

type Read<T> = Result<T, String>;

impl Record {
    /// Adds a member.
    ///
    /// # Errors
    ///
    /// Returns a message if the member is there already.
    pub(super) fn add(&mut self, member: &'static str, cell: Option<Cell>) -> Read<()> {
        if self.0.iter().any(|(name, _)| *name == member) {
            return Err(format!("{member}: is there twice"));
        }
        self.0.push((member, cell));
        Ok(())
    }

    /// Reads the key, and the configuration that it is of.
    ///
    /// # Errors
    ///
    /// Returns a message that names the member and never repeats a secret.
    pub(super) fn key(mut self, defaults: &Defaults) -> Read<(ConfigId, ImportKey)> {
        let config_id = self.value("configId", |cell| of(ConfigId::parse(cell.text()?)))?;
        let owner = self.value("referenceId", |cell| of(OwnerId::parse(cell.text()?)))?;
        let owner = owner.or_else(|| defaults.owner.clone()).ok_or("referenceId: the key has no owner")?;
        let revoked_at = self.value("revokedAt", Cell::instant)?;
        let revoked_by = self.value("revokedBy", |cell| of(Actor::from_stored(&cell.text()?)))?;
        let new = NewKey {
            name: self.value("name", |cell| of(KeyName::parse(cell.text()?)))?,
            prefix: self.value("prefix", |cell| of(Prefix::parse(cell.text()?)))?,
            metadata: match self.field("metadata", |cell| of(Metadata::from_stored(&cell.json())))? {
                Field::Absent => MetadataInput::Absent,
                Field::Null | Field::Given(None) => MetadataInput::Null,
                Field::Given(Some(metadata)) => MetadataInput::Given(metadata),
            },
            remaining: self.field("remaining", Cell::count)?,
            refill: RefillInput {
                amount: self.value("refillAmount", Cell::count)?,
                interval_ms: self.value("refillInterval", Cell::period)?,
                every: self.value("refill", Cell::calendar)?,
            },
            rate_limit_enabled: self.value("rateLimitEnabled", Cell::flag)?,
            addresses: AddressRules {
                allowed: self.value("allowedAddresses", Cell::networks)?.unwrap_or_default(),
                denied: self.value("deniedAddresses", Cell::networks)?.unwrap_or_default(),
            },
            ..NewKey::default()
        };
        let key = ImportKey {
            new,
            id: self.value("id", |cell| of(KeyId::parse(cell.text()?)))?,
            owner,
            secret: self.secret(defaults)?,
            start: self.value("start", |cell| {
                let start = KeyName::parse(cell.text()?);
                of(start.map(KeyName::into_string))
            })?,
            enabled: self.value("enabled", Cell::flag)?.unwrap_or(true),
            revocation: match (revoked_at, revoked_by) {
                (None, None) => None,
                (Some(at), by) => Some(Revocation { at, by: by.unwrap_or(Actor::Server) }),
                (None, Some(_)) => return Err("revokedBy: needs revokedAt".to_owned()),
            },
            expires_at: self.value("expiresAt", Cell::instant)?,
            rate_limit_window_ms: self.field("rateLimitTimeWindow", Cell::period)?,
            rate_limit_max: self.field("rateLimitMax", Cell::count)?,
            permissions: match self.field("permissions", |cell| of(Permissions::from_stored(&cell.json())))? {
                Field::Absent => Field::Absent,
                Field::Null | Field::Given(None) => Field::Null,
                Field::Given(Some(permissions)) => Field::Given(permissions),
            },
            created_at: self.value("createdAt", Cell::instant)?,
            created_by: self.value("createdBy", |cell| of(event::Actor::parse(&cell.text()?)))?,
            counters: ImportedCounters {
                last_refill_at: self.value("lastRefillAt", Cell::instant)?,
                request_count: self.value("requestCount", Cell::count)?,
                last_request: self.value("lastRequest", Cell::instant)?,
                backlog_ns: self.value("backlogNs", |cell| cell.integer(i64::MAX.unsigned_abs()))?,
                updated_at: self.value("updatedAt", Cell::instant)?,
            },
        };
        Ok((config_id.unwrap_or_else(|| defaults.config_id.clone()), key))
    }

    fn secret(&mut self, defaults: &Defaults) -> Read<ImportedSecret> {
        let kind = self.value("hashKind", |cell| {
            let name = cell.text()?;
            let found = HashKind::ALL.iter().find(|(known, _)| *known == name).map(|(_, kind)| *kind);
            found.ok_or_else(|| format!("must be one of {}", names(&HashKind::ALL)))
        })?;
        let kind = kind.or(defaults.kind).ok_or("hashKind: the kind of the hash is not known: --hash tells it")?;
        let pepper = self.value("pepper", |cell| of(PepperName::parse(&cell.text()?)))?;
        let pepper = pepper.or_else(|| defaults.pepper.clone());
        let parse = |cell: &Cell| of(ImportedSecret::parse(kind, defaults.encoding, pepper, &cell.text()?));
        self.value("hash", parse)?.ok_or_else(|| "hash: is missing".to_owned())
    }

    fn value<T>(&mut self, member: &'static str, read: impl FnOnce(&Cell) -> Read<T>) -> Read<Option<T>> {
        Ok(match self.field(member, read)? {
            Field::Given(value) => Some(value),
            Field::Absent | Field::Null => None,
        })
    }

    fn field<T>(&mut self, member: &'static str, read: impl FnOnce(&Cell) -> Read<T>) -> Read<Field<T>> {
        match self.0.iter().find(|(name, _)| *name == member) {
            None => Ok(Field::Absent),
            Some((_, None)) => Ok(Field::Null),
            Some((_, Some(cell))) => read(cell).map(Field::Given).map_err(|error| format!("{member}: {error}")),
        }
    }
}

/// Returns the names of a choice, for a message.
fn names<T>(choices: &[(&str, T)]) -> String {
    choices.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ")
}

fn of<T, E: Display>(result: Result<T, E>) -> Read<T> {
    result.map_err(|error| error.to_string())
}

impl Cell {
    fn text(&self) -> Read<String> {
        match self {
            Self::Text(text) => Ok(text.clone()),
            Self::Json(json) => serde_json::from_str(json).map_err(|_| "must be a text".to_owned()),
        }
    }

    /// Returns the JSON text of a value that is JSON in both kinds of files.
    fn json(&self) -> Cow<'_, str> {
        match self {
            Self::Text(text) => text.into(),
            Self::Json(json) => (&**json).into(),
        }
    }

    fn count(&self) -> Read<u64> {
        self.integer(MAX_COUNT.into())
    }

    /// Reads a number of milliseconds.
    fn period(&self) -> Read<u64> {
        self.integer(MAX_PERIOD_MS)
    }

    /// Reads a period of the calendar: its name, or the object of the API.
    fn calendar(&self) -> Read<Every> {
        let every = match self {
            Self::Text(text) if !text.starts_with('{') => text.clone(),
            _ => {
                let object: Value = serde_json::from_str(&self.json()).unwrap_or_default();
                let is_utc = object["at"].as_str().is_none_or(|zone| zone == "UTC");
                object["every"].as_str().filter(|_| is_utc).unwrap_or_default().to_owned()
            }
        };
        let found = Every::ALL.into_iter().find(|known| known.as_str() == every);
        found.ok_or_else(|| "must be {\"every\":\"day\"|\"week\"|\"month\",\"at\":\"UTC\"}".to_owned())
    }

    fn integer(&self, max: u64) -> Read<u64> {
        let number = serde_json::from_str::<u64>(&self.json()).ok().filter(|number| *number <= max);
        number.ok_or_else(|| format!("must be a whole number from 0 to {max}"))
    }

    fn flag(&self) -> Read<bool> {
        match &*self.json() {
            "true" | "1" | "t" => Ok(true),
            "false" | "0" | "f" => Ok(false),
            _ => Err("must be true or false".to_owned()),
        }
    }

    fn instant(&self) -> Read<Timestamp> {
        let text = self.text()?;
        Timestamp::from_stored(&text).map_err(|_| "must be a date-time as in 2026-02-03T04:05:06Z".to_owned())
    }

    /// Reads a JSON list of networks; in CSV they may also stand side by side.
    fn networks(&self) -> Read<Networks> {
        let texts = match self {
            Self::Text(text) if !text.starts_with('[') => text.split_whitespace().map(str::to_owned).collect(),
            _ => serde_json::from_str::<Vec<String>>(&self.json()).map_err(|_| "must be a list of networks")?,
        };
        let networks = texts.iter().map(|text| of(Network::parse(text))).collect::<Result<_, _>>()?;
        of(Networks::new(networks))
    }
}

/// Reads a line of JSON lines into its members and their JSON texts.
///
/// # Errors
///
/// Returns a message that never repeats the line.
pub(super) fn members_of_json(line: &[u8]) -> Read<Vec<(String, Option<Cell>)>> {
    let members: std::collections::BTreeMap<String, Box<serde_json::value::RawValue>> = serde_json::from_slice(line)
        .map_err(|error| match error.classify() {
            serde_json::error::Category::Eof => format!("is torn: the object does not end (column {})", error.column()),
            _ => format!("is not a JSON object (column {})", error.column()),
        })?;
    let cell = |json: Box<serde_json::value::RawValue>| (json.get() != "null").then(|| Cell::Json(json.get().into()));
    Ok(members.into_iter().map(|(name, json)| (name, cell(json))).collect())
}

/// Returns the members of a key that an export writes beside those of the wire.
pub(in crate::cli) fn exported_secret(key: &KeyDetails, is_plain: bool) -> Vec<(&'static str, Value)> {
    let (hash, kind, pepper) = match &key.foreign {
        Some(hash) => (hash.exported(), hash.kind(), hash.pepper()),
        None => (key.stored.as_str(), if is_plain { HashKind::Plain } else { HashKind::Sha256 }, None),
    };
    let pepper = pepper.map(|pepper| ("pepper", pepper.as_str().into()));
    [("hash", hash.into()), ("hashKind", kind.as_str().into())].into_iter().chain(pepper).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HASH: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    fn defaults() -> Defaults {
        let owner = OwnerId::parse("ada").ok();
        Defaults {
            kind: Some(HashKind::Sha256),
            encoding: None,
            pepper: None,
            owner,
            config_id: ConfigId::default_id(),
        }
    }

    fn record(members: &[(&'static str, &str)]) -> Record {
        let mut record = Record::default();
        for (member, text) in members.iter().chain([&("hash", HASH)]) {
            let cell = (!text.is_empty()).then(|| Cell::Text((*text).to_owned()));
            record.add(member, cell).unwrap();
        }
        record
    }

    fn read(members: &[(&'static str, &str)]) -> Result<ImportKey, String> {
        record(members).key(&defaults()).map(|(_, key)| key)
    }

    #[test]
    fn an_empty_field_says_that_there_is_none_and_a_missing_column_says_nothing() {
        assert_eq!(read(&[("remaining", "")]).unwrap().new.remaining, Field::Null);
        assert_eq!(read(&[]).unwrap().new.remaining, Field::Absent);
        assert_eq!(read(&[("remaining", "7")]).unwrap().new.remaining, Field::Given(7));
        assert_eq!(read(&[("permissions", "")]).unwrap().permissions, Field::Null);
        assert_eq!(read(&[]).unwrap().permissions, Field::Absent);
    }

    #[test]
    fn a_wrong_value_is_named_by_its_member() {
        for (member, text, message) in [
            ("remaining", "-1", "remaining: must be a whole number from 0 to 2147483647"),
            ("remaining", "2147483648", "remaining: must be a whole number from 0 to 2147483647"),
            ("enabled", "maybe", "enabled: must be true or false"),
            ("expiresAt", "soon", "expiresAt: must be a date-time as in 2026-02-03T04:05:06Z"),
            ("permissions", "[]", "permissions: not a JSON object of string arrays"),
            ("revokedBy", "server", "revokedBy: needs revokedAt"),
            (
                "hashKind",
                "md5",
                "hashKind: must be one of sha256, sha512, hmac-sha256, bcrypt, argon2id, scrypt, plain",
            ),
        ] {
            assert_eq!(read(&[(member, text)]).unwrap_err(), message);
        }
        assert_eq!(record(&[]).add("hash", None), Err("hash: is there twice".to_owned()));
    }

    #[test]
    fn a_torn_line_is_told_from_one_that_is_no_object() {
        let told = |line: &str| members_of_json(line.as_bytes()).map(|_| ()).unwrap_err();
        assert_eq!(told(r#"{"id":"a","ha"#), "is torn: the object does not end (column 13)");
        assert_eq!(told("[1]"), "is not a JSON object (column 0)");
    }

    #[test]
    fn networks_stand_in_a_list_or_side_by_side() {
        let networks =
            |text| read(&[("allowedAddresses", text)]).map(|key| key.new.addresses.allowed.texts().collect());
        let both = Ok(vec!["10.0.0.0/8".to_owned(), "192.0.2.7/32".to_owned()]);
        assert_eq!(networks("10.0.0.0/8 192.0.2.7/32"), both);
        assert_eq!(networks(r#"["10.0.0.0/8","192.0.2.7/32"]"#), both);
    }
}

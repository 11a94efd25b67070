use std::collections::HashMap;
use std::fmt;

use super::Hour;
use crate::ConfigId;
use crate::address::Network;

/// The largest number of sources that are told apart in an hour. Whoever tries keys from ever new networks must not fill
/// the table.
pub const MAX_SOURCES: usize = 128;

/// The source of attempts with unknown keys. Nothing of a presented text is kept but a configured prefix: the text may
/// be a key with a typing mistake.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct UnknownSource {
    /// The configuration that the attempts named; `None` = none.
    pub config_id: Option<ConfigId>,
    /// The configured prefix that the texts begin with; `None` = none of them.
    pub prefix: Option<Box<str>>,
    /// The client's network.
    pub network: UnknownNetwork,
}

/// The network from which unknown keys were tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum UnknownNetwork {
    /// The client's address is not known.
    Unknown,
    /// This network.
    Of(Network),
    /// Any: there were too many sources to tell them apart, or the hour was rolled up.
    Any,
}

/// The attempts from one source in one hour.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownHour {
    /// The hour.
    pub hour: Hour,
    /// The source.
    pub source: UnknownSource,
    /// The attempts.
    pub calls: u64,
}

impl UnknownSource {
    /// Returns the source of the attempts that are not told apart.
    pub const OTHER: Self = Self { config_id: None, prefix: None, network: UnknownNetwork::Any };

    /// Returns the source without its network.
    #[must_use]
    pub fn rolled_up(self) -> Self {
        Self { network: UnknownNetwork::Any, ..self }
    }
}

impl UnknownNetwork {
    /// Reads the text that this type prints.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "" => Some(Self::Unknown),
            "*" => Some(Self::Any),
            network => Network::parse(network).ok().map(Self::Of),
        }
    }
}

/// Prints nothing for an unknown network, and `*` for any.
impl fmt::Display for UnknownNetwork {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown => Ok(()),
            Self::Of(network) => network.fmt(f),
            Self::Any => f.write_str("*"),
        }
    }
}

/// The attempts of one hour that were not handed over yet. A source that was told apart once stays so to the end of its
/// hour, so that an hour never has more than [`MAX_SOURCES`] and the rest.
#[derive(Debug)]
pub(super) struct UnknownTally {
    hour: Hour,
    sources: HashMap<UnknownSource, u64>,
    other: u64,
}

impl UnknownTally {
    pub(super) fn new(hour: Hour) -> Self {
        Self { hour, sources: HashMap::new(), other: 0 }
    }

    pub(super) fn hour(&self) -> Hour {
        self.hour
    }

    pub(super) fn count(&mut self, source: UnknownSource) {
        if let Some(calls) = self.sources.get_mut(&source) {
            *calls += 1;
        } else if self.sources.len() < MAX_SOURCES {
            self.sources.insert(source, 1);
        } else {
            self.other += 1;
        }
    }

    /// Takes the attempts since the last call.
    pub(super) fn take(&mut self) -> Vec<UnknownHour> {
        let hour = self.hour;
        let counted = self.sources.iter_mut().filter(|(_, calls)| **calls > 0);
        let counted =
            counted.map(|(source, calls)| UnknownHour { hour, source: source.clone(), calls: std::mem::take(calls) });
        let mut taken: Vec<_> = counted.collect();
        let other = std::mem::take(&mut self.other);
        if other > 0 {
            taken.push(UnknownHour { hour, source: UnknownSource::OTHER, calls: other });
        }
        taken
    }
}

use std::collections::VecDeque;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use keymint_domain::Timestamp;
use keymint_domain::metering::{
    Gathered, JOURNAL_PORTION, JournalPart, KeyHour, UsageFlush, UsePage, process_of_journal,
};
use keymint_ports::{StoreError, UsageStore};
use tokio::task::spawn_blocking;

/// The most entries in a part of a journal: some hundred kilobytes, so that on SQLite verifications wait a millisecond.
const PART: usize = 2048;

/// The parts of a journal that are removed at once: as many bytes as are soon written.
const REMOVED: NonZeroU32 = NonZeroU32::new(8).unwrap();

/// Uses as they are gathered. Merging many takes too long for an async thread.
#[derive(Clone, Default)]
struct Shared(Arc<Mutex<Gathered>>);

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Gathered> {
        // Pages are whole at any time.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn run(&self, work: fn(&mut Gathered)) -> Result<(), StoreError> {
        let shared = self.clone();
        spawn_blocking(move || work(&mut shared.lock())).await.map_err(StoreError::unavailable)
    }
}

/// The uses of many keys, which are gathered before they are added. Each is in a journal of the store, or on its way there.
pub(super) struct Gathering {
    process: Box<str>,
    /// The number of journals that were begun.
    journals: u64,
    /// The number of the last part that was made of the present journal.
    parts: u64,
    unwritten: VecDeque<JournalPart>,
    gathered: Shared,
    began: Option<tokio::time::Instant>,
}

impl Gathering {
    pub(super) fn new(process: Box<str>) -> Self {
        Self { process, journals: 1, parts: 0, unwritten: VecDeque::new(), gathered: Shared::default(), began: None }
    }

    /// Returns the name of the present journal.
    pub(super) fn journal(&self) -> Box<str> {
        format!("{} {}", self.process, self.journals).into()
    }

    /// Returns the instant at which the first uses came; `None` = there are none.
    pub(super) const fn began(&self) -> Option<tokio::time::Instant> {
        self.began
    }

    /// Returns the number of keys and hours. Some may be counted several times.
    pub(super) fn keys(&self) -> usize {
        self.gathered.lock().keys()
    }

    /// Takes uses, ordered by key and hour.
    pub(super) fn take_in(&mut self, uses: &[KeyHour], at: Timestamp, now: tokio::time::Instant) {
        for uses in uses.chunks(PART) {
            self.push(UsePage::of(uses), at);
            self.began.get_or_insert(now);
        }
    }

    fn push(&mut self, page: UsePage, at: Timestamp) {
        self.parts += 1;
        self.unwritten.push_back(JournalPart { journal: self.journal(), number: self.parts, at, page });
    }

    fn begin_journal(&mut self) {
        self.journals += 1;
        self.parts = 0;
    }

    /// Writes to the journal what is not there yet. Returns the number of entries.
    pub(super) async fn write(&mut self, store: &dyn UsageStore) -> Result<usize, StoreError> {
        let mut entries = 0;
        while let Some(part) = self.unwritten.front() {
            if store.write_usage_journal(part).await? {
                // At once: what is in the journal is added from here, unless somebody takes it over.
                if let Some(part) = self.unwritten.pop_front() {
                    entries += part.page.len();
                    self.gathered.lock().add(part.page);
                }
            } else {
                // Somebody has taken it over, and adds all that is there.
                drop(self.gathered.lock().take());
                self.begin_journal();
                for part in std::mem::take(&mut self.unwritten) {
                    self.push(part.page, part.at);
                }
            }
        }
        if entries > 0 {
            self.gathered.run(Gathered::settle).await?;
        }
        Ok(entries)
    }

    /// Ends the journal, all of which is written, and returns what is to be added. The next one begins.
    pub(super) async fn close(&mut self) -> Result<Adding, StoreError> {
        self.gathered.run(Gathered::unite).await?;
        let adding = Adding::new(self.journal(), self.gathered.lock().take());
        self.begin_journal();
        self.began = None;
        Ok(adding)
    }
}

/// The uses of a journal on their way to the sums.
pub(super) struct Adding {
    journal: Box<str>,
    page: UsePage,
    /// The place behind the last portion that was added.
    place: usize,
    /// The number of the last portion that was added.
    number: u64,
}

impl Adding {
    fn new(journal: Box<str>, page: UsePage) -> Self {
        Self { journal, page, place: 0, number: 0 }
    }

    /// Returns the number of steps, about.
    pub(super) fn steps(&self) -> usize {
        self.page.len().div_ceil(JOURNAL_PORTION)
    }

    /// Adds the next portion, or removes a part of the journal. Returns false if nothing is left.
    ///
    /// A repetition after a failure, or in another process, adds the same portions, and the store adds each once.
    pub(super) async fn step(&mut self, store: &dyn UsageStore, at: Timestamp) -> Result<bool, StoreError> {
        let (keys, place) = self.page.read(self.place, JOURNAL_PORTION);
        if keys.is_empty() {
            return Ok(store.remove_usage_journal(&self.journal, REMOVED).await? > 0);
        }
        let process = process_of_journal(&self.journal);
        let number = self.number + 1;
        store.add_usage(&UsageFlush { process, number, at, keys, unknown: Vec::new() }).await?;
        (self.number, self.place) = (number, place);
        Ok(true)
    }
}

/// A journal of a process that has gone, while it is read.
pub(super) struct TakenOver {
    journal: Box<str>,
    read: u64,
    gathered: Shared,
}

impl TakenOver {
    /// The parts that are read in a row.
    const PARTS: usize = 32;

    pub(super) fn new(journal: String) -> Self {
        Self { journal: journal.into(), read: 0, gathered: Shared::default() }
    }

    /// Returns the name of the journal.
    pub(super) fn journal(&self) -> &str {
        &self.journal
    }

    /// Reads on. Returns what is to be added, once all of it was read.
    pub(super) async fn read(&mut self, store: &dyn UsageStore) -> Result<Option<Adding>, StoreError> {
        for _ in 0..Self::PARTS {
            let Some(part) = store.read_usage_journal(&self.journal, self.read).await? else {
                self.gathered.run(Gathered::unite).await?;
                return Ok(Some(Adding::new(self.journal.clone(), self.gathered.lock().take())));
            };
            self.read = part.number;
            self.gathered.lock().add(part.page);
            self.gathered.run(Gathered::settle).await?;
        }
        Ok(None)
    }
}

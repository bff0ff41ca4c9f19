use std::cell::OnceCell;
use std::time::Duration;

use delta::core::{Event, Object, Timestamp};
use delta::{Key, Resource};

use crate::history::Last;
use crate::sim::observer::read;
use crate::sim::world::Sim;

/// What an invariant may look at beside the fake of the outside: what the database holds at this moment.
#[derive(Debug)]
pub struct Seen<'a> {
    sim: &'a Sim,
    tables: OnceCell<Last>,
}

impl<'a> Seen<'a> {
    pub(super) fn now_in(sim: &'a Sim) -> Self {
        Self { sim, tables: OnceCell::new() }
    }

    pub(super) fn at_end(sim: &'a Sim, last: Last) -> Self {
        Self { sim, tables: OnceCell::from(last) }
    }

    fn tables(&self) -> &Last {
        self.tables.get_or_init(|| read(Last::read(self.sim.memory())))
    }

    /// The resources of a kind, by id, decoded; those that do not decode are left out, as [`records`](Self::records) does
    /// not.
    #[must_use]
    pub fn resources<T: Object>(&self) -> Vec<Resource<T>> {
        let of_kind = self.records().iter().filter(|row| row.key.kind.as_str() == T::KIND);
        of_kind.filter_map(|row| Resource::decode(row.clone()).ok()).collect()
    }

    /// Every resource of every kind as it is stored, by id.
    #[must_use]
    pub fn records(&self) -> &[delta::core::Resource] {
        &self.tables().rows
    }

    /// The resource of this key as it is stored; `None` if there is none.
    #[must_use]
    pub fn record(&self, key: &Key) -> Option<&delta::core::Resource> {
        self.records().iter().find(|row| row.key == *key)
    }

    /// The whole log.
    #[must_use]
    pub fn events(&self) -> &[Event] {
        &self.tables().log
    }

    /// The database's time.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.sim.now()
    }

    /// How long the simulated world has been there.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.sim.elapsed()
    }

    /// Whether nothing goes wrong any more.
    #[must_use]
    pub fn is_calm(&self) -> bool {
        self.sim.is_calm()
    }
}

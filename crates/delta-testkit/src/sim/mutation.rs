use std::fmt;

use delta_core::{
    Access, Browse as _, Changeset, ClaimRequest, Claimed, Cursor, CursorQuery, Depth, DueQuery, Event, EventPage,
    EventQuery, Filter, Lane, ListQuery, Position, Receipt, Resource, ResourceId, Store as _,
};

use super::observer::read;
use super::world::Sim;
use crate::fault::Operation;
use crate::history::Actor;

/// A deliberately broken store: what an invariant must catch.
///
/// Each method may change what passes by, as it likes; none does by default. What it does must follow from the seed, so
/// chance is asked through the [`Sight`] only.
pub trait Mutation: fmt::Debug + Send + Sync {
    /// Its name: what is broken.
    fn name(&self) -> &'static str;

    /// The name of the invariant that catches it; `None` if the contract allows it, and so every invariant must hold.
    fn breaks(&self) -> Option<&'static str>;

    /// Within how many seeds, from 1 on, it is caught; of what is allowed, how many are to pass.
    fn seeds(&self) -> u64;

    /// A changeset on its way to the store: of a commit, or finished with a claim.
    fn changeset(&self, sight: &Sight<'_>, changes: &mut Changeset) {
        let _ = (sight, changes);
    }

    /// What becomes of a commit.
    fn fate(&self, sight: &Sight<'_>, changes: &Changeset) -> Fate {
        let _ = (sight, changes);
        Fate::Kept
    }

    /// A commit's answer on its way back.
    fn receipt(&self, sight: &Sight<'_>, changes: &Changeset, receipt: &mut Receipt) {
        let _ = (sight, changes, receipt);
    }

    /// A claim on its way to the store.
    fn request(&self, sight: &Sight<'_>, request: &mut ClaimRequest) {
        let _ = (sight, request);
    }

    /// A claim's answer on its way back.
    fn claimed(&self, sight: &Sight<'_>, claimed: &mut Claimed) {
        let _ = (sight, claimed);
    }

    /// Lanes that have something to claim, on their way back.
    fn lanes(&self, sight: &Sight<'_>, lanes: &mut Vec<Lane>) {
        let _ = (sight, lanes);
    }

    /// Loaded rows on their way back.
    fn loaded(&self, sight: &Sight<'_>, rows: &mut Vec<Resource>) {
        let _ = (sight, rows);
    }

    /// A question for what is due, on its way to the store.
    fn asked_due(&self, sight: &Sight<'_>, query: &mut DueQuery) {
        let _ = (sight, query);
    }

    /// Rows that are due, on their way back.
    fn due(&self, sight: &Sight<'_>, query: &DueQuery, rows: &mut Vec<Resource>) {
        let _ = (sight, query, rows);
    }

    /// A page of the log on its way back.
    fn page(&self, sight: &Sight<'_>, query: &EventQuery, page: &mut EventPage) {
        let _ = (sight, query, page);
    }

    /// Cursors on their way back.
    fn cursors(&self, sight: &Sight<'_>, query: &CursorQuery, cursors: &mut Vec<Cursor>) {
        let _ = (sight, query, cursors);
    }

    /// How far the log is to be trimmed, on its way to the store.
    fn trim(&self, sight: &Sight<'_>, up_to: &mut Position) {
        let _ = (sight, up_to);
    }

    /// What was appended, as the table of the log holds it for everybody.
    fn appended(&self, sight: &Sight<'_>, events: &mut [Event]) {
        let _ = (sight, events);
    }

    /// Whether a wake-up is sent.
    fn wakes(&self, sight: &Sight<'_>) -> bool {
        let _ = sight;
        true
    }

    /// By how many milliseconds a call takes longer.
    fn takes_longer(&self, sight: &Sight<'_>, operation: Operation) -> u64 {
        let _ = (sight, operation);
        0
    }
}

/// What becomes of a commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It is applied.
    Kept,
    /// It is rolled back, and answered as if it were not. In a caller's transaction it is applied all the same.
    Forgotten,
    /// It is applied, and sent once more by a driver that did not hear the answer: that of the second time is given.
    Repeated,
}

/// What a mutation sees of the world at the moment in which it may act.
#[derive(Debug)]
pub struct Sight<'a> {
    sim: &'a Sim,
    actor: &'a Actor,
}

impl<'a> Sight<'a> {
    pub(super) fn new(sim: &'a Sim, actor: &'a Actor) -> Self {
        Self { sim, actor }
    }

    /// Who calls the store.
    #[must_use]
    pub fn actor(&self) -> &Actor {
        self.actor
    }

    /// The seed of the world.
    #[must_use]
    pub fn seed(&self) -> u64 {
        self.sim.seed()
    }

    /// Whether to act, which is so `per_mille` times of a thousand.
    #[must_use]
    pub fn happens(&self, per_mille: u32) -> bool {
        self.sim.draw(self.actor, "mutation").happens(per_mille)
    }

    /// The rows that are committed, by id.
    #[must_use]
    pub fn rows(&self) -> Vec<Resource> {
        let memory = self.sim.memory();
        let query =
            ListQuery { filter: Filter::default(), after: ResourceId::default(), limit: u32::MAX, depth: Depth::Head };
        read(memory.list(&mut read(memory.acquire(Access::Read)), &query))
    }

    /// A row as it is committed.
    #[must_use]
    pub fn row(&self, id: ResourceId) -> Option<Resource> {
        self.rows().into_iter().find(|row| row.id == id)
    }

    /// A cursor as it is committed.
    #[must_use]
    pub fn cursor(&self, name: &str) -> Option<Cursor> {
        let memory = self.sim.memory();
        let query = CursorQuery::Names(vec![name.to_owned()]);
        read(memory.cursors(&mut read(memory.acquire(Access::Read)), &query)).pop()
    }

    /// A row as it was last with an earlier generation than this one.
    #[must_use]
    pub fn earlier(&self, id: ResourceId, generation: i64) -> Option<Resource> {
        self.sim.earlier(id, generation)
    }

    /// Writes over a row, past every fence.
    pub fn edit(&self, id: ResourceId, edit: impl FnOnce(&mut Resource)) {
        self.sim.memory().edit(id, edit);
    }
}

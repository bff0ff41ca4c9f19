use std::fmt;

use delta_core::{
    Changeset, ClaimRequest, Claimed, Cursor, CursorQuery, EventPage, EventQuery, Load, Receipt, Resource,
};

/// A deliberately broken store: what an invariant must catch. Each method may change what passes by; none does by default.
pub trait Mutation: fmt::Debug + Send + Sync {
    /// Its name: what is broken.
    fn name(&self) -> &'static str;

    /// A changeset on its way to the store: of a commit, or finished with a claim.
    fn changeset(&self, changes: &mut Changeset) {
        let _ = changes;
    }

    /// A commit's answer on its way back.
    fn receipt(&self, changes: &Changeset, receipt: &mut Receipt) {
        let _ = (changes, receipt);
    }

    /// A claim on its way to the store.
    fn request(&self, request: &mut ClaimRequest) {
        let _ = request;
    }

    /// A claim's answer on its way back.
    fn claimed(&self, claimed: &mut Claimed) {
        let _ = claimed;
    }

    /// Loaded rows on their way back.
    fn loaded(&self, query: &Load, rows: &mut Vec<Resource>) {
        let _ = (query, rows);
    }

    /// Rows that are due, on their way back.
    fn due(&self, rows: &mut Vec<Resource>) {
        let _ = rows;
    }

    /// A page of the log on its way back.
    fn page(&self, query: &EventQuery, page: &mut EventPage) {
        let _ = (query, page);
    }

    /// Cursors on their way back.
    fn cursors(&self, query: &CursorQuery, cursors: &mut Vec<Cursor>) {
        let _ = (query, cursors);
    }
}

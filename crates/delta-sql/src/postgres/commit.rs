use std::time::Duration;

use delta_core::{Change, Changeset, CursorChange, Error, ErrorKind, Locked, Receipt, Result, ScopeWrite, WakeUp};

use super::apply::Sorted;
use super::drafts::Append;
use super::driver::PostgresDriver;
use super::names::{Known, Wanted};
use super::outcomes::Outcomes;
use super::query::Query;
use super::settle::Settlements;
use super::tables::Tables;
use super::templates::position;
use crate::driver::Backoff;
use crate::driver::Need;

/// How long a changeset is repeated that the database gave up because of others.
pub(super) const CONFLICT_LIMIT: Duration = Duration::from_secs(10);

/// How a changeset is applied.
pub(super) enum Way {
    /// Nothing is written.
    Nothing,
    /// By a statement that inserts, updates, settles or renews, and appends what that says.
    Insert(Vec<usize>),
    Update(Vec<usize>),
    Settle(Vec<usize>),
    Renew(Vec<usize>),
    /// By a statement that moves one cursor.
    Cursor,
    /// By several statements.
    Steps(Sorted),
}

impl Way {
    pub(super) fn of(set: &Changeset) -> Self {
        if set.is_empty() {
            return Self::Nothing;
        }
        let sorted = Sorted::of(set);
        if !set.scopes.is_empty() || set.wake == WakeUp::InTransaction {
            return Self::Steps(sorted);
        }
        if !set.cursors.is_empty() {
            let alone = set.changes.is_empty() && set.cursors.len() == 1;
            return if alone { Self::Cursor } else { Self::Steps(sorted) };
        }
        let brings_errors = |number: &usize| match &set.changes[*number] {
            Change::Insert(insert) => insert.row.detail.as_ref().is_some_and(|detail| !detail.errors.is_empty()),
            _ => false,
        };
        let all = set.changes.len();
        match &sorted {
            Sorted { inserts, .. } if inserts.len() == all && !inserts.iter().any(brings_errors) => {
                Self::Insert(sorted.inserts)
            }
            Sorted { updates, .. } if updates.len() == all => Self::Update(sorted.updates),
            Sorted { settlements, .. } if settlements.len() == all => Self::Settle(sorted.settlements),
            Sorted { renewals, .. } if renewals.len() == all => Self::Renew(sorted.renewals),
            _ => Self::Steps(sorted),
        }
    }
}

impl<D: PostgresDriver> Tables<D> {
    /// Applies a changeset.
    pub async fn commit(&self, conn: &mut D::Conn, set: &Changeset) -> Result<Receipt> {
        set.check("commit")?;
        check_text(set)?;
        let known = self.make_names(conn, &named(set)).await?;
        let own = !self.driver().is_in_transaction(conn);
        let mut backoff = Backoff::new(CONFLICT_LIMIT);
        loop {
            match self.apply(conn, set, &known).await {
                Err(error) if own && error.kind() == ErrorKind::Conflict && backoff.again().await => {}
                applied => return applied,
            }
        }
    }

    pub(super) async fn apply(&self, conn: &mut D::Conn, set: &Changeset, known: &Known) -> Result<Receipt> {
        let way = Way::of(set);
        let need = if matches!(way, Way::Steps(_)) { Need::Transaction } else { Need::Statement };
        let mut unit = self.unit(conn, need, "commit").await?;
        let receipt = self.apply_by(unit.conn(), set, known, way).await?;
        if receipt.lost_cursor.is_some() {
            unit.undo("commit").await?;
        } else {
            unit.keep("commit").await?;
        }
        Ok(receipt)
    }

    async fn apply_by(&self, conn: &mut D::Conn, set: &Changeset, known: &Known, way: Way) -> Result<Receipt> {
        let rows = match way {
            Way::Nothing => return Ok(Receipt::default()),
            Way::Insert(numbers) => self.insert(conn, set, &numbers, known, Append::Here).await?,
            Way::Update(numbers) => self.update(conn, set, &numbers, set.locked, Append::Here).await?,
            Way::Renew(numbers) => self.renew(conn, set, &numbers, set.locked).await?,
            Way::Settle(numbers) => {
                let settlements = Settlements::of(set, &numbers, Append::Here);
                let query = Query::new(self.sql().settle(settlements.statement(set.locked, false)));
                self.fetch(conn, settlements.bind(query), "commit").await?
            }
            Way::Cursor => {
                let lost_cursor = self.write_cursors(conn, &set.cursors).await?;
                return Ok(Receipt { lost_cursor, ..Receipt::default() });
            }
            Way::Steps(sorted) => return self.apply_in_steps(conn, set, sorted, known).await,
        };
        let mut outcomes = Outcomes::of(set);
        self.take_answer(conn, &rows, set, &mut outcomes).await?;
        self.receipt(conn, set, outcomes).await
    }

    /// Renews the leases of some changes of a set.
    pub(super) async fn renew(
        &self,
        conn: &mut D::Conn,
        set: &Changeset,
        numbers: &[usize],
        locked: Locked,
    ) -> Result<Vec<D::Row>> {
        let renewals = numbers.iter().filter_map(|&number| match &set.changes[number] {
            Change::Renew(renew) => Some((number, renew)),
            _ => None,
        });
        let text = match locked {
            Locked::Wait => &self.sql().renew.wait,
            Locked::Skip => &self.sql().renew.skip,
        };
        let query = Query::new(text)
            .bind(renewals.clone().map(|(number, _)| position(number)).collect::<Vec<_>>())
            .bind(renewals.clone().map(|(_, renew)| renew.id.get()).collect::<Vec<_>>())
            .bind(renewals.clone().map(|(_, renew)| renew.token.get()).collect::<Vec<_>>())
            .bind(renewals.map(|(_, renew)| renew.until).collect::<Vec<_>>());
        self.fetch(conn, query, "commit").await
    }
}

/// The kinds and namespaces that a changeset may be the first to speak of.
pub(super) fn named(set: &Changeset) -> Wanted<'_> {
    let mut wanted = Wanted::default();
    for key in set.changes.iter().filter_map(Change::inserted_key) {
        wanted.kinds.insert(&key.kind);
        wanted.namespaces.insert(&key.namespace);
    }
    for change in &set.scopes {
        wanted.add_scope(&change.scope);
    }
    wanted
}

/// Refuses texts that the server would refuse, before that ends the caller's transaction. Keys, tags and JSON cannot hold
/// a NUL.
pub(super) fn check_text(set: &Changeset) -> Result<()> {
    let errors = set.changes.iter().filter_map(|change| match change {
        Change::Update(update) => update.error.as_ref(),
        Change::Settle(settle) => settle.error.as_ref(),
        _ => None,
    });
    let errors = errors.flat_map(|error| [Some(&error.message), error.backtrace.as_ref()]);
    let cursors = set.cursors.iter().flat_map(|change| match change {
        CursorChange::Put(cursor) => [Some(&cursor.name), cursor.position.as_ref(), cursor.data.as_ref()],
        CursorChange::Remove { name, .. } => [Some(name), None, None],
    });
    let settings = set.scopes.iter().map(|change| match &change.write {
        ScopeWrite::Settings(settings) => Some(settings),
        _ => None,
    });
    match errors.chain(cursors).chain(settings).flatten().find(|text| text.contains('\0')) {
        None => Ok(()),
        Some(text) => {
            let start: String = text.chars().take(80).collect();
            Err(Error::new(ErrorKind::Invalid, "commit", format!("expected text without NUL, found {start:?}")))
        }
    }
}

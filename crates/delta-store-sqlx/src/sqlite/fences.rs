use std::collections::{HashMap, HashSet};

use delta_core::{Change, Changeset, CursorChange, LeaseToken, Outcome, ResourceId, Result, State, Timestamp};
use sqlx::SqliteConnection;

use super::errors::error;
use super::json::{JsonRows, ints, texts};
use super::rows::Columns;
use super::statement::statement;
use super::store::Inner;

/// What a fence looks at in a row.
#[derive(Debug)]
pub(super) struct Fenced {
    version: i64,
    lease: Option<FencedLease>,
    pub(super) generation: i64,
    pub(super) run_at: Option<Timestamp>,
    pub(super) cancel_requested: bool,
    pub(super) error_count: i64,
}

/// The lease of a row that is pending.
#[derive(Debug)]
struct FencedLease {
    token: LeaseToken,
    generation: i64,
    until: Timestamp,
}

impl Fenced {
    /// Whether the generation moved while the attempt ran.
    pub(super) fn has_moved(&self) -> bool {
        self.lease.as_ref().is_some_and(|lease| lease.generation != self.generation)
    }
}

/// The rows and keys that a changeset names, as they are under the write lock.
#[derive(Debug, Default)]
pub(super) struct Fences {
    rows: HashMap<ResourceId, Fenced>,
    /// By the number of the insert among the inserts.
    existing_keys: HashSet<i64>,
    /// Whether a kind or a namespace of an insert has yet to be stored.
    pub(super) names_missing: bool,
}

impl Fences {
    pub(super) async fn read(inner: &Inner, conn: &mut SqliteConnection, set: &Changeset) -> Result<Self> {
        let mut fences = Self::default();
        let ids: Vec<i64> = set.changes.iter().filter_map(Change::id).map(ResourceId::get).collect();
        if !ids.is_empty() {
            fences.read_rows(inner, conn, ints(ids)).await?;
        }
        let mut keys = JsonRows::default();
        for (key, number) in set.changes.iter().filter_map(Change::inserted_key).zip(0..) {
            let row = keys.row().text(key.namespace.as_str()).text(key.kind.as_str());
            drop(row.text(key.object_id.as_str()).int(number));
        }
        fences.read_keys(inner, conn, keys).await?;
        Ok(fences)
    }

    async fn read_rows(&mut self, inner: &Inner, conn: &mut SqliteConnection, ids: String) -> Result<()> {
        let rows = statement(&inner.sql.fences).bind(ids).fetch_all(conn).await;
        for row in &rows.map_err(|failed| error("commit", failed))? {
            let mut columns = Columns::new("commit", row);
            let id = ResourceId::new(columns.next()?);
            let version = columns.next()?;
            let pending = State::from(columns.next::<&str>()?) == State::Pending;
            let (generation, run_at) = (columns.next()?, columns.time_or_null()?);
            let token: Option<i64> = columns.next()?;
            let (lease_generation, until): (Option<i64>, _) = (columns.next()?, columns.time_or_null()?);
            let lease = match (token, lease_generation, until) {
                (Some(token), Some(generation), Some(until)) if pending => {
                    Some(FencedLease { token: LeaseToken::new(token), generation, until })
                }
                _ => None,
            };
            let (cancel_requested, error_count) = (columns.next()?, columns.next()?);
            self.rows.insert(id, Fenced { version, lease, generation, run_at, cancel_requested, error_count });
        }
        Ok(())
    }

    async fn read_keys(&mut self, inner: &Inner, conn: &mut SqliteConnection, keys: JsonRows) -> Result<()> {
        for text in keys.into_texts() {
            let rows = statement(&inner.sql.key_fences).bind(text).fetch_all(&mut *conn).await;
            for row in &rows.map_err(|failed| error("commit", failed))? {
                let mut columns = Columns::new("commit", row);
                let number: i64 = columns.next()?;
                self.names_missing |= !columns.next::<bool>()?;
                if columns.next()? {
                    self.existing_keys.insert(number);
                }
            }
        }
        Ok(())
    }

    /// The row of a change whose fence holds, or what is left to say where it does not. Not for inserts.
    pub(super) fn check(&self, change: &Change) -> Result<&Fenced, Outcome> {
        let row = change.id().and_then(|id| self.rows.get(&id));
        let at_version = |version| row.filter(|row| row.version == version).ok_or(Outcome::Stale);
        let under = |token, over_at: Option<Timestamp>| {
            let holds = |lease: &FencedLease| lease.token == token && over_at.is_none_or(|at| lease.until <= at);
            row.filter(|row| row.lease.as_ref().is_some_and(holds)).ok_or(Outcome::Lost)
        };
        match change {
            Change::Insert(_) => Err(Outcome::Stale),
            Change::Update(update) => at_version(update.version),
            Change::Remove(remove) => at_version(remove.version),
            Change::Settle(settle) => under(settle.token, settle.over_at),
            Change::Renew(renew) => under(renew.token, None),
        }
    }

    /// Whether the key of an insert exists, by the number of the insert among the inserts.
    pub(super) fn key_exists(&self, number: i64) -> bool {
        self.existing_keys.contains(&number)
    }
}

/// The first cursor whose fence does not hold.
pub(super) async fn lost_cursor(
    inner: &Inner,
    conn: &mut SqliteConnection,
    cursors: &[CursorChange],
) -> Result<Option<String>> {
    if cursors.is_empty() {
        return Ok(None);
    }
    let names = texts(cursors.iter().map(CursorChange::name));
    let rows = statement(&inner.sql.cursor_fences).bind(names).fetch_all(conn).await;
    let mut versions = HashMap::new();
    for row in &rows.map_err(|failed| error("commit", failed))? {
        let mut columns = Columns::new("commit", row);
        versions.insert(columns.next::<String>()?, columns.next::<i64>()?);
    }
    let stored = |change: &CursorChange| versions.get(change.name()).copied().unwrap_or(0);
    Ok(cursors.iter().find(|change| stored(change) != change.version()).map(|lost| lost.name().to_owned()))
}

use std::collections::BTreeSet;

use delta_core::{
    AttemptError, EventDraft, Insert, LeaseWrite, Name, Remove, Renew, Resource, ResourceId, RunAt, Scope, Settle,
    Timestamp, Update,
};
use sqlx::SqliteConnection;

use super::errors::error;
use super::fences::Fenced;
use super::json::{JsonRows, ints};
use super::statement::{run, statement};
use super::store::Inner;

/// What a changeset writes about resources, collected by statement.
#[derive(Debug, Default)]
pub(super) struct Writes {
    namespaces: BTreeSet<Name>,
    kinds: BTreeSet<Name>,
    inserts: JsonRows,
    insert_details: JsonRows,
    updates: JsonRows,
    update_details: JsonRows,
    settles: JsonRows,
    renews: JsonRows,
    errors: JsonRows,
    prune: JsonRows,
    events: JsonRows,
    removes: Vec<i64>,
    /// Rows that may have become claimable.
    written: Vec<i64>,
}

#[expect(clippy::cast_possible_wrap, reason = "it is 10")]
const KEPT: i64 = AttemptError::KEPT as i64;

impl Writes {
    /// Collects an insert under an id that is free.
    pub(super) fn insert(&mut self, id: ResourceId, insert: &Insert) {
        self.new_row(id, 1, &insert.row);
        self.written(id, &insert.events);
    }

    /// Collects the exact copy of a row.
    pub(super) fn restore(&mut self, row: &Resource) {
        self.new_row(row.id, row.version, row);
    }

    /// Notes a kind or a namespace that has to be there.
    pub(super) fn name(&mut self, scope: &Scope) {
        match scope {
            Scope::Kind(name) => self.kinds.insert(name.clone()),
            Scope::Namespace(name) => self.namespaces.insert(name.clone()),
        };
    }

    fn new_row(&mut self, id: ResourceId, version: i64, row: &Resource) {
        self.namespaces.insert(row.key.namespace.clone());
        self.kinds.insert(row.key.kind.clone());
        insert_row(&mut self.inserts, id, version, row);
        if let Some(detail) = &row.detail {
            let tags = stored_tags(detail.tags.as_slice());
            drop(self.insert_details.row().int(id.get()).text(&detail.object).text_or_null(tags.as_deref()));
            for (error, behind) in detail.errors.iter().rev().take(AttemptError::KEPT).zip(0..) {
                self.error(id, row.error_count - behind, error);
            }
        }
    }

    /// Collects an update of a row whose fence holds.
    pub(super) fn update(&mut self, update: &Update, before: &Fenced) {
        let (row, id) = (&update.row, update.row.id);
        let hash = update.write_object.then(|| row.hash.to_string());
        drop(
            self.updates
                .row()
                .int(id.get())
                .text(row.state.as_str())
                .int(row.state_since.as_micros())
                .text_or_null(row.desired.absent_by().map(delta_core::AbsentBy::as_str))
                .int(row.priority.get().into())
                .int(row.generation)
                .int(row.synced_generation)
                .int(row.attempt)
                .int_or_null(row.max_attempts)
                .int_or_null(micros(row.run_at))
                .text_or_null(hash.as_deref())
                .text_or_null(row.metadata.as_stored())
                .text_or_null(row.trace.as_ref().map(delta_core::Trace::as_str))
                .int_or_null(micros(row.external_created_at))
                .int(row.created_at.as_micros())
                .int(row.updated_at.as_micros())
                .int_or_null(micros(row.attempted_at))
                .int_or_null(micros(row.synced_at))
                .int_or_null(micros(row.deleted_at))
                .text_or_null(row.deleted_by.map(delta_core::DeletedBy::as_str))
                .flag(row.paused)
                .flag(update.lease == LeaseWrite::RequestCancel)
                .flag(update.error.is_some()),
        );
        if let Some(detail) = row.detail.as_ref().filter(|_| update.write_object || update.write_tags) {
            let object = update.write_object.then_some(&*detail.object);
            let tags = stored_tags(detail.tags.as_slice()).filter(|_| update.write_tags);
            let written = self.update_details.row().int(id.get()).text_or_null(object).flag(update.write_tags);
            drop(written.text_or_null(tags.as_deref()));
        }
        self.new_error(id, before, update.error.as_ref());
        self.written(id, &update.events);
    }

    /// Collects the end of an attempt whose lease holds. Returns whether the generation had moved.
    pub(super) fn settle(&mut self, settle: &Settle, before: &Fenced) -> bool {
        let moved = before.has_moved();
        let settlement = if moved { &settle.moved } else { &settle.unmoved };
        let run_at = match settlement.run_at {
            RunAt::Never => None,
            RunAt::At(at) => Some(at),
            RunAt::AskedOr(at) => Some(before.run_at.unwrap_or(at)),
        };
        drop(
            self.settles
                .row()
                .int(settle.id.get())
                .text(settlement.state.as_str())
                .int_or_null(settlement.attempt)
                .int_or_null(micros(run_at))
                .int_or_null(settlement.synced_generation)
                .text_or_null(settlement.deleted_by.map(delta_core::DeletedBy::as_str))
                .flag(settle.error.is_some()),
        );
        self.new_error(settle.id, before, settle.error.as_ref());
        self.written(settle.id, &settlement.events);
        moved
    }

    /// Collects a heartbeat whose lease holds.
    pub(super) fn renew(&mut self, renew: &Renew) {
        drop(self.renews.row().int(renew.id.get()).int(renew.until.as_micros()));
    }

    /// Collects the removal of a row whose fence holds.
    pub(super) fn remove(&mut self, remove: &Remove) {
        self.removes.push(remove.id.get());
        self.append(remove.id, &remove.events);
    }

    /// The rows that may have become claimable, as a JSON array; `None` if there are none.
    pub(super) fn woken(&self) -> Option<String> {
        (!self.written.is_empty()).then(|| ints(self.written.iter().copied()))
    }

    fn written(&mut self, id: ResourceId, events: &[EventDraft]) {
        self.written.push(id.get());
        self.append(id, events);
    }

    fn append(&mut self, id: ResourceId, events: &[EventDraft]) {
        for event in events {
            let row = self.events.row().int(id.get()).text(event.kind.as_str());
            let row = row.text_or_null(event.kind.reason().map(delta_core::Reason::as_str));
            drop(row.int_or_null(event.generation).int_or_null(event.attempt).flag(event.with_object));
        }
    }

    fn new_error(&mut self, id: ResourceId, before: &Fenced, error: Option<&AttemptError>) {
        let Some(error) = error else { return };
        let number = before.error_count + 1;
        self.error(id, number, error);
        if number > KEPT {
            drop(self.prune.row().int(id.get()).int(number - KEPT + 1));
        }
    }

    fn error(&mut self, id: ResourceId, number: i64, error: &AttemptError) {
        let row = self.errors.row().int(id.get()).int(number).int(error.at.as_micros());
        let row = row.int(error.generation).int(error.attempt).text(&error.message);
        drop(row.text_or_null(error.backtrace.as_deref()));
    }

    /// Creates the kinds and namespaces of inserts.
    pub(super) async fn create_names(&self, inner: &Inner, conn: &mut SqliteConnection) -> delta_core::Result<()> {
        for (sql, names) in [(&inner.sql.create_namespaces, &self.namespaces), (&inner.sql.create_kinds, &self.kinds)] {
            if !names.is_empty() {
                let names = super::json::texts(names.iter().map(Name::as_str));
                statement(sql).bind(names).execute(&mut *conn).await.map_err(|failed| error("commit", failed))?;
            }
        }
        Ok(())
    }

    /// Writes everything. Events come after the writes that they tell of, and before the rows that they tell of go.
    pub(super) async fn run(
        self,
        inner: &Inner,
        conn: &mut SqliteConnection,
        now: Timestamp,
    ) -> delta_core::Result<()> {
        let sql = &inner.sql;
        let now = now.as_micros();
        run("commit", conn, &sql.insert_resources, self.inserts, |query| query).await?;
        run("commit", conn, &sql.insert_details, self.insert_details, |query| query).await?;
        run("commit", conn, &sql.update, self.updates, |query| query).await?;
        run("commit", conn, &sql.update_details, self.update_details, |query| query).await?;
        run("commit", conn, &sql.settle, self.settles, |query| query.bind(now)).await?;
        run("commit", conn, &sql.renew, self.renews, |query| query).await?;
        run("commit", conn, &sql.insert_errors, self.errors, |query| query).await?;
        run("commit", conn, &sql.prune_errors, self.prune, |query| query).await?;
        run("commit", conn, &sql.append, self.events, |query| query.bind(now)).await?;
        if !self.removes.is_empty() {
            let ids = ints(self.removes);
            for sql in [&sql.remove_errors, &sql.remove_details, &sql.remove_resources] {
                let removed = statement(sql).bind(ids.clone()).execute(&mut *conn).await;
                removed.map_err(|failed| error("commit", failed))?;
            }
        }
        Ok(())
    }
}

fn micros(time: Option<Timestamp>) -> Option<i64> {
    time.map(Timestamp::as_micros)
}

fn stored_tags(tags: &[String]) -> Option<String> {
    (!tags.is_empty()).then(|| super::json::texts(tags.iter().map(String::as_str)))
}

fn insert_row(rows: &mut JsonRows, id: ResourceId, version: i64, row: &Resource) {
    let lease = row.lease.as_ref();
    drop(
        rows.row()
            .int(id.get())
            .text(row.key.namespace.as_str())
            .text(row.key.kind.as_str())
            .text(row.key.object_id.as_str())
            .text(row.state.as_str())
            .int(row.state_since.as_micros())
            .text_or_null(row.desired.absent_by().map(delta_core::AbsentBy::as_str))
            .int(row.priority.get().into())
            .int(row.generation)
            .int(row.synced_generation)
            .int(row.attempt)
            .int_or_null(row.max_attempts)
            .int_or_null(micros(row.run_at))
            .int_or_null(lease.map(|lease| lease.token.get()))
            .int_or_null(lease.map(|lease| lease.generation))
            .int_or_null(lease.map(|lease| lease.attempt))
            .int_or_null(lease.map(|lease| lease.owner.get()))
            .int_or_null(lease.map(|lease| lease.until.as_micros()))
            .flag(lease.is_some_and(|lease| lease.cancel_requested))
            .text(&row.hash.to_string())
            .text_or_null(row.metadata.as_stored())
            .text_or_null(row.trace.as_ref().map(delta_core::Trace::as_str))
            .int(row.error_count)
            .int_or_null(micros(row.external_created_at))
            .int(row.created_at.as_micros())
            .int(row.updated_at.as_micros())
            .int_or_null(micros(row.attempted_at))
            .int_or_null(micros(row.synced_at))
            .int_or_null(micros(row.deleted_at))
            .text_or_null(row.deleted_by.map(delta_core::DeletedBy::as_str))
            .flag(row.paused)
            .int(version),
    );
}

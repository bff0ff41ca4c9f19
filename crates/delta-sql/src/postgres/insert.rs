use delta_core::{AbsentBy, Change, Changeset, DeletedBy, EventDraft, Insert, Lease, LeaseToken, Metadata, Owner};
use delta_core::{Result, Returning, Timestamp, Trace};

use super::drafts::{Append, Drafts, tags_text};
use super::driver::PostgresDriver;
use super::names::Known;
use super::query::Query;
use super::rows::corrupt;
use super::tables::Tables;
use super::templates::{Templates, position};

/// What new rows have in common.
#[derive(PartialEq)]
struct Head<'a> {
    namespace: i32,
    kind: i32,
    state: &'a str,
    state_since: Timestamp,
    absent_by: Option<&'static str>,
    priority: i16,
    generation: i64,
    synced_generation: i64,
    attempt: i64,
    max_attempts: Option<i64>,
    lease: Option<Lease>,
    error_count: i64,
    created_at: Timestamp,
    updated_at: Timestamp,
    attempted_at: Option<Timestamp>,
    synced_at: Option<Timestamp>,
    deleted_at: Option<Timestamp>,
    deleted_by: Option<&'static str>,
    paused: bool,
    events: &'a [EventDraft],
}

impl<'a> Head<'a> {
    fn of(insert: &'a Insert, known: &Known) -> Result<Self> {
        let row = &insert.row;
        let ids = known.namespaces.id(&row.key.namespace).zip(known.kinds.id(&row.key.kind));
        let unnamed = || corrupt("commit", format!("expected the kind and namespace of {} to exist", row.key));
        let (namespace, kind) = ids.ok_or_else(unnamed)?;
        Ok(Self {
            namespace,
            kind,
            state: row.state.as_str(),
            state_since: row.state_since,
            absent_by: row.desired.absent_by().map(AbsentBy::as_str),
            priority: i16::from(row.priority.get()),
            generation: row.generation,
            synced_generation: row.synced_generation,
            attempt: row.attempt,
            max_attempts: row.max_attempts,
            lease: row.lease,
            error_count: row.error_count,
            created_at: row.created_at,
            updated_at: row.updated_at,
            attempted_at: row.attempted_at,
            synced_at: row.synced_at,
            deleted_at: row.deleted_at,
            deleted_by: row.deleted_by.map(DeletedBy::as_str),
            paused: row.paused,
            events: &insert.events,
        })
    }
}

fn inserts<'a>(set: &'a Changeset, numbers: &'a [usize]) -> impl Iterator<Item = (usize, &'a Insert)> + Clone {
    numbers.iter().filter_map(|&number| match &set.changes[number] {
        Change::Insert(insert) => Some((number, &**insert)),
        _ => None,
    })
}

impl<D: PostgresDriver> Tables<D> {
    /// Inserts the rows of some changes of a set.
    pub(super) async fn insert(
        &self,
        conn: &mut D::Conn,
        set: &Changeset,
        numbers: &[usize],
        known: &Known,
        append: Append,
    ) -> Result<Vec<D::Row>> {
        let mut heads = Templates::new();
        let mut drafts = Drafts::default();
        let mut templates = Vec::with_capacity(numbers.len());
        for (_, insert) in inserts(set, numbers) {
            let (number, new) = heads.number(Head::of(insert, known)?);
            if new && append == Append::Here {
                drafts.add(number, false, insert.events.iter().cloned());
            }
            templates.push(number);
        }
        let rows = inserts(set, numbers).map(|(_, insert)| &insert.row);
        let details = rows.clone().filter_map(|row| row.detail.as_ref());
        let query = Query::new(&self.sql().insert)
            .bind(set.now)
            .bind(set.returning == Returning::Events)
            .bind(inserts(set, numbers).map(|(number, _)| position(number)).collect::<Vec<_>>())
            .bind(templates)
            .bind(rows.clone().map(|row| row.key.object_id.as_str()).collect::<Vec<_>>())
            .bind(rows.clone().map(|row| &row.hash.as_bytes()[..]).collect::<Vec<_>>())
            .bind(rows.clone().map(|row| Metadata::as_stored(&row.metadata)).collect::<Vec<_>>())
            .bind(rows.clone().map(|row| row.trace.as_ref().map(Trace::as_str)).collect::<Vec<_>>())
            .bind(rows.clone().map(|row| row.run_at).collect::<Vec<_>>())
            .bind(rows.map(|row| row.external_created_at).collect::<Vec<_>>())
            .bind(details.clone().map(|detail| &*detail.object).collect::<Vec<_>>())
            .bind(details.map(|detail| tags_text(detail.tags.as_slice())).collect::<Vec<_>>());
        let lease = |head: &Head<'_>| head.lease;
        let query = query
            .bind(heads.column(|head| head.namespace))
            .bind(heads.column(|head| head.kind))
            .bind(heads.column(|head| head.state))
            .bind(heads.column(|head| head.state_since))
            .bind(heads.column(|head| head.absent_by))
            .bind(heads.column(|head| head.priority))
            .bind(heads.column(|head| head.generation))
            .bind(heads.column(|head| head.synced_generation))
            .bind(heads.column(|head| head.attempt))
            .bind(heads.column(|head| head.max_attempts))
            .bind(heads.column(|head| lease(head).map(|lease| LeaseToken::get(lease.token))))
            .bind(heads.column(|head| lease(head).map(|lease| lease.generation)))
            .bind(heads.column(|head| lease(head).map(|lease| lease.attempt)))
            .bind(heads.column(|head| lease(head).map(|lease| Owner::get(lease.owner))))
            .bind(heads.column(|head| lease(head).map(|lease| lease.until)))
            .bind(heads.column(|head| lease(head).is_some_and(|lease| lease.cancel_requested)))
            .bind(heads.column(|head| head.error_count))
            .bind(heads.column(|head| head.created_at))
            .bind(heads.column(|head| head.updated_at))
            .bind(heads.column(|head| head.attempted_at))
            .bind(heads.column(|head| head.synced_at))
            .bind(heads.column(|head| head.deleted_at))
            .bind(heads.column(|head| head.deleted_by))
            .bind(heads.column(|head| head.paused));
        self.fetch(conn, drafts.bind_written(query), "commit").await
    }
}

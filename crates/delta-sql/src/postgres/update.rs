use delta_core::{AbsentBy, Change, Changeset, DeletedBy, EventDraft, LeaseWrite, Locked, Metadata, Result, Returning};
use delta_core::{Timestamp, Trace, Update};

use super::drafts::{Append, Drafts, Errors, tags_text};
use super::driver::PostgresDriver;
use super::query::Query;
use super::tables::Tables;
use super::templates::{Templates, position};

/// What written rows have in common.
#[derive(PartialEq)]
struct Head<'a> {
    state: &'a str,
    state_since: Timestamp,
    absent_by: Option<&'static str>,
    priority: i16,
    generation: i64,
    synced_generation: i64,
    attempt: i64,
    max_attempts: Option<i64>,
    updated_at: Timestamp,
    deleted_at: Option<Timestamp>,
    deleted_by: Option<&'static str>,
    paused: bool,
    cancel: bool,
    events: &'a [EventDraft],
}

impl<'a> Head<'a> {
    fn of(update: &'a Update) -> Self {
        let row = &update.row;
        Self {
            state: row.state.as_str(),
            state_since: row.state_since,
            absent_by: row.desired.absent_by().map(AbsentBy::as_str),
            priority: i16::from(row.priority.get()),
            generation: row.generation,
            synced_generation: row.synced_generation,
            attempt: row.attempt,
            max_attempts: row.max_attempts,
            updated_at: row.updated_at,
            deleted_at: row.deleted_at,
            deleted_by: row.deleted_by.map(DeletedBy::as_str),
            paused: row.paused,
            cancel: update.lease == LeaseWrite::RequestCancel,
            events: &update.events,
        }
    }
}

fn updates<'a>(set: &'a Changeset, numbers: &'a [usize]) -> impl Iterator<Item = (usize, &'a Update)> + Clone {
    numbers.iter().filter_map(|&number| match &set.changes[number] {
        Change::Update(update) => Some((number, &**update)),
        _ => None,
    })
}

fn hash(update: &Update) -> Option<&[u8]> {
    update.write_object.then(|| &update.row.hash.as_bytes()[..])
}

fn object(update: &Update) -> Option<&str> {
    update.row.detail.as_ref().filter(|_| update.write_object).map(|detail| &*detail.object)
}

fn tags(update: &Update) -> Option<String> {
    let detail = update.row.detail.as_ref().filter(|_| update.write_tags);
    detail.map(|detail| tags_text(detail.tags.as_slice()))
}

impl<D: PostgresDriver> Tables<D> {
    /// Writes the rows of some changes of a set.
    pub(super) async fn update(
        &self,
        conn: &mut D::Conn,
        set: &Changeset,
        numbers: &[usize],
        locked: Locked,
        append: Append,
    ) -> Result<Vec<D::Row>> {
        let mut heads = Templates::new();
        let (mut drafts, mut errors) = (Drafts::default(), Errors::default());
        let mut templates = Vec::with_capacity(numbers.len());
        for (_, update) in updates(set, numbers) {
            let (template, new) = heads.number(Head::of(update));
            if new && append == Append::Here {
                drafts.add(template, false, update.events.iter().cloned());
            }
            errors.push(update.error.as_ref());
            templates.push(template);
        }
        let all = updates(set, numbers).map(|(_, update)| update);
        let rows = all.clone().map(|update| &update.row);
        let text = match locked {
            Locked::Wait => &self.sql().update.wait,
            Locked::Skip => &self.sql().update.skip,
        };
        let query = Query::new(text)
            .bind(set.now)
            .bind(set.returning == Returning::Events)
            .bind(updates(set, numbers).map(|(number, _)| position(number)).collect::<Vec<_>>())
            .bind(rows.clone().map(|row| row.id.get()).collect::<Vec<_>>())
            .bind(all.clone().map(|update| update.version).collect::<Vec<_>>())
            .bind(templates)
            .bind(rows.clone().map(|row| row.run_at).collect::<Vec<_>>())
            .bind(rows.clone().map(|row| Metadata::as_stored(&row.metadata)).collect::<Vec<_>>())
            .bind(rows.clone().map(|row| row.trace.as_ref().map(Trace::as_str)).collect::<Vec<_>>())
            .bind(rows.clone().map(|row| row.external_created_at).collect::<Vec<_>>())
            .bind(rows.clone().map(|row| Some(row.created_at)).collect::<Vec<_>>())
            .bind(rows.clone().map(|row| row.attempted_at).collect::<Vec<_>>())
            .bind(rows.map(|row| row.synced_at).collect::<Vec<_>>())
            .bind(all.clone().map(hash).collect::<Vec<_>>())
            .bind(all.clone().map(object).collect::<Vec<_>>())
            .bind(all.map(tags).collect::<Vec<_>>());
        let query = query
            .bind(heads.column(|head| head.state))
            .bind(heads.column(|head| head.state_since))
            .bind(heads.column(|head| head.absent_by))
            .bind(heads.column(|head| head.priority))
            .bind(heads.column(|head| head.generation))
            .bind(heads.column(|head| head.synced_generation))
            .bind(heads.column(|head| head.attempt))
            .bind(heads.column(|head| head.max_attempts))
            .bind(heads.column(|head| head.updated_at))
            .bind(heads.column(|head| head.deleted_at))
            .bind(heads.column(|head| head.deleted_by))
            .bind(heads.column(|head| head.paused))
            .bind(heads.column(|head| head.cancel));
        self.fetch(conn, errors.bind(drafts.bind_written(query)), "commit").await
    }
}

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use crate::canonical::CanonicalObject;
use crate::changeset::Changeset;
use crate::event::{EventKind, Reason};
use crate::inform_options::{Deleted, Existing, MaxAttempts, ResolvedOptions};
use crate::key::Key;
use crate::labels::{Tags, Trace};
use crate::plan::edit::Edit;
use crate::resource::{Desired, Detail, Priority, Resource, ResourceId};
use crate::settings::{EventObjects, Missing, Retention, SecondChance};
use crate::state::State;
use crate::timestamp::Timestamp;
use crate::transition::{Effect, Facts, Input, Rejection, Relation, find};

/// Who informs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// A caller.
    Caller,
    /// An informer.
    Informer,
}

/// How an object stands to a stored JSON text; `None` compares hashes.
pub type Comparison = Arc<dyn Fn(&str) -> Option<Relation> + Send + Sync>;

/// What the settings of a kind and its namespace make of an inform.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InformPolicy {
    /// Whether an unchanged inform has a degraded resource tried again.
    pub second_chance: SecondChance,
    /// What it means that a full run does not mention an object.
    pub missing: Missing,
    /// How long resources are kept.
    pub retention: Retention,
    /// Whether events keep the object.
    pub event_objects: EventObjects,
}

/// One object to inform.
#[derive(Clone)]
pub struct InformInput {
    /// Its key.
    pub key: Key,
    /// The object.
    pub object: CanonicalObject,
    /// When it was created outside.
    pub external_created_at: Option<Timestamp>,
    /// The trace to join.
    pub trace: Option<Trace>,
    /// Who informs.
    pub source: Source,
    /// The options.
    pub options: ResolvedOptions,
    /// The kind's own comparison; stored rows must then be loaded in full.
    pub compare: Option<Comparison>,
    /// What the settings say.
    pub policy: InformPolicy,
}

impl fmt::Debug for InformInput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InformInput").field("key", &self.key).field("source", &self.source).finish_non_exhaustive()
    }
}

/// What an inform came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum InformOutcome {
    /// It is new.
    Created,
    /// It differs from what was stored, or ends an absence.
    Changed,
    /// It was deleted, and is wanted again.
    Revived,
    /// It is unchanged, and scheduled again.
    Rescheduled,
    /// It is unchanged.
    Unchanged,
    /// The stored object is newer: nothing was written.
    Stale,
    /// It is deleted, or to be: nothing was written.
    SkippedDeleted,
}

impl InformOutcome {
    /// Its name in metrics and summaries.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Changed => "changed",
            Self::Revived => "revived",
            Self::Rescheduled => "rescheduled",
            Self::Unchanged => "unchanged",
            Self::Stale => "stale",
            Self::SkippedDeleted => "skipped_deleted",
        }
    }
}

/// What one input of a batch came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The outcome, or why it was refused.
    pub outcome: Result<InformOutcome, Rejection>,
    /// Which change of the changeset carries it, if one does.
    pub change: Option<usize>,
    /// The resource, if it exists already.
    pub id: Option<ResourceId>,
    /// The generation it has then.
    pub generation: i64,
}

/// The plan of a batch of informs.
#[derive(Clone, Debug)]
pub struct InformPlan {
    /// What to write.
    pub changeset: Changeset,
    /// One for each input, in their order.
    pub answers: Vec<Answer>,
}

/// Plans a batch of informs over the rows that were loaded for its keys.
///
/// Several informs of one key fold in their order, as if each had been committed before the next.
#[must_use]
pub fn inform(rows: Vec<Resource>, inputs: &[InformInput], now: Timestamp) -> InformPlan {
    let mut rows: BTreeMap<Key, Resource> = rows.into_iter().map(|row| (row.key.clone(), row)).collect();
    let mut edits: Vec<(Edit, Vec<usize>)> = Vec::new();
    let mut edit_of: BTreeMap<&Key, usize> = BTreeMap::new();
    let mut answers: Vec<Answer> = Vec::with_capacity(inputs.len());
    for (number, input) in inputs.iter().enumerate() {
        let index = edit_of.get(&input.key).copied().or_else(|| {
            let row = rows.remove(&input.key)?;
            edits.push((Edit::of(row, input.policy.event_objects), Vec::new()));
            Some(edits.len() - 1)
        });
        let outcome = if let Some(index) = index {
            fold(&mut edits[index].0, input, now)
        } else {
            edits.push((create(input, now), Vec::new()));
            Ok(InformOutcome::Created)
        };
        let index = index.unwrap_or(edits.len() - 1);
        edit_of.insert(&input.key, index);
        edits[index].1.push(number);
        let row = &edits[index].0.row;
        let id = (row.id != ResourceId::default()).then_some(row.id);
        answers.push(Answer { outcome, change: None, id, generation: row.generation });
    }
    let mut changeset = Changeset::new(now);
    for (edit, numbers) in edits {
        if let Some(change) = edit.finish(now) {
            for number in numbers {
                answers[number].change = Some(changeset.changes.len());
            }
            changeset.changes.push(change);
        }
    }
    InformPlan { changeset, answers }
}

fn create(input: &InformInput, now: Timestamp) -> Edit {
    let options = &input.options;
    let priority = match input.source {
        Source::Caller => Priority::DEFAULT,
        Source::Informer => Priority::BULK,
    };
    let row = Resource {
        id: ResourceId::default(),
        key: input.key.clone(),
        state: State::Scheduled,
        state_since: now,
        desired: Desired::Present,
        priority: options.priority.unwrap_or(priority),
        generation: 1,
        synced_generation: 0,
        attempt: 0,
        max_attempts: options.max_attempts.unwrap_or_else(|| MaxAttempts::DEFAULT.stored()),
        run_at: Some(options.run_at.unwrap_or(now)),
        lease: None,
        version: 1,
        hash: input.object.hash(),
        metadata: options.metadata.clone().unwrap_or_default(),
        trace: input.trace.clone(),
        error_count: 0,
        external_created_at: input.external_created_at,
        created_at: now,
        updated_at: now,
        attempted_at: None,
        synced_at: None,
        deleted_at: None,
        deleted_by: None,
        paused: false,
        detail: Some(Detail {
            object: input.object.text().clone(),
            tags: options.tags.clone().unwrap_or_default(),
            errors: Vec::new(),
        }),
    };
    let mut edit = Edit::insert(row, input.policy.event_objects);
    edit.event(EventKind::Scheduled(Reason::Created));
    edit
}

fn fold(edit: &mut Edit, input: &InformInput, now: Timestamp) -> Result<InformOutcome, Rejection> {
    if let State::Unknown(_) = edit.row.state {
        return Err(Rejection::UnknownState(edit.row.state.clone()));
    }
    let facts = Facts {
        relation: relation(&edit.row, input),
        by_informer: input.source == Source::Informer,
        skip_deleted: input.options.deleted == Deleted::Skip,
        process_existing: input.options.existing == Existing::Process,
        second_chance: input.policy.second_chance == SecondChance::Give,
        ..Facts::of(Some(&edit.row), now)
    };
    Ok(match find(Input::Inform, &facts).effect {
        Effect::Stale => InformOutcome::Stale,
        Effect::SkipDeleted => {
            touch_if_ageing(edit, input, now);
            InformOutcome::SkippedDeleted
        }
        Effect::Revive => {
            edit.row.deleted_at = None;
            edit.row.deleted_by = None;
            change(edit, input, Reason::Revived, now);
            InformOutcome::Revived
        }
        Effect::Change => {
            change(edit, input, Reason::Changed, now);
            InformOutcome::Changed
        }
        Effect::Request => {
            change(edit, input, Reason::Requested, now);
            InformOutcome::Rescheduled
        }
        Effect::SecondChance => {
            write_labels(edit, input);
            edit.row.attempt = 0;
            edit.row.run_at = Some(input.options.run_at.unwrap_or(now));
            edit.row.trace = input.trace.clone().or(edit.row.trace.take());
            edit.enter(State::Scheduled, now);
            edit.event(EventKind::Scheduled(Reason::SecondChance));
            InformOutcome::Rescheduled
        }
        Effect::Unchanged => {
            write_labels(edit, input);
            touch_if_ageing(edit, input, now);
            if input.source == Source::Caller && input.policy.missing != Missing::Ignore {
                edit.touch();
                edit.row.state_since = now;
            }
            InformOutcome::Unchanged
        }
        _ => return Err(Rejection::NotDue(edit.row.state.clone())),
    })
}

fn relation(row: &Resource, input: &InformInput) -> Relation {
    let compared =
        input.compare.as_ref().zip(row.detail.as_ref()).and_then(|(compare, detail)| compare(&detail.object));
    compared.unwrap_or(if row.hash == input.object.hash() { Relation::Unchanged } else { Relation::Changed })
}

/// Takes the object over, as something new to do.
fn change(edit: &mut Edit, input: &InformInput, reason: Reason, now: Timestamp) {
    let options = &input.options;
    write_labels(edit, input);
    edit.row.desired = Desired::Present;
    // A caller's change does not wait behind the bulk that an informer or an expiry put the resource into.
    if options.priority.is_none() && input.source == Source::Caller && edit.row.priority == Priority::BULK {
        edit.row.priority = Priority::DEFAULT;
    }
    if let Some(max) = options.max_attempts {
        edit.row.max_attempts = max;
    }
    edit.row.external_created_at = input.external_created_at.or(edit.row.external_created_at);
    edit.row.trace.clone_from(&input.trace);
    if edit.row.hash != input.object.hash() {
        edit.row.hash = input.object.hash();
        edit.write_object = true;
        detail(edit).object = input.object.text().clone();
    }
    edit.next_generation(now, options.run_at.unwrap_or(now), reason);
}

/// Writes what was given and differs.
fn write_labels(edit: &mut Edit, input: &InformInput) {
    let options = &input.options;
    if let Some(metadata) = &options.metadata
        && *metadata != edit.row.metadata
    {
        edit.row.metadata = metadata.clone();
        edit.touch();
    }
    if let Some(priority) = options.priority
        && priority != edit.row.priority
    {
        edit.row.priority = priority;
        edit.touch();
    }
    if let Some(tags) = &options.tags
        && !(edit.knows_tags && detail(edit).tags == *tags)
    {
        edit.write_tags = true;
        edit.knows_tags = true;
        detail(edit).tags = tags.clone();
        edit.touch();
    }
}

fn detail(edit: &mut Edit) -> &mut Detail {
    edit.row.detail.get_or_insert_with(|| Detail { object: "".into(), tags: Tags::default(), errors: Vec::new() })
}

/// Keeps a row that is still spoken of from being purged, at most one write per half retention.
fn touch_if_ageing(edit: &mut Edit, input: &InformInput, now: Timestamp) {
    let retention = match edit.row.state {
        State::Deleted => input.policy.retention.deleted,
        State::Degraded if edit.row.desired == Desired::Present => input.policy.retention.degraded,
        State::Synced => input.policy.retention.synced,
        _ => None,
    };
    if retention.is_some_and(|retention| now.since(edit.row.state_since) > retention / 2) {
        edit.touch();
        edit.row.state_since = now;
    }
}

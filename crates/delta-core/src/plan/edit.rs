use crate::changeset::{Change, Insert, LeaseWrite, Update};
use crate::event::{EventDraft, EventKind, Reason};
use crate::resource::{AttemptError, Priority, Resource};
use crate::settings::EventObjects;
use crate::state::State;
use crate::timestamp::Timestamp;

/// A row on its way from what was read to what will be written; several inputs may fold into one.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is about another part of the row")]
pub(super) struct Edit {
    /// The version that was read; `None` for a row that is yet to be inserted.
    read: Option<i64>,
    pub(super) row: Resource,
    objects: EventObjects,
    pub(super) lease: LeaseWrite,
    pub(super) write_object: bool,
    pub(super) write_tags: bool,
    /// Whether the row's detail holds the tags that are stored, or are to be: it may have been loaded without.
    pub(super) knows_tags: bool,
    pub(super) error: Option<AttemptError>,
    events: Vec<EventDraft>,
    written: bool,
}

impl Edit {
    pub(super) fn of(row: Resource, objects: EventObjects) -> Self {
        Self::begin(Some(row.version), row, objects)
    }

    pub(super) fn insert(row: Resource, objects: EventObjects) -> Self {
        Self { written: true, ..Self::begin(None, row, objects) }
    }

    fn begin(read: Option<i64>, row: Resource, objects: EventObjects) -> Self {
        Self {
            read,
            knows_tags: row.detail.is_some(),
            row,
            objects,
            lease: LeaseWrite::Keep,
            write_object: false,
            write_tags: false,
            error: None,
            events: Vec::new(),
            written: false,
        }
    }

    /// The row is to be written.
    pub(super) fn touch(&mut self) {
        self.written = true;
    }

    pub(super) fn event(&mut self, kind: EventKind) {
        // Named rather than left to the row: a later input of the same batch may fold into this edit and move both on.
        let (generation, attempt) = (Some(self.row.generation), Some(self.row.attempt));
        self.events.push(draft(kind, generation, attempt, self.objects));
    }

    pub(super) fn enter(&mut self, state: State, now: Timestamp) {
        self.touch();
        self.row.state = state;
        self.row.state_since = now;
    }

    /// Counts the generation up: something new to do. What is pending stays so and runs once more; all else is scheduled.
    pub(super) fn next_generation(&mut self, now: Timestamp, run_at: Timestamp, reason: Reason) {
        self.touch();
        self.row.generation += 1;
        self.row.attempt = 0;
        match self.row.state {
            State::Pending => self.run_no_later_than(run_at),
            State::Scheduled => {
                self.run_no_later_than(run_at);
                self.event(EventKind::Scheduled(reason));
            }
            _ => {
                self.row.run_at = Some(run_at);
                self.enter(State::Scheduled, now);
                self.event(EventKind::Scheduled(reason));
            }
        }
    }

    /// Moves a generation that waits into the bulk.
    pub(super) fn join_bulk(&mut self) {
        self.row.priority = self.row.priority.max(Priority::BULK);
    }

    fn run_no_later_than(&mut self, run_at: Timestamp) {
        self.row.run_at = Some(self.row.run_at.map_or(run_at, |asked| asked.min(run_at)));
    }

    /// The change, or nothing if nothing is to be written.
    pub(super) fn finish(mut self, now: Timestamp) -> Option<Change> {
        if !self.written {
            return None;
        }
        self.row.updated_at = now;
        Some(match self.read {
            None => Change::Insert(Box::new(Insert { row: self.row, events: self.events })),
            Some(version) => {
                self.row.version = version + 1;
                Change::Update(Box::new(Update {
                    version,
                    row: self.row,
                    lease: self.lease,
                    write_object: self.write_object,
                    write_tags: self.write_tags,
                    error: self.error,
                    events: self.events,
                }))
            }
        })
    }
}

pub(super) fn draft(
    kind: EventKind,
    generation: Option<i64>,
    attempt: Option<i64>,
    objects: EventObjects,
) -> EventDraft {
    EventDraft { kind, generation, attempt, with_object: objects == EventObjects::Keep }
}

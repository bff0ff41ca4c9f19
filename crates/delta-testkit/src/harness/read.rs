use std::future::Future;

use delta::core::{
    Access, AttemptError, Browse, Depth, Event, EventFilter, EventQuery, Filter, ListQuery, Load, LoadBy, Position,
    ResourceId, Store as _, Subject,
};
use delta::{Controller, EventKind, Key, Resource, Result, State};
use delta_store_memory::{MemoryGuard, MemoryStore};
use futures::FutureExt as _;

use super::call::Call;
use super::drive::Harness;

/// How many resources a message names at most.
const NAMED: usize = 10;

/// What there is to assert on. It is read from the store in memory itself, whatever faults are planned.
impl<C: Controller, S: Browse> Harness<C, S> {
    /// The key of an object in the namespace that an inform without options would use.
    ///
    /// # Panics
    ///
    /// If the object's id is not one.
    #[must_use]
    #[track_caller]
    pub fn key(&self, object: &C::Object) -> Key {
        match self.client().key_of(object) {
            Ok(key) => key,
            Err(error) => panic!("expected an object with a key, found: {error}"),
        }
    }

    /// A resource as it is stored, of any kind; `None` if there is none.
    #[must_use]
    #[track_caller]
    pub fn record(&self, key: &Key) -> Option<delta::core::Resource> {
        let load = Load { by: LoadBy::Keys(vec![key.clone()]), depth: Depth::Full, access: Access::Read };
        read(self.memory.load(&mut conn(&self.memory), &load)).pop()
    }

    /// A resource, with its object decoded.
    ///
    /// # Panics
    ///
    /// If there is none, or its object does not decode.
    #[must_use]
    #[track_caller]
    pub fn resource(&self, key: &Key) -> Resource<C::Object> {
        match Resource::decode(self.existing(key)) {
            Ok(resource) => resource,
            Err(error) => panic!("expected an object that decodes, found: {error}"),
        }
    }

    /// A resource's state.
    ///
    /// # Panics
    ///
    /// If there is no such resource.
    #[must_use]
    #[track_caller]
    pub fn state(&self, key: &Key) -> State {
        self.existing(key).state
    }

    /// Fails the test unless a resource is in a state, and says how it came to be in another.
    ///
    /// # Panics
    ///
    /// If it is in another state, or there is no such resource.
    #[track_caller]
    #[expect(clippy::needless_pass_by_value, reason = "so that a test names the state and nothing else")]
    pub fn assert_state(&self, key: &Key, expected: State) {
        let row = self.existing(key);
        assert!(row.state == expected, "{key}: expected {expected}, found {}", self.described(&row));
    }

    /// How many attempts a resource's generation has used.
    ///
    /// # Panics
    ///
    /// If there is no such resource.
    #[must_use]
    #[track_caller]
    pub fn attempts(&self, key: &Key) -> i64 {
        self.existing(key).attempt
    }

    /// The last errors of a resource's attempts, oldest first.
    ///
    /// # Panics
    ///
    /// If there is no such resource.
    #[must_use]
    #[track_caller]
    pub fn errors(&self, key: &Key) -> Vec<AttemptError> {
        self.existing(key).detail.map(|detail| detail.errors).unwrap_or_default()
    }

    /// What the log tells about a resource, and about those that had its key before.
    #[must_use]
    #[track_caller]
    pub fn events(&self, key: &Key) -> Vec<EventKind> {
        let is_about = |event: &Event| matches!(&event.subject, Subject::Resource { key: about, .. } if about == key);
        self.all_events().into_iter().filter(is_about).map(|event| event.kind).collect()
    }

    /// The whole log.
    #[must_use]
    #[track_caller]
    pub fn all_events(&self) -> Vec<Event> {
        let query = EventQuery { after: Position::START, limit: u32::MAX, filter: EventFilter::default() };
        read(self.memory.events(&mut conn(&self.memory), &query)).events
    }

    /// Every call of the controller, in the order in which they began.
    #[must_use]
    pub fn calls(&self) -> Vec<Call> {
        self.recorder().calls()
    }

    #[track_caller]
    fn existing(&self, key: &Key) -> delta::core::Resource {
        self.record(key).unwrap_or_else(|| panic!("expected a resource {key}, found {}", self.inventory()))
    }

    fn inventory(&self) -> String {
        let query =
            ListQuery { filter: Filter::default(), after: ResourceId::default(), limit: u32::MAX, depth: Depth::Head };
        let rows = read(self.memory.list(&mut conn(&self.memory), &query));
        let named: Vec<String> = rows.iter().take(NAMED).map(|row| format!("{} ({})", row.key, row.state)).collect();
        match rows.len() {
            0 => "none at all".to_owned(),
            number if number > NAMED => format!("{}, and {} more", named.join(", "), number - NAMED),
            _ => named.join(", "),
        }
    }

    fn described(&self, row: &delta::core::Resource) -> String {
        let most = row.max_attempts.map_or_else(|| "unlimited".to_owned(), |most| most.to_string());
        let mut facts = vec![format!("generation {}", row.generation), format!("attempt {} of {most}", row.attempt)];
        facts.extend(row.run_at.map(|run_at| format!("due in {:?}", run_at.since(self.now()))));
        let last = row.detail.as_ref().and_then(|detail| detail.errors.last());
        facts.extend(last.map(|error| format!("last error: {}", error.message)));
        format!("{} ({})", row.state, facts.join(", "))
    }
}

#[track_caller]
fn conn(store: &MemoryStore) -> MemoryGuard {
    read(store.acquire(Access::Read))
}

/// Reads from the store in memory, which never waits for that.
#[track_caller]
fn read<T>(answer: impl Future<Output = Result<T>>) -> T {
    match answer.now_or_never() {
        Some(Ok(read)) => read,
        Some(Err(error)) => panic!("expected the store in memory to be read, found: {error}"),
        None => panic!("expected the store in memory to answer at once, found that it waits"),
    }
}

//! What must become of the resources.

use std::collections::BTreeMap;
use std::time::Duration;

use delta::core::{Key, Resource, State};
use delta_testkit::history::Last;

use crate::consumers;
use crate::stores::Crashed;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Wish {
    /// Synced, with an object that has this value; any, without.
    Present(Option<usize>),
    /// Gone, at the latest when everything is at rest.
    Absent,
}

/// What the caller has asked for so far, and the informer.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wanted(BTreeMap<Key, Wish>);

impl Wanted {
    pub(crate) fn put(&mut self, key: Key, wish: Wish) {
        self.0.insert(key, wish);
    }

    /// The same, but for one resource.
    pub(crate) fn without(mut self, key: &Key) -> Self {
        self.0.remove(key);
        self
    }

    /// What of it does not hold, in words.
    pub(crate) fn missing(&self, last: &Last) -> Vec<String> {
        let rows: BTreeMap<&Key, &Resource> = last.rows.iter().map(|row| (&row.key, row)).collect();
        let open = self.0.iter().filter(|(key, wish)| !holds(wish, rows.get(key).copied()));
        open.map(|(key, wish)| format!("{key} is to be {wish:?}, and is {:?}", rows.get(key))).collect()
    }

    /// Why not everything is at rest; nothing if it is.
    pub(crate) fn unrest(&self, last: &Last) -> Vec<String> {
        let mut unrest = self.missing(last);
        let strange = last.rows.iter().filter(|row| self.0.get(&row.key).is_none_or(|wish| *wish == Wish::Absent));
        unrest.extend(strange.map(|row| format!("{} is still there: {row:?}", row.key)));
        let head = last.log.last().map(|event| event.position);
        let behind = consumers::positions(last).into_iter().filter(|position| Some(*position) != head);
        unrest.extend(behind.map(|position| format!("a consumer is at {position}, and the log at {head:?}")));
        let requests = last.cursors.iter().filter(|cursor| cursor.name.starts_with("inform/request/"));
        unrest.extend(requests.map(|cursor| format!("a run of an informer is still asked for: {cursor:?}")));
        unrest
    }
}

fn holds(wish: &Wish, row: Option<&Resource>) -> bool {
    let Some(row) = row else { return *wish == Wish::Absent };
    let object = row.detail.as_ref().map_or("", |detail| &*detail.object);
    match wish {
        Wish::Absent => row.state == State::Deleted,
        Wish::Present(value) => {
            row.state == State::Synced
                && row.synced_generation == row.generation
                && value.is_none_or(|value| object.contains(&format!("\"value\":{value}")))
        }
    }
}

/// Waits, by calls that do not count, until `open` finds nothing, twice: rows may be seen a moment before their events.
pub(crate) async fn until<S: Crashed>(store: &S, open: impl Fn(&Last) -> Vec<String>) {
    let mut tick = tokio::time::interval(Duration::from_millis(100));
    let mut calm = 0;
    while calm < 2 {
        tick.tick().await;
        // The database may be busy with what a killed process has left behind.
        let Ok(last) = Last::read(store).await else { continue };
        calm = if open(&last).is_empty() { calm + 1 } else { 0 };
    }
}

//! What workers did, and when.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use crate::instant;

/// A call of a worker: from when it began until it last did something.
#[derive(Clone, Debug)]
pub(crate) struct Noted {
    /// Which one made it.
    pub(crate) client: usize,
    value: u64,
    pub(crate) began: Instant,
    last: Instant,
}

/// The calls of all clients, by object.
#[derive(Clone, Debug, Default)]
pub(crate) struct Calls(Arc<Mutex<BTreeMap<String, Vec<Noted>>>>);

impl Calls {
    /// Notes the beginning of a call.
    pub(crate) fn begin(&self, client: usize, object: &str, value: u64) -> Call {
        let now = instant();
        let mut all = self.0.lock().unwrap();
        let calls = all.entry(object.to_owned()).or_default();
        calls.push(Noted { client, value, began: now, last: now });
        Call { calls: self.clone(), object: object.to_owned(), number: calls.len() - 1 }
    }

    pub(crate) fn count(&self) -> usize {
        self.0.lock().unwrap().values().map(Vec::len).sum()
    }

    /// The calls that began before an earlier one of the same object had done its last, each with that one before it.
    pub(crate) fn overlaps(&self) -> Vec<[Noted; 2]> {
        let mut overlaps = Vec::new();
        for calls in self.0.lock().unwrap().values() {
            for (number, later) in calls.iter().enumerate() {
                let open = calls[..number].iter().filter(|earlier| earlier.last > later.began);
                overlaps.extend(open.map(|earlier| [earlier.clone(), later.clone()]));
            }
        }
        overlaps
    }

    /// What the last call of an object was about.
    pub(crate) fn last(&self, object: &str) -> Option<u64> {
        self.0.lock().unwrap().get(object)?.last().map(|call| call.value)
    }
}

/// A call that goes on.
pub(crate) struct Call {
    calls: Calls,
    object: String,
    number: usize,
}

impl Call {
    /// Notes that it does something.
    pub(crate) fn acts(&self) -> Instant {
        let now = instant();
        self.calls.0.lock().unwrap().get_mut(&self.object).unwrap()[self.number].last = now;
        now
    }
}

#[test]
fn calls_of_one_object_at_once_are_seen() {
    let calls = Calls::default();
    let one = calls.begin(0, "a", 1);
    calls.begin(1, "b", 1);
    one.acts();
    assert_eq!(calls.overlaps().len(), 0);
    calls.begin(1, "a", 2);
    one.acts();
    let overlaps = calls.overlaps();
    assert_eq!(overlaps.iter().map(|[one, other]| (one.client, other.client)).collect::<Vec<_>>(), [(0, 1)]);
    assert_eq!((calls.count(), calls.last("a")), (3, Some(2)));
}

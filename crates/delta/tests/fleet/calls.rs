//! What workers did: each process notes its calls in a file of its own, which outlives it.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions, read_to_string};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use delta::core::Timestamp;
use serde::{Deserialize, Serialize};

/// A line of a process's file.
#[derive(Serialize, Deserialize)]
enum Note {
    Start { call: u64, object: String, value: u64, deleted: bool, at: i64 },
    End { call: u64, at: i64 },
}

/// The notes of one process. What was written before a `kill -9` is kept: the system has it.
pub(crate) struct Notes {
    file: File,
    calls: AtomicU64,
}

fn path(directory: &Path, process: i64) -> PathBuf {
    directory.join(format!("{process}.calls"))
}

impl Notes {
    pub(crate) fn of(directory: &Path, process: i64) -> Self {
        let file = OpenOptions::new().create(true).append(true).open(path(directory, process)).unwrap();
        Self { file, calls: AtomicU64::new(0) }
    }

    pub(crate) fn start(&self, object: &str, value: u64, deleted: bool, at: Timestamp) -> u64 {
        let call = self.calls.fetch_add(1, Ordering::Relaxed);
        self.write(&Note::Start { call, object: object.to_owned(), value, deleted, at: at.as_micros() });
        call
    }

    pub(crate) fn end(&self, call: u64, at: Timestamp) {
        self.write(&Note::End { call, at: at.as_micros() });
    }

    /// In one write, which the notes of other threads do not come between.
    fn write(&self, note: &Note) {
        let line = serde_json::to_string(note).unwrap() + "\n";
        (&self.file).write_all(line.as_bytes()).unwrap();
    }
}

/// A call of a worker.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    process: i64,
    pub(crate) value: u64,
    pub(crate) deleted: bool,
    started: i64,
    /// None: it has not ended, though its process has not been killed.
    pub(crate) ended: Option<i64>,
}

/// All calls, by object, each object's in the order in which they began.
pub(crate) struct Calls(pub(crate) BTreeMap<String, Vec<Call>>);

impl Calls {
    /// Reads what the processes up to `last` have noted. What a killed one was doing ended with it, at the latest when its
    /// death was seen.
    pub(crate) fn read(directory: &Path, last: i64, killed: &BTreeMap<i64, Timestamp>) -> Self {
        let mut all: BTreeMap<String, Vec<Call>> = BTreeMap::new();
        for process in 1..=last {
            let died = killed.get(&process).map(|at| at.as_micros());
            let text = read_to_string(path(directory, process)).unwrap_or_default();
            let mut calls: BTreeMap<u64, (String, Call)> = BTreeMap::new();
            // A killed process may have left half a line.
            for line in text.split_inclusive('\n').filter(|line| line.ends_with('\n')) {
                match serde_json::from_str(line).unwrap() {
                    Note::Start { call, object, value, deleted, at } => {
                        let ended = died.map(|died| died.max(at));
                        calls.insert(call, (object, Call { process, value, deleted, started: at, ended }));
                    }
                    Note::End { call, at } => calls.get_mut(&call).unwrap().1.ended = Some(at),
                }
            }
            for (object, call) in calls.into_values() {
                all.entry(object).or_default().push(call);
            }
        }
        for calls in all.values_mut() {
            calls.sort_by_key(|call| (call.started, call.process));
        }
        Self(all)
    }

    /// The calls that began before an earlier one of the same object had ended.
    pub(crate) fn overlaps(&self) -> Vec<String> {
        let mut overlaps = Vec::new();
        for (object, calls) in &self.0 {
            for (index, later) in calls.iter().enumerate() {
                let before = calls[..index].iter();
                let open = before.filter(|earlier| earlier.ended.is_none_or(|ended| ended > later.started));
                overlaps.extend(open.map(|earlier| format!("{object}: {later:?} while {earlier:?}")));
            }
        }
        overlaps
    }
}

#[test]
fn calls_at_once_are_seen_and_a_killed_process_ends_its_own() {
    let directory = tempfile::TempDir::new().unwrap();
    let at = Timestamp::from_micros;
    let (one, other) = (Notes::of(directory.path(), 1), Notes::of(directory.path(), 2));
    let call = one.start("a", 1, false, at(10));
    one.end(call, at(20));
    other.start("a", 2, false, at(20));
    one.start("a", 3, true, at(30));
    let calls = Calls::read(directory.path(), 2, &BTreeMap::from([(1, at(40))]));
    assert_eq!(calls.overlaps().len(), 1, "the other's call never ended: {:?}", calls.overlaps());
    let calls = Calls::read(directory.path(), 2, &BTreeMap::from([(1, at(40)), (2, at(30))]));
    assert_eq!(calls.overlaps(), Vec::<String>::new());
    assert_eq!(calls.0["a"].last().map(|call| (call.value, call.deleted)), Some((3, true)));
}

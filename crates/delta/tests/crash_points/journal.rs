//! What a process notes as it goes, in a file that outlives it.

use std::fs::{File, OpenOptions, read_to_string};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use delta::core::{Key, Timestamp};
use delta_testkit::history::{Actor, Ask, Entry, What};

/// The machine's time, which is that of its databases.
#[expect(clippy::disallowed_methods, reason = "what processes note is put in order by it")]
pub(crate) fn machine_time() -> Timestamp {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    Timestamp::from_micros(i64::try_from(since.as_micros()).unwrap())
}

/// How the note begins that a step of the caller is done.
const DONE: &str = "done: step ";

/// The notes of one process. Clones write into one file.
#[derive(Clone)]
pub(crate) struct Journal {
    actor: Actor,
    file: Arc<File>,
}

fn path(directory: &Path, number: usize) -> PathBuf {
    directory.join(format!("{number}.journal"))
}

/// The name of a process, each start being one.
pub(crate) fn actor(number: usize) -> Actor {
    Actor::new(format!("process-{number}"))
}

impl Journal {
    pub(crate) fn of(directory: &Path, number: usize) -> Self {
        let file = OpenOptions::new().create(true).append(true).open(path(directory, number)).unwrap();
        Self { actor: actor(number), file: Arc::new(file) }
    }

    /// In one write, which those of other threads do not come between. The system has it then, whatever becomes of the
    /// process.
    pub(crate) fn note(&self, what: What) {
        let entry = Entry { at: machine_time(), actor: self.actor.clone(), what };
        let line = serde_json::to_string(&entry).unwrap() + "\n";
        (&*self.file).write_all(line.as_bytes()).unwrap();
    }

    pub(crate) fn asks(&self, key: &Key, ask: &str) {
        self.note(What::Asked { key: key.clone(), ask: ask.to_owned() });
    }

    pub(crate) fn acknowledged(&self, key: Key, ask: Ask) {
        self.note(What::Acknowledged { key, ask });
    }

    pub(crate) fn done(&self, step: usize) {
        self.note(What::Note(format!("{DONE}{step}")));
    }
}

/// What a process has noted.
pub(crate) fn read(directory: &Path, number: usize) -> Vec<Entry> {
    let text = read_to_string(path(directory, number)).unwrap_or_default();
    // Half a line is of a write that was cut off.
    let whole = text.split_inclusive('\n').filter(|line| line.ends_with('\n'));
    whole.map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// How many steps the caller has done in the processes before this one.
pub(crate) fn steps_done(directory: &Path, number: usize) -> usize {
    let entries = (1..number).flat_map(|before| read(directory, before));
    entries.filter(|entry| matches!(&entry.what, What::Note(text) if text.starts_with(DONE))).count()
}

//! What tests note for `cargo xtask test`: the backends that they ran on, and what they have shown about a store.
//!
//! The contract suite and the differential test note by themselves what a store has passed whose fixture
//! [names it](crate::contract::Fixture::store_name). A test that shows something else about a store says so at its end, by
//! [`shown`]. The matrix in the README is made of these notes.

use std::collections::BTreeSet;
use std::env;
use std::fmt;
use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

/// The environment variable that names a directory where tests note things.
const RECORD: &str = "DELTA_TEST_RECORD";

/// The file of [`shown`] in that directory: a line per note, its parts separated by tabs.
const MATRIX: &str = "matrix.tsv";

/// The tests of this process that have left out what their store says it does not do.
static SKIPPED: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

/// What a test shows about a store: a column of the matrix in the README.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Proof {
    /// A case of the contract suite.
    Contract,
    /// A case of the contract of exact copies.
    Copies,
    /// A case of the contract of the log's consumers.
    Log,
    /// A case of the contract of applications' own logs.
    Tables,
    /// A differential test.
    Differential,
    /// Several processes work one database together, some are killed with `kill -9`, and nothing is lost or worked twice at
    /// once.
    Fleet,
    /// The same, with processes of this store and of another.
    MixedFleet,
    /// Writers commit in random order and roll back at random, consumers crash at random, and each event is read once, in one
    /// order.
    Writers,
    /// Consumers and the database are killed with `kill -9`: no event is skipped, and transactional consumers have one effect
    /// for each.
    ConsumersKilled,
    /// The database is killed with `kill -9` and restarted under work, and nothing is lost.
    DatabaseKilled,
}

impl Proof {
    /// Its name in the notes.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Contract => "contract",
            Self::Copies => "copies",
            Self::Log => "log",
            Self::Tables => "tables",
            Self::Differential => "differential",
            Self::Fleet => "fleet",
            Self::MixedFleet => "mixed-fleet",
            Self::Writers => "writers",
            Self::ConsumersKilled => "consumers-killed",
            Self::DatabaseKilled => "database-killed",
        }
    }
}

impl fmt::Display for Proof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Notes that the calling test has shown this of a store, named as its fixture names it. To be called when all is shown,
/// on the thread of the test.
///
/// # Panics
///
/// When `DELTA_TEST_RECORD` names a directory that cannot be written to.
pub fn shown(store: &str, proof: Proof) {
    note_shown(store, proof, &this_test(), "passed");
}

/// Notes that a case of the suite has passed on a store, or was skipped.
pub(crate) fn case_ended(store: &str, proof: Proof) {
    let test = this_test();
    let skipped = SKIPPED.lock().unwrap_or_else(PoisonError::into_inner).contains(&test);
    note_shown(store, proof, &test, if skipped { "skipped" } else { "passed" });
}

/// Tells [`case_ended`] that the case on this thread, which is named after it, has nothing to show.
pub(crate) fn case_skipped() {
    SKIPPED.lock().unwrap_or_else(PoisonError::into_inner).insert(this_test());
}

fn note_shown(store: &str, proof: Proof, test: &str, verdict: &str) {
    note(MATRIX, &format!("{proof}\t{store}\t{verdict}\t{test}"));
}

/// Adds a line to a file of the directory, if there is one.
pub(crate) fn note(file: &str, line: &str) {
    let Some(directory) = env::var_os(RECORD) else {
        return;
    };
    let file = Path::new(&directory).join(file);
    // One write, which the system appends whole: several programs note at once.
    let noted = OpenOptions::new()
        .create(true)
        .append(true)
        .open(&file)
        .and_then(|mut file| file.write_all(format!("{line}\n").as_bytes()));
    if let Err(error) = noted {
        panic!("{RECORD}: could not write {}: {error}", file.display());
    }
}

/// The program and the test; the harness names a test's thread after it.
pub(crate) fn this_test() -> String {
    let program = env::current_exe().ok();
    let program = program.as_deref().and_then(Path::file_stem);
    let thread = std::thread::current();
    format!("{}::{}", program.map_or_else(|| "?".into(), |name| name.to_string_lossy()), thread.name().unwrap_or("?"))
}

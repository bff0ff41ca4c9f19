use std::fs::File;
use std::io::{self, Seek as _};
use std::path::{Path, PathBuf};

use clap::Args;
use delta::core::{
    Access, Cursor, Foreign, GivenOut, IMPORT_CURSOR, LogStore, Owner, Position, ResourceId, Restore, RestoreBatch,
    RestoreFence, Restored,
};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::database::{Database, MissingFile, with_store};
use crate::failure::Failure;
use crate::output::Output;
use crate::transfer::{Batch, Batches, Checked, Lines, Part, Place, Progress, Source, compare};

#[derive(Args, Debug)]
#[command(after_help = "\
The schema must be there (`delta migrate up`), nothing else may be, and no client may run before the import is done. The file \
is checked as a whole before anything is written, and what was written is read back. An import that was cut off goes on where \
it was when it is run again; one that is done changes nothing.")]
pub(crate) struct Arguments {
    /// The file to read; `-` is the standard input, which is kept in a temporary file until the import is done.
    #[arg(long, value_name = "FILE")]
    from: PathBuf,
}

/// What the import's cursor keeps.
#[derive(Debug, Serialize, Deserialize)]
struct Kept {
    /// Of which export.
    digest: String,
    /// What the database has given out.
    id: i64,
    position: i64,
    done: bool,
}

/// How an import ended.
enum Ended {
    Now,
    Before,
}

/// Whether an import is done, by its cursor.
pub(crate) fn is_done(import: &Cursor) -> bool {
    kept(import).is_some_and(|kept| kept.done)
}

fn kept(import: &Cursor) -> Option<Kept> {
    serde_json::from_str(import.data.as_deref()?).ok()
}

impl Arguments {
    pub(crate) async fn run(&self, database: &Database, output: &mut Output) -> Result<(), Failure> {
        let from = Input::open(&self.from)?;
        let checked = Part::read(from.lines()?)?.whole(&self.from)?;
        let store = database.open(MissingFile::Refuse).await?;
        let ended = with_store!(store, |store, _backend| import(&store, &from, &checked).await)?;
        let end = &checked.end;
        let what = match ended {
            Ended::Now => "imported",
            Ended::Before => "was imported before, nothing is changed",
        };
        let people = format!(
            "{}: {what}: {} resources, {} events, {} cursors, {} dead letters, {} kinds and namespaces, digest {}",
            self.from.display(),
            end.resources,
            end.events,
            end.cursors,
            end.dead_letters,
            end.scopes,
            end.digest
        );
        output.write(people, &json!({ "changed": matches!(ended, Ended::Now), "end": end }))
    }
}

/// A file that can be read several times.
struct Input {
    path: PathBuf,
    spooled: Option<File>,
}

impl Input {
    fn open(path: &Path) -> Result<Self, Failure> {
        let path = path.to_owned();
        if path != Path::new("-") {
            return Ok(Self { path, spooled: None });
        }
        let spool = || {
            let mut file = tempfile::tempfile()?;
            io::copy(&mut io::stdin().lock(), &mut file)?;
            Ok(file)
        };
        let spooled = spool().map_err(|error: io::Error| Failure::file(&path, error))?;
        Ok(Self { path, spooled: Some(spooled) })
    }

    fn lines(&self) -> Result<Lines, Failure> {
        let Some(spooled) = &self.spooled else { return Lines::open(&self.path) };
        // One reads after the other, so they may share their place in it.
        let rewound = spooled.try_clone().and_then(|mut file| file.rewind().map(|()| file));
        rewound.map(|file| Lines::of(&self.path, file)).map_err(|error| Failure::file(&self.path, error))
    }
}

async fn import<S: Restore + LogStore>(store: &S, from: &Input, checked: &Checked) -> Result<Ended, Failure> {
    let mut target = Source::after(store, Place::Start).await?;
    let begun = target.import().await?;
    drop(target);
    let mut progress = begun.clone().unwrap_or_else(|| Cursor::new(IMPORT_CURSOR));
    let mut fence = RestoreFence::Empty(checked.given_out);
    let mut batches = Batches::new(from.lines()?);
    if let Some(import) = &begun {
        let kept =
            kept(import).ok_or_else(|| Failure::Stored(format!("the cursor {IMPORT_CURSOR:?} is not an import's")))?;
        match (kept.digest == checked.end.digest, kept.done) {
            (true, true) => return Ok(Ended::Before),
            (true, false) => {}
            (false, true) => return Err(not_empty("an earlier import")),
            (false, false) => return Err(not_empty("an import of another export, which was not finished")),
        }
        let (id, position) = (ResourceId::new(kept.id), Position::new(kept.position));
        fence = RestoreFence::Untouched(GivenOut { id, position });
        let lines = import.position.as_deref().and_then(|lines| lines.parse().ok());
        batches.skip(lines.ok_or_else(|| Failure::Stored(format!("the cursor {IMPORT_CURSOR:?} has no place")))?)?;
    }
    if begun.is_none() {
        // Whether the database is empty is found out before dead letters are written, which have no fence.
        fence = write(store, Batch::new(fence), &mut progress, &checked.end.digest, 0, Done::Not).await?;
    }
    let shown = Progress::new("importing", checked.count);
    shown.add(batches.read());
    let mut before = batches.read();
    while let Some(batch) = batches.next(fence)? {
        fence = write(store, batch, &mut progress, &checked.end.digest, batches.read(), Done::Not).await?;
        shown.add(batches.read() - before);
        before = batches.read();
    }
    drop(shown);
    store.refresh(&mut *store.acquire(Access::Write).await?).await?;
    read_back(store, from, checked.count).await?;
    let last = Batch::new(fence);
    write(store, last, &mut progress, &checked.end.digest, batches.read(), Done::All).await?;
    Ok(Ended::Now)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Done {
    Not,
    All,
}

/// Writes a batch with the progress after it.
async fn write<S: Restore + LogStore>(
    store: &S,
    batch: Batch,
    progress: &mut Cursor,
    digest: &str,
    lines: u64,
    done: Done,
) -> Result<RestoreFence, Failure> {
    // The first batch answers what the database has given out, which may be more than what the source had.
    let mut conn = store.acquire(Access::Write).await?;
    let given_out = batch.copies.fence.given_out().max(match batch.copies.fence {
        RestoreFence::Empty(_) => store.given_out(&mut conn).await?,
        RestoreFence::Untouched(since) => since,
    });
    let kept = Kept {
        digest: digest.to_owned(),
        id: given_out.id.get(),
        position: given_out.position.get(),
        done: done == Done::All,
    };
    progress.position = Some(lines.to_string());
    // Until it is done no client starts on this database.
    progress.holder = (done == Done::Not).then(|| Owner::new(0));
    progress.data = Some(serde_json::to_string(&kept).map_err(io::Error::other)?);
    let table = store.dead_letter_table();
    for letter in &batch.dead_letters {
        store.put_dead_letter(&mut conn, &table, letter).await?;
    }
    let copies = RestoreBatch { progress: progress.clone(), ..batch.copies };
    match store.restore(&mut conn, &copies).await? {
        Restored::Written(given_out) => {
            progress.version += 1;
            Ok(RestoreFence::Untouched(given_out))
        }
        Restored::Lost => Err(Failure::Input("another import into this database is running".to_owned())),
        Restored::Foreign(Foreign::GivenOut(found)) => Err(Failure::Input(format!(
            "expected a database that nobody used since the import began, found {found} given out instead of {given_out}; \
             empty it (`delta migrate down --to 0`, `delta migrate up`) and import again"
        ))),
        Restored::Foreign(foreign) => Err(not_empty(&foreign.to_string())),
    }
}

fn not_empty(found: &str) -> Failure {
    Failure::Input(format!("expected an empty database, found {found}; nothing was written"))
}

async fn read_back<S: Restore + LogStore>(store: &S, from: &Input, count: u64) -> Result<(), Failure> {
    let shown = Progress::new("verifying", count);
    let mut target = Source::after(store, Place::Start).await?;
    match compare(&mut target, &mut from.lines()?, |lines| shown.add(lines)).await? {
        None => Ok(()),
        Some(different) => Err(Failure::Stored(format!(
            "what was imported is not what the file holds: {different}; something else wrote to the database: \
             empty it (`delta migrate down --to 0`, `delta migrate up`) and import again"
        ))),
    }
}

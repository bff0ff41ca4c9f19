use std::path::{Path, PathBuf};

use clap::Args;
use delta::Migrate;
use delta::core::{GivenOut, LogStore, Restore};
use serde_json::json;

use crate::database::{Database, MissingFile, with_store};
use crate::failure::Failure;
use crate::output::Output;
use crate::transfer::{End, Export, FORMAT, Header, Lines, Part, Place, Progress, Record, Source, Tally, compare};

#[derive(Args, Debug)]
#[command(after_help = "\
The database may be in use, but an export fails if it changes meanwhile: stop its clients first. It is read twice, and what \
was written is exactly what the database held at the moment in between. A file without its last line is not whole, and no \
import takes it.")]
pub(crate) struct Arguments {
    /// The file to write, which must not be there yet; `-` is the standard output.
    #[arg(long, value_name = "FILE")]
    to: PathBuf,

    /// Go on with a file that was cut off: by a crash, or a full disk.
    #[arg(long)]
    resume: bool,
}

impl Arguments {
    pub(crate) async fn run(&self, database: &Database, output: &mut Output) -> Result<(), Failure> {
        let to = Some(&*self.to).filter(|to| *to != Path::new("-"));
        if to.is_none() && self.resume {
            return Err(Failure::Usage("expected a file to resume, found the standard output".to_owned()));
        }
        let part = match to.filter(|to| self.resume && to.exists()) {
            Some(to) => Some(Part::read(Lines::open(to)?)?),
            None => None,
        };
        if let Some(end) = part.as_ref().and_then(Part::end) {
            return report(&self.to, end, "is whole already", output);
        }
        let store = database.open(MissingFile::Refuse).await?;
        let end = with_store!(store, |store, backend| export(&store, backend, to, part).await)?;
        match to {
            Some(to) => report(to, &end, "is written", output),
            None => Ok(()),
        }
    }
}

async fn export<S: Restore + LogStore + Migrate>(
    store: &S,
    backend: &str,
    to: Option<&Path>,
    part: Option<Part>,
) -> Result<End, Failure> {
    let begun = part.as_ref().filter(|part| part.header.is_some());
    let place = begun.map_or(Place::Start, |part| part.place.clone());
    let mut source = Source::after(store, place).await?;
    if source.import().await?.is_some_and(|import| !super::import::is_done(&import)) {
        let what = "expected a database that is whole, found one with an import that was not finished: finish it first";
        return Err(Failure::Input(what.to_owned()));
    }
    let given_out = source.given_out();
    unchanged(begun.and_then(|part| part.given_out), given_out)?;
    let resources = source.count().await?;
    let mut tally = begun.map(|part| part.tally.clone()).unwrap_or_default();
    let mut export = match (to, &part) {
        (None, _) => Export::stdout(),
        (Some(to), Some(part)) => Export::append(to, part)?,
        (Some(to), None) => Export::create(to)?,
    };
    if begun.is_none() {
        let versions = store.migration_status().await?;
        let schema = versions.iter().filter(|version| version.applied).map(|version| version.version).max();
        let (program, source_name) = (env!("CARGO_PKG_VERSION").to_owned(), backend.to_owned());
        let (schema, at) = (schema.unwrap_or(0), source.now().await?);
        let header = Header { format: FORMAT, program, source: source_name, schema, at, resources };
        export.record(&Record::DeltaExport(header))?;
    }
    read(&mut source, &mut export, &mut tally, resources).await?;
    drop(source);
    verify(store, to, &tally, given_out).await?;
    let end = tally.end();
    export.record(&Record::End(end.clone()))?;
    export.flush()?;
    Ok(end)
}

async fn read<S: Restore + LogStore>(
    source: &mut Source<'_, S>,
    export: &mut Export,
    tally: &mut Tally,
    resources: u64,
) -> Result<(), Failure> {
    let positions = u64::try_from(source.given_out().position.get()).unwrap_or(0);
    let progress = Progress::new("exporting", resources.saturating_add(positions).saturating_sub(tally.count()));
    loop {
        let page = source.page().await?;
        if page.is_empty() {
            return export.flush();
        }
        for (record, line) in &page {
            tally.add(record, line);
            export.line(line)?;
        }
        progress.add(page.len() as u64);
    }
}

/// Reads everything again: see [`compare`].
async fn verify<S: Restore + LogStore>(
    store: &S,
    to: Option<&Path>,
    tally: &Tally,
    given_out: GivenOut,
) -> Result<(), Failure> {
    let mut again = Source::after(store, Place::Start).await?;
    unchanged(Some(given_out), again.given_out())?;
    let progress = Progress::new("verifying", tally.count());
    let different = if let Some(to) = to {
        compare(&mut again, &mut Lines::open(to)?, |lines| progress.add(lines)).await?
    } else {
        let mut found = Tally::default();
        loop {
            let page = again.page().await?;
            if page.is_empty() {
                break;
            }
            for (record, line) in &page {
                found.add(record, line);
            }
            progress.add(page.len() as u64);
        }
        (found.end() != tally.end()).then(|| "the second reading has another digest".to_owned())
    };
    match different {
        None => Ok(()),
        Some(what) => Err(Failure::Changed(format!("{what}; stop its clients, and begin again with a new file"))),
    }
}

fn unchanged(expected: Option<GivenOut>, found: GivenOut) -> Result<(), Failure> {
    match expected {
        Some(expected) if expected != found => Err(Failure::Changed(format!(
            "expected {expected} to be given out, found {found}; stop its clients, and begin again with a new file"
        ))),
        _ => Ok(()),
    }
}

fn report(file: &Path, end: &End, what: &str, output: &mut Output) -> Result<(), Failure> {
    let file = file.display();
    let people = format!(
        "{file} {what}: {} resources, {} events, {} cursors, {} dead letters, {} kinds and namespaces, digest {}",
        end.resources, end.events, end.cursors, end.dead_letters, end.scopes, end.digest
    );
    output.write(people, &json!({ "file": file.to_string(), "end": end }))
}

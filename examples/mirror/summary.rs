use std::fmt;
use std::time::Duration;

use delta::core::{Depth, Resource};
use delta::{AnyClient, Error, Filter, ListQuery, ResourceId, State};

use crate::entry::Entry;
use crate::progress::States;
use crate::report::{Counts, Report};

/// What the program says at its end.
#[derive(Debug)]
pub(crate) struct Summary {
    states: States,
    counts: Counts,
    elapsed: Duration,
    given_up: Vec<(String, String)>,
    unnamed: Vec<String>,
}

/// How many entries of each list are shown.
const SHOWN: u32 = 20;

impl Summary {
    pub(crate) async fn collect(
        client: &AnyClient,
        filter: &Filter,
        report: &Report,
        elapsed: Duration,
    ) -> Result<Self, Error> {
        let states = States::count(client, filter).await?;
        let filter = Filter { states: vec![State::Degraded], ..filter.clone() };
        let query = ListQuery { filter, after: ResourceId::default(), limit: SHOWN, depth: Depth::Full };
        let given_up = client.list(&query).await?.iter().map(path_and_error).collect();
        Ok(Self { states, counts: report.counts(), elapsed, given_up, unnamed: report.unnamed_entries() })
    }

    /// Whether the target is an exact copy.
    pub(crate) fn is_complete(&self) -> bool {
        !self.states.is_busy() && self.states.get(&State::Degraded) == 0 && self.unnamed.is_empty()
    }
}

fn path_and_error(row: &Resource) -> (String, String) {
    let detail = row.detail.as_ref();
    let entry = detail.and_then(|detail| serde_json::from_str::<Entry>(&detail.object).ok());
    let path = entry.map_or_else(|| row.key.object_id.to_string(), |entry| entry.path);
    let error = detail.and_then(|detail| detail.errors.last()).map_or("no error", |error| &error.message);
    (path, error.to_owned())
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Counts { copied, bytes, removed, adjusted, seen } = self.counts;
        writeln!(f, "seen      {seen} entries in the source")?;
        writeln!(f, "copied    {copied} files, {bytes} bytes")?;
        writeln!(f, "adjusted  {adjusted} modes")?;
        writeln!(f, "removed   {removed} entries")?;
        writeln!(f, "states    {}", self.states)?;
        writeln!(f, "took      {:.1} s", self.elapsed.as_secs_f64())?;
        let given_up: Vec<_> = self.given_up.iter().map(|(path, error)| format!("{path:?}: {error}")).collect();
        list(f, "could not be mirrored", &given_up, self.states.get(&State::Degraded))?;
        let unnamed = u64::try_from(self.unnamed.len()).unwrap_or(u64::MAX);
        list(f, "left out, as their names are not UTF-8", &self.unnamed, unnamed)
    }
}

fn list(f: &mut fmt::Formatter<'_>, title: &str, lines: &[String], count: u64) -> fmt::Result {
    if count == 0 {
        return Ok(());
    }
    writeln!(f, "{title}: {count}")?;
    let shown = lines.iter().take(usize::try_from(SHOWN).unwrap_or(usize::MAX));
    for line in shown {
        writeln!(f, "  {line}")?;
    }
    if count > u64::from(SHOWN) {
        writeln!(f, "  … and {} more", count - u64::from(SHOWN))?;
    }
    Ok(())
}

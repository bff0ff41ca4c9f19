use std::fmt;
use std::time::Duration;

use delta::core::{Depth, Resource};
use delta::{AnyClient, Error, Filter, ListQuery, Name, Names, ResourceId, State};

use crate::provider::{Ledger, Provider};

/// What the program says at its end: the provider's view and Delta's, which must agree.
#[derive(Debug)]
pub(crate) struct Summary {
    ledger: Ledger,
    synced: u64,
    degraded: u64,
    other: u64,
    failures: i64,
    last_error: Option<String>,
    elapsed: Duration,
}

impl Summary {
    pub(crate) async fn collect(client: &AnyClient, provider: &Provider, elapsed: Duration) -> Result<Self, Error> {
        let namespaces = Names::one(Name::new(provider.name())?);
        let filter = Filter { namespaces, ..Filter::default() };
        let mut query = ListQuery { filter, after: ResourceId::default(), limit: 1_000, depth: Depth::Full };
        let mut summary = Self {
            ledger: provider.ledger(),
            synced: 0,
            degraded: 0,
            other: 0,
            failures: 0,
            last_error: None,
            elapsed,
        };
        loop {
            let page = client.list(&query).await?;
            let Some(last) = page.last() else { return Ok(summary) };
            query.after = last.id;
            for row in &page {
                summary.add(row);
            }
        }
    }

    fn add(&mut self, row: &Resource) {
        match row.state {
            State::Synced => self.synced += 1,
            State::Degraded => {
                self.degraded += 1;
                let errors = row.detail.iter().flat_map(|detail| &detail.errors);
                self.last_error = errors.last().map(|error| format!("{}: {}", row.key.object_id, error.message));
            }
            _ => self.other += 1,
        }
        self.failures += row.error_count;
    }

    /// Whether each payment that can be charged was charged once, and Delta knows.
    pub(crate) fn is_right(&self) -> bool {
        let Ledger { payments, declined, charged, twice, .. } = &self.ledger;
        twice.is_empty()
            && *charged == payments - declined
            && (self.synced, self.degraded, self.other) == (*charged, *declined, 0)
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Ledger { payments, declined, charged, twice, repeated, told } = &self.ledger;
        writeln!(f, "the provider had {payments} payments, {declined} of which it declines")?;
        writeln!(
            f,
            "  it took {} requests, refused {} as too many, failed {} and lost the answers of {}",
            told.requests, told.limited, told.failed, told.lost
        )?;
        writeln!(
            f,
            "  charged {charged}; asked to charge again and did not: {repeated}; charged twice: {}",
            twice.len()
        )?;
        writeln!(f, "Delta has {} synced, {} degraded, {} others", self.synced, self.degraded, self.other)?;
        writeln!(f, "  {} attempts failed", self.failures)?;
        if let Some(error) = &self.last_error {
            writeln!(f, "  such as {error}")?;
        }
        let verdict = if self.is_right() { "each payment was charged exactly once" } else { "SOMETHING IS WRONG" };
        writeln!(f, "{verdict}, in {:.1} s", self.elapsed.as_secs_f64())
    }
}

//! Who is measured, and what a measurement says.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use futures::future::BoxFuture;

use crate::failure::Failure;
use crate::measure::Usage;
use crate::server::World;

/// The subject that runs our own statements without us.
pub const LIMIT_OWN: &str = "limit-own";
/// The subject that runs the reference statements.
pub const LIMIT_REFERENCE: &str = "limit-reference";

/// What a case varies: name and value.
pub type Parameters = BTreeMap<String, String>;

/// Parameters from pairs.
#[must_use]
pub fn parameters<const N: usize>(pairs: [(&str, String); N]) -> Parameters {
    pairs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

type Run = dyn Fn(Arc<World>) -> BoxFuture<'static, Result<Vec<Measured>, Failure>> + Send + Sync;

/// Subjects that do the same, and are compared.
#[derive(Clone, Debug)]
pub struct Case {
    /// What makes it another than the scenario's other cases.
    pub parameters: Parameters,
    /// All of them.
    pub subjects: Vec<Subject>,
}

/// Something that is measured: one of our stores, a limit, a peer.
#[derive(Clone)]
pub struct Subject {
    /// Its name in tables and plots.
    pub name: String,
    run: Arc<Run>,
}

impl Subject {
    /// A subject that is measured by calling this once in each round, in a database of its own.
    pub fn new<F, R>(name: impl Into<String>, run: F) -> Self
    where
        F: Fn(Arc<World>) -> R + Send + Sync + 'static,
        R: Future<Output = Result<Vec<Measured>, Failure>> + Send + 'static,
    {
        Self { name: name.into(), run: Arc::new(move |world| Box::pin(run(world))) }
    }

    /// Measures it once.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves nothing behind but what a server takes a moment to notice.
    pub async fn run(&self, world: Arc<World>) -> Result<Vec<Measured>, Failure> {
        (self.run)(world).await
    }
}

impl fmt::Debug for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subject").field("name", &self.name).finish_non_exhaustive()
    }
}

/// One figure of one run.
#[derive(Clone, Debug)]
pub struct Measured {
    /// What it is of: `throughput`, `p50`, ...
    pub metric: String,
    /// In what.
    pub unit: &'static str,
    /// The figure.
    pub value: f64,
    /// What it took.
    pub usage: Option<Usage>,
    /// What was seen meanwhile: names, and pairs of seconds since the start and a value.
    pub series: BTreeMap<String, Vec<(f64, f64)>>,
    /// What else is to be known: versions and settings of a peer.
    pub notes: Parameters,
}

impl Measured {
    /// A figure alone.
    #[must_use]
    pub fn new(metric: impl Into<String>, unit: &'static str, value: f64) -> Self {
        let (series, notes) = (BTreeMap::new(), Parameters::new());
        Self { metric: metric.into(), unit, value, usage: None, series, notes }
    }

    /// Items in a second.
    #[must_use]
    pub fn throughput(items: usize, time: std::time::Duration) -> Self {
        Self::new("throughput", "items/s", per_second(items, time))
    }

    /// Adds what it took.
    #[must_use]
    pub fn usage(mut self, usage: Option<Usage>) -> Self {
        self.usage = usage;
        self
    }

    /// Adds what was seen meanwhile.
    #[must_use]
    pub fn series(mut self, name: impl Into<String>, points: Vec<(f64, f64)>) -> Self {
        self.series.insert(name.into(), points);
        self
    }

    /// Adds what else is to be known.
    #[must_use]
    pub fn note(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.notes.insert(name.into(), value.into());
        self
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts of items are far below 2^52")]
fn per_second(items: usize, time: std::time::Duration) -> f64 {
    items as f64 / time.as_secs_f64()
}

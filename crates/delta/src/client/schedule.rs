use std::collections::BTreeMap;

use delta_core::plan::InformOutcome;
use delta_core::{Existing, Invalid, Name, Result, Timestamp};
use serde::{Deserialize, Serialize};

use crate::client::AnyClient;
use crate::informer;

/// A run of an informer that is asked for.
///
/// # Examples
///
/// ```
/// use delta::ScheduleInform;
///
/// let request = ScheduleInform::new().namespace("eu").full().label("region", "eu-west");
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ScheduleInform {
    pub(crate) namespace: Option<String>,
    pub(crate) existing: InformExisting,
    pub(crate) after: Option<Timestamp>,
    pub(crate) labels: BTreeMap<String, String>,
    pub(crate) limit: Option<u64>,
    pub(crate) order: Option<String>,
    pub(crate) full: bool,
    #[serde(skip)]
    pub(crate) run: InformRun,
}

/// [`Existing`], as it is stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum InformExisting {
    #[default]
    Skip,
    Process,
}

/// Where a run takes place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum InformRun {
    /// In any client with a controller of the kind, soon; the call returns at once.
    #[default]
    Background,
    /// Here; the call returns when it has ended.
    Foreground,
}

impl ScheduleInform {
    /// An incremental run in the background, with nothing else asked for.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The namespace that the objects go to; `default` by default.
    #[must_use]
    pub fn namespace(mut self, namespace: impl Into<String>) -> Self {
        self.namespace = Some(namespace.into());
        self
    }

    /// What to do about unchanged objects; [`Existing::Skip`] by default. A run that processes them does not move the
    /// high-water mark.
    #[must_use]
    pub fn existing(mut self, existing: Existing) -> Self {
        self.existing = match existing {
            Existing::Skip => InformExisting::Skip,
            Existing::Process => InformExisting::Process,
        };
        self
    }

    /// Asks for what was created or changed since; the high-water mark less the overlap by default.
    #[must_use]
    pub fn after(mut self, after: impl Into<Timestamp>) -> Self {
        self.after = Some(after.into());
        self
    }

    /// Adds a label to select by; what it means is the informer's. A run with labels does not move the high-water mark.
    #[must_use]
    pub fn label(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.labels.insert(name.into(), value.into());
        self
    }

    /// Asks for at most so many objects; no limit by default. A run with one does not move the high-water mark.
    #[must_use]
    pub fn limit(mut self, limit: u64) -> Self {
        self.limit = Some(limit);
        self
    }

    /// Asks for an order; what it means is the informer's.
    #[must_use]
    pub fn order(mut self, order: impl Into<String>) -> Self {
        self.order = Some(order.into());
        self
    }

    /// Asks for everything that exists: what the run does not mention is missing then. Goes with neither labels nor a
    /// limit nor a time to begin at.
    #[must_use]
    pub fn full(mut self) -> Self {
        self.full = true;
        self
    }

    /// Where the run takes place; in the background by default.
    #[must_use]
    pub fn run(mut self, run: InformRun) -> Self {
        self.run = run;
        self
    }

    /// Whether unchanged objects are worked again.
    pub(crate) fn processes_existing(&self) -> bool {
        matches!(self.existing, InformExisting::Process)
    }

    /// Whether the run is asked for a part of what exists only.
    pub(crate) fn is_narrowed(&self) -> bool {
        self.after.is_some() || self.limit.is_some() || !self.labels.is_empty()
    }

    pub(crate) fn check(&self) -> Result<(), Invalid> {
        if let Some(namespace) = &self.namespace {
            Name::new(namespace)?;
        }
        if self.full && self.is_narrowed() {
            let expected = "a full run without labels, limit and time to begin at: what it does not mention is missing";
            return Err(Invalid::new("request", expected, "one of them"));
        }
        Ok(())
    }
}

/// What a run of an informer came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InformSummary {
    /// How many objects had which outcome.
    pub outcomes: BTreeMap<InformOutcome, u64>,
    /// How many were refused, as their stored state is of another version of Delta. The high-water mark does not pass
    /// them.
    pub rejected: u64,
    /// How many of those stored a full run did not mention, and were acted upon.
    pub missing: u64,
    /// The high-water mark after the run.
    pub high_water: Option<Timestamp>,
}

impl AnyClient {
    /// Asks for a run of the kind's informer. In the background, any client with a controller of the kind picks it up, and
    /// the answer is `None`; in the foreground, it runs here and the answer is its summary.
    ///
    /// # Errors
    ///
    /// `Invalid` for a wrong name, or a full run that is asked for a part only.
    ///
    /// In the foreground: `Invalid` if this client has no controller of the kind, if the run's error was the informer's, or
    /// if the run would have deleted more than [`MissingLimit`](delta_core::MissingLimit) allows; `Unavailable` if it could
    /// not be finished, and may be repeated.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future of a run in the foreground ends the run; what it has informed stays, its high-water mark does
    /// not move.
    pub async fn schedule_inform(&self, kind: &str, request: ScheduleInform) -> Result<Option<InformSummary>> {
        let kind = Name::new(kind)?;
        match request.run {
            InformRun::Background => informer::request(&self.engine, &kind, &request).await.map(|()| None),
            InformRun::Foreground => informer::run_here(self, &kind, &request).await.map(Some),
        }
    }
}

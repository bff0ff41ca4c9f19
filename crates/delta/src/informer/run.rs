use std::mem;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use delta_core::plan::schedule::{self, Seen};
use delta_core::plan::{InformInput, Source};
use delta_core::{
    Access, Backoff, CursorQuery, Error, Existing, InformOptions, Missing, Name, Result, RetryPolicy as _, Timestamp,
};
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use crate::client::{AnyClient, InformSummary, ScheduleInform};
use crate::clock::{instant, sleep};
use crate::context::InformContext;
use crate::engine::{Batch, Engine, Kind, Transaction};
use crate::inform::Mention;
use crate::informer::failure::Failure;
use crate::informer::hold::{Ending, Hold};
use crate::informer::mentioned::Mentioned;
use crate::informer::missing;
use crate::informer::reader::Reader;
use crate::metrics;

/// How often a batch is committed before the run fails.
const TRIES: i64 = 4;

/// A run of an informer.
pub(super) struct Run {
    pub(super) client: AnyClient,
    pub(super) kind: Arc<Kind>,
    request: ScheduleInform,
    /// The namespace that its objects go to unless they say otherwise: the one that a full run is about.
    pub(super) namespace: Name,
    options: InformOptions,
    /// Whether it may move the high-water mark.
    moves_mark: bool,
    pub(super) mentioned: Mentioned,
    seen: Seen,
    summary: InformSummary,
}

impl Run {
    pub(super) fn new(client: &AnyClient, kind: &Arc<Kind>, request: ScheduleInform) -> Result<Self> {
        let mut options = InformOptions::new();
        if let Some(namespace) = &request.namespace {
            options = options.namespace(namespace);
        }
        if request.processes_existing() {
            options = options.existing(Existing::Process);
        }
        let resolved = options.clone().or(&kind.settings.inform).or(&client.engine.settings.inform).resolve()?;
        Ok(Self {
            client: client.clone(),
            kind: kind.clone(),
            options: options.namespace(resolved.namespace.as_str()),
            namespace: resolved.namespace,
            moves_mark: !request.is_narrowed() && resolved.existing == Existing::Skip,
            request,
            mentioned: Mentioned::default(),
            seen: Seen::default(),
            summary: InformSummary::default(),
        })
    }

    /// Runs to the end, or until `stop`.
    pub(super) async fn run(mut self, mut hold: Hold, stop: &CancellationToken) -> Result<InformSummary, Failure> {
        let started = instant();
        let kind = self.kind.clone();
        let span = tracing::info_span!("inform", kind = %kind.name, namespace = %self.namespace);
        let outcome = match self.stream(&mut hold, stop).instrument(span).await {
            Ok(()) => hold.end(Ending::Done(self.mark(hold.surely_before()))).await,
            Err(failure) => Err(failure),
        };
        let name = outcome.as_ref().map_or_else(Failure::as_str, |_| "done");
        metrics::run(&kind.name, name, instant().duration_since(started));
        match outcome {
            Ok(mark) => {
                self.summary.high_water = mark.or(self.summary.high_water);
                tracing::info!(kind = %kind.name, namespace = %self.namespace, summary = ?self.summary, "informed");
                Ok(self.summary)
            }
            Err(failure) => {
                let ending = match failure {
                    Failure::TakenOver => {
                        hold.abandon();
                        return Err(failure);
                    }
                    Failure::Stopped => Ending::Released,
                    _ => Ending::Failed,
                };
                if let Err(error) = hold.end(ending).await {
                    tracing::warn!(kind = %kind.name, %error, "the end of an informer's run could not be written");
                    hold.abandon();
                }
                Err(failure)
            }
        }
    }

    /// Everything but the end.
    async fn stream(&mut self, hold: &mut Hold, stop: &CancellationToken) -> Result<(), Failure> {
        let mark = self.read_mark().await?;
        self.summary.high_water = mark;
        let full = Arc::new(AtomicBool::new(self.request.full));
        let cancellation = stop.child_token();
        let _cancelled_at_the_end = cancellation.clone().drop_guard();
        let engine = self.client.engine.clone();
        let kind = self.kind.clone();
        let cx = InformContext {
            client: self.client.clone(),
            namespace: self.namespace.clone(),
            after: self
                .request
                .after
                .or_else(|| mark.filter(|_| !self.request.full).map(|mark| mark - engine.settings.inform_overlap)),
            labels: self.request.labels.clone(),
            limit: self.request.limit,
            order: self.request.order.clone(),
            full: full.clone(),
            cancellation,
        };
        let timeout = kind.settings.inform_timeout.or(engine.settings.inform_timeout);
        let mut reader = Reader::open(|| engine.layered(&kind).inform(cx), timeout, self.request.limit)?;
        loop {
            let batch = tokio::select! {
                biased;
                () = stop.cancelled() => return Err(Failure::Stopped),
                () = sleep(hold.renew_in()) => {
                    hold.renew().await?;
                    continue;
                }
                batch = reader.batch() => batch,
            };
            self.apply(batch.mentions, hold, stop).await?;
            match batch.end {
                None => {}
                Some(Ok(())) => break,
                Some(Err(failure)) => return Err(failure),
            }
        }
        if full.load(Ordering::Relaxed) {
            if self.request.is_narrowed() {
                tracing::warn!(kind = %kind.name, "a run with labels, a limit or a time to begin at is not full, though it says so");
            } else {
                self.summary.missing = missing::settle(self, hold, stop).await?;
            }
        }
        Ok(())
    }

    /// The mark to move, and where to.
    fn mark(&self, began: Timestamp) -> Option<(String, Timestamp)> {
        // An object that was refused is not applied, and the mark must not pass it.
        let moves = self.moves_mark && self.summary.rejected == 0;
        let to = self.seen.high_water(began).filter(|_| moves)?;
        Some((schedule::mark_name(&self.kind.name, &self.namespace), to))
    }

    async fn read_mark(&self) -> Result<Option<Timestamp>> {
        let engine = &self.client.engine;
        let mut session = engine.session(Access::Read).await?;
        let result = async {
            let now = engine.now(&mut *session).await?;
            engine.refresh_policies(&mut *session, now).await?;
            let name = schedule::mark_name(&self.kind.name, &self.namespace);
            session.cursors_dyn(&CursorQuery::Names(vec![name])).await
        }
        .await;
        Engine::release(session, result.as_ref().err());
        Ok(result?.first().and_then(schedule::high_water))
    }

    /// Informs a batch.
    async fn apply(&mut self, mentions: Vec<Mention>, hold: &Hold, stop: &CancellationToken) -> Result<(), Failure> {
        if mentions.is_empty() {
            return Ok(());
        }
        let inputs =
            self.client.engine.inform_inputs(mentions, &self.options, Source::Informer).map_err(Error::from)?;
        let batch = self.commit(&inputs, hold, stop).await?;
        for answer in batch.answers {
            match answer {
                Ok(informed) => *self.summary.outcomes.entry(informed.outcome).or_default() += 1,
                Err(rejection) => {
                    self.summary.rejected += 1;
                    tracing::warn!(kind = %self.kind.name, %rejection, "an object was refused");
                }
            }
        }
        let remembers = self.kind.settings.missing != Missing::Ignore && !self.request.is_narrowed();
        for input in &inputs {
            self.seen.add(input.external_created_at);
            if remembers && input.key.namespace == self.namespace {
                self.mentioned.add(&input.key.object_id);
            }
        }
        Ok(())
    }

    /// Commits a batch; again a few times if the database is away, as the whole run would have to begin anew.
    async fn commit(&self, inputs: &[InformInput], hold: &Hold, stop: &CancellationToken) -> Result<Batch, Failure> {
        let mut tries = 0;
        loop {
            hold.check()?;
            let error = match self.commit_once(inputs).await {
                Ok(batch) => return Ok(batch),
                Err(error) => error,
            };
            tries += 1;
            if !error.is_transient() || tries == TRIES {
                return Err(error.into());
            }
            tracing::warn!(kind = %self.kind.name, %error, "a batch could not be informed, and is tried again");
            tokio::select! {
                biased;
                () = stop.cancelled() => return Err(Failure::Stopped),
                () = sleep(Backoff::DEFAULT.delay(tries, self.client.engine.random.unit())) => {}
            }
        }
    }

    async fn commit_once(&self, inputs: &[InformInput]) -> Result<Batch> {
        let engine = &self.client.engine;
        let mut session = engine.session(Access::Write).await?;
        let result = async {
            let now = engine.now(&mut *session).await?;
            engine.refresh_policies(&mut *session, now).await?;
            engine.inform(&mut *session, inputs, now, Transaction::Own).await
        }
        .await;
        Engine::release(session, result.as_ref().err());
        let mut batch = result?;
        engine.wake(mem::take(&mut batch.woken));
        Ok(batch)
    }
}

use std::sync::Arc;

use delta_core::plan::{self, InformInput, Source};
use delta_core::{
    Access, Change, Depth, Error, ErrorKind, InformOptions, Invalid, Key, Lane, Load, LoadBy, Outcome, Receipt,
    Rejection, ResolvedOptions, Result, Session, Timestamp, WakeUp,
};

use crate::engine::Engine;
use crate::inform::Mention;
use crate::log::appends;
use crate::metrics;
use crate::resource::Informed;

/// How many objects one commit informs at most.
const CHUNK: usize = 1_000;
/// How often a batch is planned anew after it lost a race. Each loss means that another writer won, so this is reached
/// only by a writer that loses to a hundred others in a row.
const ROUNDS: usize = 100;

/// Whose transaction an inform writes in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Transaction {
    /// One of Delta's own for each chunk: subscribers hear of it.
    Own,
    /// Perhaps one of the caller's, which is not true before it commits.
    Callers(WakeUp),
}

/// What a batch of informs came to.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    /// One for each object, in order.
    pub(crate) answers: Vec<Result<Informed, Rejection>>,
    /// The lanes in which something became claimable.
    pub(crate) woken: Vec<Lane>,
    /// Whether events were appended in a transaction of the caller's.
    pub(crate) appended: bool,
}

impl Engine {
    /// Checks an object's options, and joins them to those of its kind and of the client.
    pub(crate) fn resolve(&self, mention: &Mention, run: &InformOptions) -> Result<ResolvedOptions, Invalid> {
        let kind = self.kind_settings(&mention.kind);
        mention.options.clone().or(run).or(&kind.inform).or(&self.settings.inform).resolve()
    }

    /// Makes the plan's inputs of objects; fails before anything is written.
    pub(crate) fn inform_inputs(
        &self,
        mentions: Vec<Mention>,
        run: &InformOptions,
        source: Source,
    ) -> Result<Vec<InformInput>, Invalid> {
        let input = |mention: Mention| {
            let options = self.resolve(&mention, run)?;
            Ok(InformInput {
                key: Key {
                    namespace: options.namespace.clone(),
                    kind: mention.kind.clone(),
                    object_id: mention.object_id,
                },
                object: mention.object,
                external_created_at: mention.created_at,
                trace: mention.trace,
                source,
                policy: self.inform_policy(&options.namespace, &mention.kind),
                compare: mention.compare,
                options,
            })
        };
        mentions.into_iter().map(input).collect()
    }

    /// Informs objects on a connection, in chunks.
    pub(crate) async fn inform(
        self: &Arc<Self>,
        session: &mut dyn Session,
        inputs: &[InformInput],
        now: Timestamp,
        transaction: Transaction,
    ) -> Result<Batch> {
        let mut batch = Batch::default();
        for chunk in inputs.chunks(CHUNK) {
            self.inform_chunk(session, chunk, now, transaction, &mut batch).await?;
        }
        batch.woken.sort_unstable();
        batch.woken.dedup();
        Ok(batch)
    }

    async fn inform_chunk(
        self: &Arc<Self>,
        session: &mut dyn Session,
        inputs: &[InformInput],
        now: Timestamp,
        transaction: Transaction,
        batch: &mut Batch,
    ) -> Result<()> {
        let mut answers: Vec<Option<Result<Informed, Rejection>>> = vec![None; inputs.len()];
        let mut open: Vec<usize> = (0..inputs.len()).collect();
        for _ in 0..ROUNDS {
            let round: Vec<InformInput> = open.iter().map(|&number| inputs[number].clone()).collect();
            let rows = session.load_dyn(&load(&round)).await?;
            let mut plan = plan::inform(rows, &round, now);
            let receipt = match transaction {
                _ if plan.changeset.is_empty() => Receipt::default(),
                Transaction::Own => self.commit(session, &mut plan.changeset).await?,
                Transaction::Callers(wake) => {
                    plan.changeset.wake = wake;
                    batch.appended |= appends(&plan.changeset);
                    session.commit_dyn(&plan.changeset).await?
                }
            };
            let mut lost = Vec::new();
            for (&number, answer) in open.iter().zip(plan.answers) {
                let written = answer.change.map(|change| (change, receipt.outcomes.get(change)));
                let id = match written {
                    None => answer.id,
                    Some((change, Some(Outcome::Applied(applied)))) => {
                        batch.woken.extend(woken(&plan.changeset.changes[change], now));
                        Some(applied.id)
                    }
                    Some(_) => {
                        lost.push(number);
                        continue;
                    }
                };
                answers[number] = Some(answer.outcome.map(|outcome| Informed {
                    id: id.unwrap_or_default(),
                    generation: answer.generation,
                    outcome,
                }));
            }
            open = lost;
            if open.is_empty() {
                for answer in answers.into_iter().flatten() {
                    if let Ok(informed) = &answer {
                        metrics::informed(informed.outcome);
                    }
                    batch.answers.push(answer);
                }
                return Ok(());
            }
        }
        let key = &inputs[open[0]].key;
        Err(Error::new(ErrorKind::Conflict, "inform", format!("{key} was written by others {ROUNDS} times in a row")))
    }
}

fn load(inputs: &[InformInput]) -> Load {
    let full = inputs.iter().any(|input| input.compare.is_some() || input.options.tags.is_some());
    let mut keys: Vec<Key> = inputs.iter().map(|input| input.key.clone()).collect();
    keys.sort_unstable();
    keys.dedup();
    Load { by: LoadBy::Keys(keys), depth: if full { Depth::Full } else { Depth::Head }, access: Access::Read }
}

/// The lane in which a change makes something claimable now.
pub(crate) fn woken(change: &Change, now: Timestamp) -> Option<Lane> {
    let row = match change {
        Change::Insert(insert) => &insert.row,
        Change::Update(update) => &update.row,
        _ => return None,
    };
    let due = row.state.is_claimable() && !row.paused && row.run_at.is_some_and(|at| at <= now);
    due.then(|| row.key.lane())
}

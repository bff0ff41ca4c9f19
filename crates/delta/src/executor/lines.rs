use std::sync::Arc;
use std::time::Duration;

use delta_core::{Changeset, Claimed, Error, Lane, LaneQuery, Receipt, Result, Session};
use futures::StreamExt as _;
use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use tokio::time::Instant;

use crate::clock::instant;
use crate::executor::alone::Batch;
use crate::executor::held::InUse;
use crate::executor::settle::{Left, Pending};
use crate::executor::slots::Activation;
use crate::executor::{Executor, in_time};

/// How long the second line is left alone when it got no connection.
const RETRY: Duration = Duration::from_secs(1);

/// Over which connection a round goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Line {
    /// The one that is kept.
    First,
    /// One of the pool, while there is enough to do for two; only where a store has several writers.
    Second,
}

/// Rounds that are under way: at most one on each line.
#[derive(Default)]
pub(super) struct Lines {
    under_way: FuturesUnordered<BoxFuture<'static, Arrived>>,
    first: bool,
    second: bool,
    /// When the second may be tried again.
    second_from: Option<Instant>,
}

/// What has come of a step of a round.
pub(super) enum Arrived {
    /// A connection to go round on, or none.
    Ready(Line, Result<Ready>),
    /// The answer to what was sent.
    Answered(Line, Box<Answered>),
    /// The answer to settlements that were tried apart from the others.
    Tried(Box<Tried>),
}

pub(super) struct Ready {
    pub(super) used: InUse,
    pub(super) looked: Result<Looked>,
}

/// What was found out before a round.
#[derive(Default)]
pub(super) struct Looked {
    /// Whether the clock is good enough to give leases an end by.
    pub(super) certain: bool,
    /// Where there is something to claim, if that was asked, and after which activation.
    pub(super) lanes: Option<(Vec<Lane>, Activation)>,
}

/// What is sent in a round.
pub(super) struct Sent {
    pub(super) batch: Vec<Pending>,
    pub(super) lanes: Vec<(Lane, u32)>,
    /// The last activation of a lane when it was sent.
    pub(super) activation: Activation,
    /// What finding out where there is work has come to, though it could not be done.
    pub(super) failed: Option<Error>,
}

pub(super) struct Answered {
    pub(super) sent: Sent,
    /// What was found out of attempts that their workers have settled.
    pub(super) verified: Left,
    pub(super) changes: Option<Changeset>,
    pub(super) asked: Instant,
    pub(super) answer: Result<Option<Claimed>>,
}

pub(super) struct Tried {
    pub(super) batch: Batch,
    pub(super) changes: Option<Changeset>,
    pub(super) answer: Result<Receipt>,
    /// Others that are due as well.
    pub(super) rest: Vec<Batch>,
}

impl Lines {
    pub(super) fn are_idle(&self) -> bool {
        self.under_way.is_empty()
    }

    pub(super) fn is_busy(&self, line: Line) -> bool {
        match line {
            Line::First => self.first,
            Line::Second => self.second || self.second_from.is_some_and(|from| instant() < from),
        }
    }

    pub(super) fn begin(&mut self, line: Line, step: BoxFuture<'static, Arrived>) {
        *self.busy(line) = true;
        self.under_way.push(step);
    }

    pub(super) fn end(&mut self, line: Line) {
        *self.busy(line) = false;
    }

    /// Leaves the second line alone for a while.
    pub(super) fn put_off_second(&mut self) {
        self.second_from = Some(instant() + RETRY);
    }

    fn busy(&mut self, line: Line) -> &mut bool {
        match line {
            Line::First => &mut self.first,
            Line::Second => &mut self.second,
        }
    }

    /// The next step that is done; never, if none is under way.
    pub(super) async fn next(&mut self) -> Arrived {
        match self.under_way.next().await {
            Some(arrived) => arrived,
            None => std::future::pending().await,
        }
    }

    /// Drops what is under way, with its connections.
    pub(super) fn clear(&mut self) {
        self.under_way.clear();
    }
}

/// Gets a connection, and finds out where there is something to claim if `look` says after which activation.
pub(super) async fn prepare(executor: Arc<Executor>, line: Line, working: bool, look: Option<Activation>) -> Arrived {
    let used = async {
        match line {
            Line::First => executor.held.take(executor.interval()).await,
            Line::Second => executor.held.another().await,
        }
    };
    let ready = async {
        let mut used = in_time("acquire a connection", executor.patience(), used).await?;
        let looked = if working { look_around(&executor, used.session()?, look).await } else { Ok(Looked::default()) };
        Ok(Ready { used, looked })
    };
    Arrived::Ready(line, ready.await)
}

async fn look_around(executor: &Executor, session: &mut dyn Session, look: Option<Activation>) -> Result<Looked> {
    let engine = &executor.engine;
    let certain = in_time("sample the clock", executor.patience(), engine.is_certain(session)).await?;
    let Some(asked) = look.filter(|_| certain) else { return Ok(Looked { certain, lanes: None }) };
    let now = engine.now(session).await?;
    in_time("read settings", executor.patience(), engine.refresh_policies(session, now)).await?;
    let query = LaneQuery { now, namespaces: engine.worked.clone(), kinds: engine.kind_names() };
    let lanes = in_time("look for work", executor.patience(), session.lanes_dyn(&query)).await?;
    Ok(Looked { certain, lanes: Some((lanes, asked)) })
}

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use delta_core::plan::schedule::{self, InformCursor};
use delta_core::{Access, Changeset, Cursor, CursorQuery, Error, Name, Result, Session, Timestamp};
use tokio::task::JoinHandle;

use crate::client::{AnyClient, ScheduleInform, Stop};
use crate::clock::sleep;
use crate::engine::{Engine, Kind};
use crate::informer::failure::Failure;
use crate::informer::hold::{Ending, Hold, Occasion};
use crate::informer::run::Run;
use crate::{metrics, tasks};

/// How many due cursors one look takes.
const LOOK: u32 = 100;

/// Looks for due runs of this client's kinds, and runs them, until the client stops.
pub(super) async fn poll(client: AnyClient, stop: Stop) {
    let mut poll = Poll { client, stop, running: BTreeMap::new(), aligned: false };
    loop {
        if let Err(error) = poll.look().await {
            metrics::error("inform", &error);
            tracing::warn!(%error, "could not look for due informers");
        }
        let interval = poll.client.engine.settings.poll_interval;
        let pause = interval + poll.client.engine.random.up_to(interval / 10);
        tokio::select! {
            biased;
            () = poll.stop.soft.cancelled() => return,
            () = sleep(pause) => {}
        }
    }
}

struct Poll {
    client: AnyClient,
    stop: Stop,
    running: BTreeMap<Name, JoinHandle<()>>,
    aligned: bool,
}

impl Poll {
    async fn look(&mut self) -> Result<()> {
        let engine = self.client.engine.clone();
        if !self.aligned {
            align(&engine).await?;
            self.aligned = true;
        }
        let mut session = engine.session(Access::Read).await?;
        let found = find(&engine, &mut *session).await;
        Engine::release(session, found.as_ref().err());
        self.running.retain(|_, run| !run.is_finished());
        for (kind, occasion, request) in found? {
            if !self.running.contains_key(&kind.name) {
                let run = attend(self.client.clone(), kind.clone(), occasion, request, self.stop.clone());
                self.running.insert(kind.name.clone(), tasks::spawn(&self.stop.tasks, run));
            }
        }
        Ok(())
    }
}

/// Gives each kind of this client a schedule that fits its settings.
async fn align(engine: &Arc<Engine>) -> Result<()> {
    let mut session = engine.session(Access::Write).await?;
    let result = async {
        let now = engine.now(&mut *session).await?;
        for kind in engine.kinds.values() {
            let name = schedule::schedule_name(&kind.name);
            let stored = session.cursors_dyn(&CursorQuery::Names(vec![name.clone()])).await?.pop();
            let stored = stored.unwrap_or_else(|| Cursor::new(name));
            let Some(aligned) = schedule::align(&stored, engine.pace(kind), now) else { continue };
            // Whoever was faster has aligned it too.
            engine
                .commit(&mut *session, &mut Changeset { cursors: vec![aligned.put()], ..Changeset::new(now) })
                .await?;
        }
        Ok::<_, Error>(())
    }
    .await;
    Engine::release(session, result.as_ref().err());
    result
}

/// What there is to run: at most one of each kind, the longest due first.
type Found = Vec<(Arc<Kind>, Occasion, ScheduleInform)>;

async fn find(engine: &Engine, session: &mut dyn Session) -> Result<Found> {
    let now = engine.now(session).await?;
    let due = due(engine, session, now).await?;
    let mut found = Found::new();
    let mut taken = BTreeSet::new();
    for cursor in due {
        let (kind, occasion, request) = match InformCursor::parse(&cursor.name) {
            Some(InformCursor::Schedule(kind)) => (kind, Occasion::Turn, Some(ScheduleInform::new())),
            Some(InformCursor::Request(kind)) => {
                let request = schedule::requested(&cursor).and_then(|text| serde_json::from_str(text.get()).ok());
                (kind, Occasion::Request(cursor.name), request)
            }
            Some(InformCursor::Mark(..)) | None => continue,
        };
        // A request that does not decode is for another version of the program.
        if let (Some(kind), Some(request)) = (engine.kinds.get(&kind), request)
            && taken.insert(kind.name.clone())
        {
            found.push((kind.clone(), occasion, request));
        }
    }
    if found.is_empty() {
        return Ok(found);
    }
    let names = found.iter().map(|(kind, ..)| schedule::schedule_name(&kind.name)).collect();
    let held: BTreeSet<String> = session
        .cursors_dyn(&CursorQuery::Names(names))
        .await?
        .into_iter()
        .filter(|schedule| schedule.lease_until.is_some_and(|until| until > now))
        .map(|schedule| schedule.name)
        .collect();
    found.retain(|(kind, ..)| !held.contains(&schedule::schedule_name(&kind.name)));
    Ok(found)
}

/// The due cursors of informers; of other clients' kinds too.
async fn due(engine: &Engine, session: &mut dyn Session, now: Timestamp) -> Result<Vec<Cursor>> {
    let query = |prefix: String| CursorQuery::Due { prefix, now, limit: LOOK };
    let due = session.cursors_dyn(&query(schedule::INFORMS.to_owned())).await?;
    if due.len() < LOOK as usize {
        return Ok(due);
    }
    // A full answer may be about kinds that nobody runs, and hide this client's.
    let names = engine.kinds.keys().map(schedule::schedule_name).collect();
    let mut due = session.cursors_dyn(&CursorQuery::Names(names)).await?;
    due.retain(|schedule| schedule::is_due(schedule, now));
    for kind in engine.kinds.keys() {
        due.extend(session.cursors_dyn(&query(schedule::request_prefix(kind))).await?);
    }
    due.sort_by_key(|cursor| cursor.next_at);
    Ok(due)
}

/// Runs what was found, unless another client is faster; to the end of the grace time at most.
async fn attend(client: AnyClient, kind: Arc<Kind>, occasion: Occasion, request: ScheduleInform, stop: Stop) {
    let grace = client.engine.settings.grace;
    tokio::select! {
        biased;
        () = run(&client, &kind, occasion, request, &stop) => {}
        () = stop.over(grace) => {}
    }
}

async fn run(client: &AnyClient, kind: &Arc<Kind>, occasion: Occasion, request: ScheduleInform, stop: &Stop) {
    let mut hold = match Hold::take(&client.engine, kind, occasion).await {
        Ok(Some(hold)) => hold,
        Ok(None) => return,
        Err(error) => {
            metrics::error("inform", &error);
            tracing::warn!(kind = %kind.name, %error, "a run of an informer could not begin");
            return;
        }
    };
    let failure = match Run::new(client, kind, request) {
        Ok(run) => run.run(hold, &stop.soft).await.err(),
        Err(error) => {
            // A request that is wrong is tried as often as any, and then given up.
            hold.end(Ending::Failed).await.err();
            Some(Failure::Store(error))
        }
    };
    match failure {
        None | Some(Failure::Stopped) => {}
        Some(failure) => tracing::error!(kind = %kind.name, %failure, "a run of an informer failed"),
    }
}

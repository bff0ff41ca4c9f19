use delta::core::{Access, CanonicalObject, Key, LogStore as _, Name, Object, Store as _};
use delta::{
    Client, Deleted, Existing, Inform, InformOptions, InformRun, Informed, MaxAttempts, Pausable, Result,
    ScheduleInform, Wake,
};

use super::call::{Call, How};
use super::thing::{Note, Thing};
use super::work::Outside;
use crate::history::{Ask, What};
use crate::sim::model::Life;
use crate::sim::store::SimStore;

/// Somebody who calls a client, and tells what he was told.
pub(super) struct Caller {
    pub(super) life: Life,
    pub(super) client: Client<SimStore>,
    pub(super) outside: Outside,
}

impl Caller {
    pub(super) async fn make(self, call: Call) {
        let client = &self.client;
        self.record(What::Note(format!("a caller begins to {call}")));
        match call {
            Call::Inform { id, value, how } => {
                let thing = thing(&id, value);
                let inform = Inform::new(thing.clone()).options(self.options(how));
                self.informs(&thing, client.inform(inform)).await;
            }
            Call::InformIn { things, keep } => self.inform_in(&things, keep).await,
            Call::Note { id, revision } => {
                let note = Note { id, revision };
                self.informs(&note, client.inform(note.clone())).await;
            }
            Call::Delete(id) => self.asks(&id, Ask::Delete, async |key| client.delete(&key).await).await,
            Call::Invalidate(id) => self.asks(&id, Ask::Invalidate, async |key| client.invalidate(&key).await).await,
            Call::Retry(id, fresh) => {
                self.asks(&id, Ask::Retry, async |key| client.retry(&key, fresh).await).await;
            }
            Call::Cancel(id) => self.asks(&id, Ask::Cancel, async |key| client.cancel(&key).await).await,
            Call::Pause(id) => {
                self.asks(&id, Ask::Pause, async |key| client.pause(&Pausable::Resource(key)).await).await;
            }
            Call::Resume(id) => {
                self.asks(&id, Ask::Resume, async |key| client.resume(&Pausable::Resource(key)).await).await;
            }
            // Whether it was done shows in the history.
            Call::PauseKind => drop(client.pause(&things()).await),
            Call::ResumeKind => drop(client.resume(&things()).await),
            Call::Source(id, Some(value)) => drop(self.outside.places().source.insert(id, value)),
            Call::Source(id, None) => drop(self.outside.places().source.remove(&id)),
            Call::ScheduleInform { full } => {
                let request = ScheduleInform::new().run(InformRun::Background);
                let request = if full { request.full() } else { request };
                // Runs happen by themselves, too.
                drop(client.schedule_inform(Thing::<false>::KIND, request).await);
            }
        }
    }

    fn record(&self, what: What) {
        self.life.sim.record(&self.life.actor, what);
    }

    fn options(&self, how: How) -> InformOptions {
        let options = InformOptions::new();
        match how {
            How::Plainly => options,
            How::Urgently => options.priority(1),
            How::Later(time) => options.run_at(self.life.sim.now() + time),
            How::Anew => options.existing(Existing::Process),
            How::UnlessDeleted => options.deleted(Deleted::Skip),
            How::Attempts(most) => options.max_attempts(MaxAttempts::Limited(most)),
        }
    }

    async fn informs<T: Object>(&self, object: &T, answer: impl Future<Output = Result<Informed>>) {
        let Ok(key) = self.client.key_of(object) else { return };
        self.record(What::Asked { key: key.clone(), ask: "inform".to_owned() });
        match answer.await {
            Ok(informed) => self.record(What::Acknowledged { key, ask: ask(object, informed) }),
            Err(_) => self.record(What::Refused { key, ask: "inform".to_owned() }),
        }
    }

    async fn asks(&self, id: &str, ask: Ask, request: impl AsyncFnOnce(Key) -> Result<()>) {
        let Ok(key) = self.client.key_of(&thing(id, 0)) else { return };
        let name = ask.name().to_owned();
        self.record(What::Asked { key: key.clone(), ask: name.clone() });
        match request(key.clone()).await {
            Ok(()) => self.record(What::Acknowledged { key, ask }),
            Err(_) => self.record(What::Refused { key, ask: name }),
        }
    }

    async fn inform_in(&self, things: &[(String, u64)], keep: bool) {
        let keys: Vec<_> = things.iter().filter_map(|(id, _)| self.client.key_of(&thing(id, 0)).ok()).collect();
        for key in &keys {
            self.record(What::Asked { key: key.clone(), ask: "inform".to_owned() });
        }
        match self.informed_in(things, keep).await {
            Ok(told) => {
                for (key, ask) in told {
                    self.record(What::Acknowledged { key, ask });
                }
            }
            Err(_) => {
                for key in keys {
                    self.record(What::Refused { key, ask: "inform".to_owned() });
                }
            }
        }
    }

    /// What the caller may tell: nothing unless the transaction is committed.
    async fn informed_in(&self, things: &[(String, u64)], keep: bool) -> Result<Vec<(Key, Ask)>> {
        let store = self.client.store();
        let mut conn = store.acquire(Access::Write).await?;
        store.begin_tx(&mut conn).await?;
        let (mut told, mut wakes) = (Vec::new(), Vec::new());
        for (id, value) in things {
            let thing = thing(id, *value);
            let (informed, wake) = self.client.inform_in(&mut conn, Inform::new(thing.clone())).await?;
            wakes.push(wake);
            told.push((self.client.key_of(&thing)?, ask(&thing, informed)));
        }
        if !keep {
            store.rollback_tx(&mut conn).await?;
            return Ok(Vec::new());
        }
        store.commit_tx(&mut conn).await?;
        wakes.into_iter().for_each(Wake::send);
        // Of several informs of one thing, the last one is what holds.
        let is_last = |number: usize, key: &Key| told[number + 1..].iter().all(|(later, _)| later != key);
        let kept: Vec<bool> = told.iter().enumerate().map(|(number, (key, _))| is_last(number, key)).collect();
        Ok(told.into_iter().zip(kept).filter_map(|(told, kept)| kept.then_some(told)).collect())
    }
}

fn thing(id: &str, value: u64) -> Thing<false> {
    Thing { id: id.to_owned(), value }
}

fn things() -> Pausable {
    match Name::new(Thing::<false>::KIND) {
        Ok(kind) => Pausable::Kind(kind),
        Err(error) => panic!("expected the kind of things to be a name, found: {error}"),
    }
}

fn ask<T: Object>(object: &T, informed: Informed) -> Ask {
    let Informed { id, generation, outcome } = informed;
    match CanonicalObject::new(object) {
        Ok(object) => Ask::Inform { id, generation, hash: object.hash(), outcome: outcome.as_str().to_owned() },
        Err(error) => panic!("expected what was informed to be an object, found: {error}"),
    }
}

//! Who asks, step by step. A step that was acknowledged is not asked for again by the process that is started next.

use std::fs::File;
use std::path::PathBuf;

use delta::core::{Access, CanonicalObject, LogStore as _, Store as _};
use delta::{Client, Informed, Object, ScheduleInform};
use delta_testkit::fault::FaultStore;
use delta_testkit::history::Ask;

use crate::controllers::{Entry, Host, Item, key};
use crate::journal::Journal;
use crate::stores::Crashed;
use crate::wanted::{Wanted, Wish, until};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Two items are informed in one call.
    Begin,
    /// An entry, which is settled in its worker's own transaction.
    Enter,
    /// An item changes while it may be being worked.
    Change,
    /// Another entry is informed in the caller's own transaction.
    Buy,
    /// Waits until all that is synced.
    Rest,
    Invalidate,
    Delete,
    /// Waits again, then a host leaves, and a full run is asked for.
    Leave,
}

pub(crate) const STEPS: [Step; 8] =
    [Step::Begin, Step::Enter, Step::Change, Step::Buy, Step::Rest, Step::Invalidate, Step::Delete, Step::Leave];

/// The item that changes, and the entries that are made outside and inside of a transaction.
const STEADY: &str = "steady";
const ENTERED: &str = "entered";
pub(crate) const BOUGHT: &str = "bought";

pub(crate) struct Caller<S: Crashed> {
    pub(crate) client: Client<FaultStore<S>>,
    pub(crate) journal: Journal,
    /// Which start of the process it is.
    pub(crate) number: usize,
    /// Made when a host leaves.
    pub(crate) left: PathBuf,
}

impl Step {
    /// Adds what it asks for.
    fn wants(self, wanted: &mut Wanted) {
        match self {
            Self::Begin => {
                wanted.put(key::<Item>(STEADY), Wish::Present(Some(1)));
                wanted.put(key::<Item>(Item::FLAKY), Wish::Present(Some(1)));
            }
            Self::Enter => wanted.put(key::<Entry>(ENTERED), Wish::Present(Some(1))),
            Self::Change => wanted.put(key::<Item>(STEADY), Wish::Present(Some(2))),
            Self::Buy => wanted.put(key::<Entry>(BOUGHT), Wish::Present(None)),
            Self::Rest | Self::Invalidate => {}
            Self::Delete => wanted.put(key::<Item>(Item::FLAKY), Wish::Absent),
            Self::Leave => wanted.put(key::<Host>(Host::LEAVING), Wish::Absent),
        }
    }
}

/// What is wanted after so many steps.
pub(crate) fn wanted_after(steps: usize) -> Wanted {
    let mut wanted = Wanted::default();
    for step in &STEPS[..steps] {
        step.wants(&mut wanted);
    }
    for name in Host::STAYING {
        wanted.put(key::<Host>(name), Wish::Present(None));
    }
    if !STEPS[..steps].contains(&Step::Leave) {
        wanted.put(key::<Host>(Host::LEAVING), Wish::Present(None));
    }
    wanted
}

impl<S: Crashed> Caller<S> {
    /// Takes the steps from this one on.
    pub(crate) async fn go_on(&self, from: usize) -> delta::Result<()> {
        for (number, step) in STEPS.into_iter().enumerate().skip(from) {
            self.take(number, step).await?;
            self.journal.done(number);
        }
        Ok(())
    }

    async fn take(&self, number: usize, step: Step) -> delta::Result<()> {
        match step {
            Step::Begin => self.inform(&[item(STEADY, 1), item(Item::FLAKY, 1)]).await,
            Step::Enter => self.inform(&[Entry { id: ENTERED.to_owned(), value: 1 }]).await,
            Step::Change => self.inform(&[item(STEADY, 2)]).await,
            Step::Buy => self.buy().await,
            Step::Rest => {
                self.rest(number).await;
                Ok(())
            }
            Step::Invalidate => {
                // What an earlier process asked for, and was not told of, comes first.
                self.rest(number).await;
                let key = key::<Item>(STEADY);
                self.journal.asks(&key, Ask::Invalidate.name());
                self.client.invalidate(&key).await?;
                self.journal.acknowledged(key, Ask::Invalidate);
                Ok(())
            }
            Step::Delete => {
                let key = key::<Item>(Item::FLAKY);
                self.journal.asks(&key, Ask::Delete.name());
                match self.client.delete(&key).await {
                    // Deleted and purged already: it was asked for by an earlier process, which was not told.
                    Err(error) if error.kind() == delta::ErrorKind::Invalid && self.number > 1 => Ok(()),
                    deleted => {
                        deleted?;
                        self.journal.acknowledged(key, Ask::Delete);
                        Ok(())
                    }
                }
            }
            Step::Leave => {
                self.rest(number).await;
                File::create(&self.left).unwrap();
                self.client.schedule_inform(Host::KIND, ScheduleInform::new().full()).await.map(|_| ())
            }
        }
    }

    async fn rest(&self, steps: usize) {
        let mut wanted = wanted_after(steps);
        if self.left.exists() {
            // It has left before its run was asked for.
            wanted = wanted.without(&key::<Host>(Host::LEAVING));
        }
        until(self.client.store().inner(), |last| wanted.missing(last)).await;
    }

    async fn inform<T: Object + Clone>(&self, objects: &[T]) -> delta::Result<()> {
        for object in objects {
            self.journal.asks(&key::<T>(&object.id()), "inform");
        }
        let answers = self.client.inform_many(objects).await?;
        for (object, answer) in objects.iter().zip(answers) {
            self.told(object, answer?);
        }
        Ok(())
    }

    fn told<T: Object>(&self, object: &T, informed: Informed) {
        let hash = CanonicalObject::new(object).unwrap().hash();
        let Informed { id, generation, outcome } = informed;
        let ask = Ask::Inform { id, generation, hash, outcome: outcome.as_str().to_owned() };
        self.journal.acknowledged(key::<T>(&object.id()), ask);
    }

    /// Each process that comes here makes another generation, and one row for it, or neither.
    async fn buy(&self) -> delta::Result<()> {
        let store = self.client.store();
        let entry = Entry { id: BOUGHT.to_owned(), value: self.number };
        self.journal.asks(&key::<Entry>(BOUGHT), "inform");
        let mut conn = store.acquire(Access::Write).await?;
        store.begin_tx(&mut conn).await?;
        let (informed, wake) = self.client.inform_in(&mut conn, &entry).await?;
        S::execute(&mut conn, &format!("INSERT INTO bought VALUES ({})", informed.generation)).await;
        store.commit_tx(&mut conn).await?;
        drop(conn);
        wake.send();
        self.told(&entry, informed);
        Ok(())
    }
}

fn item(id: &str, value: usize) -> Item {
    Item { id: id.to_owned(), value }
}

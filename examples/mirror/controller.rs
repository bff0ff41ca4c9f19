use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use delta::core::{Desired, Name};
use delta::{
    Action, Backoff, Controller, Error, Filter, Inform, InformContext, InformError, InformOptions, Key, Names, Object,
    Resource, RetryPolicy, State, WorkContext, WorkError,
};
use futures::stream::{self, BoxStream, Stream, StreamExt as _};

use crate::entry::{Entry, MISSING_LIMIT, Shape, object_id};
use crate::mirror::{Done, Mirror};
use crate::trouble::Trouble;
use crate::walk::walk;

/// Keeps the entries of the target in step with those of the source.
///
/// Work and deletion are one and the same: look at what the source has now, and make the target alike. Where that is not
/// what the resource said, Delta is told, so that a resource at rest always says what the target has.
#[derive(Debug)]
pub(crate) struct Entries {
    mirror: Arc<Mirror>,
    source: PathBuf,
    waits: Mutex<HashMap<String, u32>>,
}

/// How long an entry waits first for another one that must come before it; doubled each time up to the last.
const FIRST_WAIT: Duration = Duration::from_millis(50);
const DOUBLINGS: u32 = 5;
/// After so many waits the entries that keep a directory from being removed are informed themselves.
const PATIENCE: u32 = 6;
/// After so many waits (about a minute) the attempt fails.
const WAITS: u32 = 40;
const BACKOFF: Backoff = Backoff::new(Duration::from_millis(500), Duration::from_secs(5));

impl Entries {
    pub(crate) fn new(mirror: Arc<Mirror>, source: PathBuf) -> Self {
        Self { mirror, source, waits: Mutex::default() }
    }

    async fn step(&self, cx: &WorkContext, resource: &Resource<Entry>) -> Result<Action, WorkError> {
        let entry = &resource.object;
        let Some(turn) = self.mirror.turn(&entry.path) else { return Ok(Action::Snooze(FIRST_WAIT)) };
        let stop = cx.cancellation().clone();
        let done = tokio::task::spawn_blocking(move || turn.step(&stop)).await?;
        let told = match resource.desired {
            Desired::Present => &entry.shape,
            Desired::Absent(_) => &Shape::Absent,
        };
        match done {
            Ok(Done { shape, stale_directory }) => {
                self.waits().remove(&entry.path);
                if let Some(directory) = stale_directory {
                    self.settle_stale(cx, resource, directory).await?;
                }
                if shape != *told {
                    self.inform_of(cx, resource, [(entry.path.clone(), shape)]).await?;
                } else if let Shape::Special { what } = shape {
                    return Err(WorkError::permanent(format!("it is {what}, which has no copy")));
                }
                Ok(Action::Synced)
            }
            Err(Trouble::Stopped) => Ok(Action::Snooze(FIRST_WAIT)),
            Err(Trouble::Blocked) => self
                .wait(&entry.path)
                .ok_or_else(|| WorkError::retry("its directory has yet to take the place of something else")),
            Err(Trouble::NotEmpty) => {
                let action = self
                    .wait(&entry.path)
                    .ok_or_else(|| WorkError::retry("the directory in the target is not empty"))?;
                if self.waits().get(&entry.path).is_some_and(|waits| waits % PATIENCE == 0) {
                    let (mirror, path) = (self.mirror.clone(), entry.path.clone());
                    let leftovers = tokio::task::spawn_blocking(move || mirror.leftovers(&path)).await??;
                    self.inform_of(cx, resource, leftovers).await?;
                }
                Ok(action)
            }
            Err(Trouble::Changed) => Err(WorkError::retry("it was written while it was copied")),
            Err(Trouble::Denied(error)) => Err(WorkError::permanent(error)),
            Err(Trouble::Failed(error)) => Err(WorkError::retry(error)),
        }
    }

    /// Puts an entry off until others have been worked; `None` if that took too long.
    fn wait(&self, path: &str) -> Option<Action> {
        let mut all = self.waits();
        let waits = all.entry(path.to_owned()).or_default();
        if *waits == WAITS {
            all.remove(path);
            return None;
        }
        *waits += 1;
        Some(Action::Snooze(FIRST_WAIT * 2u32.pow((*waits - 1).min(DOUBLINGS))))
    }

    fn waits(&self) -> std::sync::MutexGuard<'_, HashMap<String, u32>> {
        self.waits.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells Delta what the source has at some paths.
    async fn inform_of(
        &self,
        cx: &WorkContext,
        resource: &Resource<Entry>,
        found: impl IntoIterator<Item = (String, Shape)>,
    ) -> Result<(), Error> {
        let options = InformOptions::new().namespace(resource.key.namespace.as_str());
        let informs =
            found.into_iter().map(|(path, shape)| Inform::new(Entry { path, shape }).options(options.clone()));
        for answer in cx.client().inform_many(informs).await? {
            answer?;
        }
        Ok(())
    }

    /// A directory that the source does not have was made again for an entry that has vanished since. If its own resource
    /// is at rest, nobody else would remove it.
    async fn settle_stale(&self, cx: &WorkContext, resource: &Resource<Entry>, path: String) -> Result<(), Error> {
        let key = Key::new(&resource.key.namespace, &resource.key.kind, object_id(&path))?;
        let stored = cx.client().record(&key).await?;
        if stored.is_none_or(|stored| stored.state == State::Deleted) {
            self.inform_of(cx, resource, [(path, Shape::Absent)]).await?;
        }
        Ok(())
    }
}

impl Controller for Entries {
    type Object = Entry;

    async fn work(&self, cx: &WorkContext, entry: &Resource<Entry>) -> Result<Action, WorkError> {
        self.step(cx, entry).await
    }

    async fn delete(&self, cx: &WorkContext, entry: &Resource<Entry>) -> Result<Action, WorkError> {
        self.step(cx, entry).await
    }

    fn inform(&self, cx: InformContext) -> impl Stream<Item = Result<Entry, InformError>> + Send {
        if !cx.labels().is_empty() || cx.order().is_some() || cx.limit().is_some() {
            let refusal = "expected a run without labels, limit and order: a mirror always looks at the whole tree";
            return stream::iter([Err(InformError::new(refusal))]).boxed();
        }
        cx.declare_full();
        let mirror = self.mirror.clone();
        let walked = walk(self.source.clone(), mirror.report().clone());
        walked.chain(refuse_empty(mirror, cx)).boxed()
    }

    fn retry_policy(&self) -> &dyn RetryPolicy {
        &BACKOFF
    }
}

/// At the end of a walk: an error if it has found nothing, but something is stored. A share of what is stored would let a
/// small tree be emptied by a source that is merely not mounted.
fn refuse_empty(mirror: Arc<Mirror>, cx: InformContext) -> BoxStream<'static, Result<Entry, InformError>> {
    let check = async move {
        let all_may_go = MISSING_LIMIT.get().is_some_and(|limit| limit.share >= 1.0);
        if mirror.report().counts().seen > 1 || all_may_go {
            return None;
        }
        match stored_entries(&cx).await {
            Ok(0..=1) => None,
            Ok(stored) => Some(Err(InformError::new(format!(
                "{LOOKS_EMPTY}: found nothing in it, expected about {stored} entries"
            )))),
            Err(error) => Some(Err(error.into())),
        }
    };
    stream::once(check).filter_map(async |found| found).boxed()
}

/// How the error about an empty source begins.
pub(crate) const LOOKS_EMPTY: &str = "the source looks empty";

async fn stored_entries(cx: &InformContext) -> Result<u64, Error> {
    let filter = Filter {
        namespaces: Names::one(Name::new(cx.namespace())?),
        kinds: Names::one(Name::new(Entry::KIND)?),
        states: State::KNOWN.into_iter().filter(|state| *state != State::Deleted).collect(),
        ..Filter::default()
    };
    Ok(cx.client().count(&filter).await?.iter().map(|count| count.count).sum())
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::time::Duration;

    use delta::{Client, EventKind, MemoryStore, Notice};
    use tempfile::TempDir;

    use super::*;

    struct Fixture {
        source: TempDir,
        target: TempDir,
        client: Client<MemoryStore>,
    }

    fn fixture() -> Fixture {
        let (source, target) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let mirror = Arc::new(Mirror::open(source.path(), target.path(), Arc::default()).unwrap());
        let entries = Entries::new(mirror, source.path().to_owned());
        let client = Client::builder(MemoryStore::new()).controller(entries).build().unwrap();
        Fixture { source, target, client }
    }

    impl Fixture {
        /// Does something, and works until the resource of `f` rests.
        async fn until_rest(&self, begin: impl Future<Output = Result<(), Error>>) -> Resource<Entry> {
            let mut synced = self.client.subscribe([EventKind::Synced, EventKind::Deleted]);
            begin.await.unwrap();
            let key = Key::new("default", Entry::KIND, "f").unwrap();
            let rest = async {
                while let Some(Notice::Event(_)) = synced.recv().await {
                    let resource = self.client.resource::<Entry>(&key).await.unwrap().unwrap();
                    if matches!(resource.state, State::Synced | State::Deleted) {
                        return resource;
                    }
                }
                panic!("expected another event");
            };
            tokio::time::timeout(Duration::from_mins(1), rest).await.unwrap()
        }
    }

    fn some_file() -> Entry {
        let modified = crate::entry::Moment { seconds: 1, nanos: 0 };
        Entry { path: "f".to_owned(), shape: Shape::File { size: 1, modified, mode: 0o644 } }
    }

    #[tokio::test]
    async fn what_has_vanished_is_told_so_that_it_is_copied_when_it_comes_back() {
        let fixture = fixture();
        fs::write(fixture.target.path().join("f"), "old").unwrap();
        let running = fixture.client.start().await.unwrap();
        let resource = fixture.until_rest(async { fixture.client.inform(some_file()).await.map(|_| ()) }).await;
        assert_eq!((resource.object.shape.clone(), &resource.state), (Shape::Absent, &State::Synced));
        assert!(!fixture.target.path().join("f").exists());
        running.stop().await;
    }

    #[tokio::test]
    async fn what_has_come_back_is_not_deleted() {
        let fixture = fixture();
        fs::write(fixture.source.path().join("f"), "new").unwrap();
        let running = fixture.client.start().await.unwrap();
        let informed = fixture.until_rest(async { fixture.client.inform(some_file()).await.map(|_| ()) }).await;
        assert_ne!(informed.object.shape, some_file().shape);
        let resource = fixture.until_rest(fixture.client.delete(&informed.key)).await;
        assert_eq!((&resource.state, &resource.object), (&State::Synced, &informed.object));
        assert_eq!(fs::read_to_string(fixture.target.path().join("f")).unwrap(), "new");
        running.stop().await;
    }
}

use std::sync::Arc;
use std::time::Duration;

use delta::core::{Depth, Target};
use delta::{
    AnyClient, Client, ClientSettings, Error, ErrorKind, Filter, IdempotencyKey, InformRun, ListQuery, MissingLimit,
    Name, Names, NamespaceSettings, Object as _, ResourceId, ScheduleInform, SqliteStore, State, Timestamp,
};
use delta_examples::{Database, Stopwatch};
use sha2::{Digest as _, Sha256};

use crate::args::Args;
use crate::controller::{Entries, LOOKS_EMPTY};
use crate::entry::{Entry, MISSING_LIMIT, hex};
use crate::failure::Failure;
use crate::mirror::Mirror;
use crate::places::Places;
use crate::progress::Progress;
use crate::report::Report;
use crate::summary::Summary;

/// How long a lease holds: what a killed run had in work is taken over that much later. The lock beside the target makes
/// sure that nobody else is at work on it, so it may be short.
const LEASE: Duration = Duration::from_secs(5);
/// How often the progress is drawn, and whether all is done is asked.
const TICK: Duration = Duration::from_millis(250);
/// For how long a first look waits for the lease of a run that was killed.
const TAKE_OVER: Duration = Duration::from_secs(30);

pub(crate) async fn run(args: &Args, places: &Places) -> Result<(), Failure> {
    match &args.url {
        None => mirror(SqliteStore::open(places.database()).await?, args, places).await,
        Some(url) => match Database::open(url).await? {
            Database::Sqlite(store) => mirror(store, args, places).await,
            Database::Postgres(store) => mirror(store, args, places).await,
        },
    }
}

async fn mirror<S>(store: S, args: &Args, places: &Places) -> Result<(), Failure>
where
    S: delta::core::Browse + delta::Migrate,
{
    store.migrate_to(Target::Latest).await?;
    let limit = MissingLimit { share: args.max_delete, ..MissingLimit::default() };
    MISSING_LIMIT.get_or_init(|| limit);
    let report = Arc::new(Report::default());
    let mirror = Mirror::open(&places.source, &places.target, report.clone())
        .map_err(|error| Failure::usage(&places.target, error))?;
    let namespace = namespace(args, places);
    let client = Client::builder(store)
        .controller(Entries::new(Arc::new(mirror), places.source.clone()))
        .namespace(&namespace, NamespaceSettings::new().max_workers(args.workers))
        .namespaces_only()
        .settings(ClientSettings::new().lease(LEASE).poll_interval(TICK))
        .build()?;
    let filter = Filter {
        namespaces: Names::one(Name::new(&namespace).map_err(Error::from)?),
        kinds: Names::one(Name::new(Entry::KIND).map_err(Error::from)?),
        ..Filter::default()
    };
    if client.count(&filter).await?.is_empty() && !places.target_is_empty()? {
        let expected = "expected an empty directory, or one whose database is still there";
        return Err(Failure::usage(&places.target, expected));
    }

    let watch = Stopwatch::start();
    let running = client.start().await?;
    let session = Session { client: &client, filter: &filter, namespace: &namespace, report: &report };
    let outcome = tokio::select! {
        outcome = session.drive(args) => outcome,
        _ = tokio::signal::ctrl_c() => Err(Failure::Interrupted),
        () = running.stopped() => {
            let error = Error::new(ErrorKind::Corrupt, "mirror", "the client stopped by itself; its log tells why");
            Err(Failure::Database(error))
        }
    };
    running.stop().await;
    let summary = Summary::collect(&client, &filter, &report, watch.elapsed()).await?;
    print!("{summary}");
    match outcome {
        // A watch is ended in this way only, and has done its work.
        Err(Failure::Interrupted) if args.watch && summary.is_complete() => Ok(()),
        Ok(()) if !summary.is_complete() => Err(Failure::Incomplete),
        outcome => outcome,
    }
}

/// In a database of its own, a mirror uses the default namespace; in a shared one, one of its own for each target.
fn namespace(args: &Args, places: &Places) -> String {
    if args.url.is_none() {
        return Name::default_namespace().to_string();
    }
    let target = places.target.as_os_str().as_encoded_bytes();
    format!("mirror-{}", hex(&Sha256::digest(target)[..8]))
}

struct Session<'a> {
    client: &'a AnyClient,
    filter: &'a Filter,
    namespace: &'a str,
    report: &'a Report,
}

impl Session<'_> {
    async fn drive(&self, args: &Args) -> Result<(), Failure> {
        let progress = Progress::new(self.client, self.filter, self.report);
        if args.watch { self.watch(args.interval, &progress).await } else { self.once(&progress).await }
    }

    async fn once(&self, progress: &Progress<'_>) -> Result<(), Failure> {
        let informed = {
            let mut inform = std::pin::pin!(self.look());
            let mut tick = tokio::time::interval(TICK);
            loop {
                tokio::select! {
                    informed = &mut inform => break informed,
                    _ = tick.tick() => progress.draw().await.map(|_| ())?,
                }
            }
        };
        // What could be read is mirrored even if not everything could.
        let mut tick = tokio::time::interval(TICK);
        while progress.draw().await?.is_busy() {
            tick.tick().await;
        }
        progress.finish();
        informed
    }

    async fn watch(&self, interval: Duration, progress: &Progress<'_>) -> Result<(), Failure> {
        let look = async {
            let mut next = tokio::time::interval(interval);
            next.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
            let mut said = None;
            loop {
                next.tick().await;
                match self.look().await {
                    Err(failure @ (Failure::Database(_) | Failure::TooMuchGone(_) | Failure::Unread(_))) => {
                        let failure = failure.to_string();
                        if said.as_ref() != Some(&failure) {
                            progress.say(&format!("mirror: {failure}"));
                        }
                        said = Some(failure);
                    }
                    other => {
                        other?;
                        said = None;
                    }
                }
            }
        };
        let draw = async {
            let mut tick = tokio::time::interval(TICK);
            loop {
                tick.tick().await;
                progress.draw().await?;
            }
        };
        tokio::select! {
            ended = look => ended,
            ended = draw => ended,
        }
    }

    /// Looks at the whole source, and gives what gave up earlier another chance.
    async fn look(&self) -> Result<(), Failure> {
        let began = self.client.server_time().await?;
        let informed = self.inform().await;
        self.retry_given_up(began).await?;
        informed
    }

    async fn inform(&self) -> Result<(), Failure> {
        let waiting = Stopwatch::start();
        let mut tick = tokio::time::interval(TICK);
        loop {
            let request = ScheduleInform::new().namespace(self.namespace).full().run(InformRun::Foreground);
            match self.client.schedule_inform(Entry::KIND, request).await {
                Ok(_) => return Ok(()),
                Err(error) if error.kind() == ErrorKind::Unavailable && waiting.elapsed() < TAKE_OVER => {
                    tick.tick().await;
                }
                Err(error) => return Err(failure(error)),
            }
        }
    }

    /// What is mentioned gets its second chance by that. What is not, and could not be removed, or gave up before it
    /// vanished, would stay as it is.
    async fn retry_given_up(&self, before: Timestamp) -> Result<(), Failure> {
        let filter = Filter { states: vec![State::Degraded], ..self.filter.clone() };
        let mut query = ListQuery { filter, after: ResourceId::default(), limit: 1_000, depth: Depth::Head };
        loop {
            let page = self.client.list(&query).await?;
            let Some(last) = page.last() else { return Ok(()) };
            query.after = last.id;
            for row in page.iter().filter(|row| row.state_since < before) {
                match self.client.retry(&row.key, IdempotencyKey::Keep).await {
                    // It has moved on by itself.
                    Err(error) if error.kind() == ErrorKind::Invalid => {}
                    retried => retried?,
                }
            }
        }
    }
}

fn failure(error: Error) -> Failure {
    let message = error.to_string();
    // The kind of the error does not tell a source that lost too much from any other error of the informer.
    if message.contains(LOOKS_EMPTY) || message.contains("nothing is deleted") {
        Failure::TooMuchGone(format!("{message}; if that is meant, run it with --max-delete 1.0"))
    } else if error.kind() == ErrorKind::Invalid {
        Failure::Unread(format!("{message}; nothing was removed"))
    } else {
        Failure::Database(error)
    }
}

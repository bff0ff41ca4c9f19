//! `delta doctor`

mod consumers;
mod finding;
mod log;

use std::time::Duration;

use clap::Args;
use delta::core::plan::schedule;
use delta::core::{Access, CursorQuery, EventTables, IMPORT_CURSOR, Lane, Scope};
use delta::{AnyClient, Client, Filter, State, Timestamp};

use self::consumers::{Limits, consumers};
use self::finding::{Finding, fine, note, problem, report};
use self::log::log;
use crate::clock;
use crate::commands::import::is_done;
use crate::database::{Database, Hearing, MissingFile, with_store};
use crate::failure::Failure;
use crate::log::{Link, read_age};
use crate::output::{Output, age};

#[derive(Args, Debug)]
pub(crate) struct Arguments {
    /// For how many seconds something may be due, or a lease be over, before that counts as a problem.
    #[arg(long, value_name = "SECONDS", default_value_t = 300)]
    patience: u64,

    /// How old the next event of a consumer may be before that counts as a problem, such as 90s, 30min or 2h.
    #[arg(long, value_name = "AGE", default_value = "30min", value_parser = read_age)]
    lag: Duration,
}

/// A clock may differ from the database's by so much before it is worth a note: leases and times of events are the
/// database's, whatever the machines say.
const CLOCKS: Duration = Duration::from_secs(1);

impl Arguments {
    pub(crate) async fn run(&self, database: &Database, output: &mut Output) -> Result<(), Failure> {
        let store = database.open(MissingFile::Refuse).await?;
        let versions = store.migration_status().await?;
        let newest = versions.iter().filter(|version| version.applied).map(|version| version.version).max();
        drop(store);
        // An error of an unfit schema says what to do.
        let store = database.checked(Hearing::Off).await?;
        let mut findings = vec![fine("schema", format!("version {}", newest.unwrap_or(0)))];
        with_store!(store, |store, _backend| self.examine(store, &mut findings).await)?;
        report(&findings, output)
    }

    async fn examine<S: EventTables>(&self, store: S, findings: &mut Vec<Finding>) -> Result<(), Failure> {
        let client = Client::builder(store.clone()).build()?;
        findings.extend(import(&client).await?);

        let asked = clock::now();
        let now = client.server_time().await?;
        findings.push(clock_difference(asked, now, clock::now()));
        self.resources(&client, now, findings).await?;

        let limits = Limits { patience: Duration::from_secs(self.patience), lag: self.lag };
        let mut conn = store.acquire(Access::Read).await?;
        findings.extend(log(&store, &mut conn, limits.patience).await?);
        let mut link = Link { store: &store, conn: &mut *conn };
        findings.extend(consumers(&mut link, limits, now).await?);
        Ok(())
    }

    /// Whether resources are worked.
    async fn resources(&self, client: &AnyClient, now: Timestamp, findings: &mut Vec<Finding>) -> Result<(), Failure> {
        let overdue = now - Duration::from_secs(self.patience);
        let paused = paused(client).await?;
        let counts = client.count(&Filter::default()).await?;
        let is_paused = |lane: &Lane| {
            paused.contains(&Scope::Kind(lane.kind.clone()))
                || paused.contains(&Scope::Namespace(lane.namespace.clone()))
        };

        let oldest_lease =
            counts.iter().filter_map(|count| Some((count.oldest_lease?, &count.lane))).min_by_key(|(at, _)| *at);
        findings.push(match oldest_lease {
            Some((until, lane)) if until <= overdue => {
                problem("leases", format!("one in {lane} is over for {} and was not rescued", age(now.since(until))))
            }
            Some((until, lane)) if until <= now => {
                note("leases", format!("one in {lane} is over for {}; the leader rescues it", age(now.since(until))))
            }
            _ => fine("leases", "none is over".to_owned()),
        });

        let due = counts.iter().filter(|count| !is_paused(&count.lane));
        let oldest_due = due.filter_map(|count| Some((count.oldest_run_at?, &count.lane))).min_by_key(|(at, _)| *at);
        let waits = oldest_due.filter(|(at, _)| *at <= now);
        findings.push(match waits {
            Some((at, lane)) if at <= overdue => {
                problem("due", format!("one in {lane} is due for {} and was not claimed", age(now.since(at))))
            }
            Some((at, lane)) => fine("due", format!("the oldest, in {lane}, for {}", age(now.since(at)))),
            None => fine("due", "nothing".to_owned()),
        });

        findings.push(leader(client, now, overdue).await?);
        findings.extend(paused.iter().map(|scope| note("paused", scope.to_string())));
        let degraded: u64 = counts.iter().filter(|count| count.state == State::Degraded).map(|count| count.count).sum();
        findings.push(match degraded {
            0 => fine("degraded", "none".to_owned()),
            _ => note(
                "degraded",
                format!("{degraded} resources gave up; `delta resource list --state degraded` shows them"),
            ),
        });
        Ok(())
    }
}

/// The database's time lies between the question and the answer if the clocks agree.
fn clock_difference(asked: Timestamp, server: Timestamp, answered: Timestamp) -> Finding {
    let (ahead, behind) = (server.since(answered), asked.since(server));
    let exact = answered.since(asked);
    match (ahead.max(behind), ahead >= behind) {
        (difference, _) if difference < CLOCKS => {
            fine("clock", format!("agrees with the database's, within {}", age(exact.max(difference))))
        }
        (difference, true) => {
            note("clock", format!("the database's is ahead of this machine's by {}", age(difference)))
        }
        (difference, false) => note("clock", format!("the database's is behind this machine's by {}", age(difference))),
    }
}

async fn paused(client: &AnyClient) -> Result<Vec<Scope>, Failure> {
    let scopes = client.scopes().await?;
    Ok(scopes.into_iter().filter(|record| record.paused).map(|record| record.scope).collect())
}

/// An import that was begun: what it has yet to write is missing.
async fn import(client: &AnyClient) -> Result<Option<Finding>, Failure> {
    let cursors = client.cursors(&CursorQuery::Names(vec![IMPORT_CURSOR.to_owned()])).await?;
    let unfinished = cursors.first().filter(|import| !is_done(import));
    Ok(unfinished
        .map(|_| problem("import", "one was begun and not finished: run it again before any client".to_owned())))
}

/// Who leads. A database that no client has worked on yet has no leader, and needs none.
async fn leader(client: &AnyClient, now: Timestamp, overdue: Timestamp) -> Result<Finding, Failure> {
    let cursors = client.cursors(&CursorQuery::Names(vec![schedule::LEADER.to_owned()])).await?;
    let Some(leader) = cursors.first() else {
        return Ok(note("leader", "there was never one: no client has been started".to_owned()));
    };
    let term = schedule::term(leader);
    Ok(match (leader.holder, leader.lease_until) {
        (Some(owner), Some(until)) if until > now => fine("leader", format!("{owner}, in term {term}")),
        (Some(owner), Some(until)) if until <= overdue => problem(
            "leader",
            format!("{owner} has not been heard of for {}, and nobody took over", age(now.since(until))),
        ),
        (Some(owner), Some(_)) => note("leader", format!("{owner} is late")),
        _ => note("leader", format!("the last one, of term {term}, has stopped, and nobody took over")),
    })
}

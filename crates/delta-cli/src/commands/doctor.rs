use std::time::Duration;

use clap::Args;
use delta::core::plan::schedule;
use delta::core::{CursorQuery, IMPORT_CURSOR, Lane, Scope};
use delta::{AnyClient, EventFilter, EventQuery, Filter, Position, State, Timestamp};
use serde::Serialize;
use serde_json::json;

use crate::clock;
use crate::commands::import::is_done;
use crate::database::{Database, MissingFile};
use crate::failure::Failure;
use crate::output::{Output, age, table};

#[derive(Args, Debug)]
pub(crate) struct Arguments {
    /// For how many seconds something may be due, or a lease be over, before that counts as a problem.
    #[arg(long, value_name = "SECONDS", default_value_t = 300)]
    patience: u64,
}

/// One thing that was looked at.
#[derive(Debug, Serialize)]
struct Finding {
    check: &'static str,
    verdict: Verdict,
    detail: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Verdict {
    /// As it should be.
    Fine,
    /// To be known, but not a problem by itself.
    Note,
    /// A problem.
    Problem,
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
        let client = database.client().await?;
        let mut findings = vec![fine("schema", format!("version {}", newest.unwrap_or(0)))];

        findings.extend(import(&client).await?);

        let asked = clock::now();
        let now = client.server_time().await?;
        findings.push(clock_difference(asked, now, clock::now()));

        let overdue = now - Duration::from_secs(self.patience);
        let paused = paused(&client).await?;
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

        findings.push(leader(&client, now, overdue).await?);
        findings.extend(paused.iter().map(|scope| note("paused", scope.to_string())));
        let degraded: u64 = counts.iter().filter(|count| count.state == State::Degraded).map(|count| count.count).sum();
        findings.push(match degraded {
            0 => fine("degraded", "none".to_owned()),
            _ => note(
                "degraded",
                format!("{degraded} resources gave up; `delta resource list --state degraded` shows them"),
            ),
        });
        findings.extend(log(&client, Duration::from_secs(self.patience)).await?);
        report(&findings, output)
    }
}

fn fine(check: &'static str, detail: String) -> Finding {
    Finding { check, verdict: Verdict::Fine, detail }
}

fn note(check: &'static str, detail: String) -> Finding {
    Finding { check, verdict: Verdict::Note, detail }
}

fn problem(check: &'static str, detail: String) -> Finding {
    Finding { check, verdict: Verdict::Problem, detail }
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

/// Where the log stands, and who holds its readers back.
async fn log(client: &AnyClient, patience: Duration) -> Result<Vec<Finding>, Failure> {
    let query = EventQuery { after: Position::START, limit: 1, filter: EventFilter::default() };
    let page = client.events(&query).await?;
    let mut findings = vec![match page.held_back {
        0 => fine("log", format!("readable up to its end at {}", page.head)),
        held_back => note("log", format!("readable up to {}, {held_back} positions are held back", page.head)),
    }];
    for holder in client.log_holders().await? {
        let detail = format!(
            "the session {} has been in its transaction for {} ({}): {}",
            holder.session,
            age(holder.age),
            holder.activity,
            holder.statement
        );
        findings.push(if holder.age >= patience { problem("log", detail) } else { note("log", detail) });
    }
    Ok(findings)
}

fn report(findings: &[Finding], output: &mut Output) -> Result<(), Failure> {
    let problems = findings.iter().filter(|finding| finding.verdict == Verdict::Problem).count();
    let problems = u64::try_from(problems).unwrap_or(u64::MAX);
    let verdict = |verdict| match verdict {
        Verdict::Fine => "fine",
        Verdict::Note => "note",
        Verdict::Problem => "PROBLEM",
    };
    let rows =
        findings.iter().map(|found| [verdict(found.verdict).to_owned(), found.check.to_owned(), found.detail.clone()]);
    let people = table(["VERDICT", "CHECK", "DETAIL"], rows);
    output.write(people, &json!({ "healthy": problems == 0, "findings": findings }))?;
    if problems == 0 { Ok(()) } else { Err(Failure::Unhealthy(problems)) }
}

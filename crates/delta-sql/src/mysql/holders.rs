use std::cmp::Reverse;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use delta_core::{ErrorKind, LogHolder, Result};
use futures::future::{Either, select};

use super::driver::MysqlDriver;
use super::query::Query;
use super::rows::{Fields, field};
use super::tables::{Tables, first};

pub(super) const OPERATION: &str = "log holders";

/// What the session that waits is told: to give up soon by itself too, should nobody be left to end it.
const PROBE: &str = "SET SESSION max_statement_time = 0.5";

/// How many locks are waited for: each takes a while, and who looks for one culprit is not helped by hundreds.
const MOST: usize = 8;

/// How often to look who has one.
const ROUNDS: i64 = 6;

/// For how long nobody may have asked before the server gathers anew what it tells of transactions, in milliseconds.
const STALE: i64 = 105;

/// How long others may come to wait behind the session that waits, in milliseconds.
const MOMENT: i64 = 20;

/// A lock that keeps readers from going further, because somebody has a share of it.
#[derive(Debug)]
pub(super) struct Held {
    /// Which lock.
    pub(super) key: i64,
    /// After which position readers are held back by it.
    pub(super) after: i64,
    /// Since when that is so, about.
    pub(super) since: Duration,
    /// Since when at least whoever has a share is there.
    pub(super) at_least: Duration,
}

/// Who has a share of a lock.
#[derive(Debug)]
struct Blocker {
    connection: i64,
    /// Given out in ascending order.
    transaction: i64,
    holder: LogHolder,
}

impl<D: MysqlDriver> Tables<D> {
    /// Names who has shares of locks, the oldest first, as far as the server tells this account. `wait` waits for one of them,
    /// by its key.
    ///
    /// A server tells who waits for whom, and nothing of locks that nobody waits for. So a session of its own waits for
    /// each, until this one has seen for whom.
    pub(super) async fn name_holders(
        &self,
        conn: &mut D::Conn,
        wait: &Arc<str>,
        held: Vec<Held>,
    ) -> Result<Vec<LogHolder>> {
        if held.is_empty() {
            return Ok(Vec::new());
        }
        match self.fetch(conn, Query::new(&self.sql().may_look), OPERATION).await {
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::Unsupported => {
                return Ok(held.iter().map(|held| unknown(held, "; grant PROCESS to name the session")).collect());
            }
            Err(error) => return Err(error),
        }
        let mut probe = self.driver().aside(OPERATION).await?;
        if self.driver().script(&mut probe, PROBE, OPERATION).await.is_err() {
            return Ok(held.iter().map(|held| unknown(held, "")).collect());
        }
        let rows = self.fetch(&mut probe, Query::new(&self.sql().connection), OPERATION).await?;
        let number: i64 = field(first(&rows, OPERATION)?, 0, OPERATION)?;
        let (mut named, mut others): (Vec<Blocker>, Vec<LogHolder>) = Default::default();
        for (turn, held) in held.iter().enumerate() {
            if turn >= MOST {
                others.push(unknown(held, ""));
                continue;
            }
            for blocker in self.blockers(conn, &mut probe, number, wait, held).await? {
                // One transaction may have shares of several.
                match named.iter_mut().find(|known| known.connection == blocker.connection) {
                    Some(known) => known.holder.age = known.holder.age.max(blocker.holder.age),
                    None => named.push(blocker),
                }
            }
        }
        named.sort_by_key(|blocker| (Reverse(blocker.holder.age), blocker.transaction));
        Ok(named.into_iter().map(|blocker| blocker.holder).chain(others).collect())
    }

    /// Looks who has a lock.
    ///
    /// The server gathers what it tells anew only where nobody at all has asked for a while, so before each look this one
    /// asks for nothing, for longer each time. It does so before it waits for the lock: others come to wait behind.
    async fn blockers(
        &self,
        conn: &mut D::Conn,
        probe: &mut D::Conn,
        number: i64,
        wait: &Arc<str>,
        held: &Held,
    ) -> Result<Vec<Blocker>> {
        for round in 0..ROUNDS {
            self.pause(conn, silence(number, round)).await?;
            let query = Query::new(wait).bind(held.key);
            if let Some(found) = self.wait_and_look(conn, probe, number, query, held, round).await? {
                return Ok(found);
            }
        }
        let holder = unknown(held, "");
        Ok(vec![Blocker { connection: -1 - held.key, transaction: i64::MAX, holder }])
    }

    /// Has the probe wait for a lock, and looks for whom. Answers nothing if the server told nothing of that.
    async fn wait_and_look(
        &self,
        conn: &mut D::Conn,
        probe: &mut D::Conn,
        number: i64,
        wait: Query<'_>,
        held: &Held,
        round: i64,
    ) -> Result<Option<Vec<Blocker>>> {
        let had = AtomicBool::new(false);
        let waiting = pin!(async {
            let had_it = self.fetch(probe, wait, OPERATION).await.is_ok();
            had.store(had_it, Ordering::Release);
        });
        let looking = pin!(async {
            let found = self.look(conn, number, held, round).await;
            if !had.load(Ordering::Acquire) {
                // Who waits behind the probe goes on at once.
                let _ = self.driver().script(conn, &format!("KILL QUERY {number}"), OPERATION).await;
            }
            found
        });
        let found = match select(waiting, looking).await {
            Either::Left(((), looking)) => looking.await,
            Either::Right((found, waiting)) => {
                waiting.await;
                found
            }
        }?;
        Ok((!found.is_empty() || had.load(Ordering::Acquire)).then_some(found))
    }

    async fn look(&self, conn: &mut D::Conn, number: i64, held: &Held, round: i64) -> Result<Vec<Blocker>> {
        self.pause(conn, MOMENT * (1 + round)).await?;
        let query = Query::new(&self.sql().blockers).bind(number).bind(held.key);
        self.fetch(conn, query, OPERATION).await?.iter().map(|row| read(row, held)).collect()
    }

    async fn pause(&self, conn: &mut D::Conn, milliseconds: i64) -> Result<()> {
        self.fetch(conn, Query::new(&self.sql().pause).bind(milliseconds), OPERATION).await?;
        Ok(())
    }
}

/// How long to ask for nothing before a look, in milliseconds: for each session another time in each round, or some that look
/// at once would keep the server from ever gathering anything.
fn silence(number: i64, round: i64) -> i64 {
    STALE + (number * 31 + round * 47).rem_euclid(40 * (1 + round))
}

fn read<R: crate::driver::Row>(row: &R, held: &Held) -> Result<Blocker> {
    let mut fields = Fields::new(row, OPERATION);
    let (connection, transaction, age): (i64, i64, Option<i64>) = (fields.take()?, fields.take()?, fields.take()?);
    let age = Duration::from_secs(age.and_then(|age| u64::try_from(age).ok()).unwrap_or(0));
    let statement: Option<String> = fields.take()?;
    let mut text = || -> Result<&str> { Ok(fields.take::<Option<&str>>()?.unwrap_or_default()) };
    let (user, host, command, state) = (text()?, text()?, text()?, text()?);
    let activity = if statement.is_some() { state.to_owned() } else { format!("idle in its transaction ({command})") };
    let holder = LogHolder {
        session: connection.to_string(),
        age: age.max(held.at_least),
        statement: statement.unwrap_or_default(),
        activity: format!("{activity}; {user} from {host}"),
    };
    Ok(Blocker { connection, transaction, holder })
}

/// What is told where the server does not say who it is.
fn unknown(held: &Held, hint: &str) -> LogHolder {
    LogHolder {
        session: format!("unknown, with events after position {}", held.after),
        age: held.since,
        statement: String::new(),
        activity: format!("has appended, and not ended{hint}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_look_is_after_a_silence_and_no_two_sessions_keep_step() {
        for round in 0..ROUNDS {
            for number in 0..100 {
                assert!((STALE..STALE + 40 * (1 + round)).contains(&silence(number, round)));
                assert_ne!(silence(number, round), silence(number + 1, round));
            }
        }
    }
}

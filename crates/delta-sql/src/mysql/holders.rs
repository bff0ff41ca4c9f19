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
    pub(super) looks: Looks,
}

/// How long somebody may wait for a lock to see who has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Looks {
    /// For a moment: others may come to wait behind.
    One,
    /// Nobody else wants it any more.
    Several,
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
            let query = Query::new(wait).bind(held.key);
            for blocker in self.blockers(conn, &mut probe, number, query, held).await? {
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

    /// Has the probe wait for a lock, and looks for whom.
    async fn blockers(
        &self,
        conn: &mut D::Conn,
        probe: &mut D::Conn,
        number: i64,
        wait: Query<'_>,
        held: &Held,
    ) -> Result<Vec<Blocker>> {
        let had = AtomicBool::new(false);
        let waiting = pin!(async {
            let had_it = self.fetch(probe, wait, OPERATION).await.is_ok();
            had.store(had_it, Ordering::Release);
        });
        let looking = pin!(async {
            let found = self.look(conn, number, held, &had).await;
            // Who waits behind the probe goes on at once.
            let _ = self.driver().script(conn, &format!("KILL QUERY {number}"), OPERATION).await;
            found
        });
        match select(waiting, looking).await {
            Either::Left(((), looking)) => looking.await,
            Either::Right((found, waiting)) => {
                waiting.await;
                found
            }
        }
    }

    async fn look(&self, conn: &mut D::Conn, number: i64, held: &Held, had: &AtomicBool) -> Result<Vec<Blocker>> {
        let looks = match held.looks {
            Looks::One => 1,
            Looks::Several => 3,
        };
        for look in 0..looks {
            // What the server tells of transactions it gathers anew only where nobody has asked for a tenth of a second.
            let pause: i64 = if look == 0 && held.looks == Looks::One { 20 } else { 105 };
            self.fetch(conn, Query::new(&self.sql().pause).bind(pause), OPERATION).await?;
            let rows = self.fetch(conn, Query::new(&self.sql().blockers).bind(number), OPERATION).await?;
            if !rows.is_empty() {
                return rows.iter().map(|row| read(row, held)).collect();
            }
            if had.load(Ordering::Acquire) {
                return Ok(Vec::new());
            }
        }
        let holder = unknown(held, "");
        Ok(vec![Blocker { connection: -1 - held.key, transaction: i64::MAX, holder }])
    }
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

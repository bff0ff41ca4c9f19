use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use delta_core::{
    Access, Browse, Capabilities, Changeset, ClaimRequest, Claimed, Cursor, CursorQuery, DueQuery, Error, ErrorKind,
    EventPage, EventQuery, Filter, Lane, LaneQuery, ListQuery, Load, LogHolder, Processes, Receipt, Resource, Result,
    ScopeRecord, StateCount, Store, Timestamp, WakeUpSignal, WakeupReach, Wakeups, Writers,
};
use redb::{Database, ReadTransaction};
use tokio::sync::Mutex;

use crate::conn::{RedbConn, invalid};
use crate::errors::Failure;
use crate::read::{Read, Scopes};
use crate::tables::NUMBERS;
use crate::write::Tables;

/// The version of the tables that this program reads and writes.
const VERSION: i64 = 1;
/// How long a writer waits for its turn.
const PATIENCE: Duration = Duration::from_secs(30);

/// A store in a file of redb. Clones share it; it is closed with the last of them and of their connections.
#[derive(Clone, Debug)]
pub struct RedbStore {
    database: Arc<Database>,
    writer: Arc<Mutex<()>>,
}

impl RedbStore {
    /// Opens the file, and makes it if it is not there.
    ///
    /// # Errors
    ///
    /// `Unavailable` if a process has it open already.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let database = open(path.as_ref()).map_err(|failure| failure.during("open"))?;
        Ok(Self { database: Arc::new(database), writer: Arc::default() })
    }
}

fn open(path: &Path) -> Result<Database, Failure> {
    let database = Database::create(path)?;
    let tx = database.begin_write()?;
    if tx.list_tables()?.next().is_none() {
        Tables::open(&tx)?.numbers.insert("version", VERSION)?;
        tx.commit()?;
    }
    Ok(database)
}

impl Store for RedbStore {
    type Conn = RedbConn;
    type Guard = Box<RedbConn>;

    fn capabilities(&self) -> Capabilities {
        Capabilities { wakeups: WakeupReach::None, processes: Processes::One, writers: Writers::One }
    }

    fn wakeups(&self) -> Option<Wakeups> {
        None
    }

    async fn wake(&self, _signals: &[WakeUpSignal]) {}

    async fn acquire(&self, access: Access) -> Result<Box<RedbConn>> {
        let turn = match access {
            Access::Read => None,
            Access::Write => {
                let turn = tokio::time::timeout(PATIENCE, self.writer.clone().lock_owned()).await;
                let what = format!("expected a turn to write within {PATIENCE:?}, found another writer at work");
                Some(turn.map_err(|_| Error::new(ErrorKind::Unavailable, "acquire", what))?)
            }
        };
        Ok(Box::new(RedbConn::new(self.database.clone(), turn)))
    }

    fn discard(&self, guard: Box<RedbConn>) {
        drop(guard);
    }

    async fn check(&self, conn: &mut RedbConn) -> Result<()> {
        let version = |from: &ReadTransaction| Ok(from.open_table(NUMBERS)?.get("version")?.map(|it| it.value()));
        let found = conn.committed("check", version)?;
        if found == Some(VERSION) {
            return Ok(());
        }
        let found = found.map_or("none".to_owned(), |found| found.to_string());
        let what = format!("expected tables of version {VERSION}, found {found}: use a program of that version");
        Err(Error::new(ErrorKind::Unsupported, "check", what))
    }

    #[expect(clippy::disallowed_methods, reason = "the database has no clock but the machine's")]
    async fn now(&self, _conn: &mut RedbConn) -> Result<Timestamp> {
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        since.map(|since| Timestamp::EPOCH + since).map_err(|error| Error::new(ErrorKind::Unavailable, "now", error))
    }

    async fn load(&self, conn: &mut RedbConn, query: &Load) -> Result<Vec<Resource>> {
        if query.access == Access::Write && !conn.is_in_transaction() {
            return Err(invalid("load", "expected a transaction to lock rows in, found none"));
        }
        // A transaction here is the only writer there is: what it reads stays as it is without any lock.
        conn.read("load", query)
    }

    async fn commit(&self, conn: &mut RedbConn, changes: &Changeset) -> Result<Receipt> {
        changes.check("commit")?;
        conn.write("commit", |tx| Tables::open(tx)?.apply(changes))
    }

    async fn claim(&self, conn: &mut RedbConn, finished: &Changeset, request: &ClaimRequest) -> Result<Claimed> {
        if conn.is_in_transaction() {
            return Err(invalid("claim", "expected a connection that is not in a transaction, found one that is"));
        }
        finished.check("claim")?;
        request.check("claim")?;
        conn.write("claim", |tx| {
            let mut tables = Tables::open(tx)?;
            Ok(Claimed { receipt: tables.apply(finished)?, resources: tables.claim(request)? })
        })
    }

    async fn lanes(&self, conn: &mut RedbConn, query: &LaneQuery) -> Result<Vec<Lane>> {
        conn.read("lanes", query)
    }

    async fn due(&self, conn: &mut RedbConn, query: &DueQuery) -> Result<Vec<Resource>> {
        conn.read("due", query)
    }

    async fn events(&self, conn: &mut RedbConn, query: &EventQuery) -> Result<EventPage> {
        conn.committed("events", |from| query.read(from))
    }

    async fn cursors(&self, conn: &mut RedbConn, query: &CursorQuery) -> Result<Vec<Cursor>> {
        conn.read("cursors", query)
    }

    async fn scopes(&self, conn: &mut RedbConn) -> Result<Vec<ScopeRecord>> {
        conn.read("scopes", &Scopes)
    }
}

impl Browse for RedbStore {
    async fn list(&self, conn: &mut RedbConn, query: &ListQuery) -> Result<Vec<Resource>> {
        conn.read("list", query)
    }

    async fn count(&self, conn: &mut RedbConn, filter: &Filter) -> Result<Vec<StateCount>> {
        conn.read("count", filter)
    }

    async fn log_holders(&self, _conn: &mut RedbConn) -> Result<Vec<LogHolder>> {
        Ok(Vec::new())
    }
}

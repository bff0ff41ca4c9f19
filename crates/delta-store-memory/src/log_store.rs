use delta_core::{
    Access, DeadLetter, DeadLetterQuery, DeadLetterStatus, Error, ErrorKind, ErrorTable, LogName, LogStore, Position,
    Result, Timestamp, Trimmed,
};

use crate::conn::{MemoryConn, Mode};
use crate::letters::{self, Mark};
use crate::store::MemoryStore;
use crate::tables::DEAD_LETTERS;
use crate::trim;

impl LogStore for MemoryStore {
    async fn begin_tx(&self, conn: &mut MemoryConn) -> Result<()> {
        let conn = self.own(conn)?;
        conn.usable("begin", Access::Write)?;
        if conn.is_in_transaction() {
            let what = "expected a connection that is not in a transaction, found one that is";
            return Err(Error::new(ErrorKind::Invalid, "begin", what));
        }
        conn.begin();
        Ok(())
    }

    async fn commit_tx(&self, conn: &mut MemoryConn) -> Result<()> {
        let conn = self.own(conn)?;
        in_transaction(conn, "commit")?;
        conn.commit()
    }

    async fn rollback_tx(&self, conn: &mut MemoryConn) -> Result<()> {
        let conn = self.own(conn)?;
        in_transaction(conn, "roll back")?;
        conn.roll_back(Mode::Auto);
        Ok(())
    }

    async fn trimmed(&self, conn: &mut MemoryConn) -> Result<Position> {
        self.own(conn)?.read("trimmed", |view| trim::mark(view, &LogName::own()))?
    }

    async fn trim(&self, conn: &mut MemoryConn, up_to: Position, limit: u32) -> Result<Trimmed> {
        let conn = self.own(conn)?;
        conn.usable("trim", Access::Write)?;
        let log = LogName::own();
        self.write(conn, |db, work| trim::trim(db, work, &log, |db| Ok((&db.log, db.log.head())), up_to, limit)).await?
    }

    fn dead_letter_table(&self) -> ErrorTable {
        ErrorTable::own(DEAD_LETTERS)
    }

    async fn put_dead_letter(&self, conn: &mut MemoryConn, table: &ErrorTable, letter: &DeadLetter) -> Result<i64> {
        let conn = self.own(conn)?;
        conn.usable("put a dead letter", Access::Write)?;
        table.check()?;
        self.write(conn, |db, work| letters::put(db, work, table, letter)).await?
    }

    async fn dead_letters(
        &self,
        conn: &mut MemoryConn,
        table: &ErrorTable,
        query: &DeadLetterQuery,
    ) -> Result<Vec<DeadLetter>> {
        table.check()?;
        self.own(conn)?.read("dead letters", |view| letters::list(view, table, query))?
    }

    async fn mark_dead_letters(
        &self,
        conn: &mut MemoryConn,
        table: &ErrorTable,
        ids: &[i64],
        from: &[DeadLetterStatus],
        to: DeadLetterStatus,
        now: Timestamp,
    ) -> Result<u64> {
        let conn = self.own(conn)?;
        conn.usable("mark dead letters", Access::Write)?;
        table.check()?;
        let mark = Mark { ids, from, to, now };
        self.write(conn, |db, work| letters::mark(db, work, table, &mark)).await?
    }
}

fn in_transaction(conn: &MemoryConn, operation: &'static str) -> Result<()> {
    if conn.is_in_transaction() {
        return Ok(());
    }
    let what = "expected a connection that is in a transaction, found one that is not";
    Err(Error::new(ErrorKind::Invalid, operation, what))
}

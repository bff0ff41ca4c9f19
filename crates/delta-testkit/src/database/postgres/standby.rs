use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;

use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Executor};

use super::super::account::Account;
use super::super::blocking::blocking;
use super::super::daemon::Daemon;
use super::super::poll::{PATIENCE, poll};
use super::super::sandbox::Sandbox;
use super::super::url::Server;
use super::super::{DatabaseError, PostgresServer, ServerKind};
use super::admin::Admin;
use super::initialise::DATA;
use super::launch::Launch;
use super::programs::Programs;
use super::server::ACCOUNTS;

/// Whether a primary waits for its standby.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Replication {
    /// A commit is acknowledged once the standby has it too, as `synchronous_commit` of the primary says: on its disk by
    /// default. While the standby is gone, none is.
    Synchronous,
    /// A commit is acknowledged at once. The standby has it soon, if nothing happens before.
    Asynchronous,
}

/// What a standby calls itself.
const NAME: &str = "delta_standby";

impl PostgresServer {
    /// Starts a streaming standby of this server, with settings as for [`start_private`](Self::start_private), in front of
    /// which come this server's own. It answers readers, and gets its own URL with the same user and password.
    ///
    /// Returns once it streams, and with [`Replication::Synchronous`] once every commit waits for it. Then, and only then,
    /// what was acknowledged here is there after [`promote`](Self::promote).
    ///
    /// # Assumptions
    ///
    /// One standby of a server at a time. Where a wait for the standby is cancelled, by `statement_timeout` or by hand,
    /// Postgres acknowledges what only the primary has: nothing that is to survive a failover may be written so.
    ///
    /// # Errors
    ///
    /// [`DatabaseError::Program`] if the copy or the server fails; [`DatabaseError::Statement`] if this server is stopped.
    ///
    /// # Cancel safety
    ///
    /// A dropped call ends what it has started, or lets a synchronous standby end, for which this server waits then.
    pub async fn standby(&self, replication: Replication, settings: &[(&str, &str)]) -> Result<Self, DatabaseError> {
        let launch = self.daemon.launch();
        let programs = launch.programs.clone();
        let mut all = launch.settings.clone();
        all.extend(settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let primary = self.url.clone();
        blocking(move || {
            let standby = Self::follow(primary, programs, all)?;
            let primary = standby.primary()?;
            if replication == Replication::Synchronous {
                primary.run("ask for a synchronous standby", async |conn| {
                    let named = format!("ALTER SYSTEM SET synchronous_standby_names = '{NAME}'");
                    conn.execute(AssertSqlSafe(named)).await?;
                    conn.execute("SELECT pg_reload_conf()").await
                })?;
            }
            let expected = if replication == Replication::Synchronous { "sync" } else { "async" };
            standby.wait("its primary streams to it", &primary, async |conn| {
                let state = sqlx::query_scalar::<_, String>(
                    "SELECT sync_state FROM pg_stat_replication WHERE application_name = $1 AND state = 'streaming'",
                );
                Ok(state.bind(NAME).fetch_optional(conn).await?.as_deref() == Some(expected))
            })?;
            if replication == Replication::Synchronous {
                // The checkpointer tells the sessions to wait for the standby, and it reads its settings before each turn.
                primary.run("have commits wait", async |conn| {
                    conn.execute("CHECKPOINT").await?;
                    conn.execute("CHECKPOINT").await
                })?;
            }
            Ok(standby)
        })
        .await
    }

    /// Waits until this standby has applied all that its primary has written so far.
    ///
    /// # Errors
    ///
    /// [`DatabaseError::Program`] if it has not within two minutes, or if it is no standby.
    ///
    /// # Cancel safety
    ///
    /// A dropped call does nothing.
    pub async fn caught_up(&self) -> Result<(), DatabaseError> {
        let standby = self.again();
        blocking(move || {
            let written: String = standby.primary()?.run("ask how far it has written", async |conn| {
                sqlx::query_scalar("SELECT pg_current_wal_lsn()::text").fetch_one(conn).await
            })?;
            standby.wait("it has applied all", &Admin { url: &standby.url }, async |conn| {
                let applied = sqlx::query_scalar("SELECT pg_last_wal_replay_lsn() >= $1::pg_lsn");
                applied.bind(&written).fetch_one(conn).await
            })
        })
        .await
    }

    /// Has this standby take nothing more from its primary, which does not notice at once: as if the network between the
    /// two were gone. What the primary commits from now on is not here after a [`promote`](Self::promote).
    ///
    /// # Errors
    ///
    /// As [`caught_up`](Self::caught_up).
    ///
    /// # Cancel safety
    ///
    /// A dropped call does it all the same.
    pub async fn detach(&self) -> Result<(), DatabaseError> {
        let standby = self.again();
        blocking(move || {
            let admin = Admin { url: &standby.url };
            admin.run("cut it off from its primary", async |conn| {
                conn.execute("ALTER SYSTEM SET primary_conninfo = ''").await?;
                conn.execute("SELECT pg_reload_conf()").await
            })?;
            standby.wait("it receives nothing", &admin, async |conn| {
                sqlx::query_scalar("SELECT NOT EXISTS (SELECT FROM pg_stat_wal_receiver)").fetch_one(conn).await
            })
        })
        .await
    }

    /// Makes this standby a server that takes writes, with all that it has received. Returns when it takes them.
    ///
    /// What becomes of the old primary is the caller's: [`kill9`](Self::kill9) it, or see that nobody is led to it any more.
    ///
    /// # Errors
    ///
    /// As [`caught_up`](Self::caught_up).
    ///
    /// # Cancel safety
    ///
    /// A dropped call promotes it all the same.
    pub async fn promote(&self) -> Result<(), DatabaseError> {
        let standby = self.again();
        blocking(move || {
            let admin = Admin { url: &standby.url };
            admin.run("promote it", async |conn| conn.execute("SELECT pg_promote(false)").await)?;
            standby.wait("it takes writes", &admin, async |conn| {
                sqlx::query_scalar("SELECT NOT pg_is_in_recovery()").fetch_one(conn).await
            })
        })
        .await
    }

    fn follow(primary: String, programs: Programs, settings: Vec<(String, String)>) -> Result<Self, DatabaseError> {
        let of_primary = Server::parse(ServerKind::Postgres, &primary)?;
        let account = Account::find(&ACCOUNTS)?;
        let sandbox = Sandbox::create("delta-postgres-", account)?;
        copy(&sandbox, account, &programs, &of_primary)?;
        let daemon = Daemon::start(Launch { programs, settings }, sandbox)?;
        let url = format!("postgres://{}@127.0.0.1:{}/postgres", of_primary.credentials, daemon.port());
        Ok(Self { daemon: Arc::new(daemon), url, primary: Some(primary) })
    }

    /// The same server.
    fn again(&self) -> Self {
        Self { daemon: Arc::clone(&self.daemon), url: self.url.clone(), primary: self.primary.clone() }
    }

    fn primary(&self) -> Result<Admin<'_>, DatabaseError> {
        let url = self.primary.as_deref().ok_or_else(|| self.is_not("expected a standby, found no primary of it"))?;
        Ok(Admin { url })
    }

    /// Waits until a server says so.
    fn wait(
        &self,
        until: &str,
        asked: &Admin<'_>,
        check: impl AsyncFn(&mut PgConnection) -> Result<bool, sqlx::Error> + Send + Sync,
    ) -> Result<(), DatabaseError> {
        let found = poll(PATIENCE, || {
            let met = asked.run(until, async |conn| check(conn).await)?;
            Ok(met.then_some(()))
        })?;
        found.ok_or_else(|| self.is_not(&format!("waited for {PATIENCE:?} until {until}, in vain")))
    }

    fn is_not(&self, outcome: &str) -> DatabaseError {
        let program = self.daemon.launch().programs.path("postgres");
        DatabaseError::Program { program, outcome: outcome.to_owned(), log: String::new() }
    }
}

/// Copies a running server into a new data folder, which is that of a standby then.
fn copy(sandbox: &Sandbox, account: Account, programs: &Programs, primary: &Server) -> Result<(), DatabaseError> {
    let Server { host, port, user, password, .. } = primary;
    let file = sandbox.path().join("passwords");
    fs::write(&file, format!("*:*:*:*:{password}\n")).map_err(DatabaseError::io("write a password"))?;
    fs::set_permissions(&file, Permissions::from_mode(0o600)).map_err(DatabaseError::io("hide a password"))?;
    account.give(&file)?;
    let file = file.display();
    let connection = format!("host={host} port={port} user={user} passfile={file} application_name={NAME}");
    let data = sandbox.path().join(DATA).display().to_string();
    let arguments = ["-D", &data, "-d", &connection, "--checkpoint=fast", "--write-recovery-conf", "--no-sync"];
    let mut process = sandbox.spawn("pg_basebackup", &programs.path("pg_basebackup"), &arguments.map(str::to_owned))?;
    let status = process.wait(PATIENCE)?;
    if status.success() { Ok(()) } else { Err(process.failed(format!("failed ({status})"))) }
}

use std::time::Duration;

use sqlx::{Connection as _, MySqlConnection, PgConnection};

use super::processes;
use crate::clock::sleep;
use crate::failure::Failure;
use crate::server::{Backend, Place};

/// A connection to a server, and what it says of what was done.
#[derive(Debug)]
pub(super) enum Server {
    Postgres {
        conn: PgConnection,
        process: Option<u32>,
    },
    MariaDb {
        conn: MySqlConnection,
        process: Option<u32>,
    },
    /// Nothing but this process.
    None,
}

/// What a server has counted since it started.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counters {
    pub(super) commits: Option<f64>,
    pub(super) dead_rows: Option<f64>,
}

impl Server {
    pub(super) async fn connect(place: &Place) -> Result<Self, Failure> {
        Ok(match place.backend() {
            Backend::SqlxPostgres | Backend::DieselPostgres => Self::postgres(place.url()).await?,
            Backend::SqlxMysql | Backend::DieselMysql => {
                let mut conn = MySqlConnection::connect(place.url()).await?;
                let file: String =
                    sqlx::query_scalar("SELECT CONVERT(@@pid_file USING utf8mb4)").fetch_one(&mut conn).await?;
                let process = std::fs::read_to_string(file).ok().and_then(|text| text.trim().parse().ok());
                Self::MariaDb { conn, process }
            }
            Backend::SqlxSqlite | Backend::Memory => Self::None,
        })
    }

    pub(super) async fn postgres(url: &str) -> Result<Self, Failure> {
        let mut conn = PgConnection::connect(url).await?;
        let own: i32 = sqlx::query_scalar("SELECT pg_backend_pid()").fetch_one(&mut conn).await?;
        let process = u32::try_from(own).ok().and_then(processes::parent);
        Ok(Self::Postgres { conn, process })
    }

    /// The first of its processes.
    pub(super) fn process(&self) -> Option<u32> {
        match self {
            Self::Postgres { process, .. } | Self::MariaDb { process, .. } => *process,
            Self::None => None,
        }
    }

    /// What it has counted. Sessions of Postgres tell what they did when they end.
    pub(super) async fn counters(&mut self) -> Result<Counters, Failure> {
        match self {
            Self::Postgres { conn, .. } => {
                let (commits, dead): (f64, f64) = sqlx::query_as(
                    "SELECT (SELECT xact_commit::float8 FROM pg_stat_database WHERE datname = current_database()), \
                     (SELECT coalesce(sum(n_tup_upd + n_tup_del), 0)::float8 FROM pg_stat_user_tables)",
                )
                .fetch_one(conn)
                .await?;
                Ok(Counters { commits: Some(commits), dead_rows: Some(dead) })
            }
            Self::MariaDb { .. } | Self::None => Ok(Counters::default()),
        }
    }

    /// Bytes written ahead.
    pub(super) async fn wal_bytes(&mut self) -> Result<Option<f64>, Failure> {
        match self {
            Self::Postgres { conn, .. } => {
                let bytes = sqlx::query_scalar("SELECT (pg_current_wal_insert_lsn() - '0/0')::float8");
                Ok(Some(bytes.fetch_one(conn).await?))
            }
            Self::MariaDb { conn, .. } => {
                let found: Option<(String, String)> =
                    sqlx::query_as("SHOW GLOBAL STATUS LIKE 'Innodb_os_log_written'").fetch_optional(conn).await?;
                Ok(found.and_then(|(_, bytes)| bytes.parse().ok()))
            }
            Self::None => Ok(None),
        }
    }

    /// Waits until no other session of the database is left, for a moment at most.
    pub(super) async fn alone(&mut self) -> Result<(), Failure> {
        let Self::Postgres { conn, .. } = self else { return Ok(()) };
        for _ in 0..100 {
            let others: i64 = sqlx::query_scalar(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() \
                 AND pid <> pg_backend_pid() AND backend_type = 'client backend'",
            )
            .fetch_one(&mut *conn)
            .await?;
            if others == 0 {
                break;
            }
            sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    }
}

//! The database as it is seen from beside the engine: by a connection of its own.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, NoTls};

use crate::engine::About;

/// A connection that prepares the database, and asks it what is finished.
#[derive(Debug)]
pub(crate) struct Server {
    client: Client,
}

impl Server {
    /// How long to wait between two looks at the engine's tables.
    pub(crate) const LOOK: Duration = Duration::from_millis(2);

    /// Connects.
    pub(crate) async fn connect(url: &str) -> Result<Self> {
        let (client, connection) = tokio_postgres::connect(url, NoTls).await.context("cannot reach the database")?;
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::error!(%error, "the connection that watches has ended");
            }
        });
        Ok(Self { client })
    }

    /// Drops what an earlier run of the engine left.
    pub(crate) async fn clean(&self, about: &About) -> Result<()> {
        if let Some(schema) = about.schema {
            self.client.batch_execute(&format!("drop schema if exists {schema} cascade")).await?;
        }
        Ok(())
    }

    /// Fresh statistics after a bulk load, and a checkpoint that is due behind it: without them some engines alternate
    /// between fast and slow plans, and one run pays for the load of another.
    pub(crate) async fn settle(&self) -> Result<()> {
        self.client.batch_execute("analyze").await?;
        self.client.batch_execute("checkpoint").await?;
        Ok(())
    }

    /// Waits until nothing of so many items is unfinished in the engine's own tables.
    pub(crate) async fn finished(&self, about: &About, enqueued: usize) -> Result<()> {
        while self.unfinished(about, enqueued).await? {
            tokio::time::sleep(Self::LOOK).await;
        }
        Ok(())
    }

    /// Fails unless something is unfinished: what was enqueued is there, and the question finds it.
    pub(crate) async fn loaded(&self, about: &About, enqueued: usize) -> Result<()> {
        let unfinished = self.unfinished(about, enqueued).await?;
        ensure!(unfinished, "expected unfinished items of {} after enqueuing, found none", about.name);
        Ok(())
    }

    async fn unfinished(&self, about: &About, enqueued: usize) -> Result<bool> {
        let question = self.client.prepare(about.unfinished).await?;
        let enqueued = i64::try_from(enqueued)?;
        let parameters: &[&(dyn ToSql + Sync)] = if question.params().is_empty() { &[] } else { &[&enqueued] };
        Ok(self.client.query_one(&question, parameters).await?.try_get(0)?)
    }

    /// Position in the write-ahead log, in bytes.
    pub(crate) async fn wal(&self) -> Result<i64> {
        let row = self.client.query_one("select (pg_current_wal_insert_lsn() - '0/0')::bigint", &[]).await?;
        Ok(row.try_get(0)?)
    }
}

use delta_core::{Error, ErrorKind, Result};
use delta_sql::postgres::Listening;
use sqlx::postgres::{PgListener, PgPool, PgPoolOptions};

use super::errors::during;

/// A connection that listens for wake-ups.
pub(super) struct Listener(PgListener);

impl Listener {
    pub(super) async fn open(pool: &PgPool, channel: &str) -> Result<Self> {
        let own = PgPoolOptions::new().max_connections(1).max_lifetime(None).idle_timeout(None);
        let own = own.connect_with((*pool.connect_options()).clone()).await.map_err(during("listen"))?;
        let mut listener = PgListener::connect_with(&own).await.map_err(during("listen"))?;
        // This one does not hide that a connection was lost.
        listener.eager_reconnect(false);
        listener.listen(channel).await.map_err(during("listen"))?;
        Ok(Self(listener))
    }
}

impl Listening for Listener {
    async fn notified(&mut self) -> Result<String> {
        match self.0.try_recv().await.map_err(during("listen"))? {
            Some(notification) => Ok(notification.payload().to_owned()),
            None => Err(Error::new(ErrorKind::Unavailable, "listen", "the connection was lost")),
        }
    }

    async fn ping(&mut self) -> Result<()> {
        sqlx::raw_sql("").execute(&mut self.0).await.map_err(during("listen"))?;
        Ok(())
    }
}

use std::sync::Arc;

use delta_core::Result;
use diesel_async::AsyncMysqlConnection;
use mysql_async::{Conn, Opts};

use super::errors::{connect_error, setup_error};

/// Makes connections to one database.
#[derive(Clone)]
pub(super) struct Connector {
    pub(super) opts: Opts,
    /// As it was given. Never shown, for it may hold a password.
    pub(super) url: Arc<str>,
}

impl Connector {
    pub(super) async fn open(&self) -> Result<AsyncMysqlConnection> {
        let conn = Conn::new(self.opts.clone()).await.map_err(|error| connect_error(&error))?;
        AsyncMysqlConnection::try_from(conn).await.map_err(setup_error)
    }
}

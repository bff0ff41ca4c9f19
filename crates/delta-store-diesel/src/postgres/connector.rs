use std::path::Path;
use std::sync::Arc;

use delta_core::{Error, ErrorKind, Result};
use diesel::connection::CacheSize;
use diesel_async::{AsyncConnection, AsyncPgConnection, SimpleAsyncConnection};
use futures::StreamExt;
use futures::stream::{self, BoxStream};
use tokio::net::UnixStream;
use tokio_postgres::config::{SslMode, SslNegotiation};
use tokio_postgres::tls::TlsStream;
use tokio_postgres::{AsyncMessage, Client, Connection, NoTls};

use super::address::{Address, Encryption};
use super::errors::{coded, connect_error};
use super::tap::{LastCode, Tapped};
use super::tls::{Encrypted, Plain, Verify, encryption};

/// What a server sends without being asked. To be polled, or nothing moves on the connection.
pub(super) type Messages = BoxStream<'static, Result<AsyncMessage, tokio_postgres::Error>>;

/// Makes connections to one database.
#[derive(Clone)]
pub(super) struct Connector {
    address: Address,
    keeps_statements: bool,
}

impl Connector {
    pub(super) fn new(address: Address, keeps_statements: bool) -> Self {
        Self { address, keeps_statements }
    }

    /// The address as it was given.
    pub(super) fn url(&self) -> Arc<str> {
        self.address.url.clone()
    }

    /// Opens a connection for diesel.
    pub(super) async fn open(&self) -> Result<AsyncPgConnection> {
        let last = LastCode::default();
        let (client, mut messages) = self.raw(last.clone()).await?;
        #[expect(clippy::disallowed_methods, reason = "moves a connection, and ends with it")]
        tokio::spawn(async move { while let Some(Ok(_)) = messages.next().await {} });
        if self.keeps_statements {
            return made(AsyncPgConnection::try_from(client).await, last);
        }
        // diesel prepares what it sets a session up with. A transaction keeps a pooler from taking another connection
        // for what was prepared.
        client.batch_execute("BEGIN").await.map_err(|error| connect_error("connect", &error))?;
        let mut conn = made(AsyncPgConnection::try_from(client).await, last)?;
        conn.set_prepared_statement_cache_size(CacheSize::Disabled);
        conn.batch_execute("COMMIT").await.map_err(|error| coded("connect", None, error))?;
        Ok(conn)
    }

    /// Opens a connection of the driver below diesel.
    pub(super) async fn raw(&self, last: LastCode) -> Result<(Client, Messages)> {
        if let Some(socket) = self.address.unix_socket() {
            return self.local(&socket, last).await;
        }
        let plain = || async { self.plain(last.clone()).await.map_err(|error| connect_error("connect", &error)) };
        let roots = self.address.roots.as_deref();
        match self.address.encryption {
            Encryption::Disable => plain().await,
            Encryption::Prefer => match self.encrypted(Verify::Nothing, None, last.clone()).await? {
                Ok(made) => Ok(made),
                // The server itself refuses, or it could not be agreed on how to encrypt.
                Err(error) if error.as_db_error().is_some() => Err(connect_error("connect", &error)),
                Err(_) => plain().await,
            },
            Encryption::Require => self
                .encrypted(Verify::Nothing, None, last.clone())
                .await?
                .map_err(|error| connect_error("connect", &error)),
            Encryption::VerifyFull => self
                .encrypted(Verify::Full, roots, last.clone())
                .await?
                .map_err(|error| connect_error("connect", &error)),
        }
    }

    async fn plain(&self, last: LastCode) -> Result<(Client, Messages), tokio_postgres::Error> {
        let mut config = self.address.config.clone();
        // Not to ask the server whether it encrypts: the stream is handed to `Plain` at once.
        config.ssl_mode(SslMode::Require).ssl_negotiation(SslNegotiation::Direct);
        let (client, connection) = config.connect(Plain(last)).await?;
        Ok((client, messages(connection)))
    }

    async fn encrypted(
        &self,
        verify: Verify,
        roots: Option<&Path>,
        last: LastCode,
    ) -> Result<Result<(Client, Messages), tokio_postgres::Error>> {
        let encrypted = Encrypted(encryption(verify, roots)?, last);
        let connected = self.address.config.connect(encrypted).await;
        Ok(connected.map(|(client, connection)| (client, messages(connection))))
    }

    async fn local(&self, socket: &Path, last: LastCode) -> Result<(Client, Messages)> {
        let stream = UnixStream::connect(socket).await;
        let stream = stream.map_err(|error| Error::new(ErrorKind::Unavailable, "connect", error))?;
        let mut config = self.address.config.clone();
        config.ssl_mode(SslMode::Disable);
        let connected = config.connect_raw(Tapped::plain(stream, last), NoTls).await;
        let (client, connection) = connected.map_err(|error| connect_error("connect", &error))?;
        Ok((client, messages(connection)))
    }
}

fn made(setup: diesel::ConnectionResult<AsyncPgConnection>, last: LastCode) -> Result<AsyncPgConnection> {
    let mut conn = setup.map_err(|error| match error {
        diesel::ConnectionError::CouldntSetupConfiguration(error) => coded("connect", None, error),
        other => Error::new(ErrorKind::Unavailable, "connect", other),
    })?;
    last.attach(&mut conn);
    Ok(conn)
}

fn messages<S, T>(mut connection: Connection<S, T>) -> Messages
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
    T: TlsStream + Unpin + Send + 'static,
{
    stream::poll_fn(move |cx| connection.poll_message(cx)).boxed()
}

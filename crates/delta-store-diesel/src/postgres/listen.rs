use std::collections::VecDeque;

use delta_core::{Error, ErrorKind, Result};
use delta_sql::postgres::Listening;
use diesel_async::{AsyncPgConnection, SimpleAsyncConnection};
use futures::StreamExt;
use futures::future::{Either, select};
use tokio_postgres::{AsyncMessage, Client};

use super::connector::{Connector, Messages};
use super::errors::{connect_error, error};
use super::tap::LastCode;

const OPERATION: &str = "listen";

/// A connection that listens.
pub(super) enum Listener {
    /// Made by the store, below diesel.
    Own { client: Client, messages: Messages, heard: VecDeque<String> },
    /// Made as a pool of the caller's makes them.
    Pooled(Box<AsyncPgConnection>),
}

impl Listener {
    pub(super) async fn open(connector: &Connector, channel: &str) -> Result<Self> {
        let (client, mut messages) = connector.raw(LastCode::default()).await?;
        let mut heard = VecDeque::new();
        driven(client.batch_execute(&text(channel)), &mut messages, &mut heard).await?;
        Ok(Self::Own { client, messages, heard })
    }

    pub(super) async fn on(mut conn: AsyncPgConnection, channel: &str) -> Result<Self> {
        let listening = conn.batch_execute(&text(channel)).await;
        listening.map_err(|failed| error(OPERATION, &mut conn, failed))?;
        Ok(Self::Pooled(Box::new(conn)))
    }
}

/// The channel is named after a schema, whose name was checked.
fn text(channel: &str) -> String {
    format!("LISTEN \"{channel}\"")
}

/// Runs a request while moving the connection that it goes over.
async fn driven(
    request: impl Future<Output = Result<(), tokio_postgres::Error>>,
    messages: &mut Messages,
    heard: &mut VecDeque<String>,
) -> Result<()> {
    let mut request = std::pin::pin!(request);
    loop {
        match select(request.as_mut(), messages.next()).await {
            Either::Left((done, _)) => return done.map_err(|error| connect_error(OPERATION, &error)),
            Either::Right((message, _)) => heard.extend(payload(message)?),
        }
    }
}

/// What a message notifies, if that is what it does.
fn payload(message: Option<Result<AsyncMessage, tokio_postgres::Error>>) -> Result<Option<String>> {
    match message {
        Some(Ok(AsyncMessage::Notification(notification))) => Ok(Some(notification.payload().to_owned())),
        Some(Ok(_)) => Ok(None),
        Some(Err(error)) => Err(connect_error(OPERATION, &error)),
        None => Err(gone()),
    }
}

fn gone() -> Error {
    Error::new(ErrorKind::Unavailable, OPERATION, "the connection is closed")
}

impl Listening for Listener {
    async fn notified(&mut self) -> Result<String> {
        match self {
            Self::Own { messages, heard, .. } => loop {
                if let Some(payload) = heard.pop_front() {
                    return Ok(payload);
                }
                heard.extend(payload(messages.next().await)?);
            },
            Self::Pooled(conn) => {
                let next = std::pin::pin!(conn.notifications_stream()).next().await;
                match next {
                    Some(Ok(notification)) => Ok(notification.payload),
                    Some(Err(failed)) => Err(error(OPERATION, conn, failed)),
                    None => Err(gone()),
                }
            }
        }
    }

    async fn ping(&mut self) -> Result<()> {
        match self {
            Self::Own { client, messages, heard } => driven(client.batch_execute(""), messages, heard).await,
            Self::Pooled(conn) => conn.batch_execute("").await.map_err(|failed| error(OPERATION, conn, failed)),
        }
    }
}

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use testcontainers::core::IntoContainerPort;
use testcontainers::core::client::docker_client_instance;
use testcontainers::runners::AsyncRunner;
use testcontainers::{ContainerAsync, ContainerRequest, GenericImage, ImageExt, TestcontainersError};
use tokio::runtime::Runtime;

use super::poll::{PATIENCE, poll};
use super::{DatabaseError, ServerKind};

/// How long an engine may take to say that it is there.
const PING: Duration = Duration::from_secs(5);

/// A server's image, and how to use it.
pub(crate) trait Image {
    const KIND: ServerKind;
    const NAME: &'static str;
    const TAG: &'static str;
    const PORT: u16;
    /// A connection of the server's driver.
    type Connection: fmt::Debug + Send;

    /// What to run: a server that ends itself when it has missed its owner for a minute.
    fn request(image: GenericImage) -> ContainerRequest<GenericImage>;
    fn url(host: &str, port: u16) -> String;
    /// Connects as the owner.
    fn own(url: &str) -> impl Future<Output = Result<Self::Connection, DatabaseError>>;
}

/// A server in a container, which removes itself when the process that started it has ended.
pub(crate) struct Container<I: Image> {
    url: String,
    /// Only held: the container ends with the connection, and the runtime drives both.
    _alive: (I::Connection, ContainerAsync<GenericImage>, Runtime),
}

impl<I: Image> Container<I> {
    /// Starts a container; the inner error says why there is no engine.
    pub(crate) fn start() -> Result<Result<Self, String>, DatabaseError> {
        // A thread of its own: the caller's may be a runtime's.
        std::thread::scope(|scope| match scope.spawn(start::<I>).join() {
            Ok(outcome) => outcome,
            Err(panic) => std::panic::resume_unwind(panic),
        })
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }
}

impl<I: Image> fmt::Debug for Container<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Container").field("image", &I::NAME).field("tag", &I::TAG).finish_non_exhaustive()
    }
}

fn start<I: Image>() -> Result<Result<Container<I>, String>, DatabaseError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(DatabaseError::io("start a runtime"))?;
    if let Err(why) = runtime.block_on(ping()) {
        return Ok(Err(why));
    }
    let (container, url) = runtime
        .block_on(run::<I>())
        .map_err(|source| DatabaseError::Container { kind: I::KIND, source: Arc::new(source) })?;
    match own::<I>(&runtime, &container, &url) {
        Ok(owner) => Ok(Ok(Container { url, _alive: (owner, container, runtime) })),
        Err(error) => {
            // Within the runtime, which its own clean-up needs; it may have ended by itself.
            let _ = runtime.block_on(container.rm());
            Err(error)
        }
    }
}

/// Waits for the server and makes the connection that keeps it.
fn own<I: Image>(
    runtime: &Runtime,
    container: &ContainerAsync<GenericImage>,
    url: &str,
) -> Result<I::Connection, DatabaseError> {
    let mut last = None;
    let owner = poll(PATIENCE, || match runtime.block_on(I::own(url)) {
        Ok(owner) => Ok(Some(owner)),
        Err(error) => {
            last = Some(error);
            // One that has ended is removed, and nobody knows it any more.
            if runtime.block_on(container.is_running()).unwrap_or(false) { Ok(None) } else { Err(ended::<I>()) }
        }
    })?;
    match (owner, last) {
        (Some(owner), _) => Ok(owner),
        (None, Some(error)) => Err(error),
        (None, None) => unreachable!("a poll without an answer has asked"),
    }
}

fn ended<I: Image>() -> DatabaseError {
    let why = format!("the container of {}:{} ended before its server accepted connections", I::NAME, I::TAG);
    let source = Arc::from(Box::<dyn std::error::Error + Send + Sync>::from(why));
    DatabaseError::Container { kind: I::KIND, source }
}

async fn ping() -> Result<(), String> {
    let docker = docker_client_instance().await.map_err(|error| format!("no Docker engine: {error}"))?;
    match tokio::time::timeout(PING, docker.ping()).await {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(error)) => Err(format!("no Docker engine: {error}")),
        Err(_) => Err(format!("no answer of the Docker engine within {PING:?}")),
    }
}

async fn run<I: Image>() -> Result<(ContainerAsync<GenericImage>, String), TestcontainersError> {
    let image = GenericImage::new(I::NAME, I::TAG).with_exposed_port(I::PORT.tcp());
    let container = I::request(image).with_host_config_modifier(|host| host.auto_remove = Some(true)).start().await?;
    let host = container.get_host().await?;
    let port = container.get_host_port_ipv4(I::PORT.tcp()).await?;
    Ok((container, I::url(&host.to_string(), port)))
}

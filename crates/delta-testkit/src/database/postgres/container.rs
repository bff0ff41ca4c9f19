use std::sync::Arc;
use std::time::Duration;

use sqlx::postgres::PgConnection;
use testcontainers::core::IntoContainerPort;
use testcontainers::core::client::docker_client_instance;
use testcontainers::runners::AsyncRunner;
use testcontainers::{ContainerAsync, GenericImage, ImageExt, TestcontainersError};
use tokio::runtime::Runtime;

use super::super::DatabaseError;
use super::super::poll::{PATIENCE, poll};
use super::admin::{connect, options};

const IMAGE: &str = "postgres";
const TAG: &str = "17-alpine";

/// How long an engine may take to say that it is there.
const PING: Duration = Duration::from_secs(5);

/// By this name the container knows the connection whose end is its own.
const OWNER: &str = "delta-testkit-owner";

/// Runs the server until the owner's connection has been missing for a minute.
const RUN: &str = include_str!("container.sh");

/// A Postgres server in a container, which removes itself when the process that started it has ended.
#[derive(Debug)]
pub(super) struct Container {
    url: String,
    /// Only held: the container ends with the connection, and the runtime drives both.
    _alive: (PgConnection, ContainerAsync<GenericImage>, Runtime),
}

impl Container {
    /// Starts a container; the inner error says why there is no engine.
    pub(super) fn start() -> Result<Result<Self, String>, DatabaseError> {
        // A thread of its own: the caller's may be a runtime's.
        std::thread::scope(|scope| match scope.spawn(start).join() {
            Ok(outcome) => outcome,
            Err(panic) => std::panic::resume_unwind(panic),
        })
    }

    pub(super) fn url(&self) -> &str {
        &self.url
    }
}

fn start() -> Result<Result<Container, String>, DatabaseError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(DatabaseError::io("start a runtime"))?;
    if let Err(why) = runtime.block_on(ping()) {
        return Ok(Err(why));
    }
    let (container, url) =
        runtime.block_on(run()).map_err(|source| DatabaseError::Container { source: Arc::new(source) })?;
    match own(&runtime, &container, &url) {
        Ok(owner) => Ok(Ok(Container { url, _alive: (owner, container, runtime) })),
        Err(error) => {
            // Within the runtime, which its own clean-up needs; it may have ended by itself.
            let _ = runtime.block_on(container.rm());
            Err(error)
        }
    }
}

/// Waits for the server and makes the connection that keeps it.
fn own(runtime: &Runtime, container: &ContainerAsync<GenericImage>, url: &str) -> Result<PgConnection, DatabaseError> {
    let options = options(url)?.application_name(OWNER);
    let mut last = None;
    let owner = poll(PATIENCE, || match runtime.block_on(connect(&options, url)) {
        Ok(owner) => Ok(Some(owner)),
        Err(error) => {
            last = Some(error);
            // One that has ended is removed, and nobody knows it any more.
            if runtime.block_on(container.is_running()).unwrap_or(false) { Ok(None) } else { Err(ended()) }
        }
    })?;
    match (owner, last) {
        (Some(owner), _) => Ok(owner),
        (None, Some(error)) => Err(error),
        (None, None) => unreachable!("a poll without an answer has asked"),
    }
}

fn ended() -> DatabaseError {
    let why = format!("the container of {IMAGE}:{TAG} ended before its server accepted connections");
    DatabaseError::Container { source: Arc::from(Box::<dyn std::error::Error + Send + Sync>::from(why)) }
}

async fn ping() -> Result<(), String> {
    let docker = docker_client_instance().await.map_err(|error| format!("no Docker engine: {error}"))?;
    match tokio::time::timeout(PING, docker.ping()).await {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(error)) => Err(format!("no Docker engine: {error}")),
        Err(_) => Err(format!("no answer of the Docker engine within {PING:?}")),
    }
}

async fn run() -> Result<(ContainerAsync<GenericImage>, String), TestcontainersError> {
    let container = GenericImage::new(IMAGE, TAG)
        .with_exposed_port(5432.tcp())
        .with_env_var("POSTGRES_PASSWORD", "delta")
        .with_env_var("POSTGRES_HOST_AUTH_METHOD", "password")
        .with_cmd(["sh", "-c", RUN, "delta-testkit", OWNER])
        .with_host_config_modifier(|host| host.auto_remove = Some(true))
        .start()
        .await?;
    let host = container.get_host().await?;
    let port = container.get_host_port_ipv4(5432.tcp()).await?;
    let url = format!("postgres://postgres:delta@{host}:{port}/postgres");
    Ok((container, url))
}

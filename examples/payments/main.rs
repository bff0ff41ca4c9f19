//! A controller against a service that it does not own: payments that are due are charged at a provider, each exactly once.
//!
//! `cargo run --example payments`
//!
//! The provider is a small HTTP service on loopback that pages its list, limits the rate of requests, fails some of them, and
//! loses the answers of others. It tells at the end whether anybody was charged twice.
//!
//! | file | what it has |
//! |---|---|
//! | `provider` | the service outside |
//! | `api` | calls to it |
//! | `payment` | the object |
//! | `controller` | the informer and the worker |
//! | `args`, `summary` | what the program takes and shows |

mod api;
mod args;
mod controller;
mod payment;
mod provider;
mod summary;

use std::process::ExitCode;
use std::time::Duration;

use clap::Parser as _;
use delta::core::Browse;
use delta::{AnyClient, Client, ClientSettings, Error, Filter, Migrate, State};
use delta_examples::{Database, Stopwatch};
use tracing_subscriber::EnvFilter;

use crate::api::Api;
use crate::args::Args;
use crate::controller::Payments;
use crate::provider::Provider;
use crate::summary::Summary;

/// How often the informer runs, and how often the program looks whether all is done.
const INTERVAL: Duration = Duration::from_secs(1);
/// After so long the program gives up.
const PATIENCE: Duration = Duration::from_mins(1);

#[tokio::main]
async fn main() -> ExitCode {
    tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("error")))
        .with_writer(std::io::stderr)
        .init();
    match pay(&Args::parse()).await {
        Ok(summary) => {
            print!("{summary}");
            if summary.is_right() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(error) => {
            eprintln!("payments: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn pay(args: &Args) -> Result<Summary, Box<dyn std::error::Error>> {
    let provider = Provider::start(args.payments).await?;
    // Without a URL, the database lives as long as the program.
    let directory = tempfile::tempdir()?;
    let url = match &args.url {
        Some(url) => url.clone(),
        None => format!("sqlite://{}", directory.path().join("payments.db").display()),
    };
    Ok(match Database::open(&url).await? {
        Database::Sqlite(store) => drive(store, &provider).await?,
        Database::Postgres(store) => drive(store, &provider).await?,
    })
}

async fn drive<S: Browse + Migrate>(store: S, provider: &Provider) -> Result<Summary, Error> {
    let settings =
        ClientSettings::new().inform_interval(INTERVAL).inform_jitter(Duration::ZERO).inform_overlap(INTERVAL);
    // Payments of an earlier run of this program are in another namespace: its provider is gone.
    let namespace = provider.name();
    let client = Client::builder(store)
        .controller(Payments::new(Api::new(provider.url())))
        .namespace(namespace, delta::NamespaceSettings::new())
        .namespaces_only()
        .settings(settings.inform(delta::InformOptions::new().namespace(namespace)))
        .build()?;
    let watch = Stopwatch::start();
    let running = client.start().await?;
    let mut tick = tokio::time::interval(INTERVAL / 4);
    while !is_settled(&client, provider).await? && watch.elapsed() < PATIENCE {
        tick.tick().await;
    }
    running.stop().await;
    Summary::collect(&client, provider, watch.elapsed()).await
}

/// Whether every payment that there will be is stored, and none is still to be worked.
async fn is_settled(client: &AnyClient, provider: &Provider) -> Result<bool, Error> {
    let mut settled = 0;
    for count in client.count(&Filter::default()).await? {
        if count.lane.namespace.as_str() == provider.name() && matches!(count.state, State::Synced | State::Degraded) {
            settled += count.count;
        }
    }
    Ok(settled == provider.expected())
}

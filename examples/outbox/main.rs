//! An order service that writes orders and events about them in one transaction, and three consumers of the events.
//!
//! `cargo run --example outbox`
//!
//! Whoever tells others of a change after the commit loses some of it in a crash, and whoever tells before it tells of what
//! never happened. So the service appends an event to a log, a table beside that of the orders, in the order's own transaction
//! (an "outbox"), and those who want to know consume the log:
//!
//! - the *mailer* is sharded: two processes (here two clients of one) share the orders, and the events of one order stay in order;
//! - the *ledger* books into another table in the transaction that moves its cursor, so each event has exactly one effect;
//! - the *shipper* calls a carrier that fails now and then. It tries again, gives up on what the carrier does not take and
//!   keeps it as a dead letter, and brings all of those again once the carrier's strike is over.
//!
//! The program ends by itself after so many orders, and says whether the sums agree. While it runs, `delta consumer list` shows the
//! consumers of its database.
//!
//! | file | what it has |
//! |---|---|
//! | `order` | orders and their events |
//! | `shop` | the service's own tables, on SQLite and on Postgres |
//! | `service` | takes orders: the outbox |
//! | `mailer`, `ledger`, `shipper` | a consumer each |
//! | `args`, `summary` | what the program takes and shows |

mod args;
mod ledger;
mod mailer;
mod order;
mod service;
mod shipper;
mod shop;
mod summary;

use std::collections::BTreeSet;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser as _;
use delta::core::plan::consume::slice_prefix;
use delta::core::{Access, CursorQuery, DeadLetterStatus, ForeignId, TableEvent};

use delta::{Backoff, Client, CursorWrites, DeadLetters, EventLog};
use delta_examples::{Database, Stopwatch};
use tokio_util::sync::CancellationToken;
use tracing_subscriber::EnvFilter;

use crate::args::Args;
use crate::mailer::{Mails, mailer};
use crate::service::{Taken, take_orders};
use crate::shipper::{Carrier, shipper};
use crate::shop::{Shop, Totals};
use crate::summary::Summary;

/// What may go wrong anywhere.
pub(crate) type Failure = Box<dyn std::error::Error + Send + Sync>;

/// How often the program looks whether the consumers have caught up.
const INTERVAL: Duration = Duration::from_millis(50);
/// How long the members of the mailer hold what they share: short, so that they share it out quickly.
const SHARING: Duration = Duration::from_millis(300);
/// After so long the program gives up.
const PATIENCE: Duration = Duration::from_mins(1);

#[tokio::main]
async fn main() -> ExitCode {
    tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("error")))
        .with_writer(std::io::stderr)
        .init();
    match Box::pin(trade(&Args::parse())).await {
        Ok(summary) => {
            print!("{summary}");
            if summary.is_right() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(error) => {
            eprintln!("outbox: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn trade(args: &Args) -> Result<Summary, Failure> {
    // Without a URL, the database lives as long as the program.
    let directory = tempfile::tempdir()?;
    let url = match &args.url {
        Some(url) => url.clone(),
        None => format!("sqlite://{}", directory.path().join("outbox.db").display()),
    };
    match Database::open(&url).await? {
        Database::Sqlite(store) => Box::pin(drive(store, args.orders)).await,
        Database::Postgres(store) => Box::pin(drive(store, args.orders)).await,
    }
}

async fn drive<S: Shop>(store: S, orders: u32) -> Result<Summary, Failure> {
    let watch = Stopwatch::start();
    let client = Client::builder(store.clone()).build()?;
    let events = client.event_log(order::events())?;
    events.create().await?;
    S::create(&mut *store.acquire(Access::Write).await?).await?;

    let (mails, carrier) = (Mails::default(), Carrier::default());
    let stop = CancellationToken::new();
    // As if it were another process: the members of a consumer are clients.
    let elsewhere = Client::builder(store.clone()).build()?.event_log(order::events())?;
    let first = events.log().consumer(mailer(&mails)).lease(SHARING).run(stop.cancelled());
    let second = elsewhere.log().consumer(mailer(&mails)).lease(SHARING).run(stop.cancelled());
    let ledger = events.log().consumer(ledger::ledger()).run(stop.cancelled());
    let shipper = events
        .log()
        .consumer(shipper(&carrier))
        .retry(Backoff::new(Duration::from_millis(10), Duration::from_millis(100)))
        .cursor(CursorWrites::Every(Duration::from_millis(200)))
        .run(stop.cancelled());
    let letters = events.log().dead_letters("shipper");
    let service = async {
        let taken = serve(&store, &events, orders, &mails, &carrier, &letters).await;
        stop.cancel();
        taken
    };
    let (taken, first, second, ledger, shipper) = tokio::join!(service, first, second, ledger, shipper);
    ledger?;
    Ok(Summary {
        taken: taken?,
        totals: totals(&store).await?,
        mails: mails.clone(),
        carrier: carrier.clone(),
        mailers: vec![first?, second?],
        shipper: shipper?,
        elapsed: watch.elapsed(),
    })
}

/// Takes the orders, and waits until all consumers have done what they can.
async fn serve<S: Shop>(
    store: &S,
    events: &EventLog<S>,
    orders: u32,
    mails: &Mails,
    carrier: &Carrier,
    letters: &DeadLetters<S, TableEvent>,
) -> Result<Taken, Failure> {
    // The first member begins with all slices, and gives half of them to the second.
    wait_until(async || Ok(members(store).await? > 1)).await?;
    let taken = take_orders(store, events, orders).await?;
    let caught_up = async || {
        let lacking = carrier.lacks(&taken.placed);
        Ok(mails.are_about(&taken) && totals(store).await?.agree() && lacking.is_subset(&dead(letters).await?.orders))
    };
    wait_until(caught_up).await?;
    carrier.end_strike();
    letters.replay(&dead(letters).await?.letters).await?;
    wait_until(async || Ok(carrier.lacks(&taken.placed).is_empty() && dead(letters).await?.letters.is_empty())).await?;
    Ok(taken)
}

/// What the shipper gave up on.
#[derive(Debug, Default)]
struct Dead {
    letters: Vec<i64>,
    orders: BTreeSet<i64>,
}

async fn dead<S: Shop>(letters: &DeadLetters<S, TableEvent>) -> Result<Dead, Failure> {
    let (mut dead, mut after) = (Dead::default(), 0);
    loop {
        let page = letters.list(Some(DeadLetterStatus::Dead), after, 500).await?;
        let Some(last) = page.last() else { return Ok(dead) };
        after = last.id;
        for letter in &page {
            dead.letters.push(letter.id);
            if let ForeignId::Int(order) = letters.event(letter).await?.foreign_id {
                dead.orders.insert(order);
            }
        }
    }
}

/// How many members share the slices of the mailer.
async fn members<S: Shop>(store: &S) -> Result<usize, Failure> {
    let slices = CursorQuery::Prefix(slice_prefix(&order::events().log_name(), "mailer"));
    let slices = store.cursors(&mut *store.acquire(Access::Read).await?, &slices).await?;
    Ok(slices.iter().filter_map(|slice| slice.holder).collect::<BTreeSet<_>>().len())
}

async fn totals<S: Shop>(store: &S) -> Result<Totals, Failure> {
    Ok(S::totals(&mut *store.acquire(Access::Read).await?).await?)
}

/// Looks again and again. A program that waits in vain tells so by its sums.
async fn wait_until(mut is_so: impl AsyncFnMut() -> Result<bool, Failure>) -> Result<(), Failure> {
    let watch = Stopwatch::start();
    let mut tick = tokio::time::interval(INTERVAL);
    while watch.elapsed() < PATIENCE && !is_so().await? {
        tick.tick().await;
    }
    Ok(())
}

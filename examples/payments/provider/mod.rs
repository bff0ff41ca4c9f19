//! The service outside, which Delta knows nothing of.

mod book;
mod moods;
mod routes;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::task::JoinSet;

use self::book::Book;
pub(crate) use self::book::Ledger;
use self::moods::Moods;

/// How often a new payment comes up while the program runs.
const ARRIVAL: Duration = Duration::from_millis(50);

/// The provider, serving until it is dropped.
#[derive(Debug)]
pub(crate) struct Provider {
    url: String,
    name: String,
    expected: u32,
    shared: Arc<Shared>,
    _tasks: JoinSet<()>,
}

/// What its handlers share.
#[derive(Debug)]
struct Shared {
    book: Mutex<Book>,
    moods: Moods,
}

impl Shared {
    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Provider {
    /// Starts on a free port. Two thirds of the payments are there from the beginning; the others come up one by one.
    pub(crate) async fn start(payments: u32) -> std::io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared { book: Mutex::default(), moods: Moods::new() });
        let first = payments - payments / 3;
        for _ in 0..first {
            shared.book().add();
        }
        let mut tasks = JoinSet::new();
        let routes = routes::routes(shared.clone());
        tasks.spawn(async move {
            if let Err(error) = axum::serve(listener, routes).await {
                eprintln!("payments: the provider stopped: {error}");
            }
        });
        let later = shared.clone();
        tasks.spawn(async move {
            let mut tick = tokio::time::interval(ARRIVAL);
            for _ in first..payments {
                tick.tick().await;
                later.book().add();
            }
        });
        let name = shared.book().name();
        Ok(Self { url: format!("http://{address}"), name, expected: payments, shared, _tasks: tasks })
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// A name that no other provider has.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// How many payments there will be.
    pub(crate) fn expected(&self) -> u64 {
        self.expected.into()
    }

    /// What was charged, and what went wrong on the way.
    pub(crate) fn ledger(&self) -> Ledger {
        self.shared.book().ledger(self.shared.moods.told())
    }
}

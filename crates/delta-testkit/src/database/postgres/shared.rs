use std::env;
use std::fmt;
use std::sync::{Mutex, OnceLock, PoisonError};

use super::super::{DatabaseError, debian};
use super::admin::Admin;
use super::blocking::blocking;
use super::container::Container;
use super::programs::Programs;
use super::server::PostgresServer;
use super::url::without_password;

/// The environment variable that names a server.
const URL: &str = "DELTA_TEST_POSTGRES_URL";

/// The Postgres server that all tests of this process share.
///
/// A test that kills or reconfigures its server starts one with [`PostgresServer::start_private`].
#[derive(Debug)]
pub struct SharedPostgres {
    source: Source,
}

#[derive(Debug)]
enum Source {
    Given(String),
    Started(PostgresServer),
    Container(Box<Container>),
}

impl SharedPostgres {
    /// The URL of one of its databases, as a user who may create others.
    #[must_use]
    pub fn url(&self) -> &str {
        match &self.source {
            Source::Given(url) => url,
            Source::Started(server) => server.url(),
            Source::Container(container) => container.url(),
        }
    }

    fn get() -> Result<Self, DatabaseError> {
        if let Some(url) = env::var(URL).ok().filter(|url| !url.is_empty()) {
            Admin { url: &url }.sweep()?;
            return Ok(Self { source: Source::Given(url) });
        }
        let mut tried = vec![format!("{URL} is not set")];
        let source = match Programs::find() {
            Ok(programs) => Source::Started(PostgresServer::start(programs, vec![])?),
            Err(why) => {
                tried.push(why);
                match Container::start()? {
                    Ok(container) => Source::Container(Box::new(container)),
                    Err(why) => {
                        tried.push(why);
                        Source::Started(PostgresServer::start(install(tried)?, vec![])?)
                    }
                }
            }
        };
        Ok(Self { source })
    }
}

impl fmt::Display for SharedPostgres {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let url = without_password(self.url());
        match self.source {
            Source::Given(_) => write!(f, "{url}, given by {URL}"),
            Source::Started(_) => write!(f, "{url}, started for the tests"),
            Source::Container(_) => write!(f, "{url}, in a container"),
        }
    }
}

/// Gets the shared server; the first call finds or starts it, see the [module](crate::database).
///
/// # Errors
///
/// A failed start is remembered: every later call returns the same error.
///
/// # Cancel safety
///
/// A dropped call gets the server ready all the same, for the next.
pub async fn postgres() -> Result<&'static SharedPostgres, DatabaseError> {
    blocking(postgres_blocking).await
}

/// [`postgres`] for callers without a runtime; blocks the thread.
pub fn postgres_blocking() -> Result<&'static SharedPostgres, DatabaseError> {
    static SHARED: OnceLock<Result<SharedPostgres, DatabaseError>> = OnceLock::new();
    SHARED.get_or_init(SharedPostgres::get).as_ref().map_err(Clone::clone)
}

/// The installed programs, or those that can be installed.
pub(super) fn programs() -> Result<Programs, DatabaseError> {
    Programs::find().or_else(|why| install(vec![why]))
}

/// One at a time: tests with servers of their own may find at once that there are no programs.
fn install(mut tried: Vec<String>) -> Result<Programs, DatabaseError> {
    static INSTALLING: Mutex<()> = Mutex::new(());
    if !debian::can_install() {
        tried.push("not root on Debian, so nothing is installed".to_owned());
        return Err(DatabaseError::NoServer { tried });
    }
    let _installing = INSTALLING.lock().unwrap_or_else(PoisonError::into_inner);
    if let Ok(installed) = Programs::find() {
        return Ok(installed);
    }
    eprintln!("delta-testkit: installing postgresql with apt-get, as there is no Postgres server");
    debian::install("postgresql")?;
    Programs::find().map_err(|why| {
        tried.push(format!("apt-get installed postgresql, but: {why}"));
        DatabaseError::NoServer { tried }
    })
}

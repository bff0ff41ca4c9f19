use super::super::DatabaseError;
use super::super::blocking::blocking;
use super::super::name::DatabaseName;
use super::admin::{Admin, url_of};
use super::shared::mariadb_blocking;
use crate::Backend;

/// A fresh MariaDB database of one test, dropped with this value.
///
/// # Guarantees
///
/// It is empty, nobody else gets it, and dropping it disconnects whoever is still connected.
///
/// # Examples
///
/// ```no_run
/// # use delta_testkit::database::DatabaseError;
/// use delta_testkit::Backend;
/// use delta_testkit::database::MariaDbDatabase;
///
/// # async fn test() -> Result<(), DatabaseError> {
/// if !Backend::MariaDb.enabled() {
///     return Ok(());
/// }
/// let database = MariaDbDatabase::create().await?;
/// // Connect to `database.url()`, and keep `database` until the end of the test.
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct MariaDbDatabase {
    server: String,
    name: DatabaseName,
    url: String,
}

impl MariaDbDatabase {
    /// Creates a database on the [shared server](super::mariadb), which the first call finds or starts.
    ///
    /// # Errors
    ///
    /// [`DatabaseError::LeftOut`] if `DELTA_TEST_BACKENDS` leaves MariaDB out; else as [`mariadb`](super::mariadb).
    ///
    /// # Cancel safety
    ///
    /// A dropped call leaves no database.
    pub async fn create() -> Result<Self, DatabaseError> {
        let backend = Backend::MariaDb;
        if !backend.enabled() {
            return Err(DatabaseError::LeftOut { backend });
        }
        blocking(|| Self::create_blocking(mariadb_blocking()?.url().to_owned())).await
    }

    /// Creates a database on a server of the caller's, such as a [`MariaDbServer`](super::MariaDbServer).
    ///
    /// # Cancel safety
    ///
    /// A dropped call leaves no database.
    pub async fn create_on(server_url: &str) -> Result<Self, DatabaseError> {
        let server = server_url.to_owned();
        blocking(|| Self::create_blocking(server)).await
    }

    /// Its URL, with the password.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Its name on the server.
    #[must_use]
    pub fn name(&self) -> String {
        self.name.to_string()
    }

    fn create_blocking(server: String) -> Result<Self, DatabaseError> {
        let name = Admin { url: &server }.create()?;
        Ok(Self { url: url_of(&server, name), server, name })
    }
}

impl Drop for MariaDbDatabase {
    fn drop(&mut self) {
        let admin = Admin { url: &self.server };
        if let Err(error) = admin.drop(self.name) {
            // A private server may have been stopped before; a shared one is swept by the next run.
            eprintln!("delta-testkit: left the database {}: {error}", self.name);
        }
    }
}

use std::path::{Path, PathBuf};
use std::time::Duration;

use delta_core::{Error, ErrorKind, Invalid, Result};
use delta_sql::TablePrefix;
use sqlx::sqlite::SqliteConnectOptions;

use super::store::SqliteStore;

/// Where a [`SqliteStore`] lives, and how it behaves.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> delta_core::Result<()> {
/// # let dir = tempfile::tempdir().unwrap();
/// use std::time::Duration;
/// use delta_store_sqlx::SqliteOptions;
///
/// let options = SqliteOptions::new(dir.path().join("app.db")).busy_timeout(Duration::from_secs(20)).readers(2);
/// let store = options.open().await?;
/// # store.close().await;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct SqliteOptions {
    pub(super) path: PathBuf,
    pub(super) prefix: TablePrefix,
    pub(super) busy_timeout: Duration,
    pub(super) acquire_timeout: Duration,
    pub(super) readers: u32,
    pub(super) missing_file: MissingFile,
    pub(super) auto_migrate: AutoMigrate,
}

/// What opening does about a file that does not exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MissingFile {
    /// Creates it.
    Create,
    /// Fails with `Unavailable`.
    Refuse,
}

/// Whether opening brings the schema to the version that the program knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AutoMigrate {
    /// It does.
    OnOpen,
    /// It leaves the schema as it is: `Store::check` tells whether it fits, and `Migrate` or `delta migrate up` brings
    /// it up.
    Never,
}

impl SqliteOptions {
    /// The defaults, for the database in a file.
    pub fn new(path: impl AsRef<Path>) -> Self {
        Self {
            path: path.as_ref().to_owned(),
            prefix: TablePrefix::default(),
            busy_timeout: Duration::from_secs(5),
            acquire_timeout: Duration::from_secs(30),
            readers: 4,
            missing_file: MissingFile::Create,
            auto_migrate: AutoMigrate::OnOpen,
        }
    }

    /// Reads a URL: `sqlite://relative.db`, `sqlite:///absolute.db`, with `?mode=rw` lest a missing file is created.
    ///
    /// # Errors
    ///
    /// `Invalid` if it is not such a URL, or asks for what a store cannot be: in memory, or read-only.
    pub fn from_url(url: &str) -> Result<Self> {
        let expected = "sqlite://<path>, with nothing after it but ?mode=rw or ?mode=rwc";
        let invalid = || Error::from(Invalid::new("database url", expected, format!("{url:?}")));
        let options: SqliteConnectOptions = match url.strip_prefix("sqlite:") {
            Some(_) => url.parse().map_err(|_| invalid())?,
            None => return Err(invalid()),
        };
        let missing_file = match url.split_once('?').map(|(_, parameters)| parameters) {
            None | Some("mode=rwc") => MissingFile::Create,
            Some("mode=rw") => MissingFile::Refuse,
            Some(_) => return Err(invalid()),
        };
        if url.contains(":memory:") {
            return Err(in_memory());
        }
        Ok(Self::new(options.get_filename()).missing_file(missing_file))
    }

    /// Reads what may be a path or a URL.
    pub(super) fn locate(path_or_url: &Path) -> Result<Self> {
        match path_or_url.to_str() {
            Some(url) if url.starts_with("sqlite:") => Self::from_url(url),
            _ => Ok(Self::new(path_or_url)),
        }
    }

    /// What the names of the tables begin with: `delta` by default. Two stores with two prefixes share a file and
    /// nothing else.
    #[must_use]
    pub fn table_prefix(mut self, prefix: TablePrefix) -> Self {
        self.prefix = prefix;
        self
    }

    /// How long to wait for another process or connection that is writing: 5 s by default. `Unavailable` after that.
    #[must_use]
    pub fn busy_timeout(mut self, timeout: Duration) -> Self {
        self.busy_timeout = timeout;
        self
    }

    /// How long to wait for a connection of this store: 30 s by default. `Unavailable` after that.
    #[must_use]
    pub fn acquire_timeout(mut self, timeout: Duration) -> Self {
        self.acquire_timeout = timeout;
        self
    }

    /// How many connections for reading there may be, beside the one for writing: 4 by default, and at least 1.
    #[must_use]
    pub fn readers(mut self, readers: u32) -> Self {
        self.readers = readers.max(1);
        self
    }

    /// What to do about a file that does not exist: created by default. Its directory must exist.
    #[must_use]
    pub fn missing_file(mut self, missing_file: MissingFile) -> Self {
        self.missing_file = missing_file;
        self
    }

    /// Whether to migrate when the store is opened: by default it does.
    #[must_use]
    pub fn auto_migrate(mut self, auto_migrate: AutoMigrate) -> Self {
        self.auto_migrate = auto_migrate;
        self
    }

    /// Opens the store; see [`SqliteStore::open`].
    pub async fn open(self) -> Result<SqliteStore> {
        SqliteStore::open_with(self).await
    }

    /// The file's path, free of links and dots, so that all stores of one file agree on it.
    pub(super) fn resolve(&self) -> Result<PathBuf> {
        let text = self.path.to_string_lossy();
        if text.is_empty() || text == ":memory:" || text.starts_with("file:") {
            return Err(in_memory());
        }
        let invalid =
            |what: &str| Error::from(Invalid::new("database path", what, format!("{:?}", self.path.display())));
        if let Ok(path) = self.path.canonicalize() {
            return if path.is_dir() { Err(invalid("a file")) } else { Ok(path) };
        }
        let name = self.path.file_name().ok_or_else(|| invalid("a file"))?;
        let parent = self.path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let parent = parent.canonicalize().map_err(|_| invalid("a file in a directory that exists"))?;
        match self.missing_file {
            MissingFile::Create => Ok(parent.join(name)),
            MissingFile::Refuse => {
                let what = format!("expected a database file, found none at {}", self.path.display());
                Err(Error::new(ErrorKind::Unavailable, "open", what))
            }
        }
    }
}

/// Several connections cannot share a database in memory the way they share a file: a reader would see nothing of it, or
/// block writers.
fn in_memory() -> Error {
    let expected = "the path of a file; for a database in memory there is the memory store";
    Invalid::new("database path", expected, "a database in memory, or a file: uri").into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_are_as_stated() {
        let options = SqliteOptions::new("x.db");
        assert_eq!(options.prefix.as_str(), "delta");
        assert_eq!(options.busy_timeout, Duration::from_secs(5));
        assert_eq!(options.acquire_timeout, Duration::from_secs(30));
        assert_eq!(options.readers, 4);
        assert_eq!(options.missing_file, MissingFile::Create);
        assert_eq!(options.auto_migrate, AutoMigrate::OnOpen);
        assert_eq!(options.readers(0).readers, 1);
    }

    #[test]
    fn a_url_names_a_path_and_whether_to_create_it() {
        let at = |url| SqliteOptions::from_url(url).unwrap();
        assert_eq!(at("sqlite://data/app.db").path, Path::new("data/app.db"));
        assert_eq!(at("sqlite:///srv/app.db").path, Path::new("/srv/app.db"));
        assert_eq!(at("sqlite:app.db?mode=rwc").missing_file, MissingFile::Create);
        assert_eq!(at("sqlite://app.db?mode=rw").missing_file, MissingFile::Refuse);
        assert_eq!(at("sqlite://a%20b.db").path, Path::new("a b.db"));
    }

    #[test]
    fn what_cannot_be_a_store_is_refused() {
        for url in [
            "postgres://x",
            "app.db",
            "sqlite::memory:",
            "sqlite://:memory:",
            "sqlite://app.db?mode=memory",
            "sqlite://app.db?mode=ro",
            "sqlite://app.db?cache=shared",
        ] {
            assert_eq!(SqliteOptions::from_url(url).unwrap_err().kind(), ErrorKind::Invalid, "{url}");
        }
        for path in ["", ":memory:", "file:app.db?mode=memory", "/no/such/directory/app.db", "/"] {
            let error = SqliteOptions::new(path).resolve().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Invalid, "{path}: {error}");
        }
        let gone = SqliteOptions::new("/no-such-file.db").missing_file(MissingFile::Refuse).resolve().unwrap_err();
        assert_eq!(gone.kind(), ErrorKind::Unavailable);
    }
}

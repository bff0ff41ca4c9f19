use clap::ValueEnum;

/// A backend that tests run on; the twin of `delta_testkit::Backend`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Backend {
    Memory,
    Sqlite,
    Postgres,
    #[value(name = "mariadb")]
    MariaDb,
}

impl Backend {
    pub(crate) const ALL: [Self; 4] = [Self::Memory, Self::Sqlite, Self::Postgres, Self::MariaDb];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::Sqlite => "sqlite",
            Self::Postgres => "postgres",
            Self::MariaDb => "mariadb",
        }
    }

    /// The environment variable that names its server, where it takes one.
    pub(crate) fn variable(self) -> Option<&'static str> {
        match self {
            Self::Memory | Self::Sqlite => None,
            Self::Postgres => Some("DELTA_TEST_POSTGRES_URL"),
            Self::MariaDb => Some("DELTA_TEST_MYSQL_URL"),
        }
    }
}

/// The value of `DELTA_TEST_BACKENDS`.
pub(crate) fn list(backends: &[Backend]) -> String {
    backends.iter().map(|backend| backend.name()).collect::<Vec<_>>().join(",")
}

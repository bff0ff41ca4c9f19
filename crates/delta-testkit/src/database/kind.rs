use std::fmt;

/// A kind of server that tests can get.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ServerKind {
    /// Postgres 14 or newer.
    Postgres,
    /// MariaDB 10.6 or newer; MySQL 8 where a URL names one.
    MariaDb,
    /// `PgBouncer`, in front of a Postgres server.
    PgBouncer,
}

impl ServerKind {
    /// The environment variable that names a server, where there is one for this kind.
    #[must_use]
    pub fn variable(self) -> Option<&'static str> {
        match self {
            Self::Postgres => Some("DELTA_TEST_POSTGRES_URL"),
            Self::MariaDb => Some("DELTA_TEST_MYSQL_URL"),
            Self::PgBouncer => None,
        }
    }

    /// Debian's package of it.
    pub(crate) fn package(self) -> &'static str {
        match self {
            Self::Postgres => "postgresql",
            Self::MariaDb => "mariadb-server",
            Self::PgBouncer => "pgbouncer",
        }
    }

    /// How to get one by hand.
    pub(crate) fn remedy(self) -> &'static str {
        match self {
            Self::Postgres => {
                "install Postgres 14 or newer (Debian: apt-get install postgresql; macOS: brew install postgresql@17), or \
                 start Docker, or set DELTA_TEST_POSTGRES_URL to a server on which databases may be created, or leave the \
                 backend out by `cargo xtask test --backends`"
            }
            Self::MariaDb => {
                "install MariaDB 10.6 or newer (Debian: apt-get install mariadb-server; macOS: brew install mariadb), or \
                 start Docker, or set DELTA_TEST_MYSQL_URL to a server of MariaDB or MySQL 8 on which databases may be \
                 created, or leave the backend out by `cargo xtask test --backends`"
            }
            Self::PgBouncer => {
                "install PgBouncer (Debian: apt-get install pgbouncer; macOS: brew install pgbouncer), or leave the \
                 backend postgres out by `cargo xtask test --backends`"
            }
        }
    }

    /// The form of its URLs.
    pub(crate) fn form(self) -> &'static str {
        match self {
            Self::Postgres | Self::PgBouncer => "postgres://user:password@host:port/database",
            Self::MariaDb => "mysql://user:password@host:port/database",
        }
    }
}

impl fmt::Display for ServerKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Postgres => "Postgres",
            Self::MariaDb => "MariaDB",
            Self::PgBouncer => "PgBouncer",
        })
    }
}

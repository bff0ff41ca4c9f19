//! The stores through which a fleet may go to its database.

use std::str::FromStr;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StoreName {
    SqlxPostgres,
    SqlxMariaDb,
    DieselPostgres,
    DieselMariaDb,
}

impl StoreName {
    const ALL: &[Self] = &[Self::SqlxPostgres, Self::SqlxMariaDb, Self::DieselPostgres, Self::DieselMariaDb];

    /// Its name in the matrix of the README.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::SqlxPostgres => "sqlx: Postgres",
            Self::SqlxMariaDb => "sqlx: MariaDB",
            Self::DieselPostgres => "diesel: Postgres",
            Self::DieselMariaDb => "diesel: MariaDB",
        }
    }
}

impl FromStr for StoreName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL.iter().copied().find(|name| name.as_str() == text).ok_or_else(|| text.to_owned())
    }
}

use delta_core::{Error, ErrorKind, Result};

use super::driver::MysqlDriver;
use super::migrations::Ledger;
use super::query::Query;
use super::rows::field;
use super::tables::{Tables, first};

/// The oldest servers that have JSON tables, `SKIP LOCKED` and checked constraints.
const OLDEST_MYSQL: (u32, u32, u32) = (8, 0, 16);
const OLDEST_MARIADB: (u32, u32, u32) = (10, 6, 0);

/// Checks what a server says its version is.
///
/// # Errors
///
/// `Unsupported` if it is older than MySQL 8.0.16 or MariaDB 10.6.
pub fn check_server_version(version: &str) -> Result<()> {
    let is_mariadb = version.to_ascii_lowercase().contains("mariadb");
    // A prefix that makes old clients take MariaDB for MySQL 5.5.
    let number = if is_mariadb { version.strip_prefix("5.5.5-").unwrap_or(version) } else { version };
    let mut parts = number.split(|one: char| !one.is_ascii_digit()).map(|part| part.parse().unwrap_or(0));
    let mut part = || parts.next().unwrap_or(0);
    let found = (part(), part(), part());
    let oldest = if is_mariadb { OLDEST_MARIADB } else { OLDEST_MYSQL };
    if found >= oldest {
        return Ok(());
    }
    let what = format!("expected MySQL 8.0.16 or MariaDB 10.6, or newer, found {version}");
    Err(Error::new(ErrorKind::Unsupported, "connect", what))
}

impl<D: MysqlDriver> Tables<D> {
    /// S15: whether server, session and tables are such as this version works with.
    pub async fn check(&self, conn: &mut D::Conn) -> Result<()> {
        let operation = "check";
        let rows = self.fetch(conn, Query::new(&self.sql().session), operation).await?;
        let row = first(&rows, operation)?;
        check_server_version(field(row, 0, operation)?)?;
        for column in 1..=3 {
            let charset: &str = field(row, column, operation)?;
            if charset != "utf8mb4" {
                let what = format!("expected a session in the character set utf8mb4, found one in {charset}");
                return Err(Error::new(ErrorKind::Unsupported, operation, what));
            }
        }
        let mode: &str = field(row, 4, operation)?;
        if !mode.contains("STRICT_TRANS_TABLES") && !mode.contains("STRICT_ALL_TABLES") {
            let what = format!("expected a session whose sql_mode is strict, found {mode:?}");
            return Err(Error::new(ErrorKind::Unsupported, operation, what));
        }
        self.check_isolation(conn, operation).await?;
        let ledger = Ledger::new(self.prefix());
        self.history(conn, &ledger, operation).await?.check(self.place())?;
        let rows = self.fetch(conn, Query::new(&ledger.strays), operation).await?;
        if let Some(row) = rows.first() {
            let (name, found): (&str, &str) = (field(row, 0, operation)?, field(row, 1, operation)?);
            let what = format!("expected tables of the engine InnoDB with texts in utf8mb4, found {name} in {found}");
            return Err(Error::new(ErrorKind::Unsupported, operation, what));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_are_taken_from_their_oldest_version_on() {
        for good in
            ["8.0.16", "8.0.36-0ubuntu0.22.04.1", "8.4.0", "9.1.0", "10.6.0-MariaDB", "10.11.6-MariaDB-0+deb12u1"]
        {
            assert!(check_server_version(good).is_ok(), "{good}");
        }
        for good in ["5.5.5-10.11.6-MariaDB-0+deb12u1", "11.4.2-MariaDB-log", "8.0.36-aurora"] {
            assert!(check_server_version(good).is_ok(), "{good}");
        }
        for bad in ["5.7.44", "8.0.15", "5.5.5-10.5.23-MariaDB", "10.5.23-MariaDB-1", "", "MariaDB"] {
            let error = check_server_version(bad).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Unsupported, "{bad}");
            assert!(error.to_string().contains("expected MySQL 8.0.16 or MariaDB 10.6"), "{error}");
        }
    }
}

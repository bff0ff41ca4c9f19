use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

use delta_testkit::database::{PostgresDatabase, PostgresServer};
use serde_json::Value;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use tempfile::TempDir;

use crate::clock::sleep;
use crate::failure::Failure;

/// A Postgres server that logs every statement of those databases that are watched.
#[derive(Debug)]
pub(crate) struct LoggingServer {
    server: PostgresServer,
    logs: TempDir,
}

/// A statement that was executed, with its parameters as texts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Executed {
    pub(crate) text: String,
    pub(crate) parameters: Vec<Option<String>>,
}

impl LoggingServer {
    pub(crate) async fn start() -> Result<Self, Failure> {
        let logs = tempfile::Builder::new().prefix("delta-load-logs-").tempdir()?;
        // The server may be another user than this program.
        fs::set_permissions(logs.path(), fs::Permissions::from_mode(0o777))?;
        let directory = logs.path().display().to_string();
        let server = PostgresServer::start_private(&[
            ("logging_collector", "on"),
            ("log_destination", "jsonlog"),
            ("log_directory", &directory),
            ("log_file_mode", "0644"),
        ])
        .await?;
        Ok(Self { server, logs })
    }

    pub(crate) async fn database(&self) -> Result<PostgresDatabase, Failure> {
        Ok(PostgresDatabase::create_on(self.server.url()).await?)
    }

    /// What is executed in a database by sessions that `work` opens.
    pub(crate) async fn watch<R>(
        &self,
        database: &PostgresDatabase,
        work: impl Future<Output = Result<R, Failure>>,
    ) -> Result<Vec<Executed>, Failure> {
        let name = database.name();
        let mut conn = PgConnection::connect(database.url()).await?;
        let set = |what| AssertSqlSafe(format!("ALTER DATABASE \"{name}\" {what}"));
        sqlx::query(set("SET log_statement = 'all'")).execute(&mut conn).await?;
        let before = self.read(&name)?.len();
        work.await?;
        sqlx::query(set("RESET log_statement")).execute(&mut conn).await?;
        let end = format!("the end of {name} after {before}");
        for statement in ["SET log_statement = 'all'".to_owned(), format!("SELECT '{end}'")] {
            sqlx::query(AssertSqlSafe(statement)).execute(&mut conn).await?;
        }
        for _ in 0..500 {
            let all = self.read(&name)?;
            if let Some(last) = all.iter().position(|executed| executed.text.contains(&end)) {
                return Ok(all[before..last].to_vec());
            }
            sleep(Duration::from_millis(20)).await;
        }
        Err("expected the server to log its statements, found them missing".into())
    }

    fn read(&self, database: &str) -> Result<Vec<Executed>, Failure> {
        let mut files: Vec<_> = fs::read_dir(self.logs.path())?.collect::<Result<_, _>>()?;
        files.sort_by_key(fs::DirEntry::path);
        let mut all = Vec::new();
        for file in files {
            if file.path().extension().is_some_and(|extension| extension == "json") {
                let text = fs::read_to_string(file.path())?;
                all.extend(text.lines().filter_map(|line| executed(line, database)));
            }
        }
        Ok(all)
    }
}

/// The one that carries most.
pub(crate) fn largest(all: &[Executed], is_meant: impl Fn(&str) -> bool) -> Option<&Executed> {
    let size = |one: &Executed| one.parameters.iter().flatten().map(String::len).sum::<usize>();
    all.iter().filter(|one| is_meant(&one.text)).max_by_key(|one| size(one))
}

/// A line of the log, if it tells of a statement with parameters.
fn executed(line: &str, database: &str) -> Option<Executed> {
    let line: Value = serde_json::from_str(line).ok()?;
    if line["dbname"] != database {
        return None;
    }
    let text = line["message"].as_str()?.strip_prefix("execute ")?.split_once(": ")?.1.to_owned();
    let parameters = line["detail"].as_str().map(parameters).unwrap_or_default();
    Some(Executed { text, parameters })
}

/// Reads `parameters: $1 = 'it''s', $2 = NULL`.
fn parameters(detail: &str) -> Vec<Option<String>> {
    let mut found = Vec::new();
    let mut rest = detail.split_once(": ").map_or("", |(_, rest)| rest);
    while let Some((_, value)) = rest.split_once(" = ") {
        if let Some(quoted) = value.strip_prefix('\'') {
            let end = end_of(quoted);
            found.push(Some(quoted[..end].replace("''", "'")));
            rest = &quoted[end..];
        } else {
            found.push(None);
            rest = value;
        }
    }
    found
}

/// Where a quoted text ends: at a quote that is not doubled.
fn end_of(quoted: &str) -> usize {
    let mut at = 0;
    while let Some(quote) = quoted[at..].find('\'') {
        at += quote;
        if !quoted[at + 1..].starts_with('\'') {
            return at;
        }
        at += 2;
    }
    quoted.len()
}

#[cfg(test)]
mod tests {
    use super::{Executed, executed, parameters};

    #[test]
    fn parameters_are_read_as_they_were_bound() {
        let some = |text: &str| Some(text.to_owned());
        let read = parameters("parameters: $1 = '2026-01-01', $2 = NULL, $3 = '{NULL,\"it''s = x\"}', $4 = ''");
        assert_eq!(read, [some("2026-01-01"), None, some("{NULL,\"it's = x\"}"), some("")]);
        assert_eq!(parameters(""), []);
    }

    #[test]
    fn only_statements_of_the_database_are_read() {
        let line = |database: &str, message: &str| {
            serde_json::json!({"dbname": database, "message": message, "detail": "parameters: $1 = '1'"}).to_string()
        };
        let read = executed(&line("a", "execute sqlx_s_1: SELECT $1::text: x"), "a");
        assert_eq!(read, Some(Executed { text: "SELECT $1::text: x".into(), parameters: vec![Some("1".into())] }));
        assert_eq!(executed(&line("b", "execute s: SELECT 1"), "a"), None);
        assert_eq!(executed(&line("a", "statement: SELECT 1"), "a"), None);
    }
}

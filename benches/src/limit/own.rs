use delta::core::Target;
use delta::{Client, Migrate as _, PgStore};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

use super::answer::with_ids;
use super::{Executed, LoggingServer, Script, largest};
use crate::failure::Failure;
use crate::item::{Idle, Item};
use crate::scenario::prepare::inform;

/// A statement of ours as `pgbench` runs it: its parameters are variables, `p1` and so on, each with the type that the
/// server gave it.
#[derive(Clone, Debug)]
pub(crate) struct Prepared {
    text: String,
    types: Vec<String>,
    parameters: Vec<Option<String>>,
}

impl Prepared {
    pub(crate) async fn new(conn: &mut PgConnection, executed: &Executed) -> Result<Self, Failure> {
        sqlx::raw_sql(AssertSqlSafe(format!("PREPARE limit_own AS {}", executed.text))).execute(&mut *conn).await?;
        let types: Vec<String> =
            sqlx::query_scalar("SELECT parameter_types::text[] FROM pg_prepared_statements WHERE name = 'limit_own'")
                .fetch_one(&mut *conn)
                .await?;
        sqlx::raw_sql("DEALLOCATE limit_own").execute(conn).await?;
        if types.len() != executed.parameters.len() {
            let (expected, found) = (types.len(), executed.parameters.len());
            return Err(format!("expected {expected} parameters of a statement in the log, found {found}").into());
        }
        Ok(Self { text: executed.text.clone(), types, parameters: executed.parameters.clone() })
    }

    /// The type and the value of each parameter.
    pub(crate) fn parameters(&self) -> impl Iterator<Item = (&str, Option<&str>)> {
        self.types.iter().map(String::as_str).zip(self.parameters.iter().map(Option::as_deref))
    }

    /// The text with an expression for each parameter, by its number from 0.
    pub(crate) fn text(&self, expression: impl Fn(usize) -> String) -> String {
        let mut text = String::with_capacity(self.text.len() * 2);
        let mut rest = self.text.as_str();
        while let Some((before, after)) = rest.split_once('$') {
            let digits = after.len() - after.trim_start_matches(|letter: char| letter.is_ascii_digit()).len();
            text.push_str(before);
            let number = after[..digits].parse::<usize>().ok().filter(|number| (1..=self.types.len()).contains(number));
            if let Some(number) = number.map(|number| number - 1) {
                text.push_str(&format_typed(&expression(number), &self.types[number]));
            } else {
                text.push('$');
                text.push_str(&after[..digits]);
            }
            rest = &after[digits..];
        }
        text + rest
    }
}

fn format_typed(expression: &str, typed: &str) -> String {
    format!("({expression})::{typed}")
}

/// What settles a batch and claims the next, as a client of ours sends it, for any batch.
#[derive(Clone, Debug)]
pub(crate) struct OwnDrain {
    text: String,
    parameters: Vec<Parameter>,
}

#[derive(Clone, Debug)]
enum Parameter {
    /// The ids of what was claimed.
    Ids,
    /// Their tokens, which count from [`BASE`].
    Tokens,
    /// The owner of leases, or the first of their tokens.
    Number,
    /// One for each of them.
    Each(Vec<String>),
    /// How many to claim.
    Take,
    /// A time, which is to be after that of what is drained.
    Time(String),
    /// Always the same.
    Plain(String),
    Null,
}

/// Takes a batch so many times, and then nothing any more: the last transaction of a connection only settles.
pub(super) const TAKE: &str =
    "\\set number :number + 1\n\\set take case when :number <= :claims then :batch else 0 end\n";

/// What [`TAKE`] needs, and that nothing is claimed yet.
pub(super) fn first_variables(batch: usize, claims: usize) -> Vec<(String, String)> {
    let numbers = [("number", 0), ("batch", batch), ("claims", claims)];
    let numbers = numbers.map(|(name, number)| (name.to_owned(), number.to_string()));
    numbers.into_iter().chain([("ids".to_owned(), "{}".to_owned())]).collect()
}

/// How many are drained under watch: enough for batches that tell arrays of rows from all others.
const WATCHED: usize = 3_000;

/// The first token of each batch. A token is only compared with that of the same row, so batches may share theirs.
const BASE: i64 = 1_000_000;

impl OwnDrain {
    /// Has a client drain on a server that logs.
    pub(crate) async fn capture(server: &LoggingServer) -> Result<Self, Failure> {
        let database = server.database().await?;
        let store = PgStore::connect(database.url()).await?;
        store.migrate_to(Target::Latest).await?;
        inform(&Client::builder(store.clone()).build()?, Item::many(0, WATCHED, 0)).await?;
        let executed = server.watch(&database, drain(database.url())).await?;
        let claim = largest(&executed, |text| text.contains("'pending'") && text.contains(".event"));
        let claim = claim.ok_or("expected a statement that settles and claims in the log, found none")?;
        let mut conn = PgConnection::connect(database.url()).await?;
        let prepared = Prepared::new(&mut conn, claim).await?;
        let ids: Vec<i64> = sqlx::query_scalar("SELECT id FROM delta.resource").fetch_all(&mut conn).await?;
        Self::of(&prepared, &ids)
    }

    fn of(prepared: &Prepared, ids: &[i64]) -> Result<Self, Failure> {
        let is_id = |element: &String| element.parse().is_ok_and(|id| ids.contains(&id));
        let mut parameters: Vec<Parameter> = Vec::new();
        let mut rows = None;
        for (typed, value) in prepared.parameters() {
            let elements = value.filter(|_| typed.ends_with("[]")).map(elements);
            parameters.push(match (value, elements) {
                (None, _) => Parameter::Null,
                // Numbers and templates may look like ids, but not as many of them.
                (_, Some(all)) if rows.is_none() && all.len() > 8 && all.iter().all(is_id) => {
                    rows = Some(all.len());
                    Parameter::Ids
                }
                (_, Some(all)) if Some(all.len()) == rows && matches!(parameters.last(), Some(Parameter::Ids)) => {
                    Parameter::Tokens
                }
                (_, Some(all)) if all.len() > 8 => Parameter::Each(all),
                (Some(_), _) if typed == "bigint" => Parameter::Number,
                (Some(value), _) if typed == "timestamp with time zone" => Parameter::Time(value.to_owned()),
                (Some(value), _) => Parameter::Plain(value.to_owned()),
            });
        }
        let is_one_count = |last: &Parameter| matches!(last, Parameter::Plain(text) if elements(text).len() == 1);
        match (rows, parameters.pop().filter(is_one_count)) {
            (Some(_), Some(_)) => parameters.push(Parameter::Take),
            (rows, last) => {
                let found = format!("{rows:?} ids and {last:?}");
                return Err(format!("expected ids of a batch, and last how many to claim; found {found}").into());
            }
        }
        let text = prepared.text(|number| match parameters[number] {
            Parameter::Ids => ":ids".to_owned(),
            Parameter::Null => "NULL".to_owned(),
            Parameter::Take => "ARRAY[:take]".to_owned(),
            _ => format!(":p{}", number + 1),
        });
        // A client of ours settles later what somebody else had locked; `pgbench` does not come back, so it waits, as the
        // store's own statement for callers does.
        let text = text.replacen("FOR UPDATE OF r SKIP LOCKED", "FOR UPDATE OF r", 1);
        Ok(Self { text: with_ids(&text)?, parameters })
    }

    /// For a batch of so many.
    pub(crate) fn script(&self, batch: usize, claims: usize) -> Script {
        let mut variables = first_variables(batch, claims);
        for (number, parameter) in self.parameters.iter().enumerate() {
            let value = match parameter {
                Parameter::Ids | Parameter::Take | Parameter::Null => continue,
                Parameter::Tokens => {
                    let tokens = (BASE..).take(batch).map(|token| token.to_string());
                    format!("{{{}}}", tokens.collect::<Vec<_>>().join(","))
                }
                Parameter::Number => BASE.to_string(),
                Parameter::Each(elements) => format!("{{{}}}", resized(elements, batch).join(",")),
                Parameter::Time(time) => next_year(time),
                Parameter::Plain(value) => value.clone(),
            };
            variables.push((format!("p{}", number + 1), value));
        }
        Script { text: format!("{TAKE}{}\n\\aset\n", self.text), variables }
    }
}

async fn drain(url: &str) -> Result<(), Failure> {
    Item::set_parallelism(Some(1_000));
    let worker = Idle::default();
    let client = Client::builder(PgStore::connect(url).await?).controller(worker.clone()).build()?;
    let running = client.start().await?;
    worker.reaches(WATCHED).await;
    running.stop().await;
    Ok(())
}

/// The elements of an array, as they are written in it.
fn elements(array: &str) -> Vec<String> {
    let inner = array.strip_prefix('{').and_then(|array| array.strip_suffix('}')).unwrap_or_default();
    let (mut all, mut quoted) = (vec![String::new()], false);
    for letter in inner.chars() {
        match letter {
            ',' if !quoted => all.push(String::new()),
            _ => {
                quoted ^= letter == '"';
                if let Some(last) = all.last_mut() {
                    last.push(letter);
                }
            }
        }
    }
    if inner.is_empty() { Vec::new() } else { all }
}

/// As many as a batch has: what counts goes on counting, else the last is repeated.
fn resized(elements: &[String], batch: usize) -> Vec<String> {
    let numbers: Option<Vec<i64>> = elements.iter().map(|element| element.parse().ok()).collect();
    let counts = numbers.filter(|all| all.windows(2).all(|two| two[1] == two[0] + 1));
    match counts.as_ref().and_then(|all| all.first()) {
        Some(first) => (*first..).take(batch).map(|number| number.to_string()).collect(),
        None => (0..batch).map(|number| elements[number.min(elements.len() - 1)].clone()).collect(),
    }
}

/// The same time, a year later at the least: after any item of this run is due.
fn next_year(time: &str) -> String {
    let year = time.split_once('-').and_then(|(year, rest)| Some((year.parse::<i32>().ok()?, rest)));
    year.map_or_else(|| time.to_owned(), |(year, rest)| format!("{}-{}", year + 4, rest))
}

#[cfg(test)]
mod tests {
    use super::{OwnDrain, Prepared, elements, next_year, resized};

    fn prepared(text: &str, parameters: &[(&str, &str)]) -> Prepared {
        let types = parameters.iter().map(|(typed, _)| (*typed).to_owned()).collect();
        let parameters = parameters.iter().map(|(_, value)| Some((*value).to_owned())).collect();
        Prepared { text: text.to_owned(), types, parameters }
    }

    #[test]
    fn a_drain_runs_with_any_batch() {
        let many =
            |from: i64| format!("{{{}}}", (from..from + 10).map(|n| n.to_string()).collect::<Vec<_>>().join(","));
        let statement = prepared(
            "WITH claimed AS (\n  x $1 $2 $3 $4 $5 $6\n)\nSELECT 2, NULL::bigint[] FROM claimed",
            &[
                ("timestamp with time zone", "2026-02-03 04:05:06+00"),
                ("bigint[]", &many(0)),
                ("bigint[]", &many(100)),
                ("bigint[]", &many(7_000)),
                ("bigint", "-77"),
                ("bigint[]", "{1000}"),
            ],
        );
        let script = OwnDrain::of(&statement, &(100..200).collect::<Vec<_>>()).unwrap().script(3, 2);
        assert!(
            script.text.contains("(:p1)::timestamp with time zone (:p2)::bigint[] (:ids)::bigint[]"),
            "{}",
            script.text
        );
        let of = |name: &str| script.variables.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str());
        assert_eq!(of("p1"), Some("2030-02-03 04:05:06+00"));
        assert_eq!((of("p2"), of("p3"), of("p4")), (Some("{0,1,2}"), None, Some("{1000000,1000001,1000002}")));
        assert_eq!((of("p5"), of("batch"), of("ids")), (Some("1000000"), Some("3"), Some("{}")));
        assert!(script.text.contains("(ARRAY[:take])::bigint[]"), "{}", script.text);
    }

    #[test]
    fn a_statement_that_claims_nothing_is_told() {
        let statement = prepared("SELECT $1", &[("bigint[]", "{1}")]);
        assert!(OwnDrain::of(&statement, &[1]).is_err());
    }

    #[test]
    fn arrays_are_resized() {
        assert_eq!(elements(r#"{NULL,"a,b",c}"#), ["NULL", r#""a,b""#, "c"]);
        assert_eq!(resized(&elements("{NULL,NULL}"), 3), ["NULL", "NULL", "NULL"]);
        assert_eq!(resized(&elements("{5,6}"), 4), ["5", "6", "7", "8"]);
        assert_eq!(next_year("x"), "x");
    }
}

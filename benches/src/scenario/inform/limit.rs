use delta::core::Target;
use delta::{Client, Migrate as _, PgStore};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use tokio::sync::OnceCell;

use super::{Inform, prepare_for};
use crate::failure::Failure;
use crate::limit::{Prepared, Script, pgbench};
use crate::measure::Meter;
use crate::server::{Backend, Place, Postgres, World};
use crate::subject::Measured;

/// What a client of ours sends for one call, for each of a case's rounds.
pub(super) type Captured = OnceCell<Vec<Statement>>;

/// A statement with parameters that are the same in each call, or follow from the first number of its objects.
#[derive(Clone, Debug)]
pub(super) struct Statement {
    text: String,
    /// Names and values of those that are the same.
    plain: Vec<(String, String)>,
}

/// Where the ids of resources begin on the server whose statements are logged, so that they are told from other numbers.
const FIRST_ID: i64 = 5_000_000;

/// Has `pgbench` inform of the same objects, by one connection.
pub(super) async fn run(world: &World, captured: &Captured, inform: Inform) -> Result<Vec<Measured>, Failure> {
    let statements = captured.get_or_try_init(|| capture(world, inform)).await?;
    let place = Place::create(world, Backend::SqlxPostgres).await?;
    let store = PgStore::connect(place.url()).await?;
    store.migrate_to(Target::Latest).await?;
    prepare_for(&Client::builder(store.clone()).build()?, inform).await?;
    store.close().await;
    let mut conn = PgConnection::connect(place.url()).await?;
    let before = written(&mut conn).await?;
    // Rows were given ids in the order of their numbers.
    let first: Option<i64> = sqlx::query_scalar("SELECT min(id) FROM delta.resource WHERE object_id = 'item-0'")
        .fetch_one(&mut conn)
        .await?;
    keep(&mut conn, statements).await?;
    Postgres::settle(place.url()).await?;
    let script = script(statements, inform.batch, first.unwrap_or_default());
    let mut meter = Meter::start_postgres(place.url()).await?;
    let calls = inform.items / inform.batch;
    let time = pgbench(place.url(), &script, 1, calls).await?;
    meter.finish().await?;
    let written = written(&mut conn).await? - before;
    conn.close().await?;
    let expected = if inform.known == super::Known::Unchanged { 0 } else { i64::try_from(calls * inform.batch)? };
    if written != expected {
        return Err(format!("expected pgbench to write {expected} rows, found {written}").into());
    }
    Ok(vec![Measured::throughput(calls * inform.batch, time).usage(meter.usage(inform.items).await?)])
}

/// How many events there are: each write of a row has one.
async fn written(conn: &mut PgConnection) -> Result<i64, Failure> {
    Ok(sqlx::query_scalar("SELECT count(*) FROM delta.event").fetch_one(conn).await?)
}

/// Watches a client inform of one batch.
async fn capture(world: &World, inform: Inform) -> Result<Vec<Statement>, Failure> {
    let one = Inform { items: inform.batch, ..inform };
    let server = world.logging().await?;
    let database = server.database().await?;
    let store = PgStore::connect(database.url()).await?;
    store.migrate_to(Target::Latest).await?;
    let mut conn = PgConnection::connect(database.url()).await?;
    let restart = format!("ALTER SEQUENCE delta.resource_id_seq RESTART {FIRST_ID}");
    sqlx::query(AssertSqlSafe(restart)).execute(&mut conn).await?;
    prepare_for(&Client::builder(store.clone()).build()?, one).await?;
    store.close().await;
    let work = async {
        let client = Client::builder(PgStore::connect(database.url()).await?).build()?;
        for answer in client.inform_many(one.objects()).await? {
            answer?;
        }
        Ok(())
    };
    let executed = server.watch(&database, work).await?;
    let mut statements = Vec::new();
    for executed in &executed {
        let prepared = Prepared::new(&mut conn, executed).await?;
        if prepared.parameters().any(|(_, value)| value.is_some_and(|value| varies(value) != Varies::Not)) {
            statements.push(Statement::of(&prepared, statements.len()));
        }
    }
    if statements.is_empty() {
        return Err(format!("expected statements that name the objects, found {executed:?}").into());
    }
    conn.close().await?;
    Ok(statements)
}

/// What a parameter is from call to call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Varies {
    Not,
    ObjectIds,
    ResourceIds,
}

fn varies(value: &str) -> Varies {
    let Some(elements) = value.strip_prefix('{').and_then(|value| value.strip_suffix('}')) else { return Varies::Not };
    let mut elements = elements.split(',');
    match elements.next() {
        Some(first) if first.starts_with("item-") => Varies::ObjectIds,
        Some(first) if first.parse().is_ok_and(|id: i64| (FIRST_ID..2 * FIRST_ID).contains(&id)) => Varies::ResourceIds,
        _ => Varies::Not,
    }
}

impl Statement {
    fn of(prepared: &Prepared, number: usize) -> Self {
        let values: Vec<Option<&str>> = prepared.parameters().map(|(_, value)| value).collect();
        let mut plain = Vec::new();
        for (parameter, value) in values.iter().enumerate() {
            if let Some(value) = value.filter(|value| varies(value) == Varies::Not) {
                plain.push((name(number, parameter), value.to_owned()));
            }
        }
        let text = prepared.text(|parameter| match values[parameter].map(varies) {
            None => "NULL".to_owned(),
            Some(Varies::Not) => format!(":{}", name(number, parameter)),
            // As our store sorts them.
            Some(Varies::ObjectIds) => {
                "SELECT array_agg('item-' || n) FROM generate_series(:base::bigint, :base::bigint + :last::bigint) n"
                    .to_owned()
            }
            Some(Varies::ResourceIds) => "SELECT array_agg(n + :first_id::bigint) \
                 FROM generate_series(:base::bigint, :base::bigint + :last::bigint) n"
                .to_owned(),
        });
        Self { text, plain }
    }
}

fn name(statement: usize, parameter: usize) -> String {
    format!("s{statement}p{}", parameter + 1)
}

/// Stores parameters where `pgbench` finds them: they are too long for its command line.
async fn keep(conn: &mut PgConnection, statements: &[Statement]) -> Result<(), Failure> {
    sqlx::query("CREATE TABLE limit_parameter (name text PRIMARY KEY, value text NOT NULL)")
        .execute(&mut *conn)
        .await?;
    for (name, value) in statements.iter().flat_map(|statement| &statement.plain) {
        sqlx::query("INSERT INTO limit_parameter VALUES ($1, $2)").bind(name).bind(value).execute(&mut *conn).await?;
    }
    Ok(())
}

fn script(statements: &[Statement], batch: usize, first_id: i64) -> Script {
    let names = statements.iter().flat_map(|statement| &statement.plain).map(|(name, _)| name);
    let read = |name: &String| format!("SELECT value AS {name} FROM limit_parameter WHERE name = '{name}' \\gset");
    let lines = ["\\if :begun", "\\set base :base + :last + 1", "\\else"].map(str::to_owned).into_iter();
    let lines = lines.chain(names.map(read));
    let lines = lines.chain(["\\set base 0", "\\set begun 1", "\\endif"].map(str::to_owned));
    let lines = lines.chain(statements.iter().map(|statement| format!("{};", statement.text)));
    let text = lines.map(|line| line + "\n").collect();
    let variable = |name: &str, value: String| (name.to_owned(), value);
    let variables = vec![
        variable("begun", "0".to_owned()),
        variable("base", "0".to_owned()),
        variable("last", (batch - 1).to_string()),
        variable("first_id", first_id.to_string()),
    ];
    Script { text, variables }
}

#[cfg(test)]
mod tests {
    use super::{Varies, varies};

    #[test]
    fn ids_are_told_from_other_parameters() {
        assert_eq!(varies("{item-0,item-1}"), Varies::ObjectIds);
        assert_eq!(varies("{5000000,5000001}"), Varies::ResourceIds);
        for other in ["{}", "{0,1,2}", "2026-01-01", "{\"{\\\"id\\\":\\\"item-0\\\"}\"}", "{NULL}"] {
            assert_eq!(varies(other), Varies::Not, "{other}");
        }
    }
}

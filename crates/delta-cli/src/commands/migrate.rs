use clap::Subcommand;
use delta::core::{MigrationStatus, Target};
use serde_json::json;

use crate::database::{Database, MissingFile, Store};
use crate::failure::Failure;
use crate::output::{Output, table};

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Bring the schema up; a SQLite file that does not exist is created.
    Up {
        /// The version to stop at [default: the newest that this program knows]
        #[arg(long, value_name = "VERSION")]
        to: Option<u32>,
    },
    /// Take the schema down, with what is stored in what goes.
    Down {
        /// The version to stop at; 0 removes all of Delta.
        #[arg(long, value_name = "VERSION")]
        to: u32,
    },
    /// Show which versions the database has.
    Status,
    /// Print the statements that bring an empty database up, to review them or to run them by other means.
    Print,
}

impl Command {
    pub(crate) async fn run(&self, database: &Database, output: &mut Output) -> Result<(), Failure> {
        let versions = match self {
            Self::Up { to } => {
                let store = database.open(MissingFile::Create).await?;
                let now = newest_applied(&store).await?;
                match to {
                    Some(to) if *to < now => {
                        let message = format!("expected a version from {now} up, which the database has, found {to}");
                        return Err(Failure::Usage(message));
                    }
                    Some(to) => store.migrate(Target::Version(*to)).await?,
                    None => store.migrate(Target::Latest).await?,
                }
            }
            Self::Down { to } => {
                let store = database.open(MissingFile::Refuse).await?;
                let now = newest_applied(&store).await?;
                if *to > now {
                    let message = format!("expected a version up to {now}, which the database has, found {to}");
                    return Err(Failure::Usage(message));
                }
                store.migrate(Target::Version(*to)).await?
            }
            Self::Status => database.open(MissingFile::Refuse).await?.migration_status().await?,
            Self::Print => {
                let sql = database.open(MissingFile::Refuse).await?.migration_sql();
                return output.write(sql.trim_end(), &json!({ "sql": sql }));
            }
        };
        show(&versions, output)
    }
}

async fn newest_applied(store: &Store) -> Result<u32, Failure> {
    let versions = store.migration_status().await?;
    Ok(versions.iter().filter(|version| version.applied).map(|version| version.version).max().unwrap_or(0))
}

fn show(versions: &[MigrationStatus], output: &mut Output) -> Result<(), Failure> {
    let applied = |version: &MigrationStatus| if version.applied { "yes" } else { "no" };
    let rows =
        versions.iter().map(|version| [version.version.to_string(), applied(version).to_owned(), version.name.clone()]);
    let record = |version: &MigrationStatus| json!({ "version": version.version, "name": version.name, "applied": version.applied });
    let programs: Vec<_> = versions.iter().map(record).collect();
    output.write(table(["VERSION", "APPLIED", "NAME"], rows), &json!({ "versions": programs }))
}

use std::collections::BTreeMap;

use clap::Subcommand;
use delta::core::Scope;
use delta::{AnyClient, Filter, Name, Pausable, State, Timestamp};
use serde_json::{Value, json};

use crate::clock;
use crate::database::Database;
use crate::failure::Failure;
use crate::output::{Output, age, table};
use crate::records;

#[derive(Debug, Subcommand)]
pub(crate) enum KindCommand {
    /// List the kinds that are stored, with their settings and how many resources they have.
    List,
    /// Keep everybody from claiming resources of a kind. What is being worked goes on.
    Pause {
        #[arg(value_name = "KIND")]
        name: String,
    },
    /// End a pause.
    Resume {
        #[arg(value_name = "KIND")]
        name: String,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum NamespaceCommand {
    /// List the namespaces that are stored, with their settings and how many resources they have.
    List,
    /// Keep everybody from claiming resources of a namespace. What is being worked goes on.
    Pause {
        #[arg(value_name = "NAMESPACE")]
        name: String,
    },
    /// End a pause.
    Resume {
        #[arg(value_name = "NAMESPACE")]
        name: String,
    },
}

impl KindCommand {
    pub(crate) async fn run(&self, database: &Database, output: &mut Output) -> Result<(), Failure> {
        let client = database.client().await?;
        match self {
            Self::List => list(&client, Which::Kinds, output).await,
            Self::Pause { name } => pause(&client, &Pausable::Kind(Name::new(name)?), output).await,
            Self::Resume { name } => resume(&client, &Pausable::Kind(Name::new(name)?), output).await,
        }
    }
}

impl NamespaceCommand {
    pub(crate) async fn run(&self, database: &Database, output: &mut Output) -> Result<(), Failure> {
        let client = database.client().await?;
        match self {
            Self::List => list(&client, Which::Namespaces, output).await,
            Self::Pause { name } => pause(&client, &Pausable::Namespace(Name::new(name)?), output).await,
            Self::Resume { name } => resume(&client, &Pausable::Namespace(Name::new(name)?), output).await,
        }
    }
}

async fn pause(client: &AnyClient, what: &Pausable, output: &mut Output) -> Result<(), Failure> {
    client.pause(what).await?;
    output.write("paused", &json!({ "paused": true }))
}

async fn resume(client: &AnyClient, what: &Pausable, output: &mut Output) -> Result<(), Failure> {
    client.resume(what).await?;
    output.write("resumed", &json!({ "paused": false }))
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Which {
    Kinds,
    Namespaces,
}

#[derive(Debug, Default)]
struct Row {
    paused: bool,
    settings: Option<String>,
    states: BTreeMap<State, u64>,
    oldest_run_at: Option<Timestamp>,
}

async fn list(client: &AnyClient, which: Which, output: &mut Output) -> Result<(), Failure> {
    let mut rows: BTreeMap<Name, Row> = BTreeMap::new();
    for record in client.scopes().await? {
        let ((Which::Kinds, Scope::Kind(name)) | (Which::Namespaces, Scope::Namespace(name))) = (which, record.scope)
        else {
            continue;
        };
        let row = rows.entry(name).or_default();
        row.paused = record.paused;
        row.settings = record.settings;
    }
    for count in client.count(&Filter::default()).await? {
        let name = match which {
            Which::Kinds => count.lane.kind,
            Which::Namespaces => count.lane.namespace,
        };
        let row = rows.entry(name).or_default();
        *row.states.entry(count.state).or_default() += count.count;
        row.oldest_run_at = row.oldest_run_at.into_iter().chain(count.oldest_run_at).min();
    }
    let heading = match which {
        Which::Kinds => ["KIND", "PAUSED", "RESOURCES", "DUE SINCE", "STATES"],
        Which::Namespaces => ["NAMESPACE", "PAUSED", "RESOURCES", "DUE SINCE", "STATES"],
    };
    let now = clock::now();
    let people = rows.iter().map(|(name, row)| {
        let states: Vec<_> = row.states.iter().map(|(state, count)| format!("{count} {state}")).collect();
        let due = row.oldest_run_at.filter(|at| *at <= now);
        [
            name.to_string(),
            if row.paused { "yes" } else { "no" }.to_owned(),
            row.states.values().sum::<u64>().to_string(),
            due.map_or_else(|| "-".to_owned(), |at| age(now.since(at))),
            states.join(", "),
        ]
    });
    let programs = rows.iter().map(|(name, row)| {
        let states: serde_json::Map<String, Value> =
            row.states.iter().map(|(state, count)| (state.to_string(), json!(count))).collect();
        json!({
            "name": name,
            "paused": row.paused,
            "settings": row.settings.as_deref().map(records::json),
            "states": states,
            "oldest_run_at": row.oldest_run_at,
        })
    });
    let key = if which == Which::Kinds { "kinds" } else { "namespaces" };
    let programs = json!({ key: programs.collect::<Vec<_>>() });
    output.write(table(heading, people), &programs)
}

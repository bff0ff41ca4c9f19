use clap::{Args, ValueEnum};
use delta::core::Scope;
use delta::{Existing, Name, ScheduleInform, Timestamp};
use serde_json::json;

use crate::database::Database;
use crate::failure::Failure;
use crate::output::Output;

#[derive(Args, Debug)]
pub(crate) struct Arguments {
    /// The kind whose informer is to run.
    kind: String,

    /// The namespace that the objects go to [default: default]
    #[arg(long, value_name = "NAME")]
    namespace: Option<String>,

    /// Ask for everything that exists: what the run does not mention is missing then.
    #[arg(long)]
    full: bool,

    /// A label to select by, whose meaning is the informer's; may be repeated.
    #[arg(long, value_name = "KEY=VALUE", value_parser = label)]
    label: Vec<(String, String)>,

    /// Ask for at most so many objects.
    #[arg(long, value_name = "N")]
    limit: Option<u64>,

    /// Ask for an order, whose meaning is the informer's.
    #[arg(long, value_name = "TEXT")]
    order: Option<String>,

    /// Ask for what was created or changed since a time (RFC 3339) [default: the high-water mark, less an overlap]
    #[arg(long, value_name = "TIME", value_parser = time)]
    after: Option<Timestamp>,

    /// What to do about objects that are unchanged.
    #[arg(long, value_enum, default_value_t)]
    existing: ExistingArgument,
}

/// [`Existing`] as an argument.
#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum ExistingArgument {
    /// Leave them alone.
    #[default]
    Skip,
    /// Have them worked again.
    Process,
}

impl Arguments {
    pub(crate) async fn run(&self, database: &Database, output: &mut Output) -> Result<(), Failure> {
        let mut request = ScheduleInform::new().existing(match self.existing {
            ExistingArgument::Skip => Existing::Skip,
            ExistingArgument::Process => Existing::Process,
        });
        if let Some(namespace) = &self.namespace {
            request = request.namespace(Name::new(namespace)?.as_str());
        }
        if let Some(limit) = self.limit {
            request = request.limit(limit);
        }
        if let Some(order) = &self.order {
            request = request.order(order);
        }
        if let Some(after) = self.after {
            request = request.after(after);
        }
        for (key, value) in &self.label {
            request = request.label(key, value);
        }
        if self.full {
            request = request.full();
        }
        let kind = Name::new(&self.kind)?;
        let client = database.client().await?;
        client.schedule_inform(kind.as_str(), request).await?;
        let known = client.scopes().await?.into_iter().any(|record| record.scope == Scope::Kind(kind.clone()));
        if !known {
            eprintln!("delta: no client has worked the kind {kind} yet; the request waits for one that does");
        }
        let namespace = self.namespace.as_deref().unwrap_or("default");
        let people = format!("asked for a run of the informer of {kind}, in the namespace {namespace}");
        output.write(people, &json!({ "requested": true, "kind": kind, "namespace": namespace, "known_kind": known }))
    }
}

fn label(text: &str) -> Result<(String, String), String> {
    let label = text.split_once('=').filter(|(key, _)| !key.is_empty());
    label.map(|(key, value)| (key.to_owned(), value.to_owned())).ok_or_else(|| "expected KEY=VALUE".to_owned())
}

fn time(text: &str) -> Result<Timestamp, String> {
    let time: Result<chrono::DateTime<chrono::Utc>, _> = text.parse();
    time.map(Timestamp::from).map_err(|error| format!("expected a time such as 2026-01-31T12:00:00Z: {error}"))
}

use std::fmt::Write;

use clap::Args;
use delta::core::{DeletedBy, Desired, Resource, Trace};
use delta::{AnyClient, Key, Rejection};

use crate::failure::Failure;
use crate::output::{Output, or_dash, table};
use crate::records::{self, ResourceRecord};

#[derive(Args, Debug)]
pub(crate) struct Show {
    /// The resource, as `resource list` names it: NAMESPACE/KIND/ID.
    #[arg(value_parser = key)]
    resource: Key,
}

impl Show {
    pub(super) async fn run(&self, client: &AnyClient, output: &mut Output) -> Result<(), Failure> {
        let found = client.record(&self.resource).await?;
        let row = found.ok_or_else(|| Failure::Delta(Rejection::NotFound.into()))?;
        output.write(describe(&row), &ResourceRecord::new(&row))
    }
}

fn describe(row: &Resource) -> String {
    let field = |name: &str, value: String| [name.to_owned(), value];
    let desired = match row.desired {
        Desired::Present => "present".to_owned(),
        Desired::Absent(by) => format!("absent, by {}", by.as_str()),
    };
    let lease = row.lease.as_ref().map(|lease| format!("of {} until {}", lease.owner, lease.until));
    let mut fields = vec![
        field("resource", row.key.to_string()),
        field("id", row.id.to_string()),
        field("state", format!("{} since {}", row.state, row.state_since)),
        field("paused", if row.paused { "yes" } else { "no" }.to_owned()),
        field("desired", desired),
        field("generation", format!("{}, synced {}", row.generation, row.synced_generation)),
        field(
            "attempt",
            format!("{} of {}", row.attempt, row.max_attempts.map_or("any".to_owned(), |max| max.to_string())),
        ),
        field("priority", row.priority.get().to_string()),
        field("run at", or_dash(row.run_at)),
        field("lease", or_dash(lease)),
        field("created at", row.created_at.to_string()),
        field("updated at", row.updated_at.to_string()),
        field("attempted at", or_dash(row.attempted_at)),
        field("synced at", or_dash(row.synced_at)),
        field("deleted at", or_dash(row.deleted_at)),
        field("deleted by", or_dash(row.deleted_by.map(DeletedBy::as_str))),
        field("created outside", or_dash(row.external_created_at)),
        field("trace", or_dash(row.trace.as_ref().map(Trace::as_str))),
        field("metadata", row.metadata.as_str().to_owned()),
        field("hash", row.hash.to_string()),
        field("errors", row.error_count.to_string()),
    ];
    let mut below = String::new();
    if let Some(detail) = &row.detail {
        fields.push(field("tags", detail.tags.as_slice().join(", ")));
        let object = serde_json::to_string_pretty(&records::json(&detail.object)).unwrap_or_default();
        below = format!("\n\n{object}");
        for error in &detail.errors {
            // Writing to a string cannot fail.
            let _ = write!(
                below,
                "\n\n{} generation {} attempt {}\n{}",
                error.at, error.generation, error.attempt, error.message
            );
            if let Some(backtrace) = &error.backtrace {
                below = below + "\n" + backtrace;
            }
        }
    }
    table(["FIELD", "VALUE"], fields) + &below
}

/// Reads a key as it is shown. Neither a namespace nor a kind has a slash; an object id may have any number.
pub(super) fn key(text: &str) -> Result<Key, String> {
    match text.splitn(3, '/').collect::<Vec<_>>()[..] {
        [namespace, kind, id] => Key::new(namespace, kind, id).map_err(|error| error.to_string()),
        _ => Err("expected NAMESPACE/KIND/ID".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_id_may_have_slashes() {
        assert_eq!(key("default/entry/a/b").unwrap(), Key::new("default", "entry", "a/b").unwrap());
        assert!(key("default/entry").is_err());
        assert!(key("Default/entry/a").unwrap_err().contains("expected at most 64"));
    }
}

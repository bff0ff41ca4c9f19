use std::collections::BTreeSet;

use clap::Args;
use delta::{EventFilter, EventKind, Reason};

use crate::failure::Failure;
use crate::filter::names;

/// Which events. Several values of one option join by "or", options by "and"; so does --metadata with itself.
#[derive(Args, Debug)]
pub(super) struct EventFilterArguments {
    /// Only of this kind; may be repeated.
    #[arg(long, value_name = "NAME")]
    kind: Vec<String>,

    /// Only of this namespace; may be repeated.
    #[arg(long, value_name = "NAME")]
    namespace: Vec<String>,

    /// Only this event, such as synced or failed; may be repeated.
    #[arg(long, value_name = "EVENT", value_parser = event_kind)]
    event: Vec<EventKind>,

    /// Only of resources whose object id begins so.
    #[arg(long, value_name = "TEXT")]
    key_prefix: Option<String>,

    /// Only with this member of the metadata, a text that is exactly this; all of them if it is repeated.
    #[arg(long, value_name = "NAME=VALUE", value_parser = pair)]
    metadata: Vec<(String, String)>,
}

impl EventFilterArguments {
    pub(super) fn filter(&self) -> Result<EventFilter, Failure> {
        let mut filter = EventFilter {
            event_kinds: (!self.event.is_empty())
                .then(|| self.event.iter().map(|kind| kind.as_str()).collect::<BTreeSet<_>>()),
            namespaces: names(&self.namespace)?,
            kinds: names(&self.kind)?,
            object_id_prefix: self.key_prefix.clone(),
            ..EventFilter::default()
        };
        for (name, value) in &self.metadata {
            if filter.metadata.insert(name.clone(), value.clone()).is_some_and(|before| before != *value) {
                let message = format!("expected one value of the metadata {name:?}, found several");
                return Err(Failure::Usage(message));
            }
        }
        Ok(filter)
    }
}

fn pair(text: &str) -> Result<(String, String), String> {
    let pair = text.split_once('=').filter(|(name, _)| !name.is_empty());
    pair.map(|(name, value)| (name.to_owned(), value.to_owned())).ok_or_else(|| "expected NAME=VALUE".to_owned())
}

fn event_kind(text: &str) -> Result<EventKind, String> {
    let all = [
        EventKind::Scheduled(Reason::Created),
        EventKind::Synced,
        EventKind::Failed,
        EventKind::Expired,
        EventKind::Deleted,
        EventKind::Purged,
        EventKind::Paused,
        EventKind::Resumed,
    ];
    let short = |kind: &EventKind| kind.as_str().trim_start_matches("object_");
    all.into_iter().find(|kind| text == kind.as_str() || text == short(kind)).ok_or_else(|| {
        let known: Vec<_> = all.iter().map(short).collect();
        format!("expected one of {}", known.join(", "))
    })
}

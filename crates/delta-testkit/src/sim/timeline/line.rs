use delta_core::{Cursor, Subject};

use super::row::{Holders, brief, relative};
use crate::fault::Operation;
use crate::history::{Entry, What};
use crate::sim::words::NOBODY;

/// One line of a timeline.
#[derive(Debug)]
pub(super) struct Line {
    /// `!` before what goes wrong.
    pub(super) mark: char,
    pub(super) operation: String,
    pub(super) text: String,
    /// Whether it is left out unless all is asked for.
    pub(super) boring: bool,
}

impl Line {
    pub(super) fn of(entry: &Entry, holders: &Holders) -> Self {
        let now = entry.at;
        let plain =
            |operation: &str, text: String| Self { mark: ' ', operation: operation.to_owned(), text, boring: false };
        let wrong = |operation: &str, text: String| Self { mark: '!', ..plain(operation, text) };
        match &entry.what {
            What::Started(how) => plain("start", how.clone()),
            What::Crashed => wrong("CRASH", "killed: nothing of it runs from here on".to_owned()),
            What::Stopped => plain("stop", "stopped as it should".to_owned()),
            What::Fault { kind, what } => wrong("FAULT", format!("{kind}: {what}")),
            What::ClockSet(micros) => Self { boring: true, ..plain("clock", format!("set by {} ms", micros / 1_000)) },
            What::Called { operation, asked, answered } => {
                Self { boring: is_boring(operation, answered), ..plain(operation, format!("{asked} -> {answered}")) }
            }
            What::Row { before, after } => {
                let (before, after) = (before.as_deref(), after.as_deref());
                let key = after.or(before).map(|row| row.key.to_string()).unwrap_or_default();
                let text = format!("{key}: {} => {}", brief(before, now, holders), brief(after, now, holders));
                let heartbeat = before.zip(after).is_some_and(|(before, after)| before.version == after.version);
                Self { boring: heartbeat, ..plain("row", text) }
            }
            What::Appended(event) => match &event.subject {
                Subject::Resource { key, state, generation, attempt, .. } => {
                    let position = event.position;
                    plain("event", format!("{position} {} {key} ({state}, g{generation} a{attempt})", event.kind))
                }
                Subject::Scope(scope) => plain("event", format!("{} {} {scope}", event.position, event.kind)),
            },
            What::Cursor { before, after } => {
                let (before, after) = (before.as_deref(), after.as_deref());
                let name = after.or(before).map(|cursor| cursor.name.clone()).unwrap_or_default();
                let boring = before
                    .zip(after)
                    .is_some_and(|(before, after)| before.holder == after.holder && before.position == after.position);
                let place = |cursor: Option<&Cursor>| {
                    let Some(cursor) = cursor else { return "nothing".to_owned() };
                    let at = cursor.position.as_deref().unwrap_or("no place");
                    match (cursor.holder, cursor.lease_until) {
                        (Some(holder), Some(until)) => format!("{at} of {holder} {}", relative(until, now)),
                        _ => format!("{at}, free"),
                    }
                };
                Self { boring, ..plain("cursor", format!("{name}: {} => {}", place(before), place(after))) }
            }
            What::Scope { .. } => plain("scope", entry.what.to_string()),
            What::Asked { key, ask } => plain("asks", format!("{ask} {key}")),
            What::Refused { key, ask } => plain("error", format!("{ask} {key}: whether it is done is not known")),
            What::Acknowledged { key, ask } => plain("told", format!("{key}: {ask}")),
            What::Began(attempt) => plain("begin", attempt.to_string()),
            What::Given(attempt, hash) => Self { boring: true, ..plain("given", format!("{attempt}: {hash}")) },
            What::Ended(attempt, answer) => plain("end", format!("{attempt}: {answer}")),
            What::Settles(attempt, answer) => plain("settle_in", format!("{attempt}: {answer}")),
            What::Effect { idempotency_key, what, .. } => plain("EFFECT", format!("{what} ({idempotency_key})")),
            What::ConsumeFrom { .. } | What::Consumed { .. } => {
                Self { boring: true, ..plain("consume", entry.what.to_string()) }
            }
            What::PassedOver { .. } | What::Reset { .. } => plain("consume", entry.what.to_string()),
            What::Periods { .. } => Self { boring: true, ..plain("settings", entry.what.to_string()) },
            What::Calm => plain("calm", "no more faults".to_owned()),
            What::Note(text) => plain("note", text.clone()),
            What::Frozen => wrong("FREEZE", "stands still".to_owned()),
            What::Thawed => wrong("thaw", "goes on".to_owned()),
        }
    }
}

/// Whether a call says nothing that its rows and events, or its fault, do not.
fn is_boring(operation: &str, answered: &str) -> bool {
    let writes = [Operation::Commit, Operation::Claim].iter().any(|one| one.as_str() == operation);
    let told = answered.split(['\u{20}', ',', ';']).any(|word| ["stale", "lost", "busy"].contains(&word));
    let transaction =
        [Operation::BeginTx, Operation::CommitTx, Operation::RollbackTx].iter().any(|one| one.as_str() == operation);
    !(writes && told || transaction || writes && answered == NOBODY)
}

use delta::Event;
use delta::core::{Scope, Subject};

use crate::failure::Failure;
use crate::output::{Format, Output};
use crate::records::EventRecord;

/// Prints an event in one line.
pub(super) fn print(event: &Event, output: &mut Output) -> Result<(), Failure> {
    if output.format() == Format::Json {
        return output.json_line(&EventRecord::new(event));
    }
    let what = match &event.subject {
        Subject::Resource { id, key, state, generation, attempt } => {
            format!("{key} id={id} state={state} generation={generation} attempt={attempt}")
        }
        Subject::Scope(Scope::Kind(name)) => format!("kind {name}"),
        Subject::Scope(Scope::Namespace(name)) => format!("namespace {name}"),
    };
    output.line(format_args!("{:>8}  {}  {:<28} {what}", event.position, event.at, event.kind.to_string()))
}

use std::time::Duration;

use delta::core::{Browse, LogHolder, LogName};
use delta::{EventFilter, EventQuery, Position};

use crate::commands::doctor::finding::{Finding, fine, note, problem};
use crate::failure::Failure;
use crate::output::age;

/// Where Delta's own log stands, and who holds its readers back.
pub(super) async fn log<S: Browse>(store: &S, conn: &mut S::Conn, patience: Duration) -> Result<Vec<Finding>, Failure> {
    let query = EventQuery { after: Position::START, limit: 1, filter: EventFilter::default() };
    let page = store.events(conn, &query).await?;
    let mut findings = vec![match page.held_back {
        0 => fine("log", format!("readable up to its end at {}", page.head)),
        held_back => note("log", format!("readable up to {}, {held_back} positions are held back", page.head)),
    }];
    findings.extend(store.log_holders(conn).await?.iter().map(|holder| held("log", None, holder, patience)));
    Ok(findings)
}

/// Tells of who holds readers back.
pub(super) fn held(check: &'static str, log: Option<&LogName>, holder: &LogHolder, patience: Duration) -> Finding {
    let log = log.map(|log| format!("of {log}: ")).unwrap_or_default();
    let detail = format!(
        "{log}the session {} has been in its transaction for {} ({}): {}",
        holder.session,
        age(holder.age),
        holder.activity,
        holder.statement
    );
    if holder.age >= patience { problem(check, detail) } else { note(check, detail) }
}

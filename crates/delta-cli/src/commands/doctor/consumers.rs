use std::collections::BTreeSet;
use std::time::Duration;

use delta::core::EventTables;
use delta::{Error, Timestamp};

use crate::commands::doctor::finding::{Finding, fine, note, problem};
use crate::commands::doctor::log::held;
use crate::consumers::{Consumer, Found, Holding, Lag, LetterArguments, Logs};
use crate::log::{Link, LogColumns};
use crate::output::age;

const CHECK: &str = "consumers";

/// When a consumer's state is a problem.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// For how long something may be wrong by itself.
    pub(super) patience: Duration,
    /// How old the next event of a consumer may be.
    pub(super) lag: Duration,
}

/// Looks at all consumers, their dead letters, and who holds back the readers of applications' logs.
pub(super) async fn consumers<S: EventTables>(
    link: &mut Link<'_, S>,
    limits: Limits,
    now: Timestamp,
) -> Result<Vec<Finding>, Error> {
    let found = Found::read(link, None, now).await?;
    let tally = LetterArguments::default().letters(link.store)?.tally(link).await?;
    let columns = LogColumns::default();
    let mut logs = Logs::new(&columns);
    let strange = found.strange.iter();
    let mut findings: Vec<_> = strange
        .map(|name| problem(CHECK, format!("the cursor {name} is named like a consumer's, and is of none")))
        .collect();
    for consumer in &found.consumers {
        let lag = logs.lag(link, consumer).await?;
        findings.extend(look_at(consumer, &lag, limits, now));
    }
    let tables: BTreeSet<_> =
        found.consumers.iter().map(|consumer| &consumer.log).filter(|log| !log.is_own()).collect();
    for log in tables {
        if let Ok(extent) = logs.extent(link, log.as_str()).await? {
            let holders = extent.source.holders(link).await?;
            findings.extend(holders.iter().map(|holder| held("log", Some(log), holder, limits.patience)));
        }
    }
    if findings.is_empty() {
        findings.push(fine(CHECK, format!("{}, all in order", found.consumers.len())));
    }
    let more = if tally.more { "more than " } else { "" };
    findings.push(match tally.total() {
        0 => fine("dead letters", "none".to_owned()),
        dead => note(
            "dead letters",
            format!("{more}{dead}; `delta consumer show` shows them, `delta consumer replay` has them tried again"),
        ),
    });
    Ok(findings)
}

fn look_at(consumer: &Consumer, lag: &Lag, limits: Limits, now: Timestamp) -> Vec<Finding> {
    let Consumer { name, log, .. } = consumer;
    let about = |what: String| format!("{name} of the log {log}: {what}");
    let mut findings: Vec<_> = consumer.faults().into_iter().map(|fault| problem(CHECK, about(fault))).collect();
    let behind = match lag {
        Lag::Behind { events: 1.., since: Some(since) } => Some(now.since(*since)),
        _ => None,
    };
    match (lag, behind) {
        (Lag::Behind { events, .. }, Some(behind)) if behind > limits.lag => {
            findings.push(problem(CHECK, about(format!("{events} positions and {} behind", age(behind)))));
        }
        (Lag::TooOld { .. } | Lag::PastEnd { .. }, _) => {
            findings.push(problem(CHECK, about(lag.problem().unwrap_or_default())));
        }
        (Lag::Unreadable(why), _) => findings.push(note(CHECK, about(format!("its log cannot be read: {why}")))),
        _ => {}
    }
    let late = behind.is_some_and(|behind| behind >= limits.patience);
    let grave = |what: String| if late { problem(CHECK, about(what)) } else { note(CHECK, about(what)) };
    match Holding::of(consumer, now) {
        Holding::Nobody => findings.push(grave("nobody runs it".to_owned())),
        Holding::Over { owner, until } => {
            let what = format!("{owner} has not been heard of for {}, and nobody took over", age(now.since(until)));
            findings.push(grave(what));
        }
        Holding::One { .. } | Holding::Members { .. } => {}
    }
    let stuck = consumer.attempts().into_iter();
    findings.extend(stuck.map(|(position, count)| grave(format!("the event at {position} has failed {count} times"))));
    findings
}

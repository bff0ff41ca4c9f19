use std::collections::BTreeMap;

use delta_core::{LeaseToken, Resource, Timestamp};

use crate::history::Actor;

/// Who holds which lease.
pub(super) type Holders = BTreeMap<LeaseToken, Actor>;

/// A row in a few words, its times as seen from a moment.
pub(super) fn brief(row: Option<&Resource>, now: Timestamp, holders: &Holders) -> String {
    let Some(row) = row else { return "nothing".to_owned() };
    let (generation, synced) = (row.generation, row.synced_generation);
    let mut parts = vec![format!("{} v{} g{generation}/{synced} a{}", row.state, row.version, row.attempt)];
    parts.extend(row.desired.absent_by().map(|by| format!("to be gone by {}", by.as_str())));
    parts.extend(row.run_at.map(|run_at| format!("due {}", relative(run_at, now))));
    if let Some(lease) = &row.lease {
        let holder = holders.get(&lease.token).map_or("somebody", Actor::as_str);
        parts.push(format!("lease {} of {holder} {}", lease.token.get(), relative(lease.until, now)));
        parts.extend(lease.cancel_requested.then(|| "to be ended".to_owned()));
    }
    parts.extend(row.paused.then(|| "paused".to_owned()));
    parts.join(", ")
}

/// A moment as seen from another.
pub(super) fn relative(moment: Timestamp, now: Timestamp) -> String {
    let millis = (moment.as_micros() - now.as_micros()) / 1_000;
    match millis {
        0 => "now".to_owned(),
        1.. => format!("in {}", seconds(millis)),
        _ => format!("{} ago", seconds(-millis)),
    }
}

/// Seconds with their milliseconds.
pub(super) fn seconds(millis: i64) -> String {
    format!("{}.{:03} s", millis / 1_000, millis % 1_000)
}

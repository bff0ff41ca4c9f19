use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use delta_core::{LogHolder, LogName, Position};
use tokio::time::Instant;

use crate::clock::instant;
use crate::metrics;

/// How often readers look while something is held back.
pub(super) const LOOK: Duration = Duration::from_millis(250);
/// For how long a transaction holds readers back before a warning says so: many do for a moment.
const LONG: Duration = Duration::from_millis(500);

/// Who holds a log's readers back, as this client reports it.
#[derive(Debug, Default)]
pub(crate) struct Held(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// The head that readers cannot pass, since when, and when somebody last asked why.
    stuck: Option<Stuck>,
    /// The sessions that were reported, and whether they were warned of.
    sessions: BTreeMap<String, bool>,
    reported: bool,
}

#[derive(Clone, Copy, Debug)]
struct Stuck {
    head: Position,
    asked: Instant,
}

impl Held {
    /// Notes what a look at the head has found. Whether somebody is to ask who holds it back: not of a transaction that
    /// ends before the next look, and not more often than looks are.
    pub(super) fn looked(&self, log: &LogName, head: Position, held_back: u64) -> bool {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if held_back == 0 {
            state.stuck = None;
            state.clear(log);
            return false;
        }
        metrics::log_held_back(log, held_back);
        state.reported = true;
        let now = instant();
        match &mut state.stuck {
            Some(stuck) if stuck.head == head => {
                let ask = now - stuck.asked >= LOOK;
                if ask {
                    stuck.asked = now;
                }
                ask
            }
            _ => {
                state.stuck = Some(Stuck { head, asked: now });
                false
            }
        }
    }

    /// Reports who holds readers back, and takes back what was reported of others.
    pub(crate) fn report(&self, log: &LogName, holders: &[LogHolder]) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.sessions.retain(|session, _| {
            let holds = holders.iter().any(|holder| holder.session == *session);
            if !holds {
                metrics::log_held(log, session, Duration::ZERO);
            }
            holds
        });
        for holder in holders {
            metrics::log_held(log, &holder.session, holder.age);
            let warned = state.sessions.entry(holder.session.clone()).or_default();
            if holder.age >= LONG && !std::mem::replace(warned, true) {
                tracing::warn!(
                    %log,
                    session = holder.session,
                    age = ?holder.age,
                    statement = holder.statement,
                    activity = holder.activity,
                    "a transaction that has appended to the log is still open: it holds all readers back"
                );
            }
        }
    }

    /// Takes back all that was reported.
    pub(crate) fn end(&self, log: &LogName) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.stuck = None;
        state.clear(log);
    }
}

impl State {
    fn clear(&mut self, log: &LogName) {
        if std::mem::take(&mut self.reported) {
            metrics::log_held_back(log, 0);
        }
        for session in std::mem::take(&mut self.sessions).into_keys() {
            metrics::log_held(log, &session, Duration::ZERO);
        }
    }
}

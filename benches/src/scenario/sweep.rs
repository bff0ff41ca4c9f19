use std::time::Duration;

use delta::core::plan::Report;
use delta::testing::Steps;
use delta::{
    Action, Client, Controller, Object, ObjectSettings, Override, Resource, RetentionSettings, State, WorkContext,
    WorkError,
};
use serde::{Deserialize, Serialize};

use crate::clock::{now, sleep};
use crate::failure::Failure;
use crate::scenario::open::{Open, with_type};
use crate::scenario::prepare::{End, STORES, end_all, inform, subject};
use crate::scenario::{Plan, Scenario};
use crate::server::Place;
use crate::subject::{Case, Measured, parameters};

/// What the leader does now and then, when all of a table is due for it.
pub(super) const SCENARIO: Scenario =
    Scenario { name: "sweep", about: "expire, rescue and purge all of a table", cases, rounds: None };

/// What is due.
#[derive(Clone, Copy, Debug)]
enum Sweep {
    Expire,
    Rescue,
    Purge,
}

impl Sweep {
    const ALL: [(Self, &str); 3] = [(Self::Expire, "expire"), (Self::Rescue, "rescue"), (Self::Purge, "purge")];

    /// How attempts have to end for that.
    fn end(self) -> End {
        match self {
            Self::Expire => End::Settled(Report::Synced),
            Self::Rescue => End::Lost,
            Self::Purge => End::Settled(Report::Delete { reason: None }),
        }
    }

    /// The state of what was swept; nothing is left of what was purged.
    fn result(self) -> Option<State> {
        match self {
            Self::Expire => Some(State::Expired),
            Self::Rescue => Some(State::Failed),
            Self::Purge => None,
        }
    }
}

fn cases(plan: &Plan) -> Vec<Case> {
    let mut cases = Vec::new();
    for (sweep, name) in Sweep::ALL {
        for rows in plan.pick(vec![plan.items], vec![plan.items, plan.items * 2]) {
            let measure =
                move |place: Place| async move { with_type!(place.backend(), |S| run::<S>(&place, sweep, rows).await) };
            cases.push(Case {
                parameters: parameters([("step", name.to_owned()), ("rows", rows.to_string())]),
                subjects: STORES.map(|backend| subject(backend, measure)).into(),
            });
        }
    }
    cases
}

/// An object that is good for nothing for long.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Brief {
    id: String,
    payload: String,
}

impl Object for Brief {
    const KIND: &'static str = "brief";

    fn id(&self) -> String {
        self.id.clone()
    }

    fn settings() -> ObjectSettings {
        let deleted = Override::Set(Duration::from_millis(1));
        ObjectSettings::new()
            .inform_interval(None)
            .expiry(Duration::from_millis(1))
            .retention(RetentionSettings { deleted, ..RetentionSettings::default() })
    }
}

/// Is there for its kind's settings; nothing is worked.
struct Nobody;

impl Controller for Nobody {
    type Object = Brief;

    async fn work(&self, _: &WorkContext, _: &Resource<Brief>) -> Result<Action, WorkError> {
        Ok(Action::Synced)
    }
}

async fn run<S: Open>(place: &Place, sweep: Sweep, rows: usize) -> Result<Vec<Measured>, Failure> {
    let client = Client::builder(S::open(place.url()).await?).controller(Nobody).build()?;
    let steps = Steps::begin(&client).await?;
    inform(&client, (0..rows).map(|number| Brief { id: format!("brief-{number}"), payload: "x".repeat(500) })).await?;
    let ended = end_all(client.store(), Brief::KIND, &sweep.end()).await?;
    place.settle().await?;
    // The last of them is due as well.
    sleep(Duration::from_millis(10)).await;
    let start = now();
    steps.maintain().await?;
    let time = start.elapsed();
    let left = client.count(&delta::Filter::default()).await?;
    let swept: u64 = match sweep.result() {
        None => rows as u64 - left.iter().map(|count| count.count).sum::<u64>(),
        Some(state) => left.iter().filter(|count| count.state == state).map(|count| count.count).sum(),
    };
    if ended != rows || swept != rows as u64 {
        return Err(format!("expected {rows} rows to be swept, found {swept} of {ended}: {left:?}").into());
    }
    Ok(vec![Measured::throughput(rows, time)])
}

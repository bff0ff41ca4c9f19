use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

use delta_core::{Lane, Name, WakeUpSignal, Wakeups};
use futures::stream;
use sqlx::postgres::{PgListener, PgPoolOptions};

use super::store::PgStore;

/// How long a listener hears nothing before it asks whether its server is still there.
const SILENCE: Duration = Duration::from_secs(30);
/// How long it waits for an answer.
const PATIENCE: Duration = Duration::from_secs(10);
const FIRST_WAIT: Duration = Duration::from_millis(100);
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// Lanes in one payload: it stays far below the 8,000 bytes that Postgres allows.
const LANES_PER_PAYLOAD: usize = 50;

/// A subscription to a schema's channel, on a connection of its own. It makes that connection again whenever it is lost,
/// and then tells to look everywhere, for what was notified meanwhile is lost.
struct Listener {
    store: PgStore,
    listening: Option<PgListener>,
    /// Whether something may have been notified that nobody heard.
    lost: bool,
    wait: Duration,
    ready: VecDeque<WakeUpSignal>,
}

impl Listener {
    async fn next(&mut self) -> WakeUpSignal {
        loop {
            if let Some(signal) = self.ready.pop_front() {
                return signal;
            }
            match self.listening.take() {
                None => self.connect().await,
                Some(listener) => self.listen(listener).await,
            }
        }
    }

    async fn connect(&mut self) {
        match tokio::time::timeout(PATIENCE, self.store.subscribe()).await {
            Ok(Ok(listener)) => {
                self.listening = Some(listener);
                self.wait = FIRST_WAIT;
                if std::mem::replace(&mut self.lost, false) {
                    self.ready.push_back(WakeUpSignal::All);
                }
            }
            failed => {
                let why = failed.map(|failed| failed.err().map(|error| error.to_string()));
                tracing::debug!(error = ?why, wait = ?self.wait, "cannot listen for wake-ups, and tries again");
                self.lost = true;
                pause(self.wait).await;
                self.wait = (self.wait * 2).min(LONGEST_WAIT);
            }
        }
    }

    /// Waits for one notification, and keeps the listener if it is still good.
    async fn listen(&mut self, mut listener: PgListener) {
        match tokio::time::timeout(SILENCE, listener.try_recv()).await {
            Ok(Ok(Some(notification))) => {
                self.ready.extend(lanes(notification.payload()).into_iter().map(WakeUpSignal::from));
                self.listening = Some(listener);
            }
            Err(_silent) => {
                let ping = sqlx::raw_sql("").execute(&mut listener);
                match tokio::time::timeout(PATIENCE, ping).await {
                    Ok(Ok(_)) => self.listening = Some(listener),
                    _ => self.lost = true,
                }
            }
            Ok(lost) => {
                tracing::debug!(error = ?lost.err(), "lost the connection that listens for wake-ups");
                self.lost = true;
            }
        }
    }
}

/// What a payload tells. What is no lane is from somebody who knows more than this version: look everywhere.
fn lanes(payload: &str) -> BTreeSet<LaneOrAll> {
    payload.lines().map(LaneOrAll::read).collect()
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum LaneOrAll {
    Lane(Lane),
    All,
}

impl LaneOrAll {
    fn read(text: &str) -> Self {
        let lane = text.split_once('/').and_then(|(namespace, kind)| {
            Some(Lane { namespace: Name::new(namespace).ok()?, kind: Name::new(kind).ok()? })
        });
        lane.map_or(Self::All, Self::Lane)
    }
}

impl From<LaneOrAll> for WakeUpSignal {
    fn from(told: LaneOrAll) -> Self {
        match told {
            LaneOrAll::Lane(lane) => Self::Lane(lane),
            LaneOrAll::All => Self::All,
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "waits for a server to come back, which no test's clock drives")]
async fn pause(wait: Duration) {
    tokio::time::sleep(wait).await;
}

impl PgStore {
    /// The channel: named after the schema.
    pub(super) fn channel(&self) -> &str {
        self.schema().as_str()
    }

    pub(super) fn listener(&self) -> Wakeups {
        let listener =
            Listener { store: self.clone(), listening: None, lost: false, wait: FIRST_WAIT, ready: VecDeque::new() };
        Wakeups::new(stream::unfold(listener, |mut listener| async {
            let signal = listener.next().await;
            Some((signal, listener))
        }))
    }

    async fn subscribe(&self) -> Result<PgListener, sqlx::Error> {
        let pool = PgPoolOptions::new().max_connections(1).max_lifetime(None).idle_timeout(None);
        let options = self.pool().connect_options();
        let mut listener = PgListener::connect_with(&pool.connect_with((*options).clone()).await?).await?;
        // This one does not hide that a connection was lost.
        listener.eager_reconnect(false);
        listener.listen(self.channel()).await?;
        Ok(listener)
    }

    pub(super) async fn notify(&self, lanes: &[Lane]) {
        if lanes.is_empty() {
            return;
        }
        let payload = |lanes: &[Lane]| lanes.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
        let payloads: Vec<String> = lanes.chunks(LANES_PER_PAYLOAD).map(payload).collect();
        let sent = async {
            let mut conn = self.connections().acquire().await?;
            let query = self.query(&self.sql().notify).bind(self.channel()).bind(payloads);
            self.read(&mut conn, query, "wake").await
        };
        if let Err(error) = sent.await {
            tracing::warn!(%error, "a wake-up was lost; polls find the work");
        }
    }
}

#[cfg(test)]
mod tests {
    use delta_core::Key;

    use super::*;

    #[test]
    fn a_payload_is_read_as_it_is_written() {
        let lane = Key::new("eu-west", "user_1", "x").unwrap().lane();
        let told = lanes(&format!("{lane}\n{lane}\na/b"));
        let other = Key::new("a", "b", "x").unwrap().lane();
        assert_eq!(told, BTreeSet::from([LaneOrAll::Lane(lane), LaneOrAll::Lane(other)]));
    }

    #[test]
    fn what_is_no_lane_means_all() {
        assert_eq!(lanes("everything, please"), BTreeSet::from([LaneOrAll::All]));
    }
}

use std::collections::{BTreeSet, VecDeque};
use std::future::Future;
use std::time::Duration;

use delta_core::{Lane, LogName, Name, Result, WakeUpSignal, Wakeups};
use futures::stream;

use super::driver::PostgresDriver;
use super::query::Query;
use super::tables::Tables;

/// How long a listener hears nothing before it asks whether its server is still there.
const SILENCE: Duration = Duration::from_secs(30);
/// How long it waits for an answer.
const PATIENCE: Duration = Duration::from_secs(10);
const FIRST_WAIT: Duration = Duration::from_millis(100);
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// Signals in one payload: it stays far below the 8,000 bytes that Postgres allows.
const SIGNALS_PER_PAYLOAD: usize = 50;

/// A connection that listens.
pub trait Listening: Send {
    /// Waits for one notification, and returns its payload. An error says that the connection is lost.
    ///
    /// A dropped call loses no notification.
    fn notified(&mut self) -> impl Future<Output = Result<String>> + Send;

    /// Asks whether the server is still there.
    fn ping(&mut self) -> impl Future<Output = Result<()>> + Send;
}

/// A subscription to a schema's channel, on a connection of its own. It makes that connection again whenever it is lost,
/// and then tells to look everywhere, for what was notified meanwhile is lost.
struct Listener<D: PostgresDriver> {
    tables: Tables<D>,
    listening: Option<D::Listening>,
    /// Whether something may have been notified that nobody heard.
    lost: bool,
    wait: Duration,
    ready: VecDeque<WakeUpSignal>,
}

impl<D: PostgresDriver> Listener<D> {
    async fn next(&mut self) -> WakeUpSignal {
        loop {
            if let Some(signal) = self.ready.pop_front() {
                return signal;
            }
            match self.listening.take() {
                None => self.connect().await,
                Some(listening) => self.listen(listening).await,
            }
        }
    }

    async fn connect(&mut self) {
        match tokio::time::timeout(PATIENCE, self.tables.driver().listen(self.tables.channel())).await {
            Ok(Ok(listening)) => {
                self.listening = Some(listening);
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

    /// Waits for one notification, and keeps the connection if it is still good.
    async fn listen(&mut self, mut listening: D::Listening) {
        match tokio::time::timeout(SILENCE, listening.notified()).await {
            Ok(Ok(payload)) => {
                self.ready.extend(signals(&payload));
                self.listening = Some(listening);
            }
            Err(_silent) => match tokio::time::timeout(PATIENCE, listening.ping()).await {
                Ok(Ok(())) => self.listening = Some(listening),
                _ => self.lost = true,
            },
            Ok(Err(error)) => {
                tracing::debug!(%error, "lost the connection that listens for wake-ups");
                self.lost = true;
            }
        }
    }
}

/// What comes before the name of a log in a payload; no namespace has a blank.
const LOG: &str = "log ";

/// What a payload tells. What is neither lane nor log is from somebody who knows more than this version: look everywhere.
fn signals(payload: &str) -> BTreeSet<WakeUpSignal> {
    payload.lines().map(read).collect()
}

fn read(text: &str) -> WakeUpSignal {
    if let Some(log) = text.strip_prefix(LOG) {
        return WakeUpSignal::Log(LogName::of_table(log));
    }
    let lane = text.split_once('/').and_then(|(namespace, kind)| {
        Some(Lane { namespace: Name::new(namespace).ok()?, kind: Name::new(kind).ok()? })
    });
    lane.map_or(WakeUpSignal::All, WakeUpSignal::Lane)
}

fn written(signal: &WakeUpSignal) -> String {
    match signal {
        WakeUpSignal::Lane(lane) => lane.to_string(),
        WakeUpSignal::Log(log) => format!("{LOG}{log}"),
        WakeUpSignal::All => "*".to_owned(),
    }
}

#[expect(clippy::disallowed_methods, reason = "waits for a server to come back, which no test's clock drives")]
async fn pause(wait: Duration) {
    tokio::time::sleep(wait).await;
}

impl<D: PostgresDriver> Tables<D> {
    /// The channel: named after the schema.
    pub(super) fn channel(&self) -> &str {
        self.schema().as_str()
    }

    /// Subscribes to wake-ups, unless the settings say that nobody listens.
    #[must_use]
    pub fn wakeups(&self) -> Option<Wakeups> {
        if !self.settings().listens() {
            return None;
        }
        let listener =
            Listener { tables: self.clone(), listening: None, lost: false, wait: FIRST_WAIT, ready: VecDeque::new() };
        Some(Wakeups::new(stream::unfold(listener, |mut listener| async {
            let signal = listener.next().await;
            Some((signal, listener))
        })))
    }

    /// Tells of lanes that have something to claim, and of logs that have something to read.
    pub async fn wake(&self, conn: &mut D::Conn, signals: &[WakeUpSignal]) -> Result<()> {
        let payload = |signals: &[WakeUpSignal]| signals.iter().map(written).collect::<Vec<_>>().join("\n");
        let payloads: Vec<String> = signals.chunks(SIGNALS_PER_PAYLOAD).map(payload).collect();
        if !payloads.is_empty() {
            let query = Query::new(&self.sql().notify).bind(self.channel()).bind(payloads);
            self.read(conn, query, "wake").await?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use delta_core::Key;

    use super::*;

    #[test]
    fn a_payload_is_read_as_it_is_written() {
        let lane = Key::new("eu-west", "user_1", "x").unwrap().lane();
        let told = signals(&format!("{lane}\n{lane}\na/b"));
        let other = Key::new("a", "b", "x").unwrap().lane();
        assert_eq!(told, BTreeSet::from([WakeUpSignal::Lane(lane), WakeUpSignal::Lane(other)]));
    }

    #[test]
    fn what_is_neither_lane_nor_log_means_all() {
        assert_eq!(signals("everything, please"), BTreeSet::from([WakeUpSignal::All]));
    }

    #[test]
    fn every_signal_is_read_as_it_is_written() {
        let lane = Key::new("eu-west", "user_1", "x").unwrap().lane();
        for signal in [WakeUpSignal::Lane(lane), WakeUpSignal::Log(LogName::of_table("app.events")), WakeUpSignal::All]
        {
            assert_eq!(read(&written(&signal)), signal);
        }
    }
}

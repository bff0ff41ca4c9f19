//! A recorder whose gauges and counters stay when they are looked at.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use metrics::{Counter, Gauge, Histogram, Key, KeyName, Metadata, SharedString, Unit};

/// Gauges and counters by `name{label,label}`.
#[derive(Default)]
pub(crate) struct Recorder(Mutex<BTreeMap<String, (Kind, Arc<AtomicU64>)>>);

#[derive(Clone, Copy)]
enum Kind {
    Counter,
    Gauge,
}

impl Recorder {
    fn cell(&self, key: &Key, kind: Kind) -> Arc<AtomicU64> {
        let labels: Vec<&str> = key.labels().map(metrics::Label::value).collect();
        let name = format!("{}{{{}}}", key.name(), labels.join(","));
        self.0.lock().unwrap().entry(name).or_insert_with(|| (kind, Arc::default())).1.clone()
    }

    /// The values of those whose names begin so, as text.
    #[expect(clippy::cast_precision_loss, reason = "small counts")]
    pub(crate) fn named(&self, prefix: &str) -> BTreeMap<String, String> {
        let cells = self.0.lock().unwrap();
        let cells = cells.iter().filter(|(name, _)| name.starts_with(prefix));
        let value = |(name, (kind, cell)): (&String, &(Kind, Arc<AtomicU64>))| {
            let bits = cell.load(Ordering::SeqCst);
            let value = match kind {
                Kind::Counter => bits as f64,
                Kind::Gauge => f64::from_bits(bits),
            };
            (name.clone(), format!("{value:.1}"))
        };
        cells.map(value).collect()
    }
}

impl metrics::Recorder for Recorder {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        Counter::from_arc(self.cell(key, Kind::Counter))
    }

    fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::from_arc(self.cell(key, Kind::Gauge))
    }

    fn register_histogram(&self, _: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::noop()
    }
}

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use delta::core::{ForeignId, TableEvent, TableFilter};
use delta::{ConsumeError, Consumer, GiveUp};

use crate::order::PLACED;
use crate::shop::Shop;

/// How often an order is brought to the carrier before it becomes a dead letter.
const ATTEMPTS: u32 = 3;

/// The carrier: it fails now and then, and some parcels it does not take while it is on strike.
#[derive(Clone, Debug, Default)]
pub(crate) struct Carrier(Arc<Parcels>);

#[derive(Debug, Default)]
struct Parcels {
    taken: Mutex<BTreeSet<i64>>,
    refused: AtomicU64,
    strike_is_over: AtomicBool,
}

impl Carrier {
    fn take(&self, order: i64, attempt: u32) -> Result<(), ConsumeError> {
        let on_strike = order % 25 == 0 && !self.0.strike_is_over.load(Ordering::Relaxed);
        let busy = order % 5 == 0 && attempt == 1;
        if on_strike || busy {
            self.0.refused.fetch_add(1, Ordering::Relaxed);
            return Err(ConsumeError::new(if on_strike { "the carrier is on strike" } else { "the carrier is busy" }));
        }
        self.0.taken.lock().unwrap_or_else(PoisonError::into_inner).insert(order);
        Ok(())
    }

    pub(crate) fn end_strike(&self) {
        self.0.strike_is_over.store(true, Ordering::Relaxed);
    }

    /// Those of some orders that it did not take.
    pub(crate) fn lacks(&self, orders: &BTreeSet<i64>) -> BTreeSet<i64> {
        orders - &*self.0.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn refused(&self) -> u64 {
        self.0.refused.load(Ordering::Relaxed)
    }
}

/// Brings orders to the carrier, several at once but those of one order in order. What the carrier does not take is kept as
/// a dead letter, so that the others need not wait for it.
pub(crate) fn shipper<S: Shop>(carrier: &Carrier) -> Consumer<S, TableEvent> {
    let carrier = carrier.clone();
    Consumer::new("shipper", move |cx, event: TableEvent| {
        let carrier = carrier.clone();
        async move {
            match event.foreign_id {
                ForeignId::Int(order) => carrier.take(order, cx.attempt()),
                ForeignId::Text(_) => Err(ConsumeError::new("expected an order's number")),
            }
        }
    })
    .filter(TableFilter::of_kinds([PLACED]))
    .ordered_by_key(8)
    .give_up_after(ATTEMPTS, GiveUp::DeadLetter)
}

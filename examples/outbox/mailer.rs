use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use delta::core::{ForeignId, TableEvent};
use delta::{ConsumeError, Consumer, ShardBy};

use crate::order::{CANCELLED, PLACED};
use crate::service::Taken;
use crate::shop::Shop;

/// Mails about orders that were sent, by order and what had happened to it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Mails(Arc<Mutex<Sent>>);

#[derive(Debug, Default)]
struct Sent {
    by_order: BTreeMap<i64, Vec<i64>>,
    disorderly: u64,
}

impl Mails {
    fn send(&self, order: i64, kind: i64) {
        let mut sent = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mails = sent.by_order.entry(order).or_default();
        let early = kind == CANCELLED && !mails.contains(&PLACED);
        mails.push(kind);
        sent.disorderly += u64::from(early);
    }

    /// Whether there was a mail about each event.
    pub(crate) fn are_about(&self, taken: &Taken) -> bool {
        let sent = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let about = |order: &i64, kind| sent.by_order.get(order).is_some_and(|mails| mails.contains(&kind));
        taken.placed.iter().all(|order| about(order, PLACED))
            && taken.cancelled.iter().all(|order| about(order, CANCELLED))
    }

    /// How many there were, and how many told of a cancellation before the order.
    pub(crate) fn count(&self) -> (usize, u64) {
        let sent = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        (sent.by_order.values().map(Vec::len).sum(), sent.disorderly)
    }
}

/// Mails customers. It is sharded: any number of processes share the orders, and the events of one order stay in order.
pub(crate) fn mailer<S: Shop>(mails: &Mails) -> Consumer<S, TableEvent> {
    let mails = mails.clone();
    Consumer::new("mailer", move |_, event: TableEvent| {
        let mails = mails.clone();
        async move {
            let ForeignId::Int(order) = event.foreign_id else {
                return Err(ConsumeError::new("expected an order's number"));
            };
            mails.send(order, event.kind);
            Ok(())
        }
    })
    .sharded(ShardBy::ForeignId)
}

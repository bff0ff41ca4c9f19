use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU32, Ordering};

use delta::core::Access;
use delta::{EventLog, LogWake};
use futures::future::try_join_all;

use crate::Failure;
use crate::order::{CANCELLED, Order, PLACED};
use crate::shop::Shop;

/// How many customers order at once.
const AT_ONCE: usize = 4;

/// What the service did.
#[derive(Debug, Default)]
pub(crate) struct Taken {
    /// The ids of the orders.
    pub(crate) placed: BTreeSet<i64>,
    /// The ids of those that were cancelled afterwards.
    pub(crate) cancelled: BTreeSet<i64>,
    /// How many it took back in the transaction that had placed them.
    pub(crate) undone: u32,
}

/// Takes so many orders, from several customers at once.
pub(crate) async fn take_orders<S: Shop>(store: &S, events: &EventLog<S>, orders: u32) -> Result<Taken, Failure> {
    let next = AtomicU32::new(0);
    let all = try_join_all((0..AT_ONCE).map(|_| customer(store, events, &next, orders))).await?;
    Ok(all.into_iter().fold(Taken::default(), |mut all, mut some| {
        all.placed.append(&mut some.placed);
        all.cancelled.append(&mut some.cancelled);
        Taken { undone: all.undone + some.undone, ..all }
    }))
}

async fn customer<S: Shop>(store: &S, events: &EventLog<S>, next: &AtomicU32, orders: u32) -> Result<Taken, Failure> {
    let mut taken = Taken::default();
    loop {
        let number = next.fetch_add(1, Ordering::Relaxed);
        if number >= orders {
            return Ok(taken);
        }
        let order = Order::nth(number);
        let mut conn = store.acquire(Access::Write).await?;
        store.begin_tx(&mut conn).await?;
        let (id, wake) = place(events, &mut conn, &order).await?;
        if number % 10 == 9 {
            // The card was refused: neither the order nor its event was ever there.
            store.rollback_tx(&mut conn).await?;
            taken.undone += 1;
            continue;
        }
        store.commit_tx(&mut conn).await?;
        wake.send();
        taken.placed.insert(id);
        if number % 7 == 6 {
            store.begin_tx(&mut conn).await?;
            S::cancel(&mut conn, id).await?;
            let wake = events.insert_with_metadata(&mut conn, id, CANCELLED, order.metadata()).await?;
            store.commit_tx(&mut conn).await?;
            wake.send();
            taken.cancelled.insert(id);
        }
    }
}

/// The outbox: the order and its event are written in one transaction, so there is never one without the other.
async fn place<S: Shop>(events: &EventLog<S>, conn: &mut S::Conn, order: &Order) -> Result<(i64, LogWake), Failure> {
    let id = S::place(conn, order).await?;
    let wake = events.insert_with_metadata(conn, id, PLACED, order.metadata()).await?;
    Ok((id, wake))
}

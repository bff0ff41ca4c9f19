use delta::Consumer;
use delta::core::TableEvent;

use crate::order::{CANCELLED, Order};
use crate::shop::Shop;

/// Books what customers owe, into a table of the same database, in the transaction that moves its cursor: whatever crashes,
/// each event is booked exactly once.
pub(crate) fn ledger<S: Shop>() -> Consumer<S, TableEvent> {
    Consumer::transactional("ledger", |conn, event| {
        Box::pin(async move {
            let order = Order::of(event)?;
            let cents = if event.kind == CANCELLED { -order.cents } else { order.cents };
            S::book(conn, &order.customer, cents).await?;
            Ok(())
        })
    })
}

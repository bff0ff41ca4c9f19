use delta::core::{EventTable, ForeignIdType, TableEvent};
use serde::{Deserialize, Serialize};

/// What an event says happened to an order.
pub(crate) const PLACED: i64 = 1;
pub(crate) const CANCELLED: i64 = 2;

/// An order as it comes in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Order {
    pub(crate) customer: String,
    pub(crate) cents: i64,
}

impl Order {
    /// The order that comes in as the nth.
    pub(crate) fn nth(number: u32) -> Self {
        Self { customer: format!("customer-{}", number % 12), cents: 100 + i64::from(number * 37 % 9_900) }
    }

    /// What the metadata of its events says.
    pub(crate) fn of(event: &TableEvent) -> serde_json::Result<Self> {
        serde_json::from_slice(event.metadata.as_deref().unwrap_or_default())
    }

    pub(crate) fn metadata(&self) -> Vec<u8> {
        serde_json::json!(self).to_string().into_bytes()
    }
}

/// The log of what happens to orders: a table of the shop's own, beside the orders.
pub(crate) fn events() -> EventTable {
    EventTable::new("shop_order_events").foreign_ids(ForeignIdType::Int).metadata_column("metadata")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_says_what_the_order_was() {
        let order = Order::nth(7);
        let event = TableEvent {
            position: delta::Position::new(1),
            foreign_id: 1.into(),
            kind: PLACED,
            at: delta::Timestamp::EPOCH,
            metadata: Some(order.metadata()),
            trace: None,
        };
        assert_eq!(Order::of(&event).unwrap(), order);
        assert!(Order::of(&TableEvent { metadata: None, ..event }).is_err());
    }
}

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use delta_testkit::harness::{Outside, OutsideError};
use tokio::time::Instant;

use super::charge::Charge;

/// The fake of the bank.
pub(crate) struct Bank {
    outside: Outside,
    payments: Mutex<Vec<Payment>>,
}

#[derive(Clone)]
pub(crate) struct Payment {
    order: String,
    idempotency_key: String,
    accepted: Instant,
}

/// When an accepted payment shows up in the bank's list.
const BOOKED_AFTER: Duration = Duration::from_secs(2);

impl Bank {
    pub(crate) fn new(outside: &Outside) -> Self {
        Self { outside: outside.clone(), payments: Mutex::default() }
    }

    /// Charges a customer. Of several calls with one key, it heeds the first.
    pub(crate) async fn charge(&self, charge: &Charge, idempotency_key: &str) -> Result<(), OutsideError> {
        let done = || {
            let mut payments = self.payments.lock().unwrap();
            if payments.iter().all(|payment| payment.idempotency_key != idempotency_key) {
                let (order, idempotency_key) = (charge.order.clone(), idempotency_key.to_owned());
                payments.push(Payment { order, idempotency_key, accepted: Instant::now() });
            }
        };
        self.outside.call(format!("charge {}", charge.order), done).await
    }

    /// Whether the list of payments has one for this order.
    pub(crate) async fn has_payment(&self, order: &str) -> Result<bool, OutsideError> {
        let is_listed = |payment: &Payment| payment.order == order && payment.accepted.elapsed() >= BOOKED_AFTER;
        self.outside.call(format!("look for {order}"), || self.payments.lock().unwrap().iter().any(is_listed)).await
    }

    /// How often each order was paid for: what tests look at.
    pub(crate) fn paid(&self) -> BTreeMap<String, usize> {
        let mut paid = BTreeMap::new();
        for payment in &*self.payments.lock().unwrap() {
            *paid.entry(payment.order.clone()).or_default() += 1;
        }
        paid
    }
}

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use super::moods::Told;
use crate::payment::Payment;

/// What the provider keeps.
#[derive(Debug)]
pub(super) struct Book {
    began: DateTime<Utc>,
    payments: Vec<Payment>,
    /// By idempotency key.
    charges: BTreeMap<String, Charge>,
    repeated: u64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Charge {
    payment: String,
    cents: u64,
}

/// What the provider answers to a charge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Charged,
    Declined(&'static str),
    NoSuchPayment,
    /// The key was used for something else before.
    KeyMisused,
}

/// What the provider knows at the end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Ledger {
    pub(crate) payments: u64,
    /// Payments that can not be charged.
    pub(crate) declined: u64,
    pub(crate) charged: u64,
    /// Payments that were charged more than once, under different keys.
    pub(crate) twice: Vec<String>,
    /// Charges that were asked for again under their key, and not made again.
    pub(crate) repeated: u64,
    pub(crate) told: Told,
}

/// Every so many payments, the customer has no money.
const DECLINED: usize = 20;

impl Default for Book {
    fn default() -> Self {
        Self { began: now(), payments: Vec::new(), charges: BTreeMap::new(), repeated: 0 }
    }
}

impl Book {
    pub(super) fn name(&self) -> String {
        format!("provider-{:x}", self.began.timestamp_micros())
    }

    /// A new payment comes up.
    pub(super) fn add(&mut self) {
        let number = self.payments.len() + 1;
        let cents = if number.is_multiple_of(DECLINED) { 0 } else { 100 * u64::try_from(number).unwrap_or(1) };
        let customer = format!("customer-{}", number % 7);
        self.payments.push(Payment { id: format!("payment-{number:05}"), customer, cents, created: now() });
    }

    /// A page of payments since a time, and whether there are more.
    pub(super) fn page(&self, since: Option<DateTime<Utc>>, page: usize, size: usize) -> (Vec<Payment>, bool) {
        let fits = |payment: &&Payment| since.is_none_or(|since| payment.created >= since);
        let mut found: Vec<_> =
            self.payments.iter().filter(fits).skip(page.saturating_mul(size)).take(size + 1).cloned().collect();
        let more = found.len() > size;
        found.truncate(size);
        (found, more)
    }

    /// Charges a payment, unless this key has.
    pub(super) fn charge(&mut self, key: &str, payment: &str, cents: u64) -> Verdict {
        let charge = Charge { payment: payment.to_owned(), cents };
        match self.charges.get(key) {
            Some(made) if *made == charge => {
                self.repeated += 1;
                return Verdict::Charged;
            }
            Some(_) => return Verdict::KeyMisused,
            None => {}
        }
        match self.payments.iter().find(|known| known.id == payment) {
            None => Verdict::NoSuchPayment,
            Some(known) if known.cents == 0 => Verdict::Declined("the card has expired"),
            Some(_) => {
                self.charges.insert(key.to_owned(), charge);
                Verdict::Charged
            }
        }
    }

    pub(super) fn ledger(&self, told: Told) -> Ledger {
        let mut times: BTreeMap<&str, u64> = BTreeMap::new();
        for charge in self.charges.values() {
            *times.entry(&charge.payment).or_default() += 1;
        }
        let count = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
        Ledger {
            payments: count(self.payments.len()),
            declined: count(self.payments.iter().filter(|payment| payment.cents == 0).count()),
            charged: count(times.len()),
            twice: times.iter().filter(|(_, times)| **times > 1).map(|(payment, _)| (*payment).to_owned()).collect(),
            repeated: self.repeated,
            told,
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "the provider is another machine, with a clock of its own")]
fn now() -> DateTime<Utc> {
    std::time::SystemTime::now().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_charges_once_and_another_key_is_seen_to_charge_twice() {
        let mut book = Book::default();
        book.add();
        assert_eq!(book.charge("k1", "payment-00001", 100), Verdict::Charged);
        assert_eq!(book.charge("k1", "payment-00001", 100), Verdict::Charged);
        assert_eq!(book.charge("k1", "payment-00001", 99), Verdict::KeyMisused);
        let ledger = book.ledger(Told::default());
        assert_eq!((ledger.charged, ledger.repeated, ledger.twice.len()), (1, 1, 0));
        book.charge("k2", "payment-00001", 100);
        assert_eq!(book.ledger(Told::default()).twice, ["payment-00001"]);
        assert_eq!(book.charge("k3", "payment-00002", 1), Verdict::NoSuchPayment);
    }

    #[test]
    fn pages_cover_the_list() {
        let mut book = Book::default();
        for _ in 0..5 {
            book.add();
        }
        let (first, more) = book.page(None, 0, 3);
        assert_eq!((first.len(), more), (3, true));
        let (last, more) = book.page(None, 1, 3);
        assert_eq!((last.len(), more), (2, false));
        let (since, _) = book.page(Some(book.payments[4].created), 0, 3);
        assert!(since.contains(&book.payments[4]));
    }
}

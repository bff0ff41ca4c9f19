use std::sync::Arc;
use std::time::Duration;

use delta::State;
use delta_testkit::Harness;
use delta_testkit::harness::{Mishap, Outside};

use super::bank::Bank;
use super::charge::Charge;
use super::looks_first::Charges;

#[tokio::test(start_paused = true)]
async fn a_charge_that_the_bank_refuses_is_tried_again() {
    let outside = Outside::new();
    let bank = Arc::new(Bank::new(&outside));
    let mut harness = Harness::new(Charges { bank: bank.clone() }).await;
    let charge = Charge { order: "o-1".into(), cents: 499 };
    let key = harness.key(&charge);

    outside.next("charge o-1", Mishap::Refuses);
    harness.inform(&charge).await;
    harness.run_until_idle().await;
    harness.assert_state(&key, State::Failed);

    harness.advance_to_next().await;
    harness.run_until_idle().await;
    harness.assert_state(&key, State::Synced);
    assert_eq!(bank.paid()["o-1"], 1);
}

#[tokio::test(start_paused = true)]
async fn a_process_that_dies_after_the_charge_does_not_charge_again() {
    let bank = Arc::new(Bank::new(&Outside::new()));
    let mut harness = Harness::new(Charges { bank: bank.clone() }).await;
    let charge = Charge { order: "o-1".into(), cents: 499 };

    harness.inform(&charge).await;
    harness.crash_next();
    harness.run_until_idle().await;
    // The customer has paid, and nobody knows. Once the lease is over, another attempt is made.
    harness.advance(Duration::from_mins(1)).await;
    harness.maintain().await;
    harness.run_until_idle().await;

    harness.assert_state(&harness.key(&charge), State::Synced);
    assert_eq!((harness.calls().len(), bank.paid()["o-1"]), (2, 1));
}

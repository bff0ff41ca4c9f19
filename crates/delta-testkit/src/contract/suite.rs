/// Runs the whole store contract against a store: one named test per case of each clause.
///
/// It takes a function without arguments that makes a [`Fixture`](crate::contract::Fixture) with an empty database, as
/// an async block or function. The fixture is a type of the test's own: the store's crate, this macro and that type are all
/// that is needed.
///
/// # Assumptions
///
/// The cases run at once, each on a runtime of its own: each call makes a database of its own.
///
/// # Examples
///
/// In `tests/contract.rs` of a store's crate:
///
/// ```ignore
/// delta_testkit::store_contract!(|| async { MyFixture::temporary().await });
/// ```
///
/// What a `MyFixture` is shows the example of [`Fixture`](crate::contract::Fixture).
#[macro_export]
macro_rules! store_contract {
    ($make:expr) => {
        $crate::store_contract! { @clauses $make;
            s01: [
                s01_a_changeset_applies_whole,
                s01_an_empty_changeset_changes_nothing,
                s01_joined_commits_are_seen_by_others_once_the_caller_commits,
                s01_a_rollback_leaves_nothing,
                s01_a_dropped_transaction_leaves_nothing,
                s01_a_dropped_commit_leaves_all_or_nothing,
                s01_a_dropped_claim_leaves_all_or_nothing,
                s01_a_change_without_events_appends_none,
            ],
            s03: [
                s03_a_late_settlement_after_a_rescue_and_a_claim_by_the_same_owner_writes_nothing,
                s03_a_late_settlement_after_a_rescue_and_a_claim_by_another_owner_writes_nothing,
                s03_a_late_settlement_after_a_rescue_writes_nothing,
                s03_a_second_settlement_writes_nothing,
                s03_a_late_settlement_after_a_purge_and_a_new_life_of_the_key_writes_nothing,
                s03_a_rescue_of_a_renewed_lease_writes_nothing,
                s03_an_update_or_removal_of_a_stale_version_writes_nothing,
                s03_changes_of_a_row_that_is_gone_write_nothing,
                s03_an_insert_of_an_existing_key_writes_nothing,
                s03_a_lost_fence_leaves_out_its_own_change_only,
                s03_a_transaction_stays_usable_after_a_lost_fence,
            ],
            s06: [
                s06_nothing_is_claimed_before_its_run_at,
                s06_only_claimable_states_are_claimed,
                s06_nothing_paused_is_claimed,
                s06_an_unknown_state_is_never_claimed,
                s06_each_lane_is_claimed_up_to_its_own_limit,
                s06_within_a_lane_priority_decides_then_age,
                s06_claimed_rows_are_returned_in_order,
                s06_a_claim_writes_the_row_as_the_contract_says,
                s06_a_claim_passes_over_rows_that_an_open_transaction_holds,
                s06_a_claim_settles_what_travels_with_it,
                s06_a_claim_without_lanes_only_settles,
                s06_a_claim_in_a_transaction_is_invalid,
            ],
        }
    };
    (@clauses $make:expr; $($clause:ident: $cases:tt,)*) => {
        $($crate::store_contract! { @cases $make; $clause: $cases })*
    };
    (@cases $make:expr; $clause:ident: [$($case:ident,)*]) => {
        $(
            #[test]
            fn $case() {
                $crate::contract::run($make, $crate::contract::$clause::$case);
            }
        )*
    };
}

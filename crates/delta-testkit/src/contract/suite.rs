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
/// ```
/// # use delta_testkit::contract::MemoryFixture as MyFixture;
/// delta_testkit::store_contract!(|| async { MyFixture::new() });
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
            s02: [
                s02_concurrent_claims_are_disjoint,
                s02_a_claim_and_an_inform_of_one_row_both_survive,
                s02_a_settlement_and_an_inform_of_one_row_both_survive,
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
            s04: [
                s04_overlapping_updates_in_opposite_orders_do_not_deadlock,
                s04_overlapping_heartbeats_in_opposite_orders_do_not_deadlock,
                s04_overlapping_inserts_in_opposite_orders_do_not_deadlock,
                s04_one_of_several_inserts_of_a_key_is_applied,
                s04_an_insert_is_stale_once_the_transaction_that_inserted_its_key_commits,
                s04_an_insert_goes_on_once_the_transaction_that_inserted_its_key_is_rolled_back,
                s04_a_deadlock_of_callers_is_a_conflict_of_one,
            ],
            s05: [
                s05_a_locking_load_outside_of_a_transaction_is_invalid,
                s05_a_locked_row_is_not_written_by_others_before_the_transaction_ends,
                s05_a_lock_ends_with_its_transaction,
                s05_a_locked_row_is_not_claimed,
                s05_a_locking_load_reads_what_the_transaction_before_it_left,
                s05_a_hot_key_makes_progress,
                s05_locking_loads_in_opposite_orders_do_not_deadlock,
                s05_a_key_that_does_not_exist_is_not_locked,
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
            s07: [
                s07_an_empty_log_has_an_empty_page,
                s07_an_event_takes_what_its_draft_lacks_from_the_row,
                s07_a_purge_is_logged_with_the_row_as_it_was,
                s07_a_receipt_returns_the_events_as_the_log_holds_them,
                s07_pages_join_without_gap_or_overlap,
                s07_filters_choose_events,
                s07_a_rolled_back_event_is_never_returned,
                s07_an_open_appender_is_not_skipped,
                s07_a_reader_that_follows_concurrent_writers_misses_nothing,
            ],
            s08: [
                s08_now_is_an_argument,
            ],
            s09: [
                s09_ids_are_compared_byte_by_byte,
                s09_names_of_kinds_and_namespaces_are_kept_apart,
                s09_text_keeps_every_character_everywhere,
                s09_json_text_comes_back_byte_for_byte,
                s09_times_keep_microseconds,
                s09_numbers_keep_all_their_bits,
                s09_every_field_of_a_row_comes_back,
                s09_names_of_cursors_are_compared_byte_by_byte,
            ],
            s10: [
                s10_ten_thousand_changes_are_one_changeset,
                s10_ten_thousand_changes_join_a_transaction,
                s10_ten_thousand_cursors_are_one_changeset,
            ],
            s11: [
                s11_locked_rows_are_busy_to_whoever_skips_them,
                s11_locked_rows_are_waited_for_by_whoever_does_not_skip_them,
                s11_a_lost_fence_of_a_locked_row_writes_nothing,
                s11_a_locked_row_holds_up_no_claim,
                s11_a_locked_row_is_read_as_it_is_committed,
                s11_the_key_of_a_locked_row_exists,
            ],
            s13: [
                s13_an_id_is_not_used_again_after_a_purge,
                s13_a_new_life_of_a_key_has_nothing_of_the_old_one,
                s13_a_position_is_not_used_again,
            ],
            s14: [
                s14_a_claimed_object_is_of_its_generation,
                s14_a_locked_object_is_of_its_generation,
            ],
            s15: [
                s15_a_database_of_this_version_passes_the_check,
            ],
            s16: [
                s16_each_write_but_a_heartbeat_counts_up_the_version,
                s16_the_times_of_a_row_move_with_its_state,
            ],
            s17: [
                s17_events_stand_in_the_order_of_their_changes,
                s17_events_of_a_transaction_stand_in_the_order_of_its_changesets,
            ],
            s18: [
                s18_a_cursor_is_stored_whole_and_counts_its_writes,
                s18_a_cursor_is_removed_over_the_version_that_was_read,
                s18_removing_a_cursor_that_never_was_is_nothing,
                s18_a_lost_cursor_leaves_out_the_whole_changeset,
                s18_one_of_several_writers_moves_a_cursor,
                s18_a_cursor_of_an_open_transaction_is_waited_for,
                s18_cursors_are_found_by_name,
                s18_cursors_are_found_by_the_beginning_of_their_name,
                s18_cursors_are_found_by_when_they_are_due,
            ],
            s19: [
                s19_a_row_keeps_its_last_ten_errors_and_counts_all,
                s19_an_error_is_recorded_in_its_own_row_whatever_the_outcome,
                s19_a_head_has_the_count_of_errors,
                s19_the_longest_message_comes_back_whole,
            ],
            s20: [
                s20_a_row_named_twice_is_invalid,
                s20_a_change_without_the_detail_that_it_writes_is_invalid,
                s20_a_lane_named_twice_is_invalid,
            ],
            settle: [
                settle_writes_the_state_and_leaves_what_it_does_not_name,
                settle_writes_what_it_names,
                settle_takes_the_other_outcome_if_the_generation_moved,
                settle_is_unmoved_by_writes_that_keep_the_generation,
                settle_runs_again_when_it_was_asked_to,
                settle_ends_the_lease_with_its_wish_to_be_cancelled,
                settle_deletes_an_absent_object,
                settle_rescues_a_lease_that_is_over,
            ],
            renew: [
                renew_moves_the_end_of_the_lease_only,
                renew_tells_of_a_wish_to_cancel,
                renew_revives_a_lease_that_is_over,
                renew_is_not_undone_by_a_write_that_read_the_row_before,
                renew_joins_a_transaction,
            ],
            update: [
                update_writes_the_row_but_for_what_is_not_its_own,
                update_writes_object_and_tags_where_it_says_so,
                update_replaces_tags,
                update_leaves_the_lease_of_a_pending_row,
            ],
            due: [
                due_for_expiry_is_what_was_synced_long_ago,
                due_for_rescue_is_what_has_a_lease_that_is_over,
                due_for_purge_is_what_is_past_its_retention,
                due_for_the_end_of_a_full_run_is_every_resource_by_id,
                due_queries_choose_kinds_and_namespaces,
            ],
            lanes: [
                lanes_are_those_that_have_something_to_claim,
                lanes_that_are_paused_are_left_out,
                lanes_are_chosen_by_kind_and_namespace,
            ],
            browse: [
                list_pages_by_id,
                list_and_count_take_the_same_filters,
                count_is_by_lane_and_state,
            ],
            scopes: [
                scopes_exist_as_soon_as_they_have_a_resource,
                scopes_are_paused_and_resumed_with_one_event_each,
                scopes_keep_their_settings,
                scopes_are_written_with_a_changeset,
                scopes_are_paused_in_a_transaction,
                scopes_are_paused_once_by_several_at_once,
            ],
            wakeups: [
                wakeups_are_there_exactly_if_the_store_says_so,
                wakeups_reach_every_listener,
                wakeups_travel_with_a_commit_that_carries_them,
                wakeups_in_a_transaction_leave_with_its_commit,
                wakeups_do_not_leave_with_a_commit_that_carries_none,
            ],
            now: [
                now_is_a_time_that_goes_on,
                now_moves_on_within_a_transaction,
            ],
        }
    };
    (@clauses $make:expr; $($clause:ident: $cases:tt,)*) => {
        $($crate::store_contract! { @cases $make; $clause: $cases })*
    };
    (@proven $proof:ident $make:expr; $($clause:ident: [$($case:ident,)*],)*) => {
        $($(
            #[test]
            fn $case() {
                $crate::contract::run_as($crate::record::Proof::$proof, $make, $crate::contract::$clause::$case);
            }
        )*)*
    };
    (@cases $make:expr; restore: [$($case:ident,)*]) => {
        $(
            #[test]
            fn $case() {
                $crate::contract::run_as($crate::record::Proof::Copies, $make, $crate::contract::restore::$case);
            }
        )*
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

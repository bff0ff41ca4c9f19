/// Runs the contract of the log's consumers ([`LogStore`](delta_core::LogStore)) against a store, as
/// [`store_contract!`](crate::store_contract) does the rest: with the same fixtures, one named test per case.
#[macro_export]
macro_rules! log_contract {
    ($make:expr) => {
        $crate::store_contract! { @proven Log $make;
            l1: [
                l1_what_is_written_in_a_transaction_is_kept_by_its_commit,
                l1_a_rollback_leaves_nothing_of_all_calls,
                l1_a_transaction_in_a_transaction_is_invalid,
                l1_a_discarded_connection_leaves_nothing,
                l1_a_dropped_connection_leaves_nothing,
                l1_a_failed_statement_can_be_rolled_back,
                l1_it_is_one_that_a_caller_would_open,
            ],
            l2: [
                l2_the_oldest_events_go_first_and_the_mark_says_so,
                l2_the_mark_only_moves_forwards,
                l2_a_position_above_the_head_is_invalid,
                l2_readers_behind_the_mark_are_too_old,
                l2_the_start_is_read_from_the_mark_on,
                l2_the_head_stays_where_it_is,
                l2_positions_are_not_given_out_again,
                l2_a_trim_falls_with_its_transaction,
                l2_no_reader_sees_events_missing_without_the_mark,
                l2_trims_at_once_remove_each_event_once,
                l2_what_is_held_back_is_not_trimmed,
            ],
            l3: [
                l3_a_dead_letter_comes_back_as_it_was_put,
                l3_putting_it_again_overwrites_what_may_change,
                l3_there_is_one_of_each_consumer_log_and_position,
                l3_several_that_put_one_at_once_make_one,
                l3_they_are_listed_by_id_in_pages,
                l3_they_are_chosen_by_all_that_is_named,
                l3_they_are_marked_out_of_the_statuses_named,
                l3_all_of_it_joins_a_transaction,
            ],
            l4: [
                l4_a_prefix_is_taken_byte_for_byte,
                l4_a_prefix_lets_no_kind_or_namespace_pass,
                l4_members_of_metadata_are_texts_that_equal_exactly,
                l4_parts_of_a_filter_join_by_and,
                l4_pages_move_on_past_what_does_not_fit,
            ],
            l5: [
                l5_whoever_has_appended_and_not_ended_is_named,
                l5_whoever_has_not_appended_is_not,
                l5_the_oldest_is_named_first,
            ],
        }
    };
}

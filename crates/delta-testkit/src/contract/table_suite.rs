/// Runs the contract of applications' own tables ([`EventTables`](delta_core::EventTables)) against a store, as
/// [`store_contract!`](crate::store_contract) does the rest: with the same fixtures, one named test per case.
///
/// A fixture that runs plain SQL ([`Fixture::execute`](crate::contract::Fixture::execute)) has more of it tested.
#[macro_export]
macro_rules! table_contract {
    ($make:expr) => {
        $crate::store_contract! { @proven Tables $make;
            t1: [
                t1_what_was_created_passes_inspection,
                t1_creating_again_changes_nothing,
                t1_the_statements_make_the_tables,
                t1_ids_ascend_and_are_not_given_out_again,
                t1_rows_of_plain_sql_are_read_in_order,
                t1_rows_of_plain_sql_hold_readers_back,
                t1_names_that_are_none_are_invalid,
            ],
            t2: [
                t2_a_missing_table_is_unsupported,
                t2_a_missing_column_is_unsupported,
                t2_a_column_of_a_wrong_type_is_unsupported,
                t2_an_id_that_is_not_unique_is_unsupported,
                t2_an_id_that_is_not_given_out_is_unsupported,
                t2_dead_letters_that_are_not_unique_are_unsupported,
            ],
            t3: [
                t3_events_come_back_as_they_were_appended,
                t3_numbers_and_times_at_their_ends_come_back,
                t3_positions_are_in_the_order_of_events,
                t3_no_events_are_none,
                t3_thousands_are_appended_at_once,
                t3_events_join_the_callers_transaction,
                t3_a_dropped_append_leaves_all_or_nothing,
                t3_what_cannot_be_is_invalid_and_nothing_is_written,
                t3_a_refusal_leaves_the_transaction_as_it_is,
                t3_a_trace_without_a_column_is_left_out,
            ],
            t4: [
                t4_an_empty_table_has_an_empty_page,
                t4_pages_follow_one_another,
                t4_readers_stay_behind_open_transactions,
                t4_what_was_rolled_back_is_passed,
                t4_every_event_of_many_writers_is_read_once_in_one_order,
                t4_readers_wait_for_the_first_missing_id,
                t4_readers_wait_for_the_very_first_id,
                t4_noop_events_are_left_out_unless_shown,
                t4_filters_choose_kinds_and_foreign_ids,
                t4_whoever_holds_readers_back_is_named,
                t4_tables_are_apart,
            ],
            t5: [
                t5_missing_ids_are_filled_with_noop_events,
                t5_the_first_ids_are_filled_too,
                t5_an_id_of_an_open_transaction_is_left_to_it,
                t5_what_was_committed_meanwhile_is_left_as_it_is,
                t5_nothing_is_filled_beyond_the_end,
            ],
            t6: [
                t6_the_oldest_events_go_first_and_the_mark_says_so,
                t6_a_position_above_the_head_is_invalid,
                t6_readers_behind_the_mark_are_too_old,
                t6_ids_that_were_trimmed_are_no_gap,
                t6_a_trim_falls_with_its_transaction,
                t6_each_table_has_a_mark_of_its_own,
            ],
            t7: [
                t7_a_cursor_moves_forwards_only,
                t7_each_consumer_has_its_own,
                t7_positions_compare_as_numbers,
                t7_moves_join_the_callers_transaction,
                t7_of_several_at_once_the_furthest_stays,
                t7_what_is_no_position_is_corrupt,
                t7_dead_letters_go_to_tables_of_any_columns,
            ],
        }
    };
}

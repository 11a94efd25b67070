/// Expands to one named test per case of the statistics of uses, for a store that keeps them.
///
/// The brackets hold the same as those of [`suite!`](crate::suite); the engine is a
/// [`UsageEngine`](crate::UsageEngine).
#[macro_export]
macro_rules! usage_suite {
    ($attrs:tt $fresh:tt) => {
        $crate::each_case! { $attrs $fresh cases
            usage {
                an_empty_store_has_no_usage,
                usage_is_summed_by_step_and_outcome,
                a_window_has_its_first_hour_and_not_its_last,
                writers_add_and_none_overwrites,
                a_flush_that_is_repeated_adds_nothing,
                usage_is_selected_by_key_owner_and_configuration,
                sums_by_key_come_in_pages_and_name_the_owner,
                sums_of_a_list_are_those_of_its_keys,
                usage_outlives_its_key,
                activity_keeps_the_later_use,
                days_hold_what_their_hours_held,
                roll_ups_and_flushes_at_once_lose_nothing,
                days_are_removed_in_portions_and_the_rest_of_a_key_with_its_last,
                attempts_with_unknown_keys_are_kept_by_source,
                a_large_flush_is_added_whole,
                a_flush_that_is_dropped_at_any_point_is_added_once_by_its_repeat,
                parts_of_a_journal_are_kept_once_and_read_in_their_order,
                a_journal_that_is_added_or_taken_over_takes_no_other_part,
                a_journal_is_taken_over_once_nobody_touches_it,
                whoever_takes_over_a_journal_has_all_that_was_kept,
                a_part_that_is_dropped_at_any_point_is_kept_once_by_its_repeat,
            }
        }
    };
}

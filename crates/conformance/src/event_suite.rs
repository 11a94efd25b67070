/// Expands to one named test per case of events, for a store that keeps them.
///
/// The brackets hold the same as those of [`suite!`](crate::suite); the engine is an
/// [`EventEngine`](crate::EventEngine).
#[macro_export]
macro_rules! event_suite {
    ($attrs:tt $fresh:tt) => {
        $crate::each_case! { $attrs $fresh event_cases
            keys {
                every_change_of_a_key_is_an_event_of_its_kind,
                every_key_that_a_change_of_many_changes_is_an_event_and_no_other,
                every_imported_key_is_an_event_and_one_that_was_there_is_none,
                a_leak_is_an_event_once_for_each_place_beside_the_change_that_it_causes,
            }
            people {
                changes_of_users_organizations_and_server_keys_are_events,
                uses_of_links_are_events,
                changes_of_accounts_are_events,
            }
            clean_up {
                clean_up_records_every_key_that_it_removes,
                clean_up_announces_an_expiry_before_it_removes_the_key,
            }
            changes {
                a_change_that_is_refused_or_changes_nothing_is_no_event,
                parallel_changes_of_one_key_are_each_one_event_in_their_order,
                a_change_that_is_dropped_at_any_point_is_an_event_if_and_only_if_it_was_made,
                an_event_of_its_own_is_recorded_once_between_all,
            }
            chain {
                events_are_seen_when_they_are_sealed,
                parallel_sealing_leaves_no_gap_and_one_chain,
                a_chain_goes_on_after_a_restart,
                old_events_are_removed_from_the_start_and_the_chain_stays_whole,
                erased_details_are_gone_and_the_chain_stays_whole,
                an_erased_user_is_a_row_without_a_person,
            }
            quotas {
                a_share_of_a_quota_is_an_event_once_however_it_is_raced_for,
                keys_of_one_batch_have_their_own_events,
                uses_are_no_events_unless_they_are_recorded,
            }
            reading {
                events_of_a_time_are_found_however_late_they_are,
                events_are_found_by_every_filter,
                pages_of_events_go_in_both_directions,
            }
            rotations {
                every_step_of_a_rotation_is_an_event_once_however_it_is_raced_for,
                the_end_of_a_rotation_says_its_reason,
            }
        }
    };
}

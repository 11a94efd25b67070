/// Expands to one named test per case of an engine that also stores webhooks. It takes the same arguments as
/// [`suite!`](crate::suite).
#[macro_export]
macro_rules! webhook_suite {
    ($attrs:tt $fresh:tt) => {
        $crate::each_case! { $attrs $fresh webhook_cases
            deliveries {
                a_portion_is_written_whole_and_comes_back,
                deliveries_of_a_key_become_due_one_after_the_other,
                deliveries_are_listed_page_by_page_and_by_state,
                old_deliveries_that_are_done_are_removed_and_no_others,
                backlogs_and_what_is_still_needed_are_told,
                of_an_endpoint_that_is_back_all_that_waits_for_an_instant_is_due,
            }
            endpoints {
                endpoints_come_back_as_they_went_in_and_in_order_of_creation,
                so_many_endpoints_and_no_more_between_all,
                of_two_rotations_at_once_one_counts,
                an_endpoint_that_is_resumed_begins_anew,
                an_endpoint_that_is_rewound_takes_later_events_again,
                endpoints_are_moved_from_where_they_are_alone,
            }
            events {
                a_change_of_an_endpoint_is_an_event_and_what_changes_nothing_is_none,
                an_endpoint_that_is_stopped_is_one_event_and_a_stale_holder_makes_none,
            }
            leases {
                one_holder_at_a_time_has_the_lease_of_an_endpoint,
                of_many_holders_at_once_one_gets_the_lease,
                only_unexpired_leases_of_the_holder_are_renewed,
                an_endpoint_that_is_not_active_has_no_lease,
                a_stale_holder_writes_nothing,
            }
        }
    };
}

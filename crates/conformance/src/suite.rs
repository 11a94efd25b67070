/// Expands to one named test per case.
///
/// The first brackets hold the attributes of each test, the second an expression for a fresh [`Engine`](crate::Engine),
/// which may await.
#[macro_export]
macro_rules! suite {
    ($attrs:tt $fresh:tt) => {
        $crate::suite_without_bans! { $attrs $fresh }
        $crate::each_case! { $attrs $fresh cases
            bans {
                a_ban_counts_at_the_next_spend_of_every_handle,
                a_ban_ends_at_its_instant,
                a_ban_is_of_one_owner_by_bytes,
            }
        }
    };
}

/// Expands to the cases of [`suite!`] without bans, for an engine that is also used where users cannot be banned.
#[macro_export]
macro_rules! suite_without_bans {
    ($attrs:tt $fresh:tt) => {
        $crate::each_case! { $attrs $fresh cases
            addresses {
                address_rules_come_back_as_they_went_in,
                a_use_from_elsewhere_is_refused_and_costs_nothing,
                changed_address_rules_count_at_the_next_spend_of_every_handle,
            }
            bulk {
                a_change_of_many_keys_changes_those_that_it_selects_and_no_others,
                a_repeated_change_of_many_keys_changes_nothing,
                a_preview_of_a_change_of_many_keys_counts_and_changes_nothing,
                a_change_of_many_keys_goes_on_behind_a_key_that_was_removed,
                changes_of_many_keys_and_spends_at_once_lose_neither,
                a_change_of_many_keys_that_is_dropped_leaves_whole_portions,
            }
            bytes {
                ids_are_compared_by_bytes,
                stored_texts_are_compared_by_bytes,
                hashes_are_compared_by_bytes,
                owners_and_configurations_are_compared_by_bytes,
            }
            cleanup {
                keys_are_removed_that_expired_strictly_before,
                the_longest_expired_go_first_up_to_the_limit,
                only_the_configurations_asked_for_are_cleaned,
                exhausted_keys_are_removed_and_no_others,
                exhausted_keys_stay_for_the_retention_of_their_configuration,
            }
            configurations {
                keys_are_found_in_the_form_of_their_configuration,
                a_hash_that_leaked_is_not_a_key,
                one_text_may_be_a_key_in_both_forms,
                an_attempt_reaches_only_keys_of_the_configuration_it_names,
            }
            counting {
                a_key_that_stays_is_counted_once_whatever_comes_and_goes_between_portions,
                an_empty_store_counts_nothing,
                keys_are_counted_by_their_state,
                an_owners_keys_are_counted_without_others,
            }
            deferred {
                deferred_calls_are_added_to_what_others_have_counted,
                deferred_calls_count_whatever_the_key_allows_by_now,
                deferred_calls_of_a_key_that_is_gone_count_nowhere,
            }
            deleted {
                a_deleted_key_is_nowhere_until_it_is_restored_as_it_was,
                deleted_keys_are_found_and_listed_with_their_deletion,
                a_key_whose_id_or_secret_is_taken_by_now_stays_deleted,
                a_key_is_restored_only_where_its_owner_has_room,
                of_many_restorations_and_deletions_each_key_is_kept_once,
                deleted_keys_are_purged_when_their_time_has_ended,
                deletions_that_are_dropped_at_any_point_leave_a_key_here_or_there,
                a_key_in_use_is_deleted_with_every_use_that_was_accepted,
            }
            dropping {
                spends_that_are_dropped_at_any_point_leave_no_lock_and_no_half,
                spends_that_are_aborted_among_others_leave_no_lock_and_no_half,
                changes_that_are_dropped_at_any_point_leave_no_lock_and_no_half,
            }
            dry_run {
                a_dry_run_says_what_a_spend_would_and_changes_nothing,
                a_dry_run_judges_a_key_by_every_rule,
                a_dry_run_of_an_unknown_key_judges_nothing_else,
                a_dry_run_sees_deferred_calls_and_leaves_them,
            }
            foreign {
                a_rotation_at_once_ends_the_foreign_hash_by_which_imports_still_know_the_key,
                a_key_with_a_foreign_hash_is_found_by_its_lookup_and_no_other_text,
                a_key_is_hashed_anew_once_and_found_by_its_new_hash_alone,
                a_foreign_hash_is_recognized_before_and_after_its_key_was_hashed_anew,
                slow_hashes_are_found_by_starts_of_one_length_that_few_share,
            }
            import {
                imported_keys_come_back_whole_and_are_accepted,
                an_import_leaves_out_what_is_taken_and_changes_nothing_of_it,
                parallel_imports_add_each_secret_once,
                a_portion_with_a_number_that_is_too_large_is_added_whole_or_not_at_all,
            }
            insert {
                a_duplicate_id_is_refused_and_changes_nothing,
                of_many_inserts_of_one_id_exactly_one_is_taken,
                an_owner_with_enough_living_keys_is_full,
                a_removed_key_leaves_its_place,
                a_revoked_key_leaves_its_place,
                keys_that_expired_before_the_new_one_leave_their_place,
                keys_that_are_disabled_or_exhausted_keep_their_place,
                other_owners_and_configurations_take_no_place,
                parallel_inserts_never_both_take_the_last_place,
            }
            leaks {
                a_deleted_key_comes_back_with_the_consequence_of_a_report,
                a_report_finds_a_key_whether_it_is_deleted_or_restored_meanwhile,
                a_report_has_the_consequence_that_the_keys_configuration_asks_for,
                a_report_that_comes_again_changes_nothing,
                a_report_is_no_use_and_leaves_other_keys_alone,
                a_report_finds_a_key_in_the_form_of_its_configuration,
                a_report_ends_every_copy_of_a_key,
                parallel_reports_of_the_same_keys_change_each_once,
                a_thousand_reports_are_applied_together,
                a_leaked_secret_that_is_not_in_use_ends_alone,
            }
            limits {
                gcra_holds_under_parallel_spends,
                the_idle_window_holds_under_parallel_spends,
                the_state_of_gcra_survives_a_restart,
                the_state_of_the_idle_window_survives_a_restart,
                a_row_without_a_backlog_enters_with_its_count,
                a_change_of_algorithm_forgets_the_backlog,
                quota_and_limit_are_taken_together,
            }
            listing {
                an_empty_store_lists_nothing,
                pages_cut_the_list_and_count_it_whole,
                a_page_of_large_keys_is_shorter_and_says_how_many_there_are,
                lists_are_narrowed_by_owner_and_configuration,
                page_and_count_are_of_one_instant,
                pages_stay_in_place_while_keys_are_added_behind_them,
                a_list_shows_what_was_spent,
            }
            owners {
                an_absent_owner_is_refused_only_where_one_is_required,
            }
            probe {
                a_probe_succeeds_with_and_without_keys_and_changes_nothing,
                probes_hinder_neither_one_another_nor_verifications,
            }
            racing {
                parallel_spends_on_one_handle_admit_what_is_left,
                parallel_spends_on_two_handles_admit_what_is_left,
                parallel_batches_admit_what_is_left,
                batches_in_opposite_orders_do_not_block_each_other,
                a_removed_key_is_not_brought_back_by_a_spend,
                clean_up_and_spends_do_not_block_each_other,
            }
            refill {
                a_quota_is_refilled_at_its_instant_and_not_before,
                a_refill_is_won_once_by_parallel_spends,
                the_instant_of_a_refill_survives_a_restart,
                a_calendars_refill_is_won_once_at_its_border,
                periods_of_up_to_400_days_are_kept_and_changed,
            }
            removal {
                a_key_is_removed_once,
                of_many_removals_of_one_key_exactly_one_removes_it,
                a_removed_key_is_refused_by_the_next_spend_of_every_handle,
                a_removed_id_may_be_used_again,
            }
            revocation {
                a_revoked_key_is_refused_by_the_next_spend_of_every_handle,
                a_revocation_is_found_and_listed,
                the_first_revocation_stays,
                of_many_revocations_of_one_key_exactly_one_stays,
                a_revoked_key_that_is_enabled_stays_refused,
                a_revoked_key_that_is_restored_is_accepted,
            }
            rotation {
                both_secrets_are_accepted_until_a_use_confirms_the_new_one,
                a_former_secret_ends_at_its_instant_on_every_handle,
                a_rotation_is_cancelled_finished_and_replaced,
                a_rotation_that_is_refused_changes_nothing,
                of_rotations_by_the_same_secrets_one_is_made,
                a_new_secret_that_is_not_used_in_time_ends,
                a_deadline_ends_the_former_secret_used_or_not,
                a_former_secret_never_outlives_its_key,
                without_grace_the_first_use_ends_the_former_secret,
                both_secrets_of_a_key_share_one_quota_and_one_limit,
                of_racing_first_uses_one_confirms,
                a_rotation_survives_a_restart,
                secrets_that_are_stored_unhashed_are_rotated,
                a_key_is_charged_once_while_the_rotation_of_another_with_its_text_ends,
                deferred_calls_with_either_secret_count_on_one_row,
                a_revoked_or_removed_key_is_refused_by_both_secrets,
                imports_leave_out_both_secrets_of_a_key,
            }
            round_trip {
                texts_come_back_byte_by_byte,
                an_empty_text_is_not_an_absent_one,
                long_texts_come_back_whole,
                numbers_come_back_exactly,
                a_number_that_is_too_large_is_refused_and_never_cut,
                a_backlog_comes_back_to_the_nanosecond,
                instants_come_back_to_the_millisecond,
                json_comes_back_as_it_was_written,
                a_key_with_every_member_comes_back_whole,
                what_was_stored_is_there_after_a_restart,
            }
            server_keys {
                server_keys_come_back_as_they_went_in,
                server_keys_are_listed_in_order_of_creation,
                a_duplicate_server_key_is_refused_and_changes_nothing,
                a_server_key_is_revoked_once,
                of_many_revocations_exactly_one_counts,
                the_latest_use_of_a_server_key_is_kept,
                the_first_server_key_is_added_once_between_all,
                a_first_server_key_is_added_where_there_never_was_one,
                a_server_key_that_was_added_by_hand_is_the_first,
            }
            sorting {
                every_field_sorts_in_both_directions_and_across_pages,
                an_empty_text_sorts_after_no_text_and_before_all_others,
            }
            spending {
                an_empty_batch_has_no_answers,
                an_unknown_key_is_refused,
                a_text_that_no_row_can_hold_is_an_unknown_key,
                answers_are_in_the_order_of_the_attempts,
                of_rows_under_one_text_the_one_with_the_smallest_id_counts,
                a_large_batch_is_settled_whole,
                an_accepted_attempt_is_kept_as_it_was_answered,
                a_refused_attempt_changes_nothing,
                a_cost_is_taken_whole_or_not_at_all,
                a_look_pays_nothing,
                a_use_that_was_paid_passes_once_more_and_changes_nothing,
                what_another_handle_does_to_a_key_in_use_counts_at_its_next_use,
                a_settled_use_takes_what_there_is,
                a_clock_that_runs_back_loses_nothing,
                of_rows_with_one_text_the_smallest_id_counts,
            }
            update {
                a_missing_key_is_none_and_stays_missing,
                an_update_does_what_its_patch_says_and_no_more,
                an_update_counts_at_the_next_spend_of_every_handle,
                an_update_with_a_number_that_is_too_large_is_refused_and_never_cut,
                updates_and_spends_at_once_lose_neither,
                quotas_refills_and_counts_are_cleared,
                calls_are_added_and_taken_down_to_zero,
                what_is_sold_is_used_or_left_under_parallel_spends,
            }
        }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! each_case {
    ($attrs:tt $fresh:tt $cases:ident $($module:ident { $($case:ident,)* })*) => {
        $crate::each_case! { @ $attrs $fresh $($( [$cases $module $case] )*)* }
    };
    (@ $attrs:tt $fresh:tt $($path:tt)*) => {
        $( $crate::one_case! { $attrs $fresh $path } )*
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! one_case {
    ([$($attr:tt)*] [$fresh:expr] [$cases:ident $module:ident $case:ident]) => {
        $($attr)*
        async fn $case() {
            let engine = $fresh;
            $crate::$cases::$module::$case(&engine).await;
        }
    };
}

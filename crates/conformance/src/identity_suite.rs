/// Expands to one named test per case of users, sessions and organizations, for a store that keeps them.
///
/// The brackets hold the same as those of [`suite!`](crate::suite); the engine is an
/// [`IdentityEngine`](crate::IdentityEngine).
#[macro_export]
macro_rules! identity_suite {
    ($attrs:tt $fresh:tt) => {
        $crate::each_case! { $attrs $fresh identity_cases
            accounts {
                a_user_is_added_without_a_session,
                users_are_listed_in_portions_by_the_bytes_of_their_ids,
                a_password_is_set_and_sessions_stay_or_end,
                sessions_of_a_user_are_listed_and_ended,
                a_user_is_changed_in_what_is_named,
                a_ban_ends_the_sessions_of_its_user,
            }
            keys {
                a_user_who_signed_up_is_an_owner_who_is_there,
            }
            links {
                links_come_back_as_they_went_in,
                a_reset_sets_the_password_and_ends_the_sessions_once,
                a_reset_gives_a_password_to_a_user_without_one,
                a_password_that_is_set_ends_the_resets_of_its_user,
                a_link_serves_its_own_purpose_alone,
                of_marks_of_the_same_form_one_is_kept,
                a_portal_session_is_opened_found_and_ended,
                of_100_uses_of_one_link_exactly_one_wins,
                of_100_resets_of_one_user_exactly_one_wins,
                links_and_sessions_are_removed_when_they_have_ended,
            }
            members {
                roles_come_back_as_they_went_in,
                members_are_compared_by_bytes,
                a_member_is_taken_once,
                nobody_and_nothing_have_no_members,
                of_many_inserts_of_one_member_exactly_one_is_taken,
                a_removed_user_is_no_member,
                a_member_is_removed_from_one_organization,
            }
            operators {
                operators_are_kept_and_only_users_are_any,
                a_claim_makes_the_first_operator_and_works_once,
                a_user_claims_and_a_claim_that_fails_stays,
                of_100_uses_of_two_claims_exactly_one_wins,
                a_removed_operator_leaves_the_place_to_another,
                an_erased_user_is_no_operator_and_has_no_links,
            }
            organizations {
                organizations_are_found_by_id_and_by_slug,
                an_id_is_taken_before_a_slug,
                a_duplicate_organization_is_refused_and_changes_nothing,
                an_organization_whose_first_member_is_nobody_is_refused,
                of_many_organizations_with_one_slug_exactly_one_is_taken,
                organizations_are_listed_in_portions_with_their_members,
                a_users_organizations_are_listed_by_name,
            }
            secret {
                the_secret_is_kept_once_between_all,
                the_secret_survives_a_restart,
            }
            sessions {
                sessions_come_back_as_they_went_in,
                tokens_are_compared_by_bytes,
                a_text_that_no_row_can_hold_is_no_session,
                a_session_of_a_missing_user_is_refused,
                a_session_with_a_taken_id_or_token_is_refused_and_changes_nothing,
                a_refresh_moves_the_end_and_nothing_else,
                a_session_is_removed_once,
                of_many_removals_of_one_session_exactly_one_counts,
                a_removed_session_is_not_brought_back_by_a_refresh,
                a_removed_user_has_no_sessions,
            }
            users {
                users_come_back_as_they_went_in,
                a_missing_user_is_none,
                a_duplicate_user_is_refused_and_changes_nothing,
                of_many_sign_ups_with_one_address_exactly_one_is_taken,
                addresses_are_compared_by_bytes,
                a_user_without_a_password_is_found_without_one,
                a_ban_is_found_with_its_user,
                sign_ups_that_are_dropped_at_any_point_leave_no_lock_and_no_half,
            }
        }
    };
}

/// Expands to one named test per case of Better Auth's tables, for a store on a SQL database.
///
/// The brackets hold what those of [`suite!`](crate::suite) hold; the engine is a [`SqlEngine`](crate::SqlEngine) on an
/// empty database.
#[macro_export]
macro_rules! sql_suite {
    ($attrs:tt $fresh:tt) => {
        $crate::each_case! { $attrs $fresh sql_cases
            better_auth {
                a_plain_row_is_read_as_better_auth_reads_it,
                nulls_mean_what_they_mean_to_better_auth,
                json_is_read_in_every_form_that_better_auth_ever_wrote,
                rows_without_a_configuration_are_found_listed_counted_and_cleaned_as_default,
                a_key_is_written_in_better_auths_forms,
                owners_are_known_without_bans_with_them_and_with_their_ends,
            }
            better_auth_identity {
                users_and_organizations_are_written_in_better_auths_forms,
                rows_of_better_auth_are_read,
                a_session_without_a_column_for_organizations_has_none,
                accounts_name_who_issued_them_where_better_auth_requires_it,
                bans_are_known_without_columns_with_one_and_with_both,
                roles_are_known_without_their_column_and_with_it,
                a_password_is_that_of_the_users_oldest_credential_account,
                of_several_memberships_the_oldest_counts_and_then_the_smallest_id,
                columns_that_a_plugin_adds_disturb_no_open_store,
            }
            corrupt_identities {
                ids_that_are_none_are_reported,
                a_corrupt_organization_is_reported,
                odd_instants_are_read,
            }
            corrupt_rows {
                a_corrupt_row_fails_what_reads_it_and_nothing_else,
                a_row_that_cannot_be_read_is_revoked_once_and_keeps_the_rest,
                a_change_of_many_keys_revokes_rows_that_cannot_be_read_and_names_what_it_leaves,
                a_row_that_cannot_be_read_is_deleted_and_restored_as_it_was,
                half_a_revocation_and_an_unknown_actor_are_corrupt,
                a_row_without_a_readable_id_is_corrupt,
                a_corrupt_server_key_is_reported,
                corrupt_usage_is_reported_and_hinders_no_flush,
            }
            migrations {
                a_second_migration_changes_nothing,
                handles_that_start_at_once_on_an_empty_database_all_succeed,
                the_layout_before_1_5_is_refused_with_what_it_lacks_and_left_alone,
                a_database_that_a_newer_keymint_migrated_is_taken,
                a_database_of_an_older_keymint_keeps_its_keys,
                what_is_added_to_better_auths_tables_is_nullable,
            }
            odd_rows {
                odd_values_are_read_as_what_they_mean_and_no_edit_rewrites_them,
                what_better_auth_writes_counts_before_what_keymint_keeps_beside_it,
                a_creator_that_cannot_be_read_makes_no_key_unusable,
            }
            referenced {
                a_key_to_which_a_row_refers_stays_and_the_others_go,
            }
        }
    };
}

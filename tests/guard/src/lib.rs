//! The suite that the guard of every framework passes, over real sockets.

#![expect(clippy::missing_panics_doc, clippy::unwrap_used, reason = "a case that fails panics")]

pub mod cases;
pub mod frameworks;
pub mod support;

/// Makes a test of every case for a framework: `suite!(actix: keymint_guard_suite::frameworks::Actix);`.
#[macro_export]
macro_rules! suite {
    ($name:ident: $framework:ty) => {
        mod $name {
            $crate::suite!(@cases $framework;
                refusals: whoever_shows_no_valid_key_is_refused_with_a_code_and_a_challenge,
                refusals: a_limited_key_is_told_when_to_come_again,
                refusals: missing_permissions_are_named_whoever_asks_first,
                places: a_key_is_shown_in_a_header_or_as_a_bearer_token_and_not_in_the_query,
                places: a_user_name_is_a_key_where_the_application_says_so,
                places: the_application_says_which_headers_show_keys,
                places: two_different_keys_are_none,
                answers: every_answer_says_how_the_key_stands_against_its_limits,
                answers: the_application_chooses_the_fields,
                answers: what_the_handler_says_itself_is_kept,
                answers: the_handler_is_told_everything_about_the_key,
                answers: a_former_secret_is_told_to_the_handler_and_to_the_client,
                paying: a_request_pays_once_however_many_look,
                paying: a_call_that_failed_is_not_made_again_for_the_same_request,
                paying: a_star_passes_every_guard_unless_its_configuration_takes_it_for_a_name,
                outages: a_store_that_is_down_is_503_and_one_that_is_broken_500,
                outages: a_remote_keymint_that_does_not_answer_is_503_after_the_deadline,
                outages: a_handler_of_verified_keys_stays_closed_behind_a_guard_that_fails_open,
                outages: an_application_without_a_check_lets_nobody_in,
                addresses: a_guard_judges_the_peer_or_whom_its_proxies_name,
                browsers: a_preflight_passes_where_the_route_says_so,
                browsers: a_body_is_not_read_before_the_verdict,
            );
        }
    };
    (@cases $framework:ty; $($group:ident: $case:ident,)+) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $case() {
                $crate::cases::$group::$case::<$framework>().await;
            }
        )+

        #[test]
        fn no_case_is_forgotten() {
            $crate::cases::assert_all(&[$(stringify!($case)),+]);
        }
    };
}

/// Expands to one named test per case of surveys, for a store that keeps keys, owners and the statistics of uses.
///
/// The brackets hold the same as those of [`suite!`](crate::suite); the engine is a
/// [`SurveyEngine`](crate::SurveyEngine).
#[macro_export]
macro_rules! survey_suite {
    ($attrs:tt $fresh:tt) => {
        $crate::each_case! { $attrs $fresh cases
            survey {
                an_empty_store_has_nothing_to_survey,
                every_key_is_surveyed_once_in_portions_of_any_size,
                a_survey_shows_the_owner_and_the_uses_of_a_key,
                a_survey_is_narrowed_by_owner_and_configuration,
                busy_keys_are_those_with_enough_calls_in_the_hour,
                networks_are_remembered_by_key_with_their_first_and_last_use,
                the_networks_that_were_not_used_for_the_longest_time_are_forgotten,
            }
        }
    };
}

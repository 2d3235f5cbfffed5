//! What every backend must do, as tests that know only the trait. A backend runs all of them with
//! `store::suite::run!(stage)`, where `stage` makes an empty store that several connections can share.

pub mod ask;
pub mod build;
pub mod claim;
pub mod close;
pub mod count;
pub mod counts;
pub mod heartbeats;
pub mod kept;
pub mod list;
pub mod outbox;
pub mod receive;
pub mod retention;
pub mod self_tests;
pub mod statistics;

use super::Store;

/// An empty store, gone when it is dropped.
pub trait Stage: Sync {
    /// Another connection to it.
    fn connect(&self) -> Box<dyn Store>;
}

/// One `#[test]` for each behaviour.
macro_rules! run {
    ($stage:expr) => {
        $crate::store::suite::run!($stage; receive:
            a_new_alert_is_read_back_as_it_was_given,
            every_field_survives,
            a_mail_joins_an_open_alert,
            a_mail_joins_an_acknowledged_alert_until_its_window_ends,
            a_mail_opens_another_alert_once_the_first_is_over,
            the_same_mail_again_adds_recipients_and_a_line,
            a_mail_that_comes_for_ever_fills_no_disk,
            fifty_mails_at_once_make_one_alert,
            a_crash_midway_leaves_nothing,
            a_change_that_names_another_alert_is_refused_whole,
            an_update_of_no_alert_is_an_error,
            several_alerts_are_changed_in_one_transaction,
            an_update_without_a_change_returns_its_commands,
            a_notification_that_is_taken_out_is_gone,
            codes_of_recent_alerts_differ,
            codes_grow_and_are_used_again_after_a_month,
            the_code_of_an_open_alert_is_never_given_again,
            numbers_rise,
            an_alert_has_the_digests_of_all_its_mails,
            the_same_mail_with_another_key_gives_its_alert_that_digest,
            a_mail_that_tells_of_the_end_ends_the_window,
        );
        $crate::store::suite::run!($stage; close:
            what_is_not_resolved_is_closed_and_the_newest_known,
            a_mail_closes_once,
            a_mail_that_found_nothing_finds_nothing_later,
            what_has_had_a_later_mail_is_left_alone,
            what_is_left_as_it_is_is_not_changed,
            a_crash_while_closing_leaves_nothing,
        );
        $crate::store::suite::run!($stage; count:
            mails_of_a_counter_are_counted_within_their_time,
            a_mail_counts_once_and_keeps_its_answer,
            counting_stops_at_enough,
            a_mail_that_has_its_alert_is_counted_enough,
            a_clock_that_goes_back_forgets_nothing,
            who_only_asks_counts_nothing,
            racing_mails_are_all_counted,
        );
        $crate::store::suite::run!($stage; heartbeats:
            a_heartbeat_is_waited_for_since_its_rhythm_was_first_seen,
            the_last_mail_that_was_sent_counts,
            a_heartbeat_remembers_its_alert,
            times_that_are_still_to_come_are_mended,
        );
        $crate::store::suite::run!($stage; self_tests:
            a_self_test_is_known_by_its_mark_alone,
            the_mail_of_a_self_test_counts_once_and_so_does_its_end,
            self_tests_that_nobody_ended_are_found,
        );
        $crate::store::suite::run!($stage; outbox:
            a_mail_goes_on_to_each_address_once,
            what_is_claimed_is_nobody_elses_until_the_claim_expires,
            a_post_that_is_over_stays_so_and_its_mail_goes_with_the_last,
            a_storm_is_not_forwarded,
            nothing_goes_on_of_a_mail_that_could_not_be_received,
            a_closed_alert_still_forwards,
        );
        $crate::store::suite::run!($stage; retention:
            what_was_over_before_is_forgotten_with_all_about_it,
            what_is_not_over_is_kept,
            the_oldest_goes_first_up_to_the_limit,
            overrides_that_had_ended_are_forgotten,
            a_compacted_store_is_smaller_and_holds_what_it_held,
        );
        $crate::store::suite::run!($stage; claim:
            what_is_due_is_claimed_once,
            racing_claims_never_share_a_notification,
            the_longest_overdue_comes_first_up_to_the_limit,
            only_the_given_alerts_are_claimed,
            a_claim_that_expired_is_claimed_again_unsure,
            an_older_doubt_is_kept,
            a_page_of_an_alert_that_is_not_open_is_never_claimed,
            news_of_an_alert_that_is_over_is_claimed,
            what_one_that_is_over_was_to_tell_is_told_by_another,
            due_alerts_are_not_over_and_due,
            whoever_waits_is_found_whenever_its_time_is,
            the_next_due_time_is_the_earliest_of_all,
        );
        $crate::store::suite::run!($stage; ask:
            history_keeps_its_order,
            history_of_no_alert_is_an_error,
            lists_are_filtered_and_newest_first,
            a_code_names_its_newest_alert,
            a_token_names_its_notification,
            a_digest_names_its_newest_active_alert,
            only_numbers_that_may_have_been_reached_were_notified,
            provider_ids_are_those_of_the_number,
            what_is_under_way_was_accepted_and_has_not_ended,
            the_oldest_alert_that_somebody_was_told_of_is_found,
            an_outside_id_is_new_once_within_a_month,
            overrides_that_are_over_or_replaced_are_left_out,
            overrides_of_a_time_that_is_past_are_remembered,
            overrides_are_ended_for_one_group,
            a_finite_override_leaves_the_fixed_one,
            heartbeats_are_the_newest_of_all_engines,
            it_is_remembered_that_nobody_reaches_us,
        );
        $crate::store::suite::run!($stage; kept:
            what_mails_say_is_kept_as_it_is,
            the_text_is_only_asked_for_when_it_is_kept,
            a_storm_keeps_its_beginning_and_its_end,
            texts_go_with_their_alert,
            a_crash_midway_keeps_no_text,
        );
        $crate::store::suite::run!($stage; list:
            pages_follow_each_other_by_number,
            each_alert_of_a_list_has_its_notifications,
            a_recipient_is_found_by_a_part_of_its_address,
            words_are_found_wherever_they_are,
            a_search_stops_and_says_where,
        );
        $crate::store::suite::run!($stage; counts:
            mails_are_counted_by_what_became_of_them,
            alerts_are_counted_by_how_they_went,
            attempts_are_counted_at_their_end,
            rules_are_counted_by_their_mails,
            what_is_forgotten_stays_counted,
            a_crash_midway_counts_nothing,
            gauges_tell_how_things_stand,
        );
        $crate::store::suite::run!($stage; statistics:
            statistics_are_by_day_group_and_rule,
            the_signing_key_is_made_once,
            sessions_that_were_ended_stay_so_until_they_would_be_over,
        );
    };
    ($stage:expr; $module:ident: $($name:ident,)+) => {
        $(
            #[test]
            fn $name() {
                $crate::store::suite::$module::$name(&$stage);
            }
        )+
    };
}
pub(in crate::store) use run;

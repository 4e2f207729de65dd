/* SPDX-License-Identifier: BSD-2-Clause */
/* If this failed: the weekly mail would come at the wrong hour, twice a week, or not at all. */
#include "inside.h"

#include "calendar/civil.h"
#include "mailer/schedule.h"

#define HOUR INT64_C(3600)
#define USERS 2000
#define WEEKS 52

static const char *const zones[] = {
    "Europe/Berlin",       "Europe/London",     "Europe/Lisbon",       "Europe/Kyiv",
    "Europe/Istanbul",     "Europe/Moscow",     "America/New_York",    "America/Chicago",
    "America/Denver",      "America/Phoenix",   "America/Los_Angeles", "America/Anchorage",
    "America/St_Johns",    "America/Halifax",   "America/Havana",      "America/Mexico_City",
    "America/Bogota",      "America/Sao_Paulo", "America/Santiago",    "America/Nuuk",
    "Atlantic/Azores",     "Africa/Casablanca", "Africa/Cairo",        "Africa/Lagos",
    "Africa/Johannesburg", "Asia/Jerusalem",    "Asia/Beirut",         "Asia/Tehran",
    "Asia/Kolkata",        "Asia/Kathmandu",    "Asia/Shanghai",       "Asia/Tokyo",
    "Asia/Gaza",           "Australia/Sydney",  "Australia/Adelaide",  "Australia/Lord_Howe",
    "Pacific/Auckland",    "Pacific/Chatham",   "Pacific/Kiritimati",  "Pacific/Honolulu",
};
#define ZONES (sizeof(zones) / sizeof(zones[0]))

static struct kt_zone *open_zone(const char *name)
{
    struct kt_zone *zone;

    assert_int_equal(kt_zone_open(NULL, name, &zone), 0);
    return zone;
}

static int64_t instant(const struct kt_zone *zone, int32_t year, uint32_t month, uint32_t day,
                       int64_t seconds)
{
    return kt_zone_to_instant(zone, (int64_t)kt_day_from_date(year, month, day) * KT_DAY_SECONDS +
                                        seconds);
}

static struct kt_schedule friday(const struct kt_zone *zone)
{
    return (struct kt_schedule){zone, KT_WEEKDAY_FRIDAY, KT_SCHEDULE_HOUR_DEFAULT};
}

/** One year of a sleeper: sleep to the due time, oversleep a little, look again. */
static void live_a_year(const struct kt_zone *zone, uint32_t user)
{
    struct kt_schedule schedule = friday(zone);
    int64_t now = instant(zone, 2026, 1, 3, 0), end = instant(zone, 2027, 1, 2, 0);
    int32_t last_week = 0;
    int mails = 0;

    for (;;) {
        struct kt_due due = kt_schedule_after(&schedule, now);

        if (due.at >= end)
            break;
        assert_int_equal(kt_zone_to_local(zone, due.at),
                         (int64_t)due.day * KT_DAY_SECONDS + 19 * HOUR);
        assert_int_equal(kt_day_weekday(due.day), KT_WEEKDAY_FRIDAY);
        assert_true(due.week > last_week);
        last_week = due.week;
        now = due.at + user % 7;
        mails++;
    }
    assert_int_equal(mails, WEEKS);
}

static void a_year_of_2000_users_in_40_zones(void **state)
{
    (void)state;
    struct kt_zone *opened[ZONES];

    assert_int_equal(ZONES, 40);
    for (size_t index = 0; index < ZONES; index++)
        opened[index] = open_zone(zones[index]);
    for (uint32_t user = 0; user < USERS; user++)
        live_a_year(opened[user % ZONES], user);
    for (size_t index = 0; index < ZONES; index++)
        talloc_free(opened[index]);
}

static void the_weeks_of_clock_changes_are_an_hour_shorter_and_longer(void **state)
{
    (void)state;
    struct kt_zone *zone = open_zone("Europe/Berlin");
    struct kt_schedule schedule = friday(zone);
    int64_t spring = instant(zone, 2026, 3, 27, 19 * HOUR);
    int64_t autumn = instant(zone, 2026, 10, 23, 19 * HOUR);

    assert_int_equal(kt_schedule_after(&schedule, spring).at - spring, 167 * HOUR);
    assert_int_equal(kt_schedule_after(&schedule, autumn).at - autumn, 169 * HOUR);
    talloc_free(zone);
}

static void an_hour_that_is_left_out_comes_later_and_one_that_comes_twice_once(void **state)
{
    (void)state;
    struct kt_zone *zone = open_zone("Europe/Berlin"), *cairo = open_zone("Africa/Cairo");
    struct kt_schedule schedule = {zone, 6, 2}; /* Sunday, 02:00 */
    struct kt_due due = kt_schedule_after(&schedule, instant(zone, 2026, 3, 28, 0));

    assert_int_equal(due.at, instant(zone, 2026, 3, 29, 3 * HOUR));
    due = kt_schedule_after(&schedule, instant(zone, 2026, 10, 24, 0));
    assert_int_equal(due.at, instant(zone, 2026, 10, 25, 2 * HOUR));
    assert_int_equal(kt_schedule_after(&schedule, due.at).day, due.day + 7);
    schedule = (struct kt_schedule){cairo, KT_WEEKDAY_FRIDAY, 0}; /* 00:00 doesn't exist there */
    due = kt_schedule_after(&schedule, instant(cairo, 2026, 4, 23, 12 * HOUR));
    assert_int_equal(due.day, kt_day_from_date(2026, 4, 24));
    assert_int_equal(due.at, instant(cairo, 2026, 4, 24, 1 * HOUR));
    talloc_free(zone);
    talloc_free(cairo);
}

static void a_friday_that_does_not_exist_has_no_mail(void **state)
{
    (void)state;
    struct kt_zone *zone = open_zone("Pacific/Apia");
    struct kt_schedule schedule = friday(zone);
    int64_t before = instant(zone, 2011, 12, 23, 19 * HOUR);
    struct kt_due due = kt_schedule_after(&schedule, before);

    assert_int_equal(due.day, kt_day_from_date(2012, 1, 6));
    assert_int_equal(due.at, instant(zone, 2012, 1, 6, 19 * HOUR));
    assert_int_equal(kt_schedule_before(&schedule, due.at - 1).at, before);
    talloc_free(zone);
}

static void before_and_after_meet_at_the_due_time(void **state)
{
    (void)state;
    struct kt_zone *zone = open_zone("America/New_York");
    struct kt_schedule schedule = friday(zone);
    int64_t at = instant(zone, 2026, 11, 20, 19 * HOUR);

    assert_int_equal(kt_schedule_before(&schedule, at).at, at);
    assert_true(kt_schedule_before(&schedule, at - 1).at < at);
    assert_int_equal(kt_schedule_after(&schedule, at - 1).at, at);
    assert_true(kt_schedule_after(&schedule, at).at > at);
    talloc_free(zone);
}

static void flying_west_gives_no_second_week(void **state)
{
    (void)state;
    struct kt_zone *east = open_zone("Pacific/Auckland"), *west = open_zone("Pacific/Honolulu");
    struct kt_schedule before = friday(east), after = friday(west);
    struct kt_due first = kt_schedule_after(&before, instant(east, 2026, 11, 18, 0)), due;
    struct kt_due second = kt_schedule_after(&after, first.at);

    assert_true(second.at > first.at);
    assert_int_equal(second.week, first.week); /* so the ledger says: sent */
    assert_false(kt_schedule_skips(&before, &after, first.at + 1, &due));
    talloc_free(east);
    talloc_free(west);
}

static void flying_east_loses_no_week(void **state)
{
    (void)state;
    struct kt_zone *east = open_zone("Pacific/Auckland"), *west = open_zone("Pacific/Honolulu");
    struct kt_schedule before = friday(west), after = friday(east);
    int64_t noon = instant(west, 2026, 11, 20, 12 * HOUR); /* Saturday, 11:00 in Auckland */
    struct kt_due due;

    assert_true(kt_schedule_skips(&before, &after, noon, &due));
    assert_int_equal(due.at, noon);
    assert_int_equal(due.week, kt_schedule_after(&before, noon).week);
    assert_false(kt_schedule_skips(&before, &after, noon - 48 * HOUR, &due));
    talloc_free(east);
    talloc_free(west);
}

static void another_day_in_the_same_week_gives_no_second_mail(void **state)
{
    (void)state;
    struct kt_zone *zone = open_zone("Europe/Berlin");
    struct kt_schedule monday = {zone, 0, 8}, late = friday(zone);
    struct kt_due first = kt_schedule_after(&monday, instant(zone, 2026, 11, 15, 0));
    struct kt_due second = kt_schedule_after(&late, first.at);

    assert_int_equal(first.week, second.week);
    assert_int_equal(kt_schedule_first_day(&first), kt_day_from_date(2026, 11, 9));
    assert_int_equal(kt_schedule_first_day(&second), kt_day_from_date(2026, 11, 16));
    talloc_free(zone);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_year_of_2000_users_in_40_zones),
        cmocka_unit_test(the_weeks_of_clock_changes_are_an_hour_shorter_and_longer),
        cmocka_unit_test(an_hour_that_is_left_out_comes_later_and_one_that_comes_twice_once),
        cmocka_unit_test(a_friday_that_does_not_exist_has_no_mail),
        cmocka_unit_test(before_and_after_meet_at_the_due_time),
        cmocka_unit_test(flying_west_gives_no_second_week),
        cmocka_unit_test(flying_east_loses_no_week),
        cmocka_unit_test(another_day_in_the_same_week_gives_no_second_mail),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

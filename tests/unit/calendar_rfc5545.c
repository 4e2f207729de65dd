/* SPDX-License-Identifier: BSD-2-Clause */
/* If this failed: a series would come on other days than in every other calendar: the standard's
 * own examples (RFC 5545, 3.8.5.3), each with the dates that the standard gives. */
#include "calendar_text.h"

#define START "19970902T090000"
/** How far beyond the last date of a series that ends is looked for more, in days. */
#define DAYS_AFTER 800
/** The longest list of dates, as text. */
#define DATES_SIZE 65536

/**
 * One example. Dates: "1997:" a year, "9/" a month, "2" a day, "2-30" days in a row, "2-30+2" every
 * other day, all at nine o'clock; "@1030" one more time on the day before it; "..." and so on.
 */
struct example {
    const char *start; /* in New York; more lines may follow */
    const char *rule;
    const char *dates;
};

static const struct example examples[] = {
    {START, "FREQ=DAILY;COUNT=10", "1997: 9/ 2-11"},
    {START, "FREQ=DAILY;UNTIL=19971224T000000Z", "1997: 9/ 2-30 10/ 1-31 11/ 1-30 12/ 1-23"},
    {START, "FREQ=DAILY;INTERVAL=2", "1997: 9/ 2-30+2 10/ 2-30+2 11/ 1-29+2 12/ 1-31+2 ..."},
    {START, "FREQ=DAILY;INTERVAL=10;COUNT=5", "1997: 9/ 2 12 22 10/ 2 12"},
    {"19980101T090000", "FREQ=YEARLY;UNTIL=20000131T140000Z;BYMONTH=1;BYDAY=SU,MO,TU,WE,TH,FR,SA",
     "1998: 1/ 1-31 1999: 1/ 1-31 2000: 1/ 1-31"},
    {"19980101T090000", "FREQ=DAILY;UNTIL=20000131T140000Z;BYMONTH=1",
     "1998: 1/ 1-31 1999: 1/ 1-31 2000: 1/ 1-31"},
    {START, "FREQ=WEEKLY;COUNT=10", "1997: 9/ 2 9 16 23 30 10/ 7 14 21 28 11/ 4"},
    {START, "FREQ=WEEKLY;UNTIL=19971224T000000Z",
     "1997: 9/ 2 9 16 23 30 10/ 7 14 21 28 11/ 4 11 18 25 12/ 2 9 16 23"},
    {START, "FREQ=WEEKLY;INTERVAL=2;WKST=SU",
     "1997: 9/ 2 16 30 10/ 14 28 11/ 11 25 12/ 9 23 1998: 1/ 6 20 2/ 3 17 ..."},
    {START, "FREQ=WEEKLY;UNTIL=19971007T000000Z;WKST=SU;BYDAY=TU,TH",
     "1997: 9/ 2 4 9 11 16 18 23 25 30 10/ 2"},
    {START, "FREQ=WEEKLY;COUNT=10;WKST=SU;BYDAY=TU,TH", "1997: 9/ 2 4 9 11 16 18 23 25 30 10/ 2"},
    {"19970901T090000", "FREQ=WEEKLY;INTERVAL=2;UNTIL=19971224T000000Z;WKST=SU;BYDAY=MO,WE,FR",
     "1997: 9/ 1 3 5 15 17 19 29 10/ 1 3 13 15 17 27 29 31 11/ 10 12 14 24 26 28 "
     "12/ 8 10 12 22"},
    {START, "FREQ=WEEKLY;INTERVAL=2;COUNT=8;WKST=SU;BYDAY=TU,TH",
     "1997: 9/ 2 4 16 18 30 10/ 2 14 16"},
    {"19970905T090000", "FREQ=MONTHLY;COUNT=10;BYDAY=1FR",
     "1997: 9/ 5 10/ 3 11/ 7 12/ 5 1998: 1/ 2 2/ 6 3/ 6 4/ 3 5/ 1 6/ 5"},
    {"19970905T090000", "FREQ=MONTHLY;UNTIL=19971224T000000Z;BYDAY=1FR",
     "1997: 9/ 5 10/ 3 11/ 7 12/ 5"},
    {"19970907T090000", "FREQ=MONTHLY;INTERVAL=2;COUNT=10;BYDAY=1SU,-1SU",
     "1997: 9/ 7 28 11/ 2 30 1998: 1/ 4 25 3/ 1 29 5/ 3 31"},
    {"19970922T090000", "FREQ=MONTHLY;COUNT=6;BYDAY=-2MO",
     "1997: 9/ 22 10/ 20 11/ 17 12/ 22 1998: 1/ 19 2/ 16"},
    {"19970928T090000", "FREQ=MONTHLY;BYMONTHDAY=-3",
     "1997: 9/ 28 10/ 29 11/ 28 12/ 29 1998: 1/ 29 2/ 26 ..."},
    {START, "FREQ=MONTHLY;COUNT=10;BYMONTHDAY=2,15",
     "1997: 9/ 2 15 10/ 2 15 11/ 2 15 12/ 2 15 1998: 1/ 2 15"},
    {"19970930T090000", "FREQ=MONTHLY;COUNT=10;BYMONTHDAY=1,-1",
     "1997: 9/ 30 10/ 1 31 11/ 1 30 12/ 1 31 1998: 1/ 1 31 2/ 1"},
    {"19970910T090000", "FREQ=MONTHLY;INTERVAL=18;COUNT=10;BYMONTHDAY=10,11,12,13,14,15",
     "1997: 9/ 10-15 1999: 3/ 10-13"},
    {START, "FREQ=MONTHLY;INTERVAL=2;BYDAY=TU",
     "1997: 9/ 2 9 16 23 30 11/ 4 11 18 25 1998: 1/ 6 13 20 27 3/ 3 10 17 24 31 ..."},
    {"19970610T090000", "FREQ=YEARLY;COUNT=10;BYMONTH=6,7",
     "1997: 6/ 10 7/ 10 1998: 6/ 10 7/ 10 1999: 6/ 10 7/ 10 2000: 6/ 10 7/ 10 2001: 6/ 10 7/ 10"},
    {"19970310T090000", "FREQ=YEARLY;INTERVAL=2;COUNT=10;BYMONTH=1,2,3",
     "1997: 3/ 10 1999: 1/ 10 2/ 10 3/ 10 2001: 1/ 10 2/ 10 3/ 10 2003: 1/ 10 2/ 10 3/ 10"},
    {"19970101T090000", "FREQ=YEARLY;INTERVAL=3;COUNT=10;BYYEARDAY=1,100,200",
     "1997: 1/ 1 4/ 10 7/ 19 2000: 1/ 1 4/ 9 7/ 18 2003: 1/ 1 4/ 10 7/ 19 2006: 1/ 1"},
    {"19970519T090000", "FREQ=YEARLY;BYDAY=20MO", "1997: 5/ 19 1998: 5/ 18 1999: 5/ 17 ..."},
    {"19970512T090000", "FREQ=YEARLY;BYWEEKNO=20;BYDAY=MO",
     "1997: 5/ 12 1998: 5/ 11 1999: 5/ 17 ..."},
    {"19970313T090000", "FREQ=YEARLY;BYMONTH=3;BYDAY=TH",
     "1997: 3/ 13 20 27 1998: 3/ 5 12 19 26 1999: 3/ 4 11 18 25 ..."},
    {"19970605T090000", "FREQ=YEARLY;BYDAY=TH;BYMONTH=6,7,8",
     "1997: 6/ 5 12 19 26 7/ 3 10 17 24 31 8/ 7 14 21 28 "
     "1998: 6/ 4 11 18 25 7/ 2 9 16 23 30 8/ 6 13 20 27 "
     "1999: 6/ 3 10 17 24 7/ 1 8 15 22 29 8/ 5 12 19 26 ..."},
    {START "\nEXDATE;TZID=America/New_York:19970902T090000", "FREQ=MONTHLY;BYDAY=FR;BYMONTHDAY=13",
     "1998: 2/ 13 3/ 13 11/ 13 1999: 8/ 13 2000: 10/ 13 ..."},
    {"19970913T090000", "FREQ=MONTHLY;BYDAY=SA;BYMONTHDAY=7,8,9,10,11,12,13",
     "1997: 9/ 13 10/ 11 11/ 8 12/ 13 1998: 1/ 10 2/ 7 3/ 7 4/ 11 5/ 9 6/ 13 ..."},
    {"19961105T090000", "FREQ=YEARLY;INTERVAL=4;BYMONTH=11;BYDAY=TU;BYMONTHDAY=2,3,4,5,6,7,8",
     "1996: 11/ 5 2000: 11/ 7 2004: 11/ 2 ..."},
    {"19970904T090000", "FREQ=MONTHLY;COUNT=3;BYDAY=TU,WE,TH;BYSETPOS=3", "1997: 9/ 4 10/ 7 11/ 6"},
    {"19970929T090000", "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-2",
     "1997: 9/ 29 10/ 30 11/ 27 12/ 30 1998: 1/ 29 2/ 26 3/ 30 ..."},
    /* the standard says 17:00 UTC and nine, twelve and three o'clock, but three is 19:00 UTC */
    {START, "FREQ=HOURLY;INTERVAL=3;UNTIL=19970902T170000Z", "1997: 9/ 2 @1200"},
    {START, "FREQ=HOURLY;INTERVAL=3;UNTIL=19970902T210000Z", "1997: 9/ 2 @1200 @1500"},
    {START, "FREQ=MINUTELY;INTERVAL=15;COUNT=6", "1997: 9/ 2 @0915 @0930 @0945 @1000 @1015"},
    {START, "FREQ=MINUTELY;INTERVAL=90;COUNT=4", "1997: 9/ 2 @1030 @1200 @1330"},
#define EVERY_20_MINUTES                                                                           \
    "@0920 @0940 @1000 @1020 @1040 @1100 @1120 @1140 @1200 @1220 @1240 @1300 @1320 @1340 "         \
    "@1400 @1420 @1440 @1500 @1520 @1540 @1600 @1620 @1640 "
    {START, "FREQ=DAILY;BYHOUR=9,10,11,12,13,14,15,16;BYMINUTE=0,20,40",
     "1997: 9/ 2 " EVERY_20_MINUTES "3 " EVERY_20_MINUTES "..."},
    {START, "FREQ=MINUTELY;INTERVAL=20;BYHOUR=9,10,11,12,13,14,15,16",
     "1997: 9/ 2 " EVERY_20_MINUTES "3 " EVERY_20_MINUTES "..."},
    {"19970805T090000", "FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=MO",
     "1997: 8/ 5 10 19 24"},
    {"19970805T090000", "FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=SU",
     "1997: 8/ 5 17 19 31"},
    {"20070115T090000", "FREQ=MONTHLY;BYMONTHDAY=15,30;COUNT=5", "2007: 1/ 15 30 2/ 15 3/ 15 30"},
};

/** Lines as calendar_text.h writes them, one a date. @param ret_last  the day of the last one */
static void write_dates(const char *dates, char *text, int32_t *ret_last)
{
    int year = 0, month = 0, day = 0;
    size_t used = 0;

    text[0] = '\0';
    while (*dates && *dates != '.') {
        int number, last, step = 1, clock = 900;
        char *rest;

        if (*dates == '@') {
            clock = (int)strtol(dates + 1, &rest, 10);
            number = last = day;
        } else {
            number = last = (int)strtol(dates, &rest, 10);
            if (*rest == ':' || *rest == '/') {
                *(*rest == ':' ? &year : &month) = number;
                dates = rest + 1 + strspn(rest + 1, " ");
                continue;
            }
            if (*rest == '-')
                last = (int)strtol(rest + 1, &rest, 10);
            if (*rest == '+')
                step = (int)strtol(rest + 1, &rest, 10);
        }
        for (day = number; day <= last; day += step)
            used += (size_t)snprintf(text + used, DATES_SIZE - used,
                                     "%04d-%02d-%02d %02d:%02d-%02d:%02d E\n", year, month, day,
                                     clock / 100, clock % 100, clock / 100, clock % 100);
        day = last;
        *ret_last = kt_day_from_date(year, (uint32_t)month, (uint32_t)day);
        dates = rest + strspn(rest, " ");
    }
}

static void every_example_of_the_standard(void **state)
{
    (void)state;
    static char expected[DATES_SIZE];

    for (size_t index = 0; index < sizeof(examples) / sizeof(examples[0]); index++) {
        const struct example *example = &examples[index];
        int32_t first = kt_day_from_date(1996, 1, 1), last = 0;
        struct found found = {.memory = talloc_new(NULL)};
        struct kt_error error;
        char *text = talloc_asprintf(
            found.memory,
            "BEGIN:VCALENDAR\nBEGIN:VEVENT\nUID:e\nSUMMARY:E\n"
            "DTSTART;TZID=America/New_York:%s\nRRULE:%s\nEND:VEVENT\nEND:VCALENDAR\n",
            example->start, example->rule);

        write_dates(example->dates, expected, &last);
        assert_int_equal(
            kt_ics_read(found.memory, text, strlen(text), &test_options, &found.calendar, &error),
            0);
        found_days(&found, "America/New_York", first,
                   (uint32_t)(last - first + 1 + (strchr(example->dates, '.') ? 0 : DAYS_AFTER)));
        if (strcmp(found.text, expected) != 0)
            fail_msg("%s\nis:\n%sshould be:\n%s", example->rule, found.text, expected);
        assert_int_equal(found.warnings.count, 0);
        found_free(&found);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_example_of_the_standard),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Expands rules for comparison with an independent oracle: each line of the input is
 * "COUNT;FROM;START;RRULE" (local times as YYYYMMDDTHHMMSS), each line of the output the first
 * COUNT instances from FROM on, separated by spaces, or an error.
 */
#include "calendar/civil.h"
#include "calendar/recurrence.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINE_MAX_BYTES 4096
#define EFFORT 500000000

static bool read_time(const char *text, int64_t *ret_local)
{
    int year, month, day, hour, minute, second;

    if (sscanf(text, "%4d%2d%2dT%2d%2d%2d", &year, &month, &day, &hour, &minute, &second) != 6)
        return false;
    *ret_local = (int64_t)kt_day_from_date(year, (uint32_t)month, (uint32_t)day) * KT_DAY_SECONDS +
                 hour * 3600 + minute * 60 + second;
    return true;
}

static void print_time(int64_t local)
{
    int32_t day = kt_local_day(local);
    struct kt_date date = kt_date_from_day(day);
    int of_day = (int)(local - (int64_t)day * KT_DAY_SECONDS);

    printf("%04d%02u%02uT%02d%02d%02d ", date.year, date.month, date.day, of_day / 3600,
           of_day / 60 % 60, of_day % 60);
}

static void expand(char *line)
{
    char *count_text = strtok(line, ";"), *from_text = strtok(NULL, ";");
    char *start_text = strtok(NULL, ";"), *rule_text = strtok(NULL, "\n");
    struct kt_recurrence recurrence;
    struct kt_error error;
    struct kt_rule rule;
    struct kt_effort effort = kt_effort_of(EFFORT);
    int64_t start, from, local;
    long count = count_text ? atol(count_text) : 0;

    if (!rule_text || !read_time(start_text, &start) || !read_time(from_text, &from)) {
        puts("unreadable line");
        return;
    }
    if (kt_rule_parse(rule_text, &rule, &error) < 0) {
        puts(error.text);
        return;
    }
    kt_recurrence_begin(&recurrence, &rule, start, NULL, &effort);
    kt_recurrence_seek(&recurrence, from);
    while (count > 0 &&
           kt_recurrence_next(&recurrence, (int64_t)kt_day_from_date(2200, 1, 1) * KT_DAY_SECONDS,
                              &local)) {
        if (local < from)
            continue;
        print_time(local);
        count--;
    }
    puts(recurrence.is_cut ? "cut" : "");
}

int main(void)
{
    char line[LINE_MAX_BYTES];

    while (fgets(line, sizeof(line), stdin))
        expand(line);
    return 0;
}

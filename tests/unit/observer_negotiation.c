/* SPDX-License-Identifier: BSD-2-Clause */
/* If this failed: a scraper of /metrics would get a format that it can't read, and refuse all of
 * it. */
#include "inside.h"

#include "observer/negotiation.h"

#define OPEN "application/openmetrics-text"

static const struct {
    const char *accept;
    enum metrics_format format;
} cases[] = {
    /* who doesn't name it gets the one that all can read */
    {NULL, METRICS_PLAIN},
    {"", METRICS_PLAIN},
    {"*/*", METRICS_PLAIN},
    {"application/*", METRICS_PLAIN},
    {"application/json", METRICS_PLAIN},
    {"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", METRICS_PLAIN},
    {"text/plain; x=\"a, " OPEN "; b\"", METRICS_PLAIN},
    {"text/plain; x=\"\\\", " OPEN "\"", METRICS_PLAIN},
    /* who names it */
    {OPEN, METRICS_OPEN},
    {"APPLICATION/OpenMetrics-Text", METRICS_OPEN},
    {" , ,\t" OPEN " ; version = 1.0.0 ; charset=utf-8 , ", METRICS_OPEN},
    {OPEN ";version=\"1.0.0\"", METRICS_OPEN},
    {OPEN ";q=0.001", METRICS_OPEN},
    {"text/plain; x=\"a\"," OPEN, METRICS_OPEN},
    /* and prefers nothing to it: the more precise range counts */
    {"text/plain," OPEN, METRICS_OPEN},
    {"text/plain;q=0.5," OPEN ";q=0.6", METRICS_OPEN},
    {"text/plain;q=0.6," OPEN ";q=0.5", METRICS_PLAIN},
    {"*/*;q=0.9," OPEN ";q=0.5", METRICS_PLAIN},
    {"*/*," OPEN ";q=0.5,text/plain;q=0.1", METRICS_OPEN},
    {"text/*;q=0.2,*/*;q=0.9," OPEN ";q=0.5", METRICS_OPEN},
    {"text/plain;version=1.0.0," OPEN ";q=0.5", METRICS_OPEN},
    {OPEN ";version=9.0.0;q=0.9," OPEN ";version=1.0.0;q=0.3,text/plain;q=0.4", METRICS_PLAIN},
    /* not at all, or not like this */
    {OPEN ";q=0", METRICS_PLAIN},
    {OPEN ";q=0.000", METRICS_PLAIN},
    {OPEN ";version=0.0.1", METRICS_PLAIN},
    {OPEN ";q=", METRICS_PLAIN},
    {OPEN ";q=2", METRICS_PLAIN},
    {OPEN ";q=1.001", METRICS_PLAIN},
    {OPEN ";q=0.1234", METRICS_PLAIN},
    {OPEN ";q=0,5", METRICS_PLAIN},
    {OPEN ";q=-1", METRICS_PLAIN},
    {OPEN ";q=one", METRICS_PLAIN},
    {OPEN "x", METRICS_PLAIN},
    {"\"" OPEN, METRICS_PLAIN},
    {";;=,=;q,\"\\", METRICS_PLAIN},
};

static void each_gets_what_it_can_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (negotiation_choose(cases[i].accept) != cases[i].format)
            fail_msg("Accept: %s", cases[i].accept ? cases[i].accept : "(none)");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(each_gets_what_it_can_read)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

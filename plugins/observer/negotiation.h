/* SPDX-License-Identifier: BSD-2-Clause */
/* Which of its two formats a scraper of /metrics reads. Knows the header field Accept, nothing
 * else. */
#ifndef OBSERVER_NEGOTIATION_H
#define OBSERVER_NEGOTIATION_H

enum metrics_format {
    METRICS_PLAIN, /**< Prometheus' text format 0.0.4, which every scraper reads */
    METRICS_OPEN,  /**< OpenMetrics 1.0, for who names it */
};

/**
 * Choose by RFC 9110, 12.5.1. OpenMetrics goes to who names application/openmetrics-text and
 * prefers nothing to it; a wildcard doesn't name it. Who accepts neither gets the plain one.
 * @param accept  NULL: there is no such field
 */
enum metrics_format negotiation_choose(const char *accept);

#endif

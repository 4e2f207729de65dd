/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which plugins are left out, and for how long. There is a record of each plugin that has crashed;
 * there are at most as many as plugins, so a list will do.
 */
#include "master/quarantine.h"

#include "base/word.h"

#include <stdio.h>
#include <string.h>

struct kt_quarantine *kt_quarantine_new(TALLOC_CTX *context)
{
    return talloc_zero(context, struct kt_quarantine);
}

static struct kt_suspect *find(const struct kt_quarantine *quarantine, const char *name)
{
    struct kt_suspect *suspect = quarantine->suspects;
    while (suspect != NULL && strcmp(suspect->name, name) != 0)
        suspect = suspect->next;
    return suspect;
}

const struct kt_suspect *kt_quarantine_find(const struct kt_quarantine *quarantine,
                                            const char *name)
{
    return find(quarantine, name);
}

static struct kt_suspect *find_or_make(struct kt_quarantine *quarantine, const char *name)
{
    struct kt_suspect *suspect = find(quarantine, name);
    if (suspect != NULL)
        return suspect;
    suspect = talloc_zero(quarantine, struct kt_suspect);
    if (suspect == NULL)
        return NULL;
    snprintf(suspect->name, sizeof(suspect->name), "%s", name);
    suspect->next = quarantine->suspects;
    quarantine->suspects = suspect;
    return suspect;
}

/** Begin a back-off: the first of a series, or twice the last. */
static void confine(struct kt_suspect *suspect, const struct kt_quarantine_policy *policy,
                    int64_t now_ms)
{
    if (suspect->time_ms == 0)
        suspect->time_ms = policy->time_ms;
    else if (suspect->time_ms < policy->time_max_ms / 2)
        suspect->time_ms *= 2;
    else
        suspect->time_ms = policy->time_max_ms;
    suspect->until_ms = now_ms + suspect->time_ms;
}

const struct kt_suspect *kt_quarantine_crash(struct kt_quarantine *quarantine,
                                             const struct kt_quarantine_policy *policy,
                                             const struct kt_plugin_crash *crash, bool *ret_is_new)
{
    struct kt_suspect *suspect = find_or_make(quarantine, crash->plugin);
    *ret_is_new = false;
    if (suspect == NULL)
        return NULL;
    snprintf(suspect->text, sizeof(suspect->text), "%s", crash->text);
    snprintf(suspect->backtrace, sizeof(suspect->backtrace), "%s", crash->backtrace);
    suspect->crash_unix_ms = crash->unix_ms;
    suspect->crashes_total++;
    if (suspect->until_ms != 0) /* a worker from before the quarantine */
        return suspect;
    if (crash->now_ms - suspect->last_ms > policy->period_ms + crash->starting_ms)
        suspect->crashes = 0, suspect->time_ms = 0;
    suspect->crashes++;
    suspect->last_ms = crash->now_ms;
    bool is_on_probation = suspect->time_ms != 0;
    if (policy->crashes == 0 || (suspect->crashes < policy->crashes && !is_on_probation))
        return suspect;
    confine(suspect, policy, crash->now_ms);
    quarantine->version++;
    *ret_is_new = true;
    return suspect;
}

static void put_on_probation(struct kt_quarantine *quarantine, struct kt_suspect *suspect,
                             int64_t now_ms)
{
    suspect->until_ms = 0;
    suspect->last_ms = now_ms;
    quarantine->version++;
}

const struct kt_suspect *kt_quarantine_expire(struct kt_quarantine *quarantine, int64_t now_ms)
{
    for (struct kt_suspect *suspect = quarantine->suspects; suspect; suspect = suspect->next) {
        if (suspect->until_ms == 0 || now_ms < suspect->until_ms)
            continue;
        put_on_probation(quarantine, suspect, now_ms);
        return suspect;
    }
    return NULL;
}

int64_t kt_quarantine_deadline(const struct kt_quarantine *quarantine)
{
    int64_t deadline = INT64_MAX;
    for (const struct kt_suspect *suspect = quarantine->suspects; suspect; suspect = suspect->next)
        if (suspect->until_ms != 0 && suspect->until_ms < deadline)
            deadline = suspect->until_ms;
    return deadline;
}

unsigned kt_quarantine_release(struct kt_quarantine *quarantine, const char *name, int64_t now_ms)
{
    unsigned count = 0;
    for (struct kt_suspect *suspect = quarantine->suspects; suspect; suspect = suspect->next) {
        if (suspect->until_ms == 0 || (name != NULL && strcmp(suspect->name, name) != 0))
            continue;
        put_on_probation(quarantine, suspect, now_ms);
        count++;
    }
    return count;
}

void kt_quarantine_forget_others(struct kt_quarantine *quarantine, const char *names)
{
    for (struct kt_suspect **link = &quarantine->suspects; *link != NULL;) {
        struct kt_suspect *suspect = *link;
        if (kt_word_contains(names, suspect->name)) {
            link = &suspect->next;
        } else {
            *link = suspect->next;
            talloc_free(suspect);
        }
    }
}

const char *kt_suspect_state(const struct kt_suspect *suspect,
                             const struct kt_quarantine_policy *policy, int64_t now_ms)
{
    if (suspect->until_ms != 0)
        return "quarantined";
    if (suspect->time_ms != 0 && now_ms - suspect->last_ms <= policy->period_ms)
        return "probation";
    return "well";
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* What an event counts as, and how large a meeting is: the first lines of the rules in README.md.
 */
#include "kind.h"

static const char *const kind_names[KT_KIND_COUNT] = {
    [KT_KIND_ONE_OFF] = "one_off",     [KT_KIND_RECURRING] = "recurring",
    [KT_KIND_ALL_DAY] = "all_day",     [KT_KIND_OWN] = "own",
    [KT_KIND_FOCUS] = "focus",         [KT_KIND_DECLINED] = "declined",
    [KT_KIND_TENTATIVE] = "tentative", [KT_KIND_UNANSWERED] = "unanswered",
    [KT_KIND_FREE] = "free",           [KT_KIND_OUT_OF_OFFICE] = "out_of_office",
    [KT_KIND_OTHER] = "other",
};

static const char *const size_names[KT_SIZE_COUNT] = {
    [KT_SIZE_ONE_TO_ONE] = "one_to_one",
    [KT_SIZE_GROUP] = "group",
    [KT_SIZE_LARGE] = "large",
};

const char *kt_kind_name(enum kt_kind kind)
{
    return kind_names[kind];
}

const char *kt_size_name(enum kt_size size)
{
    return size_names[size];
}

/** What the owner's answer makes of it; KT_KIND_COUNT when it leaves the question open. */
static enum kt_kind kind_by_answer(enum kt_answer answer)
{
    switch (answer) {
    case KT_ANSWER_DECLINED:
        return KT_KIND_DECLINED;
    case KT_ANSWER_TENTATIVE:
        return KT_KIND_TENTATIVE;
    case KT_ANSWER_NONE:
        return KT_KIND_UNANSWERED;
    case KT_ANSWER_ACCEPTED:
        break;
    }
    return KT_KIND_COUNT;
}

enum kt_kind kt_kind_of(const struct kt_event *event)
{
    const struct kt_details *details = event->details;
    enum kt_kind kind = kind_by_answer(details->answer);

    if (kind != KT_KIND_COUNT)
        return kind;
    switch (details->type) {
    case KT_EVENT_WORKING_LOCATION:
    case KT_EVENT_BIRTHDAY:
    case KT_EVENT_FROM_MAIL:
        return KT_KIND_OTHER;
    case KT_EVENT_OUT_OF_OFFICE:
        return event->is_all_day ? KT_KIND_ALL_DAY : KT_KIND_OUT_OF_OFFICE;
    case KT_EVENT_FOCUS_TIME:
        return event->is_all_day ? KT_KIND_ALL_DAY : KT_KIND_FOCUS;
    case KT_EVENT_DEFAULT:
        break;
    }
    if (event->is_all_day)
        return KT_KIND_ALL_DAY;
    if (details->is_free)
        return KT_KIND_FREE;
    if (details->people_count == 0)
        return KT_KIND_OWN;
    return event->is_recurring ? KT_KIND_RECURRING : KT_KIND_ONE_OFF;
}

enum kt_size kt_size_of(const struct kt_event *event, uint32_t large_over)
{
    if (event->details->attendee_count > large_over)
        return KT_SIZE_LARGE;
    return event->details->people_count == 1 ? KT_SIZE_ONE_TO_ONE : KT_SIZE_GROUP;
}

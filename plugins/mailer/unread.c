/* SPDX-License-Identifier: BSD-2-Clause */
/* One table; its last line is for troubles that go by themselves, or not by anything a person does.
 */
#include "unread.h"

#include <string.h>

static const struct kt_unread unread[] = {
    {"reconnect", "the calendar has to be connected again",
     "Please connect it again on the page: its server no longer lets kontor in."},
    {"denied", "the server of the calendar refuses it",
     "Please share it anew where it is kept, and connect it again on the page; or ask whoever runs "
     "its server."},
    {"gone", "there is no calendar at its address any more",
     "If it has another address now, please connect that one on the page, and disconnect this "
     "one."},
    {"too_large", "the calendar is too large",
     "Please connect a smaller one on the page, or ask whoever runs kontor."},
    {"unreadable", "what is at the calendar's address is no calendar",
     "Please look at its address, and connect it again on the page."},
    {NULL, "the calendar can't be read now",
     "There is nothing that you have to do if the page shows your week by now. Else please ask "
     "whoever runs the server of the calendar."},
};

const struct kt_unread *kt_unread_find(const char *trouble)
{
    const struct kt_unread *found = unread;

    while (found->trouble && strcmp(found->trouble, trouble) != 0)
        found++;
    return found;
}

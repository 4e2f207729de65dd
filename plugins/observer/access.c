/* SPDX-License-Identifier: BSD-2-Clause */
/* Users are named by options; without any, who asks from this machine may look, and nobody kill. */
#include "access.h"

#include "observer.h"

bool access_may_look(struct kt_request *request)
{
    const struct observer *observer = kt_request_context(request);
    return kt_request_admit(request, "users", observer->users);
}

bool access_is_killer(struct kt_request *request)
{
    const struct observer *observer = kt_request_context(request);
    return kt_request_is_of(request, observer->killers);
}

bool access_may_kill(struct kt_request *request)
{
    if (!access_may_look(request))
        return false;
    if (!kt_request_is_same_site(request)) {
        kt_respond_problem(request, 403, "This request came from a page of another site.");
        return false;
    }
    if (access_is_killer(request))
        return true;
    kt_respond_problem(request, 403,
                       "Only those whom the option killers of [observer] names may end processes.");
    return false;
}

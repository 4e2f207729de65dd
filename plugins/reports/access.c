/* SPDX-License-Identifier: BSD-2-Clause */
/* A job is judged by the roles of its report, whose name its id begins with: "sales.0a1b…". */
#include "access.h"

#include "calendar/identity_client.h"
#include "personal.h"

#include <errno.h>
#include <string.h>

bool access_identify(struct kt_request *request)
{
    const char *user;
    int result = kt_identity_find(request, &user);
    if (result < 0) {
        kt_respond_problem(request, 503, "Who you are can't be read now. Try again in a moment.");
        return false;
    }
    if (user && !kt_request_user(request))
        kt_request_set_user(request, user);
    return true;
}

const char *access_user(const struct kt_request *request)
{
    const char *user = kt_request_user(request);
    return user ? user : "";
}

const char *access_name(const struct kt_request *request)
{
    const char *user = access_user(request);
    return *user ? user : "nobody signed in";
}

static const char *user_or_null(const struct kt_request *request)
{
    return kt_request_user(request);
}

const struct definition *access_report(struct kt_request *request)
{
    const struct catalogue *catalogue = kt_request_context(request);
    const char *name = kt_request_capture(request, "report");
    const struct definition *definition = name ? catalogue_find(catalogue, name) : NULL;
    if (!access_identify(request))
        return NULL;
    if (definition && catalogue_may_see(catalogue, definition, user_or_null(request)))
        return definition;
    kt_respond_problem(request, 404, "There is no such report, or it is not for you.");
    return NULL;
}

bool access_may_see_job(const struct catalogue *catalogue, const struct kt_job *job,
                        const char *user, const struct definition **ret_definition)
{
    char name[sizeof job->id];
    size_t length = strcspn(job->id, ".");
    memcpy(name, job->id, length);
    name[length] = '\0';
    *ret_definition = strcmp(job->plugin, "reports") == 0 ? catalogue_find(catalogue, name) : NULL;
    if (!*ret_definition ||
        !catalogue_may_see(catalogue, *ret_definition, user && *user ? user : NULL))
        return false;
    return !(*ret_definition)->is_personal || personal_is_mine(job->realm, user);
}

bool access_is_theirs(const struct kt_job *job, const char *user)
{
    return kt_job_is_of(job, NULL) || kt_job_is_of(job, user);
}

void access_respond_restart(struct kt_request *request)
{
    kt_response_header(request, "Retry-After", ACCESS_RETRY_AFTER_S);
    kt_respond_problem(request, 503, "kontor is just being restarted; please try again.");
}

bool access_job(struct kt_request *request, struct access_job *ret_job)
{
    const char *realm = kt_request_capture(request, "realm");
    const char *id = kt_request_capture(request, "id");
    if (!access_identify(request))
        return false;
    int result = kt_job_look(realm, id, &ret_job->job);
    if (result == -ENOTCONN || result == -ETIMEDOUT) {
        access_respond_restart(request);
        return false;
    }
    if (result == 0 && access_may_see_job(kt_request_context(request), &ret_job->job,
                                          access_user(request), &ret_job->definition))
        return true;
    kt_respond_problem(request, 404, "There is no such job, or it is not for you.");
    return false;
}

bool access_is_ours(struct kt_request *request)
{
    bool is_ours = kt_request_is_same_site(request);
    if (!is_ours)
        kt_respond_problem(request, 403, "This request came from a page of another site.");
    return is_ours;
}

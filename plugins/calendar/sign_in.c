/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Whoever asks gets the same answer, whether kontor knows the address or not: there is nothing to
 * know, a person begins with the first sign-in. Only the domain, which is the operator's rule and
 * no secret, is refused with words.
 */
#include "sign_in.h"

#include "address.h"
#include "identity_server.h"
#include "json_request.h"
#include "mail.h"
#include "service.h"
#include "session.h"
#include "sign_in_link.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <kontor/request.h>
#include <string.h>

#define PLACE "/sign-in/"

/* ---------------------------------------------------------------- asking */

bool kt_sign_in_has_mail(const struct kt_service *service)
{
    return service->sign_in_mail && service->secrets && service->public_url && kt_mail_is_there();
}

/** Whether one can sign in by a link at all. @return false: the request has been answered */
static bool need_links(struct kt_request *request, const struct kt_service *service)
{
    if (!service->sign_in_mail)
        kt_respond_problem(request, 501, "Signing in by mail is switched off here.");
    else if (!service->secrets || !service->public_url)
        kt_respond_problem(request, 501,
                           "Signing in by mail is not set up here. The operator has to set "
                           "public_url and key_file of [calendar].");
    else if (!kt_request_is_same_site(request))
        kt_respond_problem(request, 403, "This request came from a page of another site.");
    else if (!kt_session_is_possible(request, service))
        kt_respond_problem(request, 403, "Signing in needs HTTPS.");
    else
        return true;
    return false;
}

static void answer_store_error(struct kt_request *request, int result)
{
    kt_respond_store_error(request, "the store can't be used for signing in", result);
}

/* ---------------------------------------------------------------- the mail */

/** Whether there is somebody to send the mail. @return false: the request has been answered */
static bool need_mailer(struct kt_request *request)
{
    bool is_there = kt_mail_is_there();

    if (!is_there)
        kt_respond_problem(request, 503,
                           "Signing in by mail doesn't work here: the operator has to load the "
                           "plugin mailer, too.");
    return is_there;
}

/** The address that may sign in. @return false: the request has been answered */
static bool need_address(struct kt_request *request, const struct kt_service *service,
                         const cJSON *json, char ret_address[KT_ADDRESS_SIZE])
{
    if (kt_address_normalise(kt_json_member(json, "address"), ret_address) < 0)
        kt_respond_problem(request, 422, "This is not an e-mail address that mail can be sent to.");
    else if (!kt_domains_have(service->sign_in_domains, ret_address))
        kt_respond_problem(request, 403,
                           "People with an address at “%s” can't sign in here. Use the address "
                           "that your organisation has given you.",
                           strrchr(ret_address, '@') + 1);
    else
        return true;
    return false;
}

/** Send the link. @return 0, or -ENOTCONN, -EAGAIN: it is good for nothing then */
static int send_link(const struct kt_service *service, const char *address, const char *token,
                     bool is_for_mailer)
{
    char *link = kt_must(talloc_asprintf(kt_self_memory(), "%s" PLACE "%s#%s", service->public_url,
                                         is_for_mailer ? "?for=mailer" : "", token));
    int result = kt_mail_sign_in(address, link, KT_SIGN_IN_MINUTES);

    if (result < 0)
        kt_sign_in_link_drop(token);
    return result;
}

static void handle_ask(struct kt_request *request)
{
    const struct kt_service *service = kt_request_context(request);
    char address[KT_ADDRESS_SIZE], mark[KT_SESSION_MARK_SIZE], token[KT_SIGN_IN_TOKEN_SIZE];
    cJSON *json, *answer;
    int result;

    if (!need_links(request, service) || !need_mailer(request) || !(json = kt_need_json(request)) ||
        !need_address(request, service, json, address) || !kt_sign_in_may_begin(request, address))
        return;
    result = kt_session_mark(request, service, mark);
    if (result == 0)
        result = kt_sign_in_link_make(address, mark, token);
    if (result < 0) {
        answer_store_error(request, result);
        return;
    }
    if (send_link(service, address, token, strcmp(kt_json_member(json, "for"), "mailer") == 0) <
        0) {
        kt_respond_problem(request, 503, "The mail can't be sent now. Try again in a few minutes.");
        return;
    }
    answer = kt_must(cJSON_CreateObject());
    kt_must(cJSON_AddNumberToObject(answer, "minutes", KT_SIGN_IN_MINUTES));
    kt_response_header(request, "Cache-Control", "no-store");
    kt_respond_json(request, 202, answer);
}

/* ---------------------------------------------------------------- the link */

struct browser {
    struct kt_request *request;
    const struct kt_service *service;
};

static bool has_mark(const char *mark, void *argument)
{
    const struct browser *browser = argument;

    return kt_session_has_mark(browser->request, browser->service, mark);
}

static void answer_link_error(struct kt_request *request, int result)
{
    if (result == -ENOENT)
        kt_respond_problem(request, 410,
                           "This link was used already, or is older than %d minutes. Ask for a new "
                           "one.",
                           KT_SIGN_IN_MINUTES);
    else if (result == -EPERM)
        kt_respond_problem(request, 409,
                           "This link was asked for in another browser. Open it there, or ask for "
                           "one here.");
    else
        answer_store_error(request, result);
}

static void handle_confirm(struct kt_request *request)
{
    const struct kt_service *service = kt_request_context(request);
    struct browser browser = {request, service};
    char address[KT_ADDRESS_SIZE];
    cJSON *json, *answer;
    int result;

    if (!need_links(request, service) || !(json = kt_need_json(request)))
        return;
    result = kt_sign_in_link_use(kt_json_member(json, "token"), has_mark, &browser, address);
    if (result == 0 && !kt_domains_have(service->sign_in_domains, address))
        result = -ENOENT; /* the rule has changed since */
    if (result == 0)
        result = kt_session_begin(request, service, address);
    if (result < 0) {
        answer_link_error(request, result);
        return;
    }
    answer = kt_must(cJSON_CreateObject());
    kt_must(cJSON_AddStringToObject(answer, "user", address));
    kt_response_header(request, "Cache-Control", "no-store");
    kt_respond_json(request, 200, answer);
}

int kt_sign_in_routes(struct kt_plugin *plugin, struct kt_service *service)
{
    int result = kt_plugin_route(plugin, "POST", "/sign-in", handle_ask, service);

    return result < 0
               ? result
               : kt_plugin_route(plugin, "POST", "/sign-in/confirm", handle_confirm, service);
}

/* SPDX-License-Identifier: BSD-2-Clause */
#include "link_pages.h"
#include "house.h"
#include "settings.h"
#include "template.h"

#include <errno.h>
#include <kontor/log.h>
#include <string.h>

/** One page for all; small enough to live here. The form sends to the same address, token and all.
 */
static const char page[] =
    "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">"
    "<meta name=\"color-scheme\" content=\"light dark\"><meta name=\"robots\" content=\"noindex\">"
    "<title>{{title}}</title></head>\n"
    "<body style=\"font-family:system-ui,sans-serif; max-width:34em; margin:4em auto; padding:0 "
    "1em;"
    " line-height:1.5\">\n<h1 style=\"font-size:1.4em\">{{title}}</h1>\n<p>{{text}}</p>\n"
    "{{#button}}<form method=\"post\"><button style=\"font:inherit; padding:.5em 1em\">{{button}}"
    "</button></form>{{/button}}\n</body></html>\n";

static void show(struct kt_request *request, int status, const char *title, const char *text,
                 const char *button)
{
    cJSON *data = cJSON_CreateObject();
    char *html;
    int result;

    cJSON_AddStringToObject(data, "title", title);
    cJSON_AddStringToObject(data, "text", text);
    if (button)
        cJSON_AddStringToObject(data, "button", button);
    result = kt_template_render(kt_self_memory(), page, data, KT_TEMPLATE_HTML, &html, NULL);
    cJSON_Delete(data);
    kt_must(result == 0 ? html : NULL);
    kt_response_header(request, "Cache-Control", "no-store");
    kt_response_header(request, "Referrer-Policy", "no-referrer");
    kt_respond(request, status, "text/html; charset=utf-8", html, strlen(html));
}

/** @return whether the link is good; otherwise the request has been answered */
static bool check(struct kt_request *request, enum kt_link_purpose purpose,
                  struct kt_link *ret_link)
{
    const struct kt_mailer *mailer = kt_request_context(request);
    const char *token = kt_request_query(request, "token");
    int result = kt_links_check(kt_self_memory(), mailer->links, token ? token : "", purpose,
                                kt_unix_ms() / 1000, ret_link);

    if (result == -ETIME)
        show(request, 410, "This link is too old", "Ask for a new one on the page of the mail.",
             NULL);
    else if (result < 0)
        show(request, 400, "This link is not complete",
             "Copy it from the mail as a whole, or open it there again.", NULL);
    return result == 0;
}

static bool is_post(const struct kt_request *request)
{
    return strcmp(kt_request_method(request), "POST") == 0;
}

static int verify(struct kt_settings *settings, void *argument)
{
    const struct kt_link *link = argument;

    if (strcmp(settings->address, link->address) != 0)
        return -ESRCH; /* changed again meanwhile */
    if (!settings->is_verified)
        settings->since = kt_unix_ms() / 1000;
    settings->is_verified = true;
    return 0;
}

static int switch_off(struct kt_settings *settings, void *argument)
{
    (void)argument;
    if (settings->revision == KT_STORE_NEW)
        return -ESRCH; /* the account is gone: nothing is sent anyway */
    settings->is_on = false;
    return 0;
}

/** Change the settings as the link says. @return whether that went; otherwise it is answered */
static bool change(struct kt_request *request, struct kt_link *link,
                   int (*function)(struct kt_settings *settings, void *argument))
{
    int result = kt_settings_change(link->user, function, link);

    if (result < 0 && result != -ESRCH) {
        kt_log_warning("a link in a mail can't do its work: %s", strerror(-result));
        show(request, 503, "That didn't work", "Please try again in a moment.", NULL);
        return false;
    }
    if (result == 0)
        kt_house_tell(link->user);
    else if (link->purpose == KT_LINK_VERIFY) {
        show(request, 409, "Another address was chosen since",
             "This link is for an address that is no longer the one to be used.", NULL);
        return false;
    }
    return true;
}

void kt_verify_handle(struct kt_request *request)
{
    struct kt_link link;

    if (!check(request, KT_LINK_VERIFY, &link))
        return;
    if (!is_post(request))
        show(request, 200, "Is this your address?", link.address, "Yes, send it here");
    else if (change(request, &link, verify))
        show(request, 200, "Thank you", "The summary of your week will be sent to this address.",
             NULL);
}

void kt_unsubscribe_handle(struct kt_request *request)
{
    struct kt_link link;

    if (!check(request, KT_LINK_UNSUBSCRIBE, &link))
        return;
    if (!is_post(request))
        show(request, 200, "No more weekly mail?", link.address, "Stop it");
    else if (change(request, &link, switch_off))
        show(request, 200, "Done",
             "You get no more weekly mail. You can switch it on again on its "
             "page.",
             NULL);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The mailer plugin: the week by mail, Friday 19:00 of one's own clock. Declares the options, puts
 * the rooms together, registers routes and children. README.md says how they fit.
 */
#include "config.h"

#include "mailer.h"
#include "desk.h"
#include "gate.h"
#include "house.h"
#include "operator.h"
#include "routes.h"
#include "sleeper.h"

#include <errno.h>
#include <kontor/kontor.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct kt_option options[] = {
    {.name = "public_url",
     .type = KT_OPTION_STRING,
     .required = true,
     .help = "where people find kontor, such as https://example.org/kontor: for links in mails"},
    {.name = "from",
     .type = KT_OPTION_STRING,
     .required = true,
     .help = "the sender, such as kontor <kontor@example.org>"},
    {.name = "smtp",
     .type = KT_OPTION_STRING,
     .default_value = "smtp://localhost:25",
     .help = "the mail server: smtp://HOST:PORT or smtps://HOST:PORT"},
    {.name = "smtp_tls",
     .type = KT_OPTION_CHOICE,
     .default_value = "required",
     .choices = "required no",
     .help =
         "whether smtp:// must change to TLS by STARTTLS; \"no\" is for a server on this machine"},
    {.name = "smtp_user", .type = KT_OPTION_STRING, .help = "to sign in at the mail server"},
    {.name = "smtp_password", .type = KT_OPTION_STRING, .is_secret = true, .help = "of the same"},
    {.name = "smtp_ca_file",
     .type = KT_OPTION_PATH,
     .help = "certificates that the mail server's must be signed by; default: the system's"},
    {.name = "smtp_timeout",
     .type = KT_OPTION_DURATION,
     .default_value = "60s",
     .minimum = 100,
     .maximum = 600000,
     .help = "for one mail"},
    {.name = "connections",
     .type = KT_OPTION_INTEGER,
     .default_value = "4",
     .minimum = 1,
     .maximum = 256,
     .help = "mails that each worker sends at once, each over a connection that is kept; as many "
             "again are in the making"},
    {.name = "calendar_timeout",
     .type = KT_OPTION_DURATION,
     .default_value = "30s",
     .minimum = 100,
     .maximum = 600000,
     .help = "for one week of one person"},
    {.name = "grace",
     .type = KT_OPTION_DURATION,
     .default_value = "12h",
     .minimum = 60000,
     .maximum = INT64_C(5) * 24 * 3600 * 1000,
     .help = "a mail that could not go out for so long is skipped"},
    {.name = "lease",
     .type = KT_OPTION_DURATION,
     .default_value = "5min",
     .minimum = 1000,
     .maximum = 3600000,
     .help = "a mail that was begun and not finished for so long is begun again; longer than "
             "twice smtp_timeout and twice calendar_timeout"},
    {.name = "retry",
     .type = KT_OPTION_DURATION,
     .default_value = "1min",
     .minimum = 100,
     .maximum = 3600000,
     .help = "the pause before the second try; it doubles with each up to half an hour"},
    {.name = "templates",
     .type = KT_OPTION_PATH,
     .default_value = MAILER_TEMPLATES,
     .help = "the directory of week, verify and sign-in, each as .txt and .html"},
    {.name = NULL},
};

/** Mails in the making for each connection: while one is carried the next is written. */
#define AHEAD 2u

/** All that the plugin holds in a worker; it lives as long as the worker. */
static struct kt_mailer *mailer;

/** @param holder  gets the templates, its own */
static int read_templates(struct kt_mailer *holder, const struct kt_plugin *plugin,
                          struct kt_error *error)
{
    const char *directory = kt_plugin_string(plugin, "templates");
    int result = kt_letter_templates_read(holder, directory, "week", &holder->week, error);

    if (result == 0)
        result = kt_letter_templates_read(holder, directory, "verify", &holder->verify, error);
    if (result == 0)
        result = kt_letter_templates_read(holder, directory, "sign-in", &holder->sign_in, error);
    return result;
}

static bool begins_with(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

static int mailer_check(const struct kt_plugin *plugin, struct kt_error *error)
{
    const char *from = kt_plugin_string(plugin, "from"), *smtp = kt_plugin_string(plugin, "smtp");
    const char *url = kt_plugin_string(plugin, "public_url");
    struct kt_mailer *tried = kt_must(talloc_zero(NULL, struct kt_mailer));
    struct kt_mailbox mailbox;
    int result = 0;

    if (kt_mailbox_parse(tried, from, &mailbox) < 0)
        result = kt_error_set(error, -EINVAL, "%s: \"%s\" is not a sender; write NAME <ADDRESS>",
                              kt_plugin_option_place(plugin, "from"), from);
    else if (!begins_with(smtp, "smtp://") && !begins_with(smtp, "smtps://"))
        result =
            kt_error_set(error, -EINVAL, "%s: \"%s\" is no mail server; write smtp://HOST:PORT",
                         kt_plugin_option_place(plugin, "smtp"), smtp);
    else if (!begins_with(url, "http://") && !begins_with(url, "https://"))
        result = kt_error_set(error, -EINVAL, "%s: \"%s\" is no address of a page",
                              kt_plugin_option_place(plugin, "public_url"), url);
    else if (strpbrk(url, "<> \t\"") || strlen(url) > 500)
        result = kt_error_set(error, -EINVAL, "%s: that address can't stand in a mail",
                              kt_plugin_option_place(plugin, "public_url"));
    else
        result = read_templates(tried, plugin, error);
    talloc_free(tried);
    return result;
}

/** An address without slashes at its end. */
static char *read_base(const struct kt_plugin *plugin, const char *option)
{
    const char *text = kt_plugin_string(plugin, option);
    size_t length = strlen(text);

    while (length > 0 && text[length - 1] == '/')
        length--;
    return kt_must(talloc_strndup(mailer, text, length));
}

static struct kt_post *make_post(const struct kt_plugin *plugin)
{
    const char *url = kt_plugin_string(plugin, "smtp");

    return kt_post_new(&(struct kt_post_options){
        .server = {.url = url,
                   .user = kt_plugin_string(plugin, "smtp_user"),
                   .password = kt_plugin_string(plugin, "smtp_password"),
                   .ca_file = kt_plugin_string(plugin, "smtp_ca_file"),
                   .needs_tls = begins_with(url, "smtps://") ||
                                strcmp(kt_plugin_string(plugin, "smtp_tls"), "required") == 0},
        .connections = (uint32_t)kt_plugin_integer(plugin, "connections"),
        .timeout_ms = kt_plugin_integer(plugin, "smtp_timeout"),
    });
}

static int read_options(const struct kt_plugin *plugin, struct kt_error *error)
{
    int result = kt_mailbox_parse(mailer, kt_plugin_string(plugin, "from"), &mailer->from);

    if (result < 0)
        return kt_error_set(error, result, "the option from is no sender");
    mailer->public_url = read_base(plugin, "public_url");
    mailer->domain = strchr(mailer->from.address, '@') + 1;
    mailer->grace = kt_plugin_integer(plugin, "grace") / 1000;
    mailer->lease = kt_plugin_integer(plugin, "lease") / 1000;
    mailer->retry_first_ms = kt_plugin_integer(plugin, "retry");
    mailer->fetch_timeout_ms = kt_plugin_integer(plugin, "calendar_timeout");
    return read_templates(mailer, plugin, error);
}

/**
 * The sleepers, the gate at which they wait, and the table of them make sense only together: when
 * one of the three fails all begin anew, from the store. They stop from the last to the first, so
 * the gate can wait for those on their way before the sleepers end.
 */
static struct kt_child sleeping_child(void)
{
    struct kt_supervisor *supervisor = kt_must(talloc_zero(mailer, struct kt_supervisor));
    struct kt_child *children = kt_must(talloc_zero_array(supervisor, struct kt_child, 4));

    children[0] = kt_sleepers_child(mailer);
    children[1] = kt_gate_child(mailer->gate);
    children[2] = kt_house_child(mailer->house);
    supervisor->label = "mailers";
    supervisor->strategy = KT_ONE_FOR_ALL;
    supervisor->children = children;
    return (struct kt_child){.id = "mailers", .restart = KT_PERMANENT, .supervisor = supervisor};
}

/** Start the children, those that others need first. */
static int start_children(struct kt_plugin *plugin)
{
    struct kt_child post = kt_post_child(mailer->post), sleeping = sleeping_child();
    struct kt_child control = kt_operator_child(mailer), desk = kt_desk_child(mailer);
    int result = kt_plugin_child(plugin, &post, NULL);

    if (result == 0)
        result = kt_plugin_child(plugin, &sleeping, NULL);
    if (result == 0)
        result = kt_plugin_child(plugin, &control, NULL);
    if (result == 0)
        result = kt_plugin_child(plugin, &desk, NULL);
    return result;
}

static int mailer_start(struct kt_plugin *plugin, struct kt_error *error)
{
    static unsigned starts; /* what the one before has left may still be ending, with its name */
    int result;

    mailer = kt_must(talloc_zero(NULL, struct kt_mailer));
    result = read_options(plugin, error);
    if (result < 0)
        return result;
    result = kt_links_open(mailer, mailer->public_url, &mailer->links);
    if (result < 0)
        return kt_error_set(error, result, "the key of the links can't be read from the store: %s",
                            strerror(-result));
    mailer->post = make_post(plugin);
    mailer->gate = kt_gate_new(AHEAD * (uint32_t)kt_plugin_integer(plugin, "connections"));
    mailer->house = kt_house_new(mailer, plugin);
    mailer->sleepers = kt_must(talloc_asprintf(mailer, "mailer.sleepers.%u", ++starts));
    result = start_children(plugin);
    if (result == 0)
        result = kt_mailer_routes(plugin, mailer);
    return result < 0
               ? kt_error_set(error, result, "the mailer can't be started: %s", strerror(-result))
               : 0;
}

KT_PLUGIN(.name = "mailer", .version = PACKAGE_VERSION,
          .summary = "the week by mail, Friday 19:00 of one's own clock", .options = options,
          .check = mailer_check, .start = mailer_start);

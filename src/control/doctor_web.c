/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The doctor looks at the network: is there a web server that passes requests on to kontord, and
 * can the servers be reached that the configuration names.
 */
#include "config.h"

#include "base/word.h"
#include "control/doctor_private.h"
#include "plugin/option.h"
#include "plugin/plugin.h"

#include <curl/curl.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define AREA "web server"
#define CONNECT_MS 3000L
#define ANSWER_MS 8000L
#define HERE "http://127.0.0.1/kontor"
/** The option with the address at which people find us, from elsewhere. */
#define OWN_ADDRESS "public_url"
/** What the options about Google begin with. */
#define GOOGLE "google_"
/** More of a web server's file is not looked at; bytes. */
#define FILE_MAX_BYTES (1u << 20)

/* ---------------------------------------------------------------- the web server's files */

/** Where a web server's configuration is, and what is in it when it passes requests on to us. */
struct place {
    const char *server, *pattern, *needle;
    const char *remedy;
};

static const struct place places[] = {
    {"nginx", "/etc/nginx/{nginx.conf,sites-enabled/*,conf.d/*.conf}", "snippets/kontor.conf",
     "write `include snippets/kontor.conf;` into a server block, then systemctl reload nginx"},
    {"apache2", "/etc/apache2/conf-enabled/kontor.conf", "kontor",
     "a2enmod proxy_fcgi && a2enconf kontor && systemctl reload apache2"},
    {"lighttpd", "/etc/lighttpd/{lighttpd.conf,conf-enabled/*.conf}", "kontor",
     "see /usr/share/doc/kontor/examples/lighttpd"},
    {"caddy", "/etc/caddy/Caddyfile", "kontor", "see /usr/share/doc/kontor/examples/caddy"},
};

/** Whether a line of the file that is no comment has this text. */
static bool file_has(const char *path, const char *needle)
{
    FILE *file = fopen(path, "re");
    char line[1024];
    size_t seen = 0;
    bool has = false;
    while (file != NULL && !has && seen < FILE_MAX_BYTES &&
           fgets(line, sizeof line, file) != NULL) {
        seen += strlen(line);
        has = line[strspn(line, " \t")] != '#' && strstr(line, needle) != NULL;
    }
    if (file != NULL)
        fclose(file);
    return has;
}

static bool is_in_use(const struct place *place)
{
    glob_t found = {0};
    bool has = false;
    if (glob(place->pattern, GLOB_BRACE, NULL, &found) == 0)
        for (size_t i = 0; i < found.gl_pathc && !has; i++)
            has = file_has(found.gl_pathv[i], place->needle);
    globfree(&found);
    return has;
}

static bool is_installed(const struct place *place)
{
    static const char *const folders[] = {"/usr/sbin", "/usr/bin", "/usr/local/sbin",
                                          "/usr/local/bin"};
    char path[128];
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
        snprintf(path, sizeof path, "%s/%s", folders[i], place->server);
        if (access(path, X_OK) == 0)
            return true;
    }
    return false;
}

/** @return whether one of them passes requests on */
static bool examine_servers(const struct kt_patient *patient)
{
    const struct place *candidate = NULL;
    bool is_any_in_use = false;
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        if (!is_installed(&places[i]))
            continue;
        if (is_in_use(&places[i])) {
            is_any_in_use = true;
            kt_finding_add(patient->findings, KT_FINDING_OK, AREA, NULL,
                           "%s has kontor in its configuration", places[i].server);
        } else if (candidate == NULL) {
            candidate = &places[i];
        }
    }
    if (!is_any_in_use && candidate != NULL)
        kt_finding_add(patient->findings, KT_FINDING_ADVICE, AREA, candidate->remedy,
                       "%s is installed, but does not pass requests on to kontor",
                       candidate->server);
    else if (!is_any_in_use)
        kt_finding_add(patient->findings, KT_FINDING_ADVICE, AREA,
                       "apt install nginx, then one line; see snippets/kontor.conf",
                       "there is none that is known to the doctor");
    return is_any_in_use;
}

/* ---------------------------------------------------------------- asking */

/** Drop what is answered. */
static size_t drop(char *bytes, size_t size, size_t count, void *argument)
{
    (void)bytes;
    (void)argument;
    return size * count;
}

/** @return a handle with time limits that asks this address; NULL: no memory */
static CURL *new_request(const char *url)
{
    CURL *curl = curl_easy_init();
    if (curl == NULL)
        return NULL;
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_MS);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, ANSWER_MS);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    return curl;
}

/** Ask the web server for kontor's sign of life. */
static void ask_ping(const struct kt_patient *patient, const char *site)
{
    const char *url = talloc_asprintf(patient->context, "%s/ping", site);
    CURL *curl = url != NULL ? new_request(url) : NULL;
    if (curl == NULL)
        return;
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, drop);
    curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 1L);
    curl_easy_setopt(curl, CURLOPT_MAXREDIRS, 3L);
    long status = 0;
    CURLcode code = curl_easy_perform(curl);
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    if (code != CURLE_OK)
        kt_finding_add(patient->findings, KT_FINDING_WRONG, AREA,
                       "is it running? If kontor is elsewhere: kontorctl doctor --url URL",
                       "%s: %s", url, curl_easy_strerror(code));
    else if (status == 200)
        kt_finding_add(patient->findings, KT_FINDING_OK, AREA, NULL, "%s answers", url);
    else if (status == 401 || status == 403)
        kt_finding_add(patient->findings, KT_FINDING_ADVICE, AREA,
                       "nothing, if that is meant; else let everybody ask for ping",
                       "%s answers with %ld: it cannot be looked at without signing in", url,
                       status);
    else
        kt_finding_add(patient->findings, KT_FINDING_WRONG, AREA,
                       status == 404 ? "is it another site of this server? kontorctl doctor --url "
                                       "URL; or reload the web server"
                       : status == 502 || status == 503
                           ? "it cannot connect to the socket: look at it above, and at the web "
                             "server's log"
                           : "look at the web server's log",
                       "%s answers with %ld instead of 200", url, status);
    curl_easy_cleanup(curl);
}

void kt_doctor_web(const struct kt_patient *patient)
{
    bool is_in_front = examine_servers(patient);
    if (patient->command->url != NULL)
        ask_ping(patient, patient->command->url);
    else if (is_in_front)
        ask_ping(patient, HERE);
}

/* ---------------------------------------------------------------- upstream */

/** What an address may begin with, what is tried there, and the port where it names none. */
static const struct scheme {
    const char *name;
    const char *tried; /**< "http": a connection, "https": TLS in it */
    unsigned port;
} schemes[] = {{"http", "http", 80},
               {"https", "https", 443},
               {"postgresql", "http", 5432},
               {"postgres", "http", 5432}};

/** Find scheme, host and port in a text like crm=postgresql://user@host:5432/base. @return the
 * address to connect with, owned by the patient's context; NULL: there is none */
static const char *find_server(const struct kt_patient *patient, const char *text)
{
    const char *mark = strstr(text, "://");
    if (mark == NULL)
        return NULL;
    const char *begin = mark;
    while (begin > text && begin[-1] >= 'a' && begin[-1] <= 'z')
        begin--;
    for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++) {
        if (strlen(schemes[i].name) != (size_t)(mark - begin) ||
            strncmp(schemes[i].name, begin, (size_t)(mark - begin)) != 0)
            continue;
        const char *host = mark + strlen("://");
        size_t length = strcspn(host, "/?#");
        for (const char *at; (at = memchr(host, '@', length)) != NULL;) {
            length -= (size_t)(at + 1 - host);
            host = at + 1;
        }
        if (length == 0)
            return NULL; /* PostgreSQL's own socket */
        const char *bracket = memchr(host, ']', length);
        const char *rest = bracket != NULL ? bracket : host;
        bool has_port = memchr(rest, ':', length - (size_t)(rest - host)) != NULL;
        return has_port ? talloc_asprintf(patient->context, "%s://%.*s", schemes[i].tried,
                                          (int)length, host)
                        : talloc_asprintf(patient->context, "%s://%.*s:%u", schemes[i].tried,
                                          (int)length, host, schemes[i].port);
    }
    return NULL;
}

/** Connect, and say nothing there. */
static void connect_to(const struct kt_patient *patient, const char *area, const char *option,
                       const char *server)
{
    CURL *curl = new_request(server);
    if (curl == NULL)
        return;
    curl_easy_setopt(curl, CURLOPT_CONNECT_ONLY, 1L);
    CURLcode code = curl_easy_perform(curl);
    const char *shown = strstr(server, "://") + strlen("://");
    if (code == CURLE_OK)
        kt_finding_add(patient->findings, KT_FINDING_OK, area, NULL, "%s: %s can be connected with",
                       option, shown);
    else if (strcmp(option, OWN_ADDRESS) == 0)
        kt_finding_add(
            patient->findings, KT_FINDING_ADVICE, area,
            "open it in a browser elsewhere: this machine may be the only one that cannot",
            "%s: %s: %s", option, shown, curl_easy_strerror(code));
    else
        kt_finding_add(patient->findings, KT_FINDING_WRONG, area,
                       code == CURLE_PEER_FAILED_VERIFICATION
                           ? "its certificate is not for this name, or over, or nobody's we trust"
                           : "is the address right, does a firewall forbid it, is it running?",
                       "%s: %s: %s", option, shown, curl_easy_strerror(code));
    curl_easy_cleanup(curl);
}

/** Each server that the words of a value name. */
static void examine_value(const struct kt_patient *patient, const char *area, const char *option,
                          const char *value)
{
    const char *cursor = value, *word;
    size_t length;
    while ((length = kt_word_next(&cursor, &word)) > 0) {
        const char *text = talloc_strndup(patient->context, word, length);
        const char *server = text != NULL ? find_server(patient, text) : NULL;
        if (server != NULL)
            connect_to(patient, area, option, server);
    }
}

/** Whether this option names a server that we must be able to connect with. */
static bool is_of_interest(const struct kt_patient *patient,
                           const struct kt_config_section *written, const struct kt_value *value)
{
    if (value->text == NULL)
        return false;
    if (patient->settings->fetch.proxy != NULL && strncmp(value->text, "http", strlen("http")) == 0)
        return false; /* the proxy connects */
    /* Of the defaults those of Google matter, to whoever has a client there. */
    return kt_config_entry(written, value->option->name) != NULL ||
           (strncmp(value->option->name, GOOGLE, strlen(GOOGLE)) == 0 &&
            kt_config_entry(written, GOOGLE "client_id") != NULL);
}

void kt_doctor_upstream(const struct kt_patient *patient)
{
    if (patient->settings->fetch.proxy != NULL)
        examine_value(patient, "proxy", "fetch_proxy", patient->settings->fetch.proxy);
    for (size_t i = 0; patient->plugins != NULL && i < patient->plugins->count; i++) {
        const struct kt_plugin *plugin = patient->plugins->list[i];
        const char *name = plugin->descriptor->name;
        const struct kt_config_section *written = kt_config_section(patient->config, name);
        for (unsigned j = 0; plugin->section != NULL && j < plugin->section->count; j++) {
            const struct kt_value *value = &plugin->section->values[j];
            if (is_of_interest(patient, written, value))
                examine_value(patient, name, value->option->name, value->text);
        }
    }
}

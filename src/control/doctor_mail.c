/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The doctor looks at the mail server: greets it, changes to TLS and signs in, as the mailer would,
 * and goes away without a mail.
 */
#include "config.h"

#include "control/doctor_private.h"
#include "plugin/option.h"
#include "plugin/plugin.h"

#include <curl/curl.h>
#include <string.h>

#define AREA "mailer"
/** For all of it: mail servers keep strangers waiting before they greet. */
#define PATIENCE_MS 15000L
/** The answers of SMTP that refuse who is there, not what is wanted (RFC 5321, 4.2). */
#define REFUSED 554

/** What the mailer's options say of the mail server; NULL: not said. */
struct server {
    const char *url, *user, *password, *ca_file;
    bool is_encrypted; /**< nothing is sent without TLS */
};

static const char *text_of(const struct kt_plugin *mailer, const char *option)
{
    const struct kt_value *value = kt_section_value(mailer->section, option);
    return value != NULL ? value->text : NULL;
}

static const struct kt_plugin *find_mailer(const struct kt_patient *patient)
{
    for (size_t i = 0; patient->plugins != NULL && i < patient->plugins->count; i++)
        if (strcmp(patient->plugins->list[i]->descriptor->name, AREA) == 0)
            return patient->plugins->list[i];
    return NULL;
}

/** Greet, change to TLS, sign in. @param words  for libcurl's own, CURL_ERROR_SIZE */
static CURLcode call_on(const struct server *server, char *words, long *ret_answer)
{
    CURL *curl = curl_easy_init();
    if (curl == NULL)
        return CURLE_OUT_OF_MEMORY;
    words[0] = '\0';
    curl_easy_setopt(curl, CURLOPT_URL, server->url);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
    curl_easy_setopt(curl, CURLOPT_CONNECT_ONLY, 1L);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, PATIENCE_MS);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, PATIENCE_MS);
    curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, words);
    curl_easy_setopt(curl, CURLOPT_USE_SSL,
                     server->is_encrypted ? (long)CURLUSESSL_ALL : (long)CURLUSESSL_NONE);
    if (server->ca_file != NULL)
        curl_easy_setopt(curl, CURLOPT_CAINFO, server->ca_file);
    if (server->user != NULL) {
        curl_easy_setopt(curl, CURLOPT_USERNAME, server->user);
        curl_easy_setopt(curl, CURLOPT_PASSWORD, server->password != NULL ? server->password : "");
    }
    CURLcode code = curl_easy_perform(curl);
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, ret_answer);
    curl_easy_cleanup(curl);
    return code;
}

/** What is to be done about it. */
static const char *remedy_for(CURLcode code, long answer)
{
    switch (code) {
    case CURLE_USE_SSL_FAILED:
        return "let it offer STARTTLS; if it is on this machine and needs none: smtp_tls = no";
    case CURLE_LOGIN_DENIED:
        return "correct smtp_user and smtp_password";
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
        return "name the server as its certificate does; if that is signed by an authority of your "
               "own, name it in smtp_ca_file";
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_CONNECT:
        return "is the option smtp right, does a firewall forbid it, is it running?";
    case CURLE_OPERATION_TIMEDOUT:
        return "is that a mail server, and smtps:// only where it speaks TLS at once?";
    default:
        return answer >= REFUSED ? "it does not want us: look at its log"
                                 : "is that a mail server? Look at its log";
    }
}

void kt_doctor_mail(const struct kt_patient *patient)
{
    const struct kt_plugin *mailer = find_mailer(patient);
    if (mailer == NULL || mailer->section == NULL || text_of(mailer, "smtp") == NULL)
        return;
    const char *tls = text_of(mailer, "smtp_tls");
    const struct server server = {
        .url = text_of(mailer, "smtp"),
        .user = text_of(mailer, "smtp_user"),
        .password = text_of(mailer, "smtp_password"),
        .ca_file = text_of(mailer, "smtp_ca_file"),
        .is_encrypted = strncmp(text_of(mailer, "smtp"), "smtps", strlen("smtps")) == 0 ||
                        tls == NULL || strcmp(tls, "no") != 0,
    };
    /* without a login, should somebody have written one there */
    const char *at = strrchr(server.url, '@');
    const char *shown = at != NULL ? at + 1 : server.url;
    char words[CURL_ERROR_SIZE];
    long answer = 0;
    CURLcode code = call_on(&server, words, &answer);
    if (code == CURLE_OK)
        kt_finding_add(patient->findings, KT_FINDING_OK, AREA, NULL,
                       "smtp: the mail server %s answers%s%s", shown,
                       server.is_encrypted ? ", by TLS" : "",
                       server.user != NULL ? ", and does not refuse our login" : "");
    else
        kt_finding_add(patient->findings, KT_FINDING_WRONG, AREA, remedy_for(code, answer),
                       "smtp: %s: %s", shown, words[0] != '\0' ? words : curl_easy_strerror(code));
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* A request with its authorization, the meaning of its status, and the reading of its answer. */
#include "dav.h"

#include "work_tree.h"

#include <errno.h>
#include <kontor/http.h>
#include <sodium.h>
#include <string.h>

/** A question whose connection breaks, or whose server fails, is asked again so often. */
#define TRIES_MAX 2

/** For the thread pool. */
struct job {
    TALLOC_CTX *tree;
    const char *text;
    size_t size;
    struct kt_dav_resources resources;
    int result;
};

static void run(void *argument)
{
    struct job *job = argument;

    job->result = kt_dav_read(job->tree, job->text, job->size, &job->resources);
}

/* ---------------------------------------------------------------- asking */

/** The header that signs in. @return NULL: none */
static char *authorization(const struct kt_dav_login *login)
{
    size_t length = strlen(login->login) + 1 + strlen(login->password), room;
    char *plain, *encoded, *header;

    if (!*login->login)
        return *login->password
                   ? kt_must(talloc_asprintf(kt_self_memory(), "Authorization: Bearer %s",
                                             login->password))
                   : NULL;
    room = sodium_base64_encoded_len(length, sodium_base64_VARIANT_ORIGINAL);
    plain = kt_must(talloc_asprintf(kt_self_memory(), "%s:%s", login->login, login->password));
    encoded = kt_must(talloc_array(plain, char, (unsigned)room));
    sodium_bin2base64(encoded, room, (const unsigned char *)plain, length,
                      sodium_base64_VARIANT_ORIGINAL);
    header = kt_must(talloc_asprintf(kt_self_memory(), "Authorization: Basic %s", encoded));
    talloc_free(plain);
    return header;
}

static int judge(const struct kt_http_answer *answer, struct kt_source_error *error)
{
    int status = answer->status;

    if (status == 207)
        return 0;
    if (status == 401)
        return kt_source_fail(error, KT_TROUBLE_RECONNECT,
                              "the server does not accept this login and password");
    if (status == 403)
        return kt_source_fail(error, KT_TROUBLE_DENIED, "the server does not allow that");
    if (status == 404 || status == 410)
        return kt_source_fail(error, KT_TROUBLE_GONE, "there is no calendar at this address");
    if (status == 429 || status == 503)
        return kt_source_fail(error, KT_TROUBLE_BUSY, "the server has too much to do");
    if (status >= 300 && status < 400)
        return kt_source_fail(error, KT_TROUBLE_GONE,
                              "the server sends on to another one; enter the address of that one");
    if (status >= 500)
        return kt_source_fail(error, KT_TROUBLE_BROKEN, "the server failed (status %d)", status);
    return kt_source_fail(error, KT_TROUBLE_GONE,
                          "there is something at this address, but no calendar (status %d)",
                          status);
}

static int ask(TALLOC_CTX *context, const struct kt_dav_login *login,
               const struct kt_dav_question *question, struct kt_http_answer **ret_answer,
               struct kt_source_error *error)
{
    const char *headers[] = {"Content-Type: application/xml; charset=utf-8",
                             question->depth ? "Depth: 1" : "Depth: 0", authorization(login), NULL};
    int result = 0;

    for (int tries = 0; tries < TRIES_MAX; tries++) {
        struct kt_http_fetch fetch = {.url = question->url,
                                      .method = question->method,
                                      .headers = headers,
                                      .body = question->body,
                                      .body_size = strlen(question->body),
                                      .size_max = question->size_max};
        TALLOC_CTX *room = kt_must(talloc_new(context));
        struct kt_error words = {0, ""};

        if (question->deadline_ms <= kt_now_ms())
            return kt_source_fail(error, KT_TROUBLE_LATE, "the server did not answer in time");
        result = kt_fetches_get(room, question->fetches, question->person, &fetch,
                                question->deadline_ms, ret_answer, &words);
        if (result < 0) {
            result = kt_source_fail(error, kt_trouble_of_fetch(result), "%s", words.text);
        } else {
            result = judge(*ret_answer, error);
            if (result == 0)
                return 0;
            TALLOC_FREE(*ret_answer);
        }
        talloc_free(room);
        if (error->trouble != KT_TROUBLE_BROKEN)
            return result;
    }
    return result;
}

int kt_dav_ask(TALLOC_CTX *context, const struct kt_dav_login *login,
               const struct kt_dav_question *question, struct kt_dav_resources *ret_resources,
               const char **ret_url, struct kt_source_error *error)
{
    TALLOC_CTX *tree = kt_must(kt_work_tree(context));
    struct job *job = kt_must(talloc_zero(tree, struct job));
    struct kt_http_answer *answer;
    int result = ask(context, login, question, &answer, error);

    if (result < 0)
        return result;
    job->tree = tree;
    job->text = answer->body;
    job->size = answer->size;
    if (kt_work(run, job) < 0)
        return kt_source_fail(error, KT_TROUBLE_OVERLOADED, "the server is too busy now");
    if (ret_url)
        *ret_url = kt_must(talloc_strdup(context, answer->url));
    talloc_free(answer);
    if (job->result == -E2BIG)
        return kt_source_fail(error, KT_TROUBLE_TOO_LARGE, "the server says more than can be read");
    if (job->result < 0)
        return kt_source_fail(error, KT_TROUBLE_BROKEN, "what the server says makes no sense");
    *ret_resources = job->resources;
    return 0;
}

/* SPDX-License-Identifier: BSD-2-Clause */
#include "mail.h"

#include "mailer/desk.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <kontor/log.h>
#include <kontor/process.h>
#include <string.h>

/** How long a person waits for the mail server, and for the store. */
#define CALL_MS 20000

bool kt_mail_is_there(void)
{
    return kt_whereis(KT_DESK_SERVER) != KT_PID_NONE;
}

/** @param question  freed @return 0, -ENOTCONN, -EAGAIN */
static int call(uint32_t type, cJSON *question, uint32_t *ret_status)
{
    char *text = kt_must(cJSON_PrintUnformatted(question));
    kt_pid desk = kt_whereis(KT_DESK_SERVER);
    const struct kt_message *reply;
    int result =
        desk == KT_PID_NONE ? -ENOTCONN : kt_call(desk, type, text, strlen(text), CALL_MS, &reply);

    cJSON_free(text);
    cJSON_Delete(question);
    if (result == 0) {
        *ret_status = reply->type;
        return 0;
    }
    if (desk != KT_PID_NONE)
        kt_log_warning("the mailer does not answer: %s", strerror(-result));
    return desk == KT_PID_NONE ? -ENOTCONN : -EAGAIN;
}

int kt_mail_sign_in(const char *address, const char *link, int minutes)
{
    cJSON *question = kt_must(cJSON_CreateObject());
    uint32_t status;
    int result;

    kt_must(cJSON_AddStringToObject(question, "to", address));
    kt_must(cJSON_AddStringToObject(question, "link", link));
    kt_must(cJSON_AddNumberToObject(question, "minutes", minutes));
    result = call(KT_DESK_SIGN_IN, question, &status);
    if (result < 0)
        return result;
    return status == KT_DESK_DONE || status == KT_DESK_REFUSED ? 0 : -EAGAIN;
}

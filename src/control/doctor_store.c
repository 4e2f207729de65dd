/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The doctor looks at the store: opens it as the user of the workers, as plugins do, and reads.
 * Makes no file.
 */
#include "config.h"

#include "base/word.h"
#include "control/doctor_private.h"
#include "process/runtime.h"
#include "store/store.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

/** What one who waits at a terminal has patience for. */
#define TIMEOUT_MS 10000
/** A document that nobody has. */
#define NAMESPACE "doctor"
#define KEY "examination"

static void read_something(void *argument)
{
    int *result = argument;
    struct kt_store_document *document = NULL;
    *result = kt_store_check();
    if (*result == 0)
        *result = kt_store_get(NAMESPACE, KEY, &document);
    if (*result == -ENOENT)
        *result = 0;
    kt_runtime_stop();
}

/** In an OS process of its own. */
static int open_store(const struct kt_patient *patient, const void *argument)
{
    (void)argument;
    struct kt_store_options options = patient->settings->store;
    struct kt_error error = {0};
    options.timeout_ms = TIMEOUT_MS;
    int outcome = -ECANCELED, result = kt_runtime_start(NULL, &error);
    if (result < 0)
        return result;
    result = kt_store_start(&options, &error);
    if (result == 0)
        result = kt_spawn(NULL, read_something, &outcome, NULL);
    if (result == 0)
        kt_runtime_run();
    kt_store_close();
    kt_runtime_close();
    return result < 0 ? result : outcome;
}

/** Where the file is to be. @return the directory, owned by the patient's context */
static const char *directory_of(const struct kt_patient *patient, const char *path)
{
    const char *slash = strrchr(path, '/');
    size_t length = slash != NULL && slash != path ? (size_t)(slash - path) : 1;
    return talloc_strndup(patient->context, path, length);
}

/** A hardened service may write to its own directory only; we, who look, are not hardened. */
static void examine_place(const struct kt_patient *patient, const char *path)
{
    const char *listen = patient->settings->listen;
    if (listen == NULL || !kt_word_contains(listen, "systemd") ||
        strncmp(path, KT_STATE_DIR "/", strlen(KT_STATE_DIR "/")) == 0)
        return;
    kt_finding_add(patient->findings, KT_FINDING_ADVICE, "store",
                   "keep it there, or set ReadWritePaths= by `systemctl edit kontor`",
                   "%s is not below " KT_STATE_DIR ", where kontor.service may write", path);
}

void kt_doctor_store(const struct kt_patient *patient)
{
    const struct kt_store_address *address = patient->settings->store.address;
    if (address == NULL)
        return; /* told with the configuration */
    int result;
    if (address->kind == KT_STORE_SQLITE)
        examine_place(patient, address->path);
    if (address->kind == KT_STORE_SQLITE &&
        kt_doctor_access(patient, address->path, F_OK) == -ENOENT) {
        const char *directory = directory_of(patient, address->path);
        result = kt_doctor_access(patient, directory, W_OK | X_OK);
        if (result == 0)
            kt_finding_add(patient->findings, KT_FINDING_OK, "store", NULL,
                           "%s will be made when something is to be kept", address->path);
        else
            kt_finding_add(patient->findings, KT_FINDING_WRONG, "store",
                           talloc_asprintf(patient->context, "install -d -m 750 -o %s %s",
                                           patient->user, directory),
                           "%s cannot make %s: %s", patient->user, address->path,
                           strerror(-result));
        return;
    }
    result = kt_doctor_as_user(patient, open_store, NULL);
    if (result == 0)
        kt_finding_add(patient->findings, KT_FINDING_OK, "store", NULL, "%s can be read by %s",
                       address->shown, patient->user);
    else if (address->kind == KT_STORE_SQLITE)
        kt_finding_add(patient->findings, KT_FINDING_WRONG, "store",
                       "look at its permissions; if it is damaged, `kontorctl store check` says "
                       "where",
                       "%s: %s", address->shown, strerror(-result));
    else
        kt_finding_add(patient->findings, KT_FINDING_WRONG, "store",
                       "is Redis running, are address and password right? Option store", "%s: %s",
                       address->shown, strerror(-result));
}

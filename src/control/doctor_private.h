/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files of the doctor share: the patient, and each examination. */
#ifndef KT_DOCTOR_PRIVATE_H
#define KT_DOCTOR_PRIVATE_H

#include "control/doctor.h"
#include "control/findings.h"
#include "plugin/loader.h"
#include "worker/settings.h"

/** What is examined; everything hangs on the context. */
struct kt_patient {
    TALLOC_CTX *context;
    const struct kt_doctor_command *command;
    struct kt_findings *findings;
    const struct kt_config *config;
    const struct kt_settings *settings;
    const struct kt_plugins *plugins; /**< those that can be loaded; their options are checked */
    uid_t uid;                        /**< whom the workers run as */
    gid_t gid;
    const char *user; /**< the name of that user */
    bool is_running;
};

/** What a function that runs as another user gets; @return 0 or a negative errno */
typedef int kt_doctor_function(const struct kt_patient *patient, const void *argument);

/**
 * Call a function in an OS process of its own, as the user of the workers if we are root.
 * @return what it returned, or a negative errno
 */
int kt_doctor_as_user(const struct kt_patient *patient, kt_doctor_function *function,
                      const void *argument);

/** Whether the user of the workers may use a path. @param mode  as for access(2). @return 0 or a
 * negative errno */
int kt_doctor_access(const struct kt_patient *patient, const char *path, int mode);

/** The configuration's files, and the directories that kontord works with. */
void kt_doctor_files(const struct kt_patient *patient);
/** The runner of jobs and its directory. */
void kt_doctor_jobs(const struct kt_patient *patient);
/** The files that the options of plugins name. */
void kt_doctor_options(const struct kt_patient *patient);
/** The key that tokens are sealed with. */
void kt_doctor_key(const struct kt_patient *patient);
/** Whether the store can be opened and read. */
void kt_doctor_store(const struct kt_patient *patient);
/** The sockets that web servers connect with. */
void kt_doctor_sockets(const struct kt_patient *patient);
/** The web server in front. */
void kt_doctor_web(const struct kt_patient *patient);
/** The mail server. */
void kt_doctor_mail(const struct kt_patient *patient);
/** Other servers that the options of plugins name, and the proxy. */
void kt_doctor_upstream(const struct kt_patient *patient);

#endif

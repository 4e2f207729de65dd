/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * kontorctl doctor: reads the configuration as kontord -t does, finds out who kontord runs as, and
 * has everything else examined. What a worker must be able to do is tried as its user.
 */
#include "config.h"

#include "control/doctor.h"

#include "control/client.h"
#include "control/doctor_private.h"
#include "control/protocol.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/** A healthy master answers within milliseconds. */
#define ANSWER_MS 2000
/** What a process of ours exits with when it could not become the user. */
#define STATUS_NOT_USER 255

/* ---------------------------------------------------------------- as the user of the workers */

static bool become_user(const struct kt_patient *patient)
{
    if (geteuid() != 0 || patient->uid == 0)
        return true;
    return initgroups(patient->user, patient->gid) == 0 && setgid(patient->gid) == 0 &&
           setuid(patient->uid) == 0;
}

int kt_doctor_as_user(const struct kt_patient *patient, kt_doctor_function *function,
                      const void *argument)
{
    fflush(NULL);
    pid_t child = fork();
    if (child < 0)
        return -errno;
    if (child == 0) {
        int result = become_user(patient) ? function(patient, argument) : -STATUS_NOT_USER;
        _exit(-result);
    }
    int status;
    while (waitpid(child, &status, 0) < 0)
        if (errno != EINTR)
            return -errno;
    if (!WIFEXITED(status))
        return -ECANCELED;
    return WEXITSTATUS(status) == STATUS_NOT_USER ? -EPERM : -WEXITSTATUS(status);
}

/** A path, and what is to be done with it. */
struct access {
    const char *path;
    int mode;
};

static int try_access(const struct kt_patient *patient, const void *argument)
{
    (void)patient;
    const struct access *wanted = argument;
    return access(wanted->path, wanted->mode) == 0 ? 0 : -errno;
}

int kt_doctor_access(const struct kt_patient *patient, const char *path, int mode)
{
    return kt_doctor_as_user(patient, try_access, &(const struct access){path, mode});
}

/* ---------------------------------------------------------------- who is it? */

/** Ask the master for its status. */
static void look_whether_it_runs(struct kt_patient *patient)
{
    cJSON *status = NULL;
    int result = kt_client_ask(patient->settings->run_dir, KT_CONTROL_MASTER, KT_CONTROL_STATUS,
                               ANSWER_MS, &status);
    if (result == 0) {
        int serving = 0;
        const cJSON *worker;
        cJSON_ArrayForEach(worker, cJSON_GetObjectItem(status, "workers"))
        {
            const char *state = cJSON_GetStringValue(cJSON_GetObjectItem(worker, "state"));
            serving += state != NULL && strcmp(state, "serving") == 0;
        }
        patient->is_running = serving > 0;
        if (serving > 0)
            kt_finding_add(patient->findings, KT_FINDING_OK, "kontord", NULL,
                           "it runs, and %d worker%s serve%s", serving, serving == 1 ? "" : "s",
                           serving == 1 ? "s" : "");
        else
            kt_finding_add(patient->findings, KT_FINDING_WRONG, "kontord",
                           "look why in its log: journalctl -u kontor", "no worker serves");
        cJSON_Delete(status);
    } else if (result == -EACCES) {
        kt_finding_add(patient->findings, KT_FINDING_ADVICE, "kontord",
                       "try again as root, or as the user of the workers",
                       "whether it runs cannot be asked: %s/" KT_CONTROL_MASTER " is not yours",
                       patient->settings->run_dir);
    } else {
        kt_finding_add(
            patient->findings, KT_FINDING_WRONG, "kontord",
            result == -ETIMEDOUT ? "look why in its log: journalctl -u kontor"
                                 : "systemctl start kontor, or kontord -c FILE",
            "%s", result == -ETIMEDOUT ? "it runs, but it does not answer" : "it does not run");
    }
}

/** Take the user from the settings, from whom the run directory belongs to, or take ourselves. */
static void find_user(struct kt_patient *patient)
{
    struct stat status;
    patient->uid = geteuid();
    if (patient->settings->has_user)
        patient->uid = patient->settings->uid;
    else if (stat(patient->settings->run_dir, &status) == 0)
        patient->uid = status.st_uid;
    const struct passwd *user = getpwuid(patient->uid);
    patient->gid = patient->settings->has_user ? patient->settings->gid
                   : user != NULL              ? user->pw_gid
                                               : getegid();
    patient->user = user != NULL ? talloc_strdup(patient->context, user->pw_name)
                                 : talloc_asprintf(patient->context, "user %u", patient->uid);
    if (geteuid() != 0 && geteuid() != patient->uid)
        kt_finding_add(patient->findings, KT_FINDING_ADVICE, "you", "run it as root",
                       "what %s may do is looked at with your own rights", patient->user);
}

/* ---------------------------------------------------------------- the configuration */

/** @return 0, -ENOMEM; without settings there is nothing to examine, which has been told */
static int read_configuration(struct kt_patient *patient)
{
    struct kt_problems *problems = kt_problems_new(patient->context);
    struct kt_config *config = NULL;
    struct kt_settings *settings = NULL;
    struct kt_plugins *plugins = NULL;
    const char *path = patient->command->config_path;
    if (access(path, R_OK) < 0) {
        kt_finding_add(patient->findings, KT_FINDING_WRONG, "configuration",
                       errno == EACCES ? "run it as root" : "name the file with -c", "%s: %s", path,
                       strerror(errno));
        return 0;
    }
    if (problems == NULL || kt_config_read(patient->context, path, problems, &config) == -ENOMEM ||
        kt_settings_check(patient->context, config, problems, &settings) == -ENOMEM)
        return -ENOMEM;
    const struct kt_plugins_wanted wanted = {
        .names = settings->plugins,
        .place = settings->plugins_place,
        .directories = settings->plugin_dir,
        .owner = settings->has_user ? settings->uid : geteuid(),
        .config = config,
    };
    size_t before = kt_problems_count(problems);
    if (kt_plugins_load(patient->context, &wanted, problems, &plugins) == -ENOMEM)
        return -ENOMEM;
    for (size_t i = 0; i < kt_problems_count(problems); i++) {
        const char *text = kt_problems_text(problems, i);
        if (text != NULL)
            kt_finding_add(
                patient->findings, KT_FINDING_WRONG, i < before ? "configuration" : "plugins",
                "kontor.conf(5), or `kontord -h PLUGIN`, says what is expected", "%s", text);
    }
    if (before == 0)
        kt_finding_add(patient->findings, KT_FINDING_OK, "configuration", NULL, "%s is fine", path);
    if (kt_problems_count(problems) == before && plugins->count > 0)
        kt_finding_add(patient->findings, KT_FINDING_OK, "plugins", NULL,
                       "%s: they can be loaded, and their options are fine", settings->plugins);
    patient->config = config;
    patient->settings = settings;
    patient->plugins = plugins;
    return 0;
}

static void examine(struct kt_patient *patient)
{
    find_user(patient);
    look_whether_it_runs(patient);
    kt_doctor_files(patient);
    kt_doctor_key(patient);
    kt_doctor_options(patient);
    kt_doctor_jobs(patient);
    kt_doctor_store(patient);
    kt_doctor_sockets(patient);
    kt_doctor_web(patient);
    kt_doctor_mail(patient);
    kt_doctor_upstream(patient);
}

int kt_doctor_command(const struct kt_doctor_command *command)
{
    TALLOC_CTX *context = talloc_new(NULL);
    struct kt_patient patient = {
        .context = context,
        .command = command,
        .findings = kt_findings_new(context),
    };
    if (patient.findings == NULL || read_configuration(&patient) < 0) {
        fprintf(stderr, "kontorctl: out of memory\n");
        talloc_free(context);
        return EXIT_FAILURE;
    }
    if (patient.settings != NULL)
        examine(&patient);
    if (command->is_json)
        kt_findings_print_json(patient.findings, stdout);
    else
        kt_findings_print(patient.findings, stdout);
    int status =
        kt_findings_count(patient.findings, KT_FINDING_WRONG) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
    talloc_free(context);
    return status;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The doctor looks at files: who may change what kontord believes, and whether the workers get at
 * what they need.
 */
#include "config.h"

#include "control/doctor_private.h"
#include "base/word.h"
#include "plugin/option.h"
#include "plugin/plugin.h"

#include <errno.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#define SECRET_KEY KT_SYSCONF_DIR "/kontor/secret.key"
/** Bytes of a key of libsodium's secret boxes. */
#define SECRET_KEY_BYTES 32
#define SQLITE_PREFIX "sqlite:"
#define SECTION_REPORTS "reports"

/** Tell that others can change what they should not. @return whether they can */
static bool is_open_to_others(const struct kt_patient *patient, const char *path, const char *area)
{
    struct stat status;
    if (stat(path, &status) < 0)
        return false;
    if (status.st_uid != 0 && status.st_uid != geteuid() && status.st_uid != patient->uid) {
        kt_finding_add(patient->findings, KT_FINDING_WRONG, area,
                       talloc_asprintf(patient->context, "chown root: %s", path),
                       "%s belongs to neither root nor %s", path, patient->user);
        return true;
    }
    if ((status.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
        kt_finding_add(patient->findings, KT_FINDING_WRONG, area,
                       talloc_asprintf(patient->context, "chmod go-w %s", path),
                       "%s can be changed by others", path);
        return true;
    }
    return false;
}

/* ---------------------------------------------------------------- configuration, run_dir */

static void examine_configuration_files(const struct kt_patient *patient)
{
    const char *last = "";
    bool is_safe = !is_open_to_others(patient, patient->command->config_path, "configuration");
    for (unsigned i = 0; i < patient->config->count; i++) {
        const struct kt_config_section *section = &patient->config->sections[i];
        for (unsigned j = 0; j < section->count; j++) {
            const char *file = section->entries[j].file;
            if (strcmp(file, last) != 0 && strcmp(file, patient->command->config_path) != 0 &&
                is_open_to_others(patient, file, "configuration"))
                is_safe = false;
            last = file;
            int result = kt_doctor_access(patient, file, R_OK);
            if (result < 0) {
                kt_finding_add(patient->findings, KT_FINDING_WRONG, "configuration",
                               talloc_asprintf(patient->context, "chgrp %s %s && chmod g+r %s",
                                               patient->user, file, file),
                               "%s cannot be read by %s: %s", file, patient->user,
                               strerror(-result));
                return;
            }
        }
    }
    if (is_safe)
        kt_finding_add(patient->findings, KT_FINDING_OK, "permissions", NULL,
                       "nobody else can change the configuration, and %s can read it",
                       patient->user);
}

static void examine_run_dir(const struct kt_patient *patient)
{
    const char *path = patient->settings->run_dir;
    struct stat status;
    if (stat(path, &status) < 0) {
        if (patient->is_running || errno != ENOENT)
            kt_finding_add(patient->findings, KT_FINDING_WRONG, "run_dir",
                           "look at the permissions of its parents", "%s: %s", path,
                           strerror(errno));
        return;
    }
    if (is_open_to_others(patient, path, "run_dir"))
        return;
    kt_finding_add(patient->findings, KT_FINDING_OK, "run_dir", NULL,
                   "nobody but root and %s can change %s", patient->user, path);
}

void kt_doctor_files(const struct kt_patient *patient)
{
    examine_configuration_files(patient);
    examine_run_dir(patient);
}

/* ---------------------------------------------------------------- the key */

/** The key that a plugin names, or the one of the service. */
static const char *find_key(const struct kt_patient *patient)
{
    for (unsigned i = 0; i < patient->config->count; i++) {
        const struct kt_config_entry *entry =
            kt_config_entry(&patient->config->sections[i], "key_file");
        if (entry != NULL)
            return entry->value;
    }
    return SECRET_KEY;
}

void kt_doctor_key(const struct kt_patient *patient)
{
    const char *path = find_key(patient);
    const char *make = talloc_asprintf(patient->context, "(umask 077; head -c %d /dev/urandom >%s)",
                                       SECRET_KEY_BYTES, path);
    struct stat status;
    if (stat(path, &status) < 0) {
        kt_finding_add(patient->findings, KT_FINDING_ADVICE, "secret key", make,
                       "%s: %s; nobody can connect a calendar or get mail", path, strerror(errno));
    } else if (status.st_size != SECRET_KEY_BYTES) {
        kt_finding_add(patient->findings, KT_FINDING_WRONG, "secret key", make,
                       "%s has %lld bytes, expected are %d", path, (long long)status.st_size,
                       SECRET_KEY_BYTES);
    } else if ((status.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
        kt_finding_add(patient->findings, KT_FINDING_WRONG, "secret key",
                       talloc_asprintf(patient->context, "chmod 600 %s", path),
                       "%s is open to others (mode %04o)", path, status.st_mode & 07777u);
    } else {
        kt_finding_add(patient->findings, KT_FINDING_OK, "secret key", NULL,
                       "%s is closed to others", path);
    }
}

/* ---------------------------------------------------------------- what plugins name */

/** Whether a service that is hardened as ours does not see this path, whoever it runs as. */
static bool is_hidden_from_service(const struct kt_patient *patient, const char *path)
{
    static const char *const hidden[] = {"/home/", "/root/", "/run/user/", "/tmp/", "/var/tmp/"};
    if (patient->settings->listen == NULL ||
        !kt_word_contains(patient->settings->listen, "systemd"))
        return false;
    for (size_t i = 0; i < sizeof hidden / sizeof *hidden; i++)
        if (strncmp(path, hidden[i], strlen(hidden[i])) == 0)
            return true;
    return false;
}

/** @return whether it can be read; else it has been told */
static bool examine_path(const struct kt_patient *patient, const char *name, const char *option,
                         const char *path)
{
    int result = kt_doctor_access(patient, path, R_OK);
    if (result == 0 && is_hidden_from_service(patient, path)) {
        kt_finding_add(patient->findings, KT_FINDING_WRONG, name,
                       "move it, to /srv for example; or change ProtectHome= or PrivateTmp= by "
                       "`systemctl edit kontor`",
                       "%s = %s: kontor.service does not see home directories and /tmp", option,
                       path);
        return false;
    }
    if (result == 0)
        return true;
    kt_finding_add(patient->findings, KT_FINDING_WRONG, name,
                   result == -EACCES
                       ? talloc_asprintf(patient->context,
                                         "let %s read it, and pass all directories above it",
                                         patient->user)
                       : "make it, or correct the option",
                   "%s = %s: %s", option, path, strerror(-result));
    return false;
}

/** The databases of the reports: words like shop=sqlite:/srv/shop.db. @return how many are fine */
static unsigned examine_databases(const struct kt_patient *patient, const struct kt_value *value)
{
    const char *cursor = value->text != NULL ? value->text : "", *word;
    unsigned count = 0;
    size_t length;
    while ((length = kt_word_next(&cursor, &word)) > 0) {
        char *text = talloc_strndup(patient->context, word, length);
        const char *path = text != NULL ? strstr(text, SQLITE_PREFIX) : NULL;
        if (path != NULL)
            count += examine_path(patient, SECTION_REPORTS, value->option->name,
                                  path + strlen(SQLITE_PREFIX));
    }
    return count;
}

void kt_doctor_options(const struct kt_patient *patient)
{
    for (size_t i = 0; patient->plugins != NULL && i < patient->plugins->count; i++) {
        const struct kt_plugin *plugin = patient->plugins->list[i];
        const struct kt_section *section = plugin->section;
        const char *name = plugin->descriptor->name;
        unsigned fine = 0;
        for (unsigned j = 0; section != NULL && j < section->count; j++) {
            const struct kt_value *value = &section->values[j];
            /* The key is its own examination: only root needs to read it under systemd. */
            if (value->option->type == KT_OPTION_PATH && value->text != NULL &&
                strcmp(value->option->name, "key_file") != 0)
                fine += examine_path(patient, name, value->option->name, value->text);
            else if (strcmp(name, SECTION_REPORTS) == 0 &&
                     strcmp(value->option->name, "sources") == 0)
                fine += examine_databases(patient, value);
        }
        if (fine > 0)
            kt_finding_add(patient->findings, KT_FINDING_OK, name, NULL,
                           "%u file%s or folder%s of its options can be read by %s", fine,
                           fine == 1 ? "" : "s", fine == 1 ? "" : "s", patient->user);
    }
}

/* ---------------------------------------------------------------- jobs */

void kt_doctor_jobs(const struct kt_patient *patient)
{
    const char *runner = patient->settings->jobs.runner;
    const char *directory = patient->settings->jobs.directory;
    int result = kt_doctor_access(patient, runner, X_OK);
    if (result < 0)
        kt_finding_add(patient->findings, KT_FINDING_WRONG, "jobs",
                       "install it again, or correct job_runner", "%s cannot be executed by %s: %s",
                       runner, patient->user, strerror(-result));
    else
        kt_finding_add(patient->findings, KT_FINDING_OK, "jobs", NULL, "%s can be executed by %s",
                       runner, patient->user);
    result = kt_doctor_access(patient, directory, W_OK | X_OK);
    struct statfs system;
    if (result < 0)
        kt_finding_add(patient->findings, KT_FINDING_WRONG, "jobs", "correct job_directory",
                       "%s cannot be written by %s: %s", directory, patient->user,
                       strerror(-result));
    else if (statfs(directory, &system) == 0 && system.f_type != TMPFS_MAGIC &&
             system.f_type != RAMFS_MAGIC)
        kt_finding_add(patient->findings, KT_FINDING_ADVICE, "jobs",
                       "job_directory = /dev/shm, or another tmpfs",
                       "%s is not in memory: temporary files of reports touch a disk", directory);
    else
        kt_finding_add(patient->findings, KT_FINDING_OK, "jobs", NULL,
                       "%s is in memory, and %s may write there", directory, patient->user);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The section [kontor]: its table of options, and its values as the master and the workers use
 * them. The only place that knows the names, defaults and ranges of these options.
 */
#ifndef KT_SETTINGS_H
#define KT_SETTINGS_H

#include "base/configuration.h"
#include "base/log.h"
#include "fetch/fetch.h"
#include "job/jobs.h"
#include "store/store.h"

#include <kontor/option.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/** The name of the house's own section. */
#define KT_SETTINGS_SECTION "kontor"
/** Where the configuration is unless told otherwise. */
#define KT_SETTINGS_FILE KT_SYSCONF_DIR "/kontor/kontor.conf"
/** More workers than this are refused. */
#define KT_WORKERS_MAX 256

enum kt_log_choice { KT_LOG_CHOICE_AUTO, KT_LOG_CHOICE_STDERR, KT_LOG_CHOICE_JOURNAL };

/** Checked settings; texts live as long as the configuration they came from. */
struct kt_settings {
    const char *listen; /**< addresses separated by blanks */
    const char *listen_place;
    const char *plugins; /**< names separated by blanks */
    const char *plugins_place;
    const char *plugin_dir;
    const char *run_dir;
    const char *pid_file;
    const char *mount;
    mode_t socket_mode;
    uid_t socket_owner; /**< (uid_t)-1: leave it */
    gid_t socket_group; /**< (gid_t)-1: leave it */
    bool has_user;      /**< workers run as user, uid and gid */
    const char *user;
    uid_t uid;
    gid_t gid;
    uint32_t workers;
    enum kt_log_choice log;
    enum kt_log_level log_level;
    bool request_log;
    int64_t slow_request_ms;
    uint32_t connections_max, requests_max;
    size_t params_max_bytes, body_max_bytes;
    int64_t request_timeout_ms, transfer_timeout_ms, start_timeout_ms, drain_timeout_ms;
    int64_t stuck_timeout_ms; /**< 0: never */
    uint32_t processes_max;
    size_t registry_bytes;
    uint64_t registry_files_bytes;
    struct kt_fetch_options fetch;
    struct kt_jobs_options jobs;
    struct kt_store_options store;
    uint32_t restart_intensity;
    int64_t restart_period_ms;
    uint32_t quarantine_crashes;
    int64_t quarantine_period_ms, quarantine_time_ms, quarantine_time_max_ms;
};

/** The options of [kontor], ended by a NULL name. */
extern KT_PUBLIC const struct kt_option kt_settings_options[];

/** Where the store is unless told otherwise. */
#define KT_SETTINGS_STORE "sqlite:" KT_STATE_DIR "/store.db"

/**
 * Check [kontor] and that every other section belongs to a plugin in `plugins`.
 * @param problems      gets everything that is wrong
 * @param ret_settings  owned by the context, borrows texts of the configuration. Set with -EINVAL
 *                      too: wrong values are replaced by their defaults
 * @return 0, -EINVAL (see problems), -ENOMEM
 */
KT_PUBLIC int kt_settings_check(TALLOC_CTX *context, const struct kt_config *config,
                                struct kt_problems *problems, struct kt_settings **ret_settings);

/**
 * Check only what [kontor] says of the store, for those who need nothing else.
 * @param ret_options  borrows from the context
 * @return 0, -EINVAL (see problems), -ENOMEM
 */
KT_PUBLIC int kt_settings_check_store(TALLOC_CTX *context, const struct kt_config *config,
                                      struct kt_problems *problems,
                                      struct kt_store_options *ret_options);

#endif

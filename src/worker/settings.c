/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The section [kontor]: what each option means, and what its declaration cannot check: users,
 * groups, modes, and sections that belong to nobody.
 */
#include "config.h"

#include "worker/settings.h"

#include "base/word.h"
#include "plugin/option.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HOUR_MS INT64_C(3600000)
#define DAY_MS (24 * HOUR_MS)
#define GIBIBYTE (INT64_C(1) << 30)

const struct kt_option kt_settings_options[] = {
    {.name = "listen",
     .type = KT_OPTION_STRING,
     .default_value = "unix:" KT_RUN_DIR "/kontor.sock",
     .help = "where web servers connect: unix:/PATH, 127.0.0.1:PORT, [::1]:PORT, systemd; several "
             "are separated by blanks"},
    {.name = "socket_owner",
     .type = KT_OPTION_STRING,
     .help = "user who owns the Unix sockets; needs kontord to run as root"},
    {.name = "socket_group",
     .type = KT_OPTION_STRING,
     .help = "group of the Unix sockets: that of the web server"},
    {.name = "socket_mode",
     .type = KT_OPTION_STRING,
     .default_value = "0660",
     .help = "permissions of the Unix sockets, octal; who may connect can claim to be any user"},
    {.name = "workers",
     .type = KT_OPTION_INTEGER,
     .minimum = 1,
     .maximum = KT_WORKERS_MAX,
     .help = "how many workers run at once; unset: one for each CPU"},
    {.name = "plugins",
     .type = KT_OPTION_STRING,
     .default_value = "",
     .help = "plugins to load, separated by blanks, in the order of their start"},
    {.name = "plugin_dir",
     .type = KT_OPTION_STRING,
     .default_value = KT_PLUGIN_DIR,
     .help = "where the modules are; several directories are separated by colons"},
    {.name = "user",
     .type = KT_OPTION_STRING,
     .help = "user whom the workers run as, when kontord is started as root"},
    {.name = "group",
     .type = KT_OPTION_STRING,
     .help = "group of the workers; unset: that of the user"},
    {.name = "log",
     .type = KT_OPTION_CHOICE,
     .default_value = "auto",
     .choices = "auto stderr journal",
     .help = "where the log goes; auto: to stderr in the foreground, else to the journal"},
    {.name = "log_level",
     .type = KT_OPTION_CHOICE,
     .default_value = "info",
     .choices = "error warning notice info debug",
     .help = "what is less important than this is not logged"},
    {.name = "request_log",
     .type = KT_OPTION_BOOLEAN,
     .default_value = "no",
     .help = "log each request with its status and duration"},
    {.name = "slow_request",
     .type = KT_OPTION_DURATION,
     .default_value = "1s",
     .maximum = DAY_MS,
     .help = "requests that take longer are noted for the observer, with where they waited; 0: none"},
    {.name = "mount",
     .type = KT_OPTION_STRING,
     .default_value = "",
     .help = "path below which the web server offers kontor, such as /tools, in case it does not "
             "say so"},
    {.name = "run_dir",
     .type = KT_OPTION_PATH,
     .default_value = KT_RUN_DIR,
     .help = "directory for control sockets and the pid file; one for each kontord"},
    {.name = "pid_file",
     .type = KT_OPTION_PATH,
     .help = "file for the master's process number; unset: kontord.pid in run_dir"},
    {.name = "connections_max",
     .type = KT_OPTION_INTEGER,
     .default_value = "4096",
     .minimum = 1,
     .maximum = 1000000,
     .help = "open connections of one worker; more wait until others close"},
    {.name = "requests_max",
     .type = KT_OPTION_INTEGER,
     .default_value = "16384",
     .minimum = 1,
     .maximum = 1000000,
     .help = "requests in one worker at once; more are answered with 503"},
    {.name = "params_max",
     .type = KT_OPTION_SIZE,
     .default_value = "64K",
     .minimum = 4096,
     .maximum = 16 << 20,
     .help = "size of one request's header as FastCGI parameters; larger ones get 431"},
    {.name = "body_max",
     .type = KT_OPTION_SIZE,
     .default_value = "16M",
     .maximum = 64 * GIBIBYTE,
     .help = "size of one request's body; larger ones get 413"},
    {.name = "request_timeout",
     .type = KT_OPTION_DURATION,
     .default_value = "1min",
     .minimum = 10,
     .maximum = 7 * DAY_MS,
     .help = "a handler that takes longer is ended, its client gets 504"},
    {.name = "transfer_timeout",
     .type = KT_OPTION_DURATION,
     .default_value = "1min",
     .minimum = 10,
     .maximum = DAY_MS,
     .help = "a peer that neither takes nor gives a byte for so long is cut off"},
    {.name = "fetch_connections_max",
     .type = KT_OPTION_INTEGER,
     .default_value = "1024",
     .minimum = 1,
     .maximum = 100000,
     .help = "open connections of one worker to other servers, and as many to addresses that users "
             "entered; further requests to them wait"},
    {.name = "fetch_proxy",
     .type = KT_OPTION_STRING,
     .is_secret = true,
     .help = "proxy for requests to other servers, such as http://proxy.example.org:3128; addresses "
             "that users entered and localhost are asked directly"},
    {.name = "fetch_allow",
     .type = KT_OPTION_STRING,
     .default_value = "",
     .help = "private networks that addresses entered by users may reach, such as 10.1.0.0/16, "
             "separated by blanks; unset: none"},
    {.name = "start_timeout",
     .type = KT_OPTION_DURATION,
     .default_value = "1min",
     .minimum = 100,
     .maximum = HOUR_MS,
     .help = "a worker that is not ready after this is killed and counts as failed"},
    {.name = "drain_timeout",
     .type = KT_OPTION_DURATION,
     .default_value = "30s",
     .maximum = DAY_MS,
     .help = "how long a worker may take to finish its requests when it is stopped or replaced"},
    {.name = "stuck_timeout",
     .type = KT_OPTION_DURATION,
     .default_value = "1min",
     .maximum = DAY_MS,
     .help = "a worker that a plugin holds up for so long, by an endless loop, is aborted and "
             "replaced; 0: never"},
    {.name = "processes_max",
     .type = KT_OPTION_INTEGER,
     .default_value = "1000000",
     .minimum = 100,
     .maximum = 4000000,
     .help = "lightweight processes in one worker"},
    {.name = "registry_memory",
     .type = KT_OPTION_SIZE,
     .default_value = "256M",
     .minimum = 1 << 20,
     .maximum = 64 * GIBIBYTE,
     .help = "what entries of the registry may take; an entry takes 200 bytes and more"},
    {.name = "registry_files",
     .type = KT_OPTION_SIZE,
     .default_value = "512M",
     .maximum = 1024 * GIBIBYTE,
     .help = "what memory files of the registry, such as finished reports, may take together"},
    {.name = "jobs_max",
     .type = KT_OPTION_INTEGER,
     .minimum = 1,
     .maximum = 1000,
     .help = "jobs, such as reports in the making, that run at once; unset: one for each CPU"},
    {.name = "jobs_realm_max",
     .type = KT_OPTION_INTEGER,
     .minimum = 1,
     .maximum = 1000,
     .help = "jobs of one realm that run at once; unset: jobs_max"},
    {.name = "job_queue",
     .type = KT_OPTION_INTEGER,
     .default_value = "200",
     .maximum = 10000,
     .help = "jobs that wait for their turn; more are refused"},
    {.name = "job_queue_realm",
     .type = KT_OPTION_INTEGER,
     .maximum = 10000,
     .help = "jobs of one realm that wait for their turn; unset: job_queue"},
    {.name = "job_memory",
     .type = KT_OPTION_SIZE,
     .default_value = "512M",
     .minimum = 32 << 20,
     .maximum = 1024 * GIBIBYTE,
     .help = "memory of one job; one that needs more fails"},
    {.name = "job_output",
     .type = KT_OPTION_SIZE,
     .default_value = "256M",
     .minimum = 4096,
     .maximum = 1024 * GIBIBYTE,
     .help = "size of one job's result, and of each of its temporary files"},
    {.name = "job_cpu",
     .type = KT_OPTION_DURATION,
     .default_value = "10min",
     .minimum = 1000,
     .maximum = 7 * DAY_MS,
     .help = "processor time of one job"},
    {.name = "job_time",
     .type = KT_OPTION_DURATION,
     .default_value = "10min",
     .minimum = 100,
     .maximum = 7 * DAY_MS,
     .help = "how long one job may take"},
    {.name = "job_remember",
     .type = KT_OPTION_DURATION,
     .default_value = "10min",
     .minimum = 1000,
     .maximum = 7 * DAY_MS,
     .help = "how long it is told that a job failed, was cancelled, or that its result expired"},
    {.name = "job_runner",
     .type = KT_OPTION_PATH,
     .default_value = KT_JOB_RUNNER,
     .help = "the program that runs a job"},
    {.name = "job_directory",
     .type = KT_OPTION_PATH,
     .default_value = "/dev/shm",
     .help = "where jobs have their temporary files; in RAM, or they touch a disk"},
    {.name = "store",
     .type = KT_OPTION_STRING,
     .default_value = KT_SETTINGS_STORE,
     .is_secret = true,
     .help = "where lasting data is kept: sqlite:/PATH, redis://[USER[:PASSWORD]@]HOST[:PORT][/DB], "
             "rediss://… with TLS, redis+unix:/PATH[?db=N]"},
    {.name = "store_password_file",
     .type = KT_OPTION_PATH,
     .help = "file whose only line is the password of the Redis in store"},
    {.name = "store_timeout",
     .type = KT_OPTION_DURATION,
     .default_value = "5s",
     .minimum = 100,
     .maximum = 60000,
     .help = "a call of the store that takes longer fails"},
    {.name = "restart_intensity",
     .type = KT_OPTION_INTEGER,
     .default_value = "5",
     .maximum = 1000,
     .help = "a worker that crashes is restarted at once so many times within restart_period, "
             "then with growing pauses"},
    {.name = "restart_period",
     .type = KT_OPTION_DURATION,
     .default_value = "10s",
     .minimum = 1,
     .maximum = DAY_MS,
     .help = "see restart_intensity"},
    {.name = "quarantine_crashes",
     .type = KT_OPTION_INTEGER,
     .default_value = "3",
     .maximum = 1000,
     .help = "a plugin that crashes workers so many times, each within quarantine_period of the "
             "time before, is left out for a while; 0: never"},
    {.name = "quarantine_period",
     .type = KT_OPTION_DURATION,
     .default_value = "1min",
     .minimum = 1,
     .maximum = DAY_MS,
     .help = "see quarantine_crashes; a plugin that is tried again and crashes within this is left "
             "out for twice as long"},
    {.name = "quarantine_time",
     .type = KT_OPTION_DURATION,
     .default_value = "30s",
     .minimum = 100,
     .maximum = DAY_MS,
     .help = "how long a plugin is left out at first"},
    {.name = "quarantine_time_max",
     .type = KT_OPTION_DURATION,
     .default_value = "30min",
     .minimum = 100,
     .maximum = DAY_MS,
     .help = "the longest time that a plugin is left out"},
    {.name = NULL},
};

/** What the checks below share. */
struct checker {
    const struct kt_section *section;
    struct kt_problems *problems;
    struct kt_settings *settings;
};

static const char *text_of(const struct checker *checker, const char *option)
{
    return kt_section_value(checker->section, option)->text;
}

static int64_t number_of(const struct checker *checker, const char *option)
{
    return kt_section_value(checker->section, option)->number;
}

static const char *place_of(const struct checker *checker, const char *option)
{
    return kt_section_value(checker->section, option)->place;
}

static uint32_t count_cpus(void)
{
    cpu_set_t set;
    long count = sched_getaffinity(0, sizeof(set), &set) == 0 ? CPU_COUNT(&set)
                                                              : sysconf(_SC_NPROCESSORS_ONLN);
    return count < 1 ? 1 : count > KT_WORKERS_MAX ? KT_WORKERS_MAX : (uint32_t)count;
}

/** Look a user up. @return NULL when the option is unset, or nobody has this name (a problem) */
static const struct passwd *find_user(const struct checker *checker, const char *option)
{
    const char *name = text_of(checker, option);
    if (name == NULL)
        return NULL;
    const struct passwd *user = getpwnam(name);
    if (user == NULL)
        kt_problem_add(checker->problems, "%s: %s is '%s', and there is no such user",
                       place_of(checker, option), option, name);
    return user;
}

static const struct group *find_group(const struct checker *checker, const char *option)
{
    const char *name = text_of(checker, option);
    if (name == NULL)
        return NULL;
    const struct group *group = getgrnam(name);
    if (group == NULL)
        kt_problem_add(checker->problems, "%s: %s is '%s', and there is no such group",
                       place_of(checker, option), option, name);
    return group;
}

static void check_socket(const struct checker *checker)
{
    struct kt_settings *settings = checker->settings;
    settings->socket_owner = (uid_t)-1;
    settings->socket_group = (gid_t)-1;
    const struct passwd *owner = find_user(checker, "socket_owner");
    if (owner != NULL)
        settings->socket_owner = owner->pw_uid;
    const struct group *group = find_group(checker, "socket_group");
    if (group != NULL)
        settings->socket_group = group->gr_gid;
    const char *mode = text_of(checker, "socket_mode");
    if (strspn(mode, "01234567") != strlen(mode) || strlen(mode) < 3 || strlen(mode) > 4 ||
        strtol(mode, NULL, 8) > 0777)
        kt_problem_add(checker->problems,
                       "%s: socket_mode is '%s', expected are three octal digits such as 0660",
                       place_of(checker, "socket_mode"), mode);
    settings->socket_mode = (mode_t)strtol(mode, NULL, 8);
}

static void check_user(const struct checker *checker)
{
    struct kt_settings *settings = checker->settings;
    const struct passwd *user = find_user(checker, "user");
    if (user != NULL) {
        settings->has_user = true;
        settings->user = text_of(checker, "user");
        settings->uid = user->pw_uid;
        settings->gid = user->pw_gid;
    }
    const struct group *group = find_group(checker, "group");
    if (group != NULL && text_of(checker, "user") == NULL)
        kt_problem_add(checker->problems, "%s: group is set, but user is not",
                       place_of(checker, "group"));
    else if (group != NULL)
        settings->gid = group->gr_gid;
    if (settings->has_user && geteuid() != 0 && settings->uid != geteuid())
        kt_problem_add(checker->problems, "%s: user is '%s', but only root can become another user",
                       place_of(checker, "user"), settings->user);
}

static void check_paths(const struct checker *checker)
{
    const char *rest = checker->settings->plugin_dir;
    while (*rest != '\0') {
        size_t length = strcspn(rest, ":");
        if (length > 0 && rest[0] != '/')
            kt_problem_add(checker->problems,
                           "%s: plugin_dir contains '%.*s', expected are absolute paths separated "
                           "by colons",
                           place_of(checker, "plugin_dir"), (int)length, rest);
        rest += length + (rest[length] == ':');
    }
    const char *mount = checker->settings->mount;
    size_t length = strlen(mount);
    if (length > 0 && (mount[0] != '/' || mount[length - 1] == '/'))
        kt_problem_add(checker->problems,
                       "%s: mount is '%s', expected is a path that begins with a slash and does "
                       "not end in one",
                       place_of(checker, "mount"), mount);
}

static void check_fetch(const struct checker *checker)
{
    struct kt_fetch_options *fetch = &checker->settings->fetch;
    struct kt_networks *allowed;
    struct kt_error error = {0};
    fetch->connections_max = (uint32_t)number_of(checker, "fetch_connections_max");
    fetch->proxy = text_of(checker, "fetch_proxy");
    if (fetch->proxy != NULL && kt_fetch_proxy_check(fetch->proxy, &error) < 0)
        kt_problem_add(checker->problems, "%s: fetch_proxy is wrong, %s",
                       place_of(checker, "fetch_proxy"), error.text);
    if (kt_networks_parse(checker->settings, text_of(checker, "fetch_allow"), &allowed, &error) < 0)
        kt_problem_add(checker->problems, "%s: fetch_allow is wrong, %s",
                       place_of(checker, "fetch_allow"), error.text);
    fetch->allowed = allowed;
}

/** Take the number of an option, or another one where it is unset. */
static uint32_t number_or(const struct checker *checker, const char *option, uint32_t other)
{
    return text_of(checker, option) != NULL ? (uint32_t)number_of(checker, option) : other;
}

static void take_jobs(const struct checker *checker)
{
    struct kt_jobs_options *jobs = &checker->settings->jobs;
    jobs->runner = text_of(checker, "job_runner");
    jobs->directory = text_of(checker, "job_directory");
    jobs->jobs_max = number_or(checker, "jobs_max", count_cpus());
    jobs->realm_max = number_or(checker, "jobs_realm_max", jobs->jobs_max);
    jobs->queue_max = (uint32_t)number_of(checker, "job_queue");
    jobs->queue_realm_max = number_or(checker, "job_queue_realm", jobs->queue_max);
    jobs->limits.memory_bytes = (uint64_t)number_of(checker, "job_memory");
    jobs->limits.output_bytes = (uint64_t)number_of(checker, "job_output");
    jobs->limits.cpu_ms = number_of(checker, "job_cpu");
    jobs->limits.time_ms = number_of(checker, "job_time");
    jobs->remember_ms = number_of(checker, "job_remember");
    jobs->files_bytes = checker->settings->registry_files_bytes;
    jobs->plugin_dirs = checker->settings->plugin_dir;
}

static void check_store(const struct checker *checker, TALLOC_CTX *context,
                        struct kt_store_options *ret_options)
{
    struct kt_store_address *address = NULL;
    struct kt_error error = {0};
    const char *file = text_of(checker, "store_password_file");
    ret_options->timeout_ms = number_of(checker, "store_timeout");
    if (kt_store_address_read(context, text_of(checker, "store"), &address, &error) < 0)
        kt_problem_add(checker->problems, "%s: store is wrong, %s", place_of(checker, "store"),
                       error.text);
    else if (file != NULL && kt_store_password_read(address, file, &error) < 0)
        kt_problem_add(checker->problems, "%s: store_password_file is wrong, %s",
                       place_of(checker, "store_password_file"), error.text);
    ret_options->address = address;
}

/** Sections beside [kontor] belong to plugins that are loaded. */
static void check_sections(const struct kt_config *config, const char *plugins,
                           struct kt_problems *problems)
{
    for (unsigned i = 0; i < config->count; i++) {
        const struct kt_config_section *section = &config->sections[i];
        if (strcmp(section->name, KT_SETTINGS_SECTION) == 0 ||
            kt_word_contains(plugins, section->name))
            continue;
        size_t distance = SIZE_MAX, length;
        const char *cursor = plugins, *word;
        char nearest[64] = "", name[64];
        while ((length = kt_word_next(&cursor, &word)) > 0) {
            snprintf(name, sizeof(name), "%.*s", (int)length, word);
            if (kt_word_is_nearer(section->name, name, &distance))
                memcpy(nearest, name, sizeof(nearest));
        }
        if (kt_word_is_nearer(section->name, KT_SETTINGS_SECTION, &distance))
            snprintf(nearest, sizeof(nearest), "%s", KT_SETTINGS_SECTION);
        if (nearest[0] != '\0')
            kt_problem_add(problems,
                           "%s: section [%s] is of no plugin that is loaded; did you mean [%s]?",
                           section->place, section->name, nearest);
        else
            kt_problem_add(problems,
                           "%s: section [%s] is of no plugin that is loaded; add %s to plugins in "
                           "[%s]",
                           section->place, section->name, section->name, KT_SETTINGS_SECTION);
    }
}

static void take_texts(const struct checker *checker)
{
    struct kt_settings *settings = checker->settings;
    settings->listen = text_of(checker, "listen");
    settings->listen_place = place_of(checker, "listen");
    settings->plugins = text_of(checker, "plugins");
    settings->plugins_place = place_of(checker, "plugins");
    settings->plugin_dir = text_of(checker, "plugin_dir");
    settings->run_dir = text_of(checker, "run_dir");
    settings->pid_file = text_of(checker, "pid_file");
    settings->mount = text_of(checker, "mount");
    const char *log = text_of(checker, "log");
    settings->log = strcmp(log, "stderr") == 0    ? KT_LOG_CHOICE_STDERR
                    : strcmp(log, "journal") == 0 ? KT_LOG_CHOICE_JOURNAL
                                                  : KT_LOG_CHOICE_AUTO;
    kt_log_level_parse(text_of(checker, "log_level"), &settings->log_level);
    settings->request_log = number_of(checker, "request_log") != 0;
    settings->slow_request_ms = number_of(checker, "slow_request");
}

static void take_numbers(const struct checker *checker)
{
    struct kt_settings *settings = checker->settings;
    settings->workers = (uint32_t)number_of(checker, "workers");
    if (settings->workers == 0)
        settings->workers = count_cpus();
    settings->connections_max = (uint32_t)number_of(checker, "connections_max");
    settings->requests_max = (uint32_t)number_of(checker, "requests_max");
    settings->params_max_bytes = (size_t)number_of(checker, "params_max");
    settings->body_max_bytes = (size_t)number_of(checker, "body_max");
    settings->request_timeout_ms = number_of(checker, "request_timeout");
    settings->transfer_timeout_ms = number_of(checker, "transfer_timeout");
    settings->start_timeout_ms = number_of(checker, "start_timeout");
    settings->drain_timeout_ms = number_of(checker, "drain_timeout");
    settings->stuck_timeout_ms = number_of(checker, "stuck_timeout");
    settings->processes_max = (uint32_t)number_of(checker, "processes_max");
    settings->registry_bytes = (size_t)number_of(checker, "registry_memory");
    settings->registry_files_bytes = (uint64_t)number_of(checker, "registry_files");
    settings->restart_intensity = (uint32_t)number_of(checker, "restart_intensity");
    settings->restart_period_ms = number_of(checker, "restart_period");
    settings->quarantine_crashes = (uint32_t)number_of(checker, "quarantine_crashes");
    settings->quarantine_period_ms = number_of(checker, "quarantine_period");
    settings->quarantine_time_ms = number_of(checker, "quarantine_time");
    settings->quarantine_time_max_ms = number_of(checker, "quarantine_time_max");
    if (settings->quarantine_time_max_ms < settings->quarantine_time_ms)
        kt_problem_add(checker->problems, "%s: quarantine_time_max is less than quarantine_time",
                       place_of(checker, "quarantine_time_max"));
}

int kt_settings_check(TALLOC_CTX *context, const struct kt_config *config,
                      struct kt_problems *problems, struct kt_settings **ret_settings)
{
    size_t before = kt_problems_count(problems);
    struct kt_settings *settings = talloc_zero(context, struct kt_settings);
    if (settings == NULL)
        return -ENOMEM;
    struct kt_section *section = NULL;
    int result = kt_section_check(settings, KT_SETTINGS_SECTION, kt_settings_options, config,
                                  problems, &section);
    if (result != -ENOMEM) {
        struct checker checker = {section, problems, settings};
        take_texts(&checker);
        take_numbers(&checker);
        check_socket(&checker);
        check_user(&checker);
        check_paths(&checker);
        check_fetch(&checker);
        take_jobs(&checker);
        check_store(&checker, settings, &settings->store);
        check_sections(config, settings->plugins, problems);
    }
    if (result != -ENOMEM && settings->pid_file == NULL) {
        settings->pid_file = talloc_asprintf(settings, "%s/kontord.pid", settings->run_dir);
        if (settings->pid_file == NULL)
            result = -ENOMEM;
    }
    if (result == -ENOMEM) {
        talloc_free(settings);
        return result;
    }
    *ret_settings = settings;
    return kt_problems_count(problems) > before ? -EINVAL : 0;
}

int kt_settings_check_store(TALLOC_CTX *context, const struct kt_config *config,
                            struct kt_problems *problems, struct kt_store_options *ret_options)
{
    size_t before = kt_problems_count(problems);
    struct kt_problems *others = kt_problems_new(context);
    struct kt_section *section = NULL;
    if (others == NULL || kt_section_check(context, KT_SETTINGS_SECTION, kt_settings_options, config,
                                           others, &section) == -ENOMEM)
        return -ENOMEM;
    const struct checker checker = {section, problems, NULL};
    check_store(&checker, context, ret_options);
    return kt_problems_count(problems) > before ? -EINVAL : 0;
}

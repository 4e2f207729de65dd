/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * kontorctl's command line: ask a running kontord what it does, or tell it to do something.
 */
#include "config.h"

#include "base/configuration.h"
#include "control/calendar.h"
#include "control/client.h"
#include "control/doctor.h"
#include "control/jobs.h"
#include "control/mailer.h"
#include "control/protocol.h"
#include "control/store.h"
#include "control/view.h"

#include <errno.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/** A healthy process answers within milliseconds; one that does not is stuck. */
#define STATUS_TIMEOUT_MS 2000
/** Processes take longer when there are many. */
#define PROCESSES_TIMEOUT_MS 10000
/** A word of its own for the jobs of the plugin of this name. */
#define VERB_REPORTS "reports"
#define VERB_STORE "store"
#define VERB_DOCTOR "doctor"
#define VERB_CALENDAR "calendar"
#define VERB_MAILER "mailer"
#define CONFIG_FILE KT_SYSCONF_DIR "/kontor/kontor.conf"

struct command {
    const char *run_dir;     /**< NULL: what the configuration says */
    const char *config_path; /**< NULL: the standard one, if it is there */
    const char *verb;
    const char *plugin; /**< to release, else NULL */
    const char *jobs_of;            /**< a plugin; NULL: the jobs of all */
    const char *order, *realm, *id; /**< for a job, else NULL; the order also for the store */
    const char *user; /**< who gets a mail now, else NULL */
    const char *file; /**< of an export or import, else NULL */
    const char *url;  /**< of the web server, for the doctor; else NULL */
    bool is_json, with_processes;
    struct kt_calendar_command calendar;
};

static void print_usage(FILE *stream)
{
    fprintf(
        stream,
        "usage: kontorctl [-c FILE | -r RUN_DIR] status [--json] [--processes]\n"
        "           show master, workers, plugins (and processes)\n"
        "       kontorctl [-c FILE | -r RUN_DIR] reload\n"
        "           read the configuration again and replace the workers; waits until that\n"
        "           has succeeded or failed\n"
        "       kontorctl [-c FILE | -r RUN_DIR] release PLUGIN\n"
        "           let a plugin out of quarantine before its time; waits until it serves again\n"
        "       kontorctl [-c FILE | -r RUN_DIR] jobs | reports [--json]\n"
        "       kontorctl [-c FILE | -r RUN_DIR] jobs | reports cancel | delete REALM ID\n"
        "           show the jobs (or reports), cancel one that has not ended, forget one that has\n"
        "       kontorctl [-c FILE] store export | import [FILE]\n"
        "       kontorctl [-c FILE] store check\n"
        "           write all documents and counters as lines of JSON, read them back, look whether\n"
        "           the store is whole; kontord need not run\n"
        "       kontorctl calendar FILE --from DATE --to DATE [--tz ZONE] [--owner ADDRESS]\n"
        "                 [--breakdown [--working-days DAYS] [--working-hours HOURS]\n"
        "                 [--focus-at-least TIME] [--large-over PEOPLE]]\n"
        "           what an iCalendar file holds between two days, a line of JSON each, or where\n"
        "           the time went; the second day is no longer part of it; kontord need not run\n"
        "       kontorctl [-c FILE | -r RUN_DIR] mailer [--json]\n"
        "       kontorctl [-c FILE | -r RUN_DIR] mailer send USER\n"
        "           how many mailers sleep, until when, and how it went; send one mail now\n"
        "       kontorctl [-c FILE] doctor [--json] [--url URL]\n"
        "           look whether everything is as it must be, and say what is to be done; URL is\n"
        "           where a web server has kontor, http://127.0.0.1/kontor if not given\n"
        "       kontorctl [-c FILE | -r RUN_DIR] stop\n"
        "           finish what is running, and end; waits for it\n"
        "       kontorctl help | --version\n"
        "Which kontord: the one with this run_dir, or with this configuration; by default that\n"
        "of " CONFIG_FILE ".\n");
}

/** Say why nobody answers. @return the exit status */
static int complain(const char *run_dir, int result)
{
    switch (result) {
    case -ENOENT:
    case -ECONNREFUSED:
        fprintf(stderr, "kontorctl: no kontord runs with run_dir %s\n", run_dir);
        break;
    case -EACCES:
        fprintf(stderr,
                "kontorctl: %s/%s is not yours: try as root, or as the user who runs "
                "kontord\n",
                run_dir, KT_CONTROL_MASTER);
        break;
    case -ETIMEDOUT:
        fprintf(stderr, "kontorctl: kontord does not answer\n");
        break;
    default:
        fprintf(stderr, "kontorctl: %s/%s: %s\n", run_dir, KT_CONTROL_MASTER, strerror(-result));
        break;
    }
    return EXIT_FAILURE;
}

/** Ask every living worker, and hang its answer into the master's list. */
static void ask_workers(const struct command *command, cJSON *status)
{
    cJSON *worker;
    cJSON_ArrayForEach(worker, cJSON_GetObjectItem(status, "workers"))
    {
        cJSON *answer = NULL;
        const char *socket_name = cJSON_GetStringValue(cJSON_GetObjectItem(worker, "control"));
        if (socket_name == NULL || strchr(socket_name, '/') != NULL ||
            cJSON_GetNumberValue(cJSON_GetObjectItem(worker, "pid")) <= 0)
            continue;
        int result = kt_client_ask(
            command->run_dir, socket_name,
            command->with_processes ? KT_CONTROL_PROCESSES : KT_CONTROL_STATUS,
            command->with_processes ? PROCESSES_TIMEOUT_MS : STATUS_TIMEOUT_MS, &answer);
        cJSON_AddItemToObject(worker, "inside", result == 0 ? answer : cJSON_CreateNull());
        if (result < 0)
            cJSON_AddStringToObject(worker, "no_answer",
                                    result == -ETIMEDOUT ? "busy or stuck" : strerror(-result));
    }
}

static int run_status(const struct command *command)
{
    cJSON *status;
    int result = kt_client_ask(command->run_dir, KT_CONTROL_MASTER, KT_CONTROL_STATUS,
                               STATUS_TIMEOUT_MS, &status);
    if (result < 0)
        return complain(command->run_dir, result);
    ask_workers(command, status);
    if (command->is_json) {
        char *text = cJSON_Print(status);
        if (text != NULL)
            puts(text);
        cJSON_free(text);
    } else {
        kt_view_status(status, command->with_processes, stdout);
    }
    cJSON_Delete(status);
    return EXIT_SUCCESS;
}

/** Have the master do something, and tell how it went. */
static int run_order(const struct command *command, const char *question, const char *done)
{
    cJSON *answer;
    int result = kt_client_ask(command->run_dir, KT_CONTROL_MASTER, question, -1, &answer);
    if (result < 0)
        return complain(command->run_dir, result);
    bool is_done = cJSON_IsTrue(cJSON_GetObjectItem(answer, "ok"));
    const char *why = cJSON_GetStringValue(cJSON_GetObjectItem(answer, "error"));
    if (command->is_json) {
        char *text = cJSON_PrintUnformatted(answer);
        if (text != NULL)
            puts(text);
        cJSON_free(text);
    } else if (is_done) {
        puts(done);
    } else {
        fprintf(stderr, "kontorctl: %s failed: %s\n", question, why != NULL ? why : "no reason");
    }
    cJSON_Delete(answer);
    return is_done ? EXIT_SUCCESS : EXIT_FAILURE;
}

/** Options without a letter of their own. */
enum { FOCUS_AT_LEAST = 256, LARGE_OVER, WORKING_DAYS, WORKING_HOURS };

/** The options; -h and -v set the verb. @return 0, -EINVAL */
static int parse_options(int argc, char **argv, struct command *command)
{
    static const struct option options[] = {
        {"breakdown", no_argument, NULL, 'b'},
        {"config", required_argument, NULL, 'c'},
        {"focus-at-least", required_argument, NULL, FOCUS_AT_LEAST},
        {"from", required_argument, NULL, 'f'},
        {"help", no_argument, NULL, 'h'},
        {"json", no_argument, NULL, 'j'},
        {"large-over", required_argument, NULL, LARGE_OVER},
        {"owner", required_argument, NULL, 'o'},
        {"processes", no_argument, NULL, 'p'},
        {"run-dir", required_argument, NULL, 'r'},
        {"to", required_argument, NULL, 't'},
        {"tz", required_argument, NULL, 'z'},
        {"url", required_argument, NULL, 'u'},
        {"version", no_argument, NULL, 'v'},
        {"working-days", required_argument, NULL, WORKING_DAYS},
        {"working-hours", required_argument, NULL, WORKING_HOURS},
        {NULL, 0, NULL, 0},
    };
    int option;
    while ((option = getopt_long(argc, argv, "c:r:jphv", options, NULL)) != -1) {
        switch (option) {
        case 'c':
            command->config_path = optarg;
            break;
        case 'r':
            command->run_dir = optarg;
            break;
        case 'b':
            command->calendar.is_breakdown = true;
            break;
        case 'f':
            command->calendar.from = optarg;
            break;
        case 'o':
            command->calendar.owner = optarg;
            break;
        case 't':
            command->calendar.to = optarg;
            break;
        case 'z':
            command->calendar.zone = optarg;
            break;
        case FOCUS_AT_LEAST:
            command->calendar.words.focus_at_least = optarg;
            break;
        case LARGE_OVER:
            command->calendar.words.large_over = optarg;
            break;
        case WORKING_DAYS:
            command->calendar.words.working_days = optarg;
            break;
        case WORKING_HOURS:
            command->calendar.words.working_hours = optarg;
            break;
        case 'u':
            command->url = optarg;
            break;
        case 'j':
            command->is_json = true;
            break;
        case 'p':
            command->with_processes = true;
            break;
        case 'h':
            command->verb = "help";
            return 0;
        case 'v':
            command->verb = "version";
            return 0;
        default:
            return -EINVAL;
        }
    }
    return 0;
}

/* What stands behind a verb. Each of these says how many of the words it takes, or -EINVAL. */

static int take_plugin(struct command *command, char **words, int count)
{
    command->plugin = words[0];
    return count > 0 ? 1 : -EINVAL;
}

static int take_job(struct command *command, char **words, int count)
{
    if (count < 3)
        return 0; /* the list */
    command->order = words[0];
    command->realm = words[1];
    command->id = words[2];
    bool is_known = strcmp(words[0], "cancel") == 0 || strcmp(words[0], "delete") == 0;
    return is_known ? 3 : -EINVAL;
}

static int take_report(struct command *command, char **words, int count)
{
    command->verb = KT_CONTROL_JOBS;
    command->jobs_of = VERB_REPORTS;
    return take_job(command, words, count);
}

static int take_mail(struct command *command, char **words, int count)
{
    if (count == 0)
        return 0; /* how it stands */
    if (count < 2 || strcmp(words[0], "send") != 0)
        return -EINVAL;
    command->user = words[1];
    return 2;
}

static int take_store(struct command *command, char **words, int count)
{
    if (count == 0)
        return -EINVAL;
    command->order = words[0];
    if (strcmp(words[0], "check") == 0)
        return 1;
    if (strcmp(words[0], "export") != 0 && strcmp(words[0], "import") != 0)
        return -EINVAL;
    command->file = words[1]; /* NULL: standard input or output */
    return count > 1 ? 2 : 1;
}

static int take_calendar(struct command *command, char **words, int count)
{
    if (count == 0 || command->calendar.from == NULL || command->calendar.to == NULL)
        return -EINVAL;
    command->calendar.file = words[0];
    return 1;
}

/** @return 0, or -EINVAL when the command line makes no sense */
static int parse(int argc, char **argv, struct command *command)
{
    static const struct {
        const char *verb;
        int (*take)(struct command *command, char **words, int count);
    } verbs[] = {
        {KT_CONTROL_RELEASE, take_plugin}, {KT_CONTROL_JOBS, take_job},
        {VERB_REPORTS, take_report},       {VERB_MAILER, take_mail},
        {VERB_STORE, take_store},          {VERB_CALENDAR, take_calendar},
    };
    int result = parse_options(argc, argv, command), taken = 0;
    if (result < 0 || command->verb != NULL)
        return result;
    if (optind >= argc)
        return -EINVAL;
    command->verb = argv[optind++];
    for (size_t i = 0; i < sizeof(verbs) / sizeof(*verbs); i++) {
        if (strcmp(argv[optind - 1], verbs[i].verb) == 0)
            taken = verbs[i].take(command, argv + optind, argc - optind);
    }
    return taken == argc - optind ? 0 : -EINVAL;
}

static int run_release(const struct command *command)
{
    char question[KT_CONTROL_LINE_MAX];
    int length = snprintf(question, sizeof(question), KT_CONTROL_RELEASE " %s", command->plugin);
    /* room for the newline behind it */
    if (length < 0 || (size_t)length + 1 >= sizeof(question) ||
        strchr(command->plugin, '\n') != NULL) {
        fprintf(stderr, "kontorctl: '%s' is no name of a plugin\n", command->plugin);
        return EXIT_FAILURE;
    }
    return run_order(command, question, "released");
}

static int run_jobs(const struct command *command)
{
    const struct kt_jobs_command jobs = {
        .run_dir = command->run_dir,
        .plugin = command->jobs_of,
        .order = command->order,
        .realm = command->realm,
        .id = command->id,
        .is_json = command->is_json,
        .timeout_ms = PROCESSES_TIMEOUT_MS,
    };
    int result = kt_jobs_command(&jobs);
    return result < 0 ? complain(command->run_dir, result) : result;
}

static int run_mailer(const struct command *command)
{
    int result = kt_mailer_command(&(struct kt_mailer_command){.run_dir = command->run_dir,
                                                               .user = command->user,
                                                               .is_json = command->is_json,
                                                               .timeout_ms = PROCESSES_TIMEOUT_MS});
    return result < 0 ? complain(command->run_dir, result) : result;
}

/** Take run_dir from the configuration. @return 0 or a negative errno, which has been told */
static int find_run_dir(TALLOC_CTX *context, struct command *command)
{
    if (command->run_dir != NULL)
        return 0;
    struct kt_config *config = NULL;
    struct kt_problems *problems = kt_problems_new(context);
    const char *path = command->config_path != NULL ? command->config_path : CONFIG_FILE;
    int result = problems != NULL ? kt_config_read(context, path, problems, &config) : -ENOMEM;
    command->run_dir = KT_RUN_DIR;
    if (result < 0 && command->config_path != NULL) {
        const char *why = problems != NULL ? kt_problems_text(problems, 0) : NULL;
        fprintf(stderr, "kontorctl: %s\n", why != NULL ? why : "out of memory");
        return result;
    }
    const struct kt_config_entry *entry =
        config != NULL ? kt_config_entry(kt_config_section(config, "kontor"), "run_dir") : NULL;
    if (entry != NULL)
        command->run_dir = entry->value;
    return 0;
}

static int run(struct command *command)
{
    int status = EXIT_FAILURE;
    TALLOC_CTX *context = talloc_new(NULL);
    if (find_run_dir(context, command) == 0) {
        if (strcmp(command->verb, KT_CONTROL_STATUS) == 0)
            status = run_status(command);
        else if (strcmp(command->verb, KT_CONTROL_RELOAD) == 0)
            status = run_order(command, KT_CONTROL_RELOAD, "reloaded");
        else if (strcmp(command->verb, KT_CONTROL_RELEASE) == 0)
            status = run_release(command);
        else if (strcmp(command->verb, KT_CONTROL_JOBS) == 0)
            status = run_jobs(command);
        else if (strcmp(command->verb, VERB_MAILER) == 0)
            status = run_mailer(command);
        else
            status = run_order(command, KT_CONTROL_STOP, "stopped");
    }
    talloc_free(context);
    return status;
}

int main(int argc, char **argv)
{
    struct command command = {0};
    if (parse(argc, argv, &command) < 0) {
        print_usage(stderr);
        return 2; /* as other programs do: the command line is wrong */
    }
    if (strcmp(command.verb, KT_CONTROL_STATUS) == 0 ||
        strcmp(command.verb, KT_CONTROL_RELOAD) == 0 ||
        strcmp(command.verb, KT_CONTROL_RELEASE) == 0 ||
        strcmp(command.verb, KT_CONTROL_JOBS) == 0 || strcmp(command.verb, VERB_MAILER) == 0 ||
        strcmp(command.verb, KT_CONTROL_STOP) == 0)
        return run(&command);
    if (strcmp(command.verb, VERB_STORE) == 0)
        return kt_store_command(&(struct kt_store_command){
            .config_path = command.config_path != NULL ? command.config_path : CONFIG_FILE,
            .order = command.order,
            .file = command.file,
        });
    if (strcmp(command.verb, VERB_DOCTOR) == 0)
        return kt_doctor_command(&(struct kt_doctor_command){
            .config_path = command.config_path != NULL ? command.config_path : CONFIG_FILE,
            .url = command.url,
            .is_json = command.is_json,
        });
    if (strcmp(command.verb, VERB_CALENDAR) == 0)
        return kt_calendar_command(&command.calendar);
    if (strcmp(command.verb, "version") == 0) {
        puts("kontorctl " PACKAGE_VERSION);
        return EXIT_SUCCESS;
    }
    if (strcmp(command.verb, "help") == 0) {
        print_usage(stdout);
        return EXIT_SUCCESS;
    }
    fprintf(stderr, "kontorctl: what does '%s' mean?\n", command.verb);
    print_usage(stderr);
    return 2;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * kontord's command line: serve, check the configuration, list options.
 */
#include "config.h"

#include "base/log.h"
#include "master/daemon.h"
#include "master/listen.h"
#include "master/master.h"
#include "plugin/loader.h"
#include "plugin/option.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/** What the command line asks for. */
struct command {
    const char *config_path;
    bool is_foreground, is_test, is_version, is_help;
    char **names; /**< of plugins, behind -h; ends with NULL */
};

static void print_usage(FILE *stream)
{
    fprintf(stream, "usage: kontord [-c FILE] [-f]      serve; -f: in the foreground\n"
                    "       kontord [-c FILE] -t        check the configuration and the plugins\n"
                    "       kontord [-c FILE] -h [PLUGIN ...]\n"
                    "                                   list options, of kontord or of plugins\n"
                    "       kontord -v                  say which version this is\n"
                    "FILE is " KT_SETTINGS_FILE " unless given.\n");
}

static void print_problems(const struct kt_problems *problems)
{
    const char *text;
    for (size_t i = 0; (text = kt_problems_text(problems, i)) != NULL; i++)
        fprintf(stderr, "%s\n", text);
    if (kt_problems_count(problems) > KT_PROBLEMS_MAX)
        fprintf(stderr, "and %zu more\n", kt_problems_count(problems) - KT_PROBLEMS_MAX);
}

static int run_out_of_memory(void)
{
    fprintf(stderr, "kontord: out of memory\n");
    return EXIT_FAILURE;
}

/* ---------------------------------------------------------------- -t */

/** Check everything that can be checked without serving, and tell all of it. */
static int run_test(TALLOC_CTX *context, const struct command *command)
{
    struct kt_problems *problems = kt_problems_new(context);
    struct kt_config *config = NULL;
    struct kt_settings *settings = NULL;
    struct kt_plugins *plugins = NULL;
    if (problems == NULL ||
        kt_config_read(context, command->config_path, problems, &config) == -ENOMEM ||
        kt_settings_check(context, config, problems, &settings) == -ENOMEM)
        return run_out_of_memory();
    kt_listeners_check(settings, problems);
    const struct kt_plugins_wanted wanted = {
        .names = settings->plugins,
        .place = settings->plugins_place,
        .directories = settings->plugin_dir,
        .owner = geteuid(),
        .config = config,
    };
    if (kt_plugins_load(context, &wanted, problems, &plugins) == -ENOMEM)
        return run_out_of_memory();
    size_t count = kt_problems_count(problems);
    print_problems(problems);
    if (count > 0) {
        fprintf(stderr, "configuration %s has %zu problem%s\n", command->config_path, count,
                count == 1 ? "" : "s");
        return EXIT_FAILURE;
    }
    printf("configuration %s is fine\n", command->config_path);
    return EXIT_SUCCESS;
}

/* ---------------------------------------------------------------- -h */

static int print_plugin(TALLOC_CTX *context, const char *name, const char *directories)
{
    struct kt_plugin *plugin;
    struct kt_error error;
    if (kt_plugin_load(context, name, directories, geteuid(), &plugin, &error) < 0) {
        fprintf(stderr, "kontord: %s\n", error.text);
        return EXIT_FAILURE;
    }
    const struct kt_plugin_descriptor *descriptor = plugin->descriptor;
    printf("%s%s%s: %s\n\n", descriptor->name, descriptor->version != NULL ? " " : "",
           descriptor->version != NULL ? descriptor->version : "",
           descriptor->summary != NULL ? descriptor->summary : "");
    if (descriptor->options == NULL || descriptor->options[0].name == NULL) {
        printf("It has no options.\n");
        return EXIT_SUCCESS;
    }
    printf("Options of the section [%s]:\n", descriptor->name);
    kt_options_print(stdout, descriptor->options);
    return EXIT_SUCCESS;
}

static int run_help(TALLOC_CTX *context, const struct command *command)
{
    if (command->names[0] == NULL) {
        print_usage(stdout);
        printf("\nOptions of the section [" KT_SETTINGS_SECTION "]:\n");
        kt_options_print(stdout, kt_settings_options);
        return EXIT_SUCCESS;
    }
    /* the configuration says where plugins are; its mistakes don't matter here */
    struct kt_problems *problems = kt_problems_new(context);
    struct kt_config *config = NULL;
    struct kt_settings *settings = NULL;
    if (problems == NULL ||
        kt_config_read(context, command->config_path, problems, &config) == -ENOMEM ||
        kt_settings_check(context, config, problems, &settings) == -ENOMEM)
        return run_out_of_memory();
    int status = EXIT_SUCCESS;
    for (char **name = command->names; *name != NULL; name++)
        if (print_plugin(context, *name, settings->plugin_dir) != EXIT_SUCCESS)
            status = EXIT_FAILURE;
    return status;
}

/* ---------------------------------------------------------------- serving */

/** A daemon changes its directory: what it reads again needs an absolute path. */
static const char *absolute_path(TALLOC_CTX *context, const char *path)
{
    char *directory = path[0] == '/' ? NULL : getcwd(NULL, 0);
    if (directory == NULL)
        return path;
    const char *absolute = talloc_asprintf(context, "%s/%s", directory, path);
    free(directory);
    return absolute != NULL ? absolute : path;
}

static int run_server(TALLOC_CTX *context, const struct command *command)
{
    struct kt_problems *problems = kt_problems_new(context);
    struct kt_config *config = NULL;
    struct kt_settings *settings = NULL;
    const char *path = absolute_path(context, command->config_path);
    if (problems == NULL || kt_config_read(context, path, problems, &config) == -ENOMEM ||
        kt_settings_check(context, config, problems, &settings) == -ENOMEM)
        return run_out_of_memory();
    if (kt_problems_count(problems) > 0) {
        kt_problems_log(problems, KT_LOG_ERROR);
        return EXIT_FAILURE;
    }
    /* Who starts us with a socket waits for us to end, and for nothing else. */
    bool is_foreground = kt_listeners_inherit() || command->is_foreground;
    int report_fd = -1;
    if (!is_foreground) {
        report_fd = kt_daemon_start();
        if (report_fd < 0) {
            fprintf(stderr, "kontord: cannot become a daemon: %s\n", strerror(-report_fd));
            return EXIT_FAILURE;
        }
    }
    return kt_master_run(context, config, settings, is_foreground, report_fd);
}

/* ---------------------------------------------------------------- the command line */

/**
 * Whoever starts a FastCGI application may leave it nothing but descriptor 0 (FastCGI 1.0, 2.2);
 * what we open must not become standard output or error by chance.
 */
static void fill_standard_descriptors(void)
{
    int fd;
    do
        fd = open("/dev/null", O_RDWR);
    while (fd >= 0 && fd <= STDERR_FILENO);
    if (fd >= 0)
        close(fd);
}

static int parse(int argc, char **argv, struct command *command)
{
    static const struct option options[] = {
        {"config", required_argument, NULL, 'c'},
        {"foreground", no_argument, NULL, 'f'},
        {"test", no_argument, NULL, 't'},
        {"version", no_argument, NULL, 'v'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    int option;
    while ((option = getopt_long(argc, argv, "c:ftvh", options, NULL)) != -1) {
        switch (option) {
        case 'c':
            command->config_path = optarg;
            break;
        case 'f':
            command->is_foreground = true;
            break;
        case 't':
            command->is_test = true;
            break;
        case 'v':
            command->is_version = true;
            break;
        case 'h':
            command->is_help = true;
            break;
        default:
            return -EINVAL;
        }
    }
    command->names = argv + optind;
    if (optind < argc && !command->is_help) {
        fprintf(stderr, "kontord: what does '%s' mean?\n", argv[optind]);
        return -EINVAL;
    }
    return 0;
}

int main(int argc, char **argv)
{
    struct command command = {.config_path = KT_SETTINGS_FILE};
    fill_standard_descriptors();
    if (parse(argc, argv, &command) < 0) {
        print_usage(stderr);
        return 2; /* as other programs do: the command line is wrong */
    }
    if (command.is_version) {
        printf("kontord " PACKAGE_VERSION "\n");
        return EXIT_SUCCESS;
    }
    TALLOC_CTX *context = talloc_new(NULL);
    int status = command.is_help   ? run_help(context, &command)
                 : command.is_test ? run_test(context, &command)
                                   : run_server(context, &command);
    talloc_free(context);
    return status;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Plugins: one directory, one module, one exported symbol. A plugin says what it is with
 * KT_PLUGIN, and in `start` registers routes and children. Everything it registers carries its
 * name. See plugins/skeleton for a complete one.
 */
#ifndef KONTOR_PLUGIN_H
#define KONTOR_PLUGIN_H

#include <kontor/job.h>
#include <kontor/option.h>
#include <kontor/request.h>
#include <kontor/supervisor.h>

/** The API that this header describes: majors must be equal, a plugin's minor not above ours. */
#define KT_API_MAJOR 0
#define KT_API_MINOR 4
/** "KTPL": marks a descriptor. */
#define KT_PLUGIN_MAGIC 0x4b54504cu

/** A loaded plugin, as its own functions see it. Lives as long as the worker. */
struct kt_plugin;

/** What a plugin says of itself. */
struct kt_plugin_descriptor {
    uint32_t magic;
    uint32_t size;
    uint16_t api_major, api_minor;
    const char *name; /**< [a-z][a-z0-9_-]{0,30}; also its section and its path */
    const char *version;
    const char *summary;             /**< one line for people */
    const struct kt_option *options; /**< NULL: none */
    /**
     * Check the options beyond what their declaration says; also run by `kontord -t`, so without
     * side effects. May be NULL. Runs outside of a process. @return 0 or a negative errno, filled
     * error with the words
     */
    int (*check)(const struct kt_plugin *plugin, struct kt_error *error);
    /**
     * Register routes and children. Runs in a process of the plugin, may park; what it spawns with
     * kt_plugin_child is supervised, restarts and ends with the plugin.
     * @return 0 or a negative errno: the worker does not start
     */
    int (*start)(struct kt_plugin *plugin, struct kt_error *error);
    const struct kt_job_kind *jobs; /**< kinds of jobs that it has, ended by a NULL name; NULL: none.
                                         Since 0.2 */
};

/** The one symbol a plugin exports. */
#define KT_PLUGIN(...)                                                                             \
    KT_PUBLIC extern const struct kt_plugin_descriptor kt_plugin_descriptor;                       \
    const struct kt_plugin_descriptor kt_plugin_descriptor = {                                     \
        .magic = KT_PLUGIN_MAGIC,                                                                  \
        .size = sizeof(struct kt_plugin_descriptor),                                               \
        .api_major = KT_API_MAJOR,                                                                 \
        .api_minor = KT_API_MINOR,                                                                 \
        __VA_ARGS__}

/** The plugin's name. */
KT_PUBLIC const char *kt_plugin_name(const struct kt_plugin *plugin);

/** The value of a declared string, path or choice option; NULL if unset without a default. */
KT_PUBLIC const char *kt_plugin_string(const struct kt_plugin *plugin, const char *option);
/** The value of a declared integer, size (bytes) or duration (ms) option; 0 if unset. */
KT_PUBLIC int64_t kt_plugin_integer(const struct kt_plugin *plugin, const char *option);
/** The value of a declared boolean option. */
KT_PUBLIC bool kt_plugin_boolean(const struct kt_plugin *plugin, const char *option);
/** "file:line" where the option was set, or "the default"; for messages of check. */
KT_PUBLIC const char *kt_plugin_option_place(const struct kt_plugin *plugin, const char *option);

/**
 * Route requests to a handler; each request runs in a process of its own.
 * @param method   "GET" (HEAD is served as well), "POST" …, or "*" for any
 * @param pattern  the path below /api/<plugin>: "/week", "/kvs/{key}" ({key} matches one segment),
 *                 "/files/" … a pattern ending in "/" followed by an asterisk matches any rest
 * @param handler  called with the request; when it returns, the answer is complete
 * @param context  for the handler: kt_request_context
 * @return 0, -EEXIST (same method and pattern), -EINVAL
 */
KT_PUBLIC int kt_plugin_route(struct kt_plugin *plugin, const char *method, const char *pattern,
                              void (*handler)(struct kt_request *request), void *context);

/**
 * Route one of the addresses at the root of kontor that operators and their programs expect there:
 * "/status" and "/metrics".
 * @return as kt_plugin_route; -EINVAL for any other address
 */
KT_PUBLIC int kt_plugin_route_root(struct kt_plugin *plugin, const char *pattern,
                                   void (*handler)(struct kt_request *request), void *context);

/**
 * Route requests in one of the roles; with KT_ROLE_RESPONDER the same as kt_plugin_route. The other
 * roles are about the web server's own pages, so that their patterns begin at the root of the site:
 * "/private/" and an asterisk, say. A page that no authorizer is routed for is denied (403).
 * @return as kt_plugin_route; -EEXIST also for an authorizer of pages that another plugin has an
 *         authorizer for: who decides must not depend on which of the two is there
 */
KT_PUBLIC int kt_plugin_route_role(struct kt_plugin *plugin, enum kt_role role, const char *method,
                                   const char *pattern, void (*handler)(struct kt_request *request),
                                   void *context);

/** A stock FastCGI handler, as written for libfcgi's loop; its result is the application status. */
typedef int kt_fcgx_handler(FCGX_Stream *in, FCGX_Stream *out, FCGX_Stream *err,
                            FCGX_ParamArray envp);

/** Route requests to a stock FCGX handler; otherwise as kt_plugin_route. */
KT_PUBLIC int kt_plugin_route_fcgx(struct kt_plugin *plugin, const char *method,
                                   const char *pattern, kt_fcgx_handler *handler);

/**
 * Route requests in one of the roles to a stock FCGX handler, which finds the role in the parameter
 * FCGI_ROLE; otherwise as kt_plugin_route_role. An authorizer allows by status 200, as in CGI.
 */
KT_PUBLIC int kt_plugin_route_role_fcgx(struct kt_plugin *plugin, enum kt_role role,
                                        const char *method, const char *pattern,
                                        kt_fcgx_handler *handler);

/**
 * Start a child under the plugin's supervisor (one_for_one), in the order of the calls.
 * @return as kt_supervisor_add. Parks.
 */
KT_PUBLIC int kt_plugin_child(struct kt_plugin *plugin, const struct kt_child *child,
                              kt_pid *ret_pid);

/**
 * What kontorctl asks a plugin: a call of this type, whose text is the question, to the server named
 * PLUGIN.control of a worker, if there is one. The reply is JSON.
 */
#define KT_PLUGIN_CONTROL 1u
#define KT_PLUGIN_CONTROL_SUFFIX ".control"

#endif

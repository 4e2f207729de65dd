/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The life of a worker: starting → serving → draining → stopping. One process, "worker", starts
 * the tree and opens the door; callbacks of the loop (signals, the master) only tell it to go on.
 */
#include "config.h"

#include "worker/worker.h"

#include "http/service.h"
#include "job/jobs.h"
#include "plugin/loader.h"
#include "process/runtime.h"
#include "registry/client.h"
#include "store/store.h"
#include "worker/control.h"
#include "worker/status.h"
#include "base/packet.h"
#include "worker/tree.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sysexits.h>
#include <unistd.h>

enum state { STARTING, SERVING, DRAINING, STOPPING };

static const char *const state_names[] = {
    [STARTING] = "starting",
    [SERVING] = "serving",
    [DRAINING] = "draining",
    [STOPPING] = "stopping",
};

/** The messages by which callbacks tell the process "worker" that it should end, and that nothing
 * is left to serve. */
#define MESSAGE_DRAINING 1u
#define MESSAGE_IDLE 2u
/** What is left of the time for draining when jobs are told to end: they get a few seconds. */
#define JOBS_END_MS 5000

/** The worker of this OS process. */
static struct {
    const struct kt_worker_start *start;
    struct kt_plugins *plugins;
    enum state state;
    int status; /**< to exit with */
    kt_pid pid; /**< of the process "worker" */
    uv_poll_t master;
    uv_signal_t terminate;
    uv_prepare_t count;
    uv_timer_t heartbeat;
    struct kt_control *control;
    kt_pid jobs;      /**< the supervisor of the dispatcher */
    int64_t drain_ms; /**< when draining began */
    bool is_replaced; /**< other workers go on: jobs may take their time */
    bool is_over;     /**< the loop has been told to stop */
    bool is_cut_off;  /**< from the registry, and the master is yet to be told */
} worker;

static void set_state(enum state state)
{
    kt_log_debug("the worker is %s after being %s", state_names[state], state_names[worker.state]);
    worker.state = state;
}

const char *kt_worker_state(void)
{
    return state_names[worker.state];
}

/* ---------------------------------------------------------------- the master */

static void tell_master(const char *packet)
{
    if (send(worker.start->master_fd, packet, strlen(packet), MSG_NOSIGNAL) < 0)
        kt_log_warning("cannot tell the master '%s': %s", packet, strerror(errno));
}

static void on_master(uv_poll_t *handle, int status, int events);

/** Ask the master to replace this worker. @return whether it could be told */
static bool tell_cut_off(void)
{
    bool is_told = send(worker.start->master_fd, KT_WORKER_CUT_OFF, strlen(KT_WORKER_CUT_OFF),
                        MSG_NOSIGNAL) >= 0;
    worker.is_cut_off = !is_told;
    return is_told;
}

/** The registry may be well, and only this worker without it. */
static void on_registry_lost(void *argument)
{
    (void)argument;
    if (!tell_cut_off() && uv_is_active((uv_handle_t *)&worker.master))
        uv_poll_start(&worker.master, UV_READABLE | UV_DISCONNECT | UV_WRITABLE, on_master);
}

/** Tell the log and the master why this worker cannot start. @return the exit status */
static int fail(int status, const char *text)
{
    char packet[KT_WORKER_PACKET_MAX];
    kt_log_error("%s", text);
    snprintf(packet, sizeof(packet), KT_WORKER_FAILED "%s", text);
    tell_master(packet);
    return status;
}

/* ---------------------------------------------------------------- draining */

static void on_idle(void *argument)
{
    (void)argument;
    kt_send(worker.pid, MESSAGE_IDLE, NULL, 0);
}

/** No idle connection is left, and nobody gets in. */
static void on_given(void *argument)
{
    (void)argument;
    if (worker.is_replaced)
        tell_master(KT_WORKER_RETIRED);
}

/** Offer a connection to the master, which has others who serve. @return whether it is taken */
static bool give_connection(void *argument, int fd)
{
    (void)argument;
    return kt_packet_send(worker.start->master_fd, KT_WORKER_CONNECTION, fd) == 0;
}

/** Stop in good order; a second call changes nothing. From the loop. */
static void drain(const char *why, bool gives_connections)
{
    switch (worker.state) {
    case STARTING:
        kt_log_info("%s before the worker was ready", why);
        set_state(STOPPING);
        worker.is_over = true;
        kt_runtime_stop();
        break;
    case SERVING:
        kt_log_info("%s: finishing what is running", why);
        set_state(DRAINING);
        worker.is_replaced = gives_connections;
        worker.drain_ms = kt_now_ms();
        kt_send(worker.pid, MESSAGE_DRAINING, NULL, 0);
        kt_service_drain(gives_connections ? give_connection : NULL, on_given, on_idle, NULL);
        break;
    case DRAINING:
    case STOPPING:
        break;
    }
}

static void on_terminate(uv_signal_t *handle, int number)
{
    (void)handle;
    (void)number;
    drain("told to end by a signal", false);
}

/** Take one packet of the master. @return false when there is none now */
static bool hear_master(uv_poll_t *handle, bool is_broken)
{
    char packet[KT_WORKER_PACKET_MAX];
    int fd = -1;
    ssize_t size =
        is_broken ? 0 : kt_packet_receive(worker.start->master_fd, packet, sizeof(packet), &fd);
    if (size == -EAGAIN)
        return false;
    if (size <= 0) {
        uv_poll_stop(handle);
        /* Nobody is left who would end us when this takes too long. */
        alarm((unsigned)(worker.start->settings->drain_timeout_ms / 1000) + 1);
        drain("the master is gone", false);
        return false;
    }
    if (strcmp(packet, KT_WORKER_DRAIN) == 0) {
        drain("told to end by the master", false);
    } else if (strcmp(packet, KT_WORKER_RETIRE) == 0) {
        drain("replaced by new workers", true);
    } else if (strcmp(packet, KT_WORKER_CONNECTION) == 0 && fd >= 0) {
        kt_service_adopt(fd);
        fd = -1;
    }
    if (fd >= 0)
        close(fd);
    return true;
}

static void on_master(uv_poll_t *handle, int status, int events)
{
    if (worker.is_cut_off && (events & UV_WRITABLE) != 0 && tell_cut_off())
        uv_poll_start(handle, UV_READABLE | UV_DISCONNECT, on_master);
    while (hear_master(handle, status < 0))
        ;
}

/* ---------------------------------------------------------------- the process "worker" */

static int open_door(struct kt_error *error)
{
    const struct kt_settings *settings = worker.start->settings;
    const struct kt_service_options options = {
        .balance = worker.start->balance,
        .place = worker.start->number - 1,
        .connections_max = settings->connections_max,
        .requests_max = settings->requests_max,
        .params_max_bytes = settings->params_max_bytes,
        .body_max_bytes = settings->body_max_bytes,
        .request_timeout_ms = settings->request_timeout_ms,
        .transfer_timeout_ms = settings->transfer_timeout_ms,
        .mount = settings->mount,
        .log_requests = settings->request_log,
        .slow_request_ms = settings->slow_request_ms,
    };
    return kt_service_start(&options, worker.start->listen_fds, worker.start->listen_count, error);
}

/** Have the loop return, and the OS process end with this status. */
static void stop_loop(int status)
{
    worker.status = status;
    worker.is_over = true;
    kt_runtime_stop();
}

static _Noreturn void give_up(int status)
{
    stop_loop(status);
    kt_exit(KT_EXIT_SHUTDOWN, "the worker stops");
}

/** Without the process "worker" nobody would hear of failures, nor of the end: another one is
 * needed. */
static void on_end(void *argument, const struct kt_exit *exit)
{
    char text[KT_ERROR_TEXT_MAX];
    (void)argument;
    if (worker.is_over)
        return;
    snprintf(text, sizeof(text), "its process 'worker' has ended (%s): this worker ends",
             exit->text);
    stop_loop(fail(EX_SOFTWARE, text));
}

/** The tree has ended: tell which plugin failed too often. @return the exit status */
static int blame_plugin(const struct kt_plugin *plugin, const char *why)
{
    char text[KT_ERROR_TEXT_MAX];
    if (plugin == NULL) {
        snprintf(text, sizeof(text), "plugins keep failing (%s): this worker ends", why);
    } else {
        snprintf(text, sizeof(text), "plugin '%s' keeps failing (%s): this worker ends",
                 kt_plugin_name(plugin), why);
        kt_crash_blame(worker.start->note, plugin->number, kt_plugin_name(plugin));
    }
    return fail(EX_SOFTWARE, text);
}

/** How long jobs may go on within the time that draining may take. */
static int64_t patience_ms(void)
{
    int64_t left_ms =
        worker.drain_ms + worker.start->settings->drain_timeout_ms - JOBS_END_MS - kt_now_ms();
    return left_ms > 0 ? left_ms : 0;
}

/** Jobs that others wait for may end by themselves before they are told to. */
static void end_jobs(void)
{
    if (worker.is_replaced)
        kt_jobs_end(patience_ms(), "it was interrupted: kontor was given a new configuration");
    else
        kt_jobs_end(0, "it was interrupted: kontor was stopped");
}

/** Serve until the tree ends (a failure) or nothing is left to serve. */
static void serve(struct kt_tree *tree)
{
    const struct kt_message *message;
    bool are_jobs_ended = false;
    for (;;) {
        bool may_end_jobs = worker.state == DRAINING && !are_jobs_ended;
        if (kt_receive(may_end_jobs ? patience_ms() : -1, &message) < 0) {
            end_jobs(); /* else requests that wait for one, and it, would wait for each other */
            are_jobs_ended = true;
            continue;
        }
        if (message->type == MESSAGE_DRAINING)
            continue;
        if (message->type == MESSAGE_IDLE) {
            end_jobs();
            set_state(STOPPING);
            kt_tree_stop(tree);
            give_up(EX_OK);
        }
        const struct kt_down *down = message->data;
        if (message->type == KT_MESSAGE_EXIT && down->pid == kt_tree_root(tree)) {
            give_up(blame_plugin(kt_tree_last_failure(tree), down->exit.text));
        }
        if (message->type == KT_MESSAGE_EXIT && down->pid == worker.jobs)
            give_up(fail(EX_SOFTWARE, "the dispatcher of jobs keeps failing: this worker ends"));
    }
}

static void worker_main(void *argument)
{
    struct kt_tree *tree;
    struct kt_error error = {0};
    (void)argument;
    int result = kt_jobs_start(&worker.jobs);
    if (result < 0)
        give_up(fail(EX_SOFTWARE, "the dispatcher of jobs did not start"));
    result = kt_tree_start(worker.plugins, &tree, &error);
    if (result < 0)
        give_up(fail(result == -EOWNERDEAD ? EX_SOFTWARE : EX_CONFIG, error.text));
    result = kt_left_out_route(worker.start->left_out, worker.start->left_out_count, &error);
    if (result == 0)
        result = open_door(&error);
    if (result < 0)
        give_up(fail(EX_OSERR, error.text));
    set_state(SERVING);
    tell_master(KT_WORKER_READY);
    serve(tree);
}

/* ---------------------------------------------------------------- before and after */

/** Keep the shared page up to date; runs once in each turn of the loop. */
static void on_count(uv_prepare_t *handle)
{
    struct kt_service_counts service;
    struct kt_runtime_counts runtime;
    struct kt_note *note = worker.start->note;
    (void)handle;
    kt_service_counts(&service);
    kt_runtime_counts(&runtime);
    atomic_store_explicit(&note->requests_total, service.requests_total, memory_order_relaxed);
    atomic_store_explicit(&note->requests, service.requests, memory_order_relaxed);
    atomic_store_explicit(&note->processes, runtime.processes, memory_order_relaxed);
    atomic_fetch_add_explicit(&note->turns, 1, memory_order_relaxed);
}

/** The loop turns by that alone, also when there is nothing to do: the master looks whether it
 * does. */
static void on_heartbeat(uv_timer_t *handle)
{
    (void)handle;
}

/** Before a plugin is loaded: it is at fault for what happens now, or left out. */
static bool admit_plugin(void *argument, uint32_t number, const char *name)
{
    const struct kt_worker_start *start = argument;
    for (size_t i = 0; i < start->left_out_count; i++)
        if (strcmp(start->left_out[i].name, name) == 0)
            return false;
    kt_crash_blame(start->note, number, name);
    return true;
}

static int load_plugins(TALLOC_CTX *context)
{
    const struct kt_worker_start *start = worker.start;
    struct kt_problems *problems = kt_problems_new(context);
    if (problems == NULL)
        return fail(EX_OSERR, "out of memory");
    const struct kt_plugins_wanted wanted = {
        .names = start->settings->plugins,
        .place = start->settings->plugins_place,
        .directories = start->settings->plugin_dir,
        .owner = start->plugin_owner,
        .config = start->config,
        .admit = admit_plugin,
        .argument = (void *)(uintptr_t)start,
    };
    int result = kt_plugins_load(context, &wanted, problems, &worker.plugins);
    kt_crash_blame(start->note, 0, NULL);
    if (result == 0) {
        kt_crash_map(start->note, worker.plugins);
        return EX_OK;
    }
    size_t count = kt_problems_count(problems);
    if (count == 0)
        return fail(EX_OSERR, "out of memory");
    for (size_t i = 1; kt_problems_text(problems, i) != NULL; i++)
        kt_log_error("%s", kt_problems_text(problems, i));
    return fail(EX_CONFIG, kt_problems_text(problems, 0));
}

static int watch_loop(void)
{
    uv_loop_t *loop = kt_runtime_loop();
    int result = uv_poll_init(loop, &worker.master, worker.start->master_fd);
    if (result == 0)
        result = uv_poll_start(&worker.master, UV_READABLE | UV_DISCONNECT, on_master);
    if (result == 0)
        result = uv_signal_init(loop, &worker.terminate);
    if (result == 0)
        result = uv_signal_start(&worker.terminate, on_terminate, SIGTERM);
    if (result == 0)
        result = uv_prepare_init(loop, &worker.count);
    if (result == 0)
        result = uv_prepare_start(&worker.count, on_count);
    if (result == 0)
        result = uv_timer_init(loop, &worker.heartbeat);
    if (result == 0 && worker.start->heartbeat_ms > 0)
        result = uv_timer_start(&worker.heartbeat, on_heartbeat, worker.start->heartbeat_ms,
                                worker.start->heartbeat_ms);
    if (result == 0)
        kt_status_start(worker.start, worker.plugins);
    if (result == 0)
        result = kt_control_start(worker.start->control_fd, &worker.control);
    return result;
}

static int open_jobs(void)
{
    struct kt_jobs_options options = worker.start->settings->jobs;
    options.config = worker.start->config;
    options.plugin_owner = worker.start->plugin_owner;
    return kt_jobs_open(&options);
}

/** Without its store a worker serves what needs none. */
static void open_store(void)
{
    struct kt_error error = {0};
    if (kt_store_start(&worker.start->settings->store, &error) < 0)
        kt_log_error("the store cannot be used: %s", error.text);
}

static int run(void)
{
    struct kt_error error = {0};
    struct kt_runtime_options options = {
        .process_limit = worker.start->settings->processes_max,
        .running = &worker.start->note->running,
        .node = worker.start->node,
    };
    int result = kt_runtime_start(&options, &error);
    if (result < 0)
        return fail(EX_OSERR, error.text);
    result = watch_loop();
    if (result == 0)
        result = kt_registry_attach(worker.start->registry_fd, worker.start->directory_fd,
                                    on_registry_lost, NULL);
    if (result == 0)
        result = kt_fetch_start(&worker.start->settings->fetch);
    if (result == 0)
        result = open_jobs();
    if (result == 0)
        open_store();
    if (result == 0)
        result = kt_spawn_inside(&(struct kt_spawn){.label = "worker", .trap_exit = true},
                                 &(struct kt_spawn_inside){.on_exit = on_end}, worker_main, NULL,
                                 &worker.pid);
    if (result < 0)
        return fail(EX_OSERR, uv_strerror(result));
    kt_runtime_run();
    on_count(&worker.count);
    kt_service_close();
    kt_fetch_close();
    kt_store_close();
    kt_jobs_close();
    kt_registry_detach();
    kt_control_stop(worker.control);
    uv_close((uv_handle_t *)&worker.master, NULL);
    uv_close((uv_handle_t *)&worker.terminate, NULL);
    uv_close((uv_handle_t *)&worker.count, NULL);
    uv_close((uv_handle_t *)&worker.heartbeat, NULL);
    kt_runtime_close();
    return worker.status;
}

/** Connections of both sides need descriptors: take as many as the administrator allows. */
static void set_limits(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

static void set_signals(void)
{
    /* the master passes on what a terminal or an administrator tells the group */
    signal(SIGINT, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    signal(SIGPIPE, SIG_IGN);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

int kt_worker_run(const struct kt_worker_start *start)
{
    char role[32];
    worker.start = start;
    snprintf(role, sizeof(role), "worker %u", start->number);
    kt_log_role(role);
    TALLOC_CTX *context = talloc_new(NULL);
    if (context == NULL)
        return fail(EX_OSERR, "out of memory");
    int result = kt_crash_watch(start->note);
    if (result < 0)
        kt_log_warning("crashes of this worker will not be described: %s", strerror(-result));
    int status = load_plugins(context);
    if (status == EX_OK) {
        set_signals();
        set_limits();
        status = run();
    }
    talloc_free(context);
    return status;
}

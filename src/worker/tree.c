/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The supervision tree of a worker. A plugin is a server: its init starts the supervisor of the
 * plugin's children and runs the plugin's start function; when that supervisor gives up, the
 * server fails and the root starts it, and so the whole plugin, once more.
 */
#include "worker/tree.h"

#include "process/runtime.h"

#include <errno.h>
#include <kontor/log.h>
#include <kontor/supervisor.h>
#include <string.h>

/** Children of one plugin may be restarted so often; beyond, the plugin starts anew. */
#define CHILDREN_INTENSITY 10u
#define CHILDREN_PERIOD_MS 10000
/** Plugins may start anew so often; beyond, the worker ends and the master starts another. */
#define ROOT_INTENSITY 3u
#define ROOT_PERIOD_MS 60000

/** One plugin's place in the tree; lives as long as the tree. */
struct place {
    struct kt_plugin *plugin;
    struct kt_error error; /**< of its last start */
};

struct kt_tree {
    kt_pid root;
    uint32_t count;
    struct place *places;
};

static const struct kt_supervisor children_supervisor = {
    .label = "children",
    .strategy = KT_ONE_FOR_ONE,
    .intensity = CHILDREN_INTENSITY,
    .period_ms = CHILDREN_PERIOD_MS,
};

static const struct kt_supervisor root_supervisor = {
    .label = "plugins",
    .strategy = KT_ONE_FOR_ONE,
    .intensity = ROOT_INTENSITY,
    .period_ms = ROOT_PERIOD_MS,
};

/** Processes of a plugin, collected by a walk. */
struct leftovers {
    const struct kt_plugin *plugin;
    kt_pid *pids;
    unsigned count;
};

static void count_leftover(const struct kt_process_info *info, void *argument)
{
    struct leftovers *leftovers = argument;
    leftovers->count += info->plugin == leftovers->plugin;
}

static void collect_leftover(const struct kt_process_info *info, void *argument)
{
    struct leftovers *leftovers = argument;
    if (info->plugin == leftovers->plugin)
        leftovers->pids[leftovers->count++] = info->pid;
}

/** End what a plugin runs besides its children: requests, and what it spawned on its own. */
static void end_leftovers(const struct kt_plugin *plugin)
{
    struct leftovers leftovers = {.plugin = plugin};
    kt_runtime_each(false, count_leftover, &leftovers);
    leftovers.pids = kt_must(talloc_array(kt_self_memory(), kt_pid, leftovers.count));
    leftovers.count = 0;
    kt_runtime_each(false, collect_leftover, &leftovers);
    for (unsigned i = 0; i < leftovers.count; i++)
        if (leftovers.pids[i] != kt_self())
            kt_signal(leftovers.pids[i], KT_EXIT_SHUTDOWN, "its plugin ended");
    talloc_free(leftovers.pids);
}

/** Stop a plugin: its routes become void, its processes end. */
static void end_plugin(struct kt_plugin *plugin)
{
    plugin->start++;
    kt_supervisor_stop(plugin->supervisor, -1);
    plugin->supervisor = KT_PID_NONE;
    end_leftovers(plugin);
}

static int plugin_init(void *argument, void **ret_state)
{
    struct place *place = argument;
    struct kt_plugin *plugin = place->plugin;
    const char *name = plugin->descriptor->name;
    *ret_state = plugin; /* the place goes with the worker's process, which may end first */
    kt_self_belong(plugin);
    kt_label("plugin %s", name);
    memset(&place->error, 0, sizeof(place->error));
    if (plugin->supervisor != KT_PID_NONE) /* it was killed: what it ran still has its names */
        end_plugin(plugin);
    plugin->start++;
    int result = kt_supervisor_start(&children_supervisor, NULL, &plugin->supervisor);
    if (result < 0)
        return kt_error_set(&place->error, result, "its supervisor did not start: %s",
                            strerror(-result));
    result = plugin->descriptor->start(plugin, &place->error);
    if (result == 0)
        return 0;
    if (place->error.text[0] == '\0')
        kt_error_set(&place->error, result, "%s", strerror(-result));
    kt_log_error("plugin '%s' did not start: %s", name, place->error.text);
    plugin->failed_ms = kt_now_ms();
    end_plugin(plugin);
    return result;
}

/** Whatever comes is none of the plugin's messages; only the end of its supervisor matters. */
static void plugin_message(void *state, const struct kt_message *message)
{
    struct kt_plugin *plugin = state;
    if (message->type != KT_MESSAGE_EXIT)
        return;
    const struct kt_down *down = message->data;
    if (down->pid != plugin->supervisor)
        return;
    plugin->failed_ms = kt_now_ms();
    kt_fail("its children keep failing (%s)", down->exit.text);
}

static void plugin_terminate(void *state, const struct kt_exit *exit)
{
    struct kt_plugin *plugin = state;
    (void)exit;
    end_plugin(plugin);
}

static const struct kt_server plugin_server = {
    .label = "plugin",
    .init = plugin_init,
    .handle_message = plugin_message,
    .terminate = plugin_terminate,
    .trap_exit = true,
};

int kt_tree_start(struct kt_plugins *plugins, struct kt_tree **ret_tree, struct kt_error *error)
{
    struct kt_tree *tree = kt_must(talloc_zero(kt_self_memory(), struct kt_tree));
    tree->count = (uint32_t)plugins->count;
    tree->places = kt_must(talloc_zero_array(tree, struct place, tree->count + 1));
    int result = kt_supervisor_start(&root_supervisor, NULL, &tree->root);
    if (result < 0)
        return kt_error_set(error, result, "the root supervisor did not start: %s",
                            strerror(-result));
    for (uint32_t i = 0; i < tree->count; i++) {
        struct place *place = &tree->places[i];
        place->plugin = plugins->list[i];
        struct kt_child child = {
            .id = place->plugin->descriptor->name,
            .restart = KT_PERMANENT,
            .shutdown_ms = KT_SHUTDOWN_INFINITY,
            .server = &plugin_server,
            .argument = place,
        };
        result = kt_supervisor_add(tree->root, &child, NULL);
        if (result < 0)
            return kt_error_set(error, result, "plugin '%s' did not start: %s", child.id,
                                place->error.text[0] != '\0' ? place->error.text
                                                             : strerror(-result));
    }
    *ret_tree = tree;
    return 0;
}

kt_pid kt_tree_root(const struct kt_tree *tree)
{
    return tree->root;
}

const struct kt_plugin *kt_tree_last_failure(const struct kt_tree *tree)
{
    const struct kt_plugin *last = NULL;
    for (uint32_t i = 0; i < tree->count; i++) {
        const struct kt_plugin *plugin = tree->places[i].plugin;
        if (plugin != NULL && plugin->failed_ms > (last != NULL ? last->failed_ms : 0))
            last = plugin;
    }
    return last;
}

void kt_tree_stop(struct kt_tree *tree)
{
    kt_unlink(tree->root);
    kt_supervisor_stop(tree->root, -1);
}

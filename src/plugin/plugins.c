/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * All plugins of a worker: loaded, their options checked; and what a plugin asks about itself.
 * Used by the worker and by `kontord -t` alike, so both judge a configuration in the same way.
 */
#include "base/log.h"
#include "base/word.h"
#include "plugin/loader.h"
#include "plugin/option.h"

#include <errno.h>
#include <string.h>

/** Load and check one plugin. @return 0 also when problems were added; -ENOMEM */
static int add_plugin(struct kt_plugins *plugins, const struct kt_plugins_wanted *wanted,
                      uint32_t number, const char *name, struct kt_problems *problems)
{
    struct kt_error error = {0};
    struct kt_plugin *plugin;
    for (size_t i = 0; i < plugins->count; i++) {
        if (strcmp(plugins->list[i]->descriptor->name, name) == 0) {
            kt_problem_add(problems, "%s: plugin '%s' is listed twice", wanted->place, name);
            return 0;
        }
    }
    if (number > KT_PLUGINS_MAX) {
        kt_problem_add(problems, "%s: plugin '%s' is one too many, at most %u can be loaded",
                       wanted->place, name, KT_PLUGINS_MAX);
        return 0;
    }
    if (wanted->admit != NULL && !wanted->admit(wanted->argument, number, name))
        return 0;
    int result = kt_plugin_load(plugins, name, wanted->directories, wanted->owner, &plugin, &error);
    if (result < 0) {
        kt_problem_add(problems, "%s: %s", wanted->place, error.text);
        return result == -ENOMEM ? result : 0;
    }
    plugin->number = number;
    plugins->list[plugins->count++] = plugin;
    struct kt_section *section = NULL;
    result = kt_section_check(plugin, name, plugin->descriptor->options, wanted->config, problems,
                              &section);
    plugin->section = section;
    if (result < 0)
        return result == -ENOMEM ? result : 0;
    if (plugin->descriptor->check != NULL && plugin->descriptor->check(plugin, &error) < 0)
        kt_problem_add(problems, "plugin '%s': %s", name,
                       error.text[0] != '\0' ? error.text : "its check failed without a word");
    return 0;
}

int kt_plugins_load(TALLOC_CTX *context, const struct kt_plugins_wanted *wanted,
                    struct kt_problems *problems, struct kt_plugins **ret_plugins)
{
    size_t before = kt_problems_count(problems);
    const char *cursor = wanted->names, *word;
    size_t length;
    int result = 0;
    struct kt_plugins *plugins = talloc_zero(context, struct kt_plugins);
    if (plugins == NULL)
        return -ENOMEM;
    for (uint32_t number = 1; result == 0 && (length = kt_word_next(&cursor, &word)) > 0;
         number++) {
        char *name = talloc_strndup(plugins, word, length);
        result = name != NULL ? add_plugin(plugins, wanted, number, name, problems) : -ENOMEM;
    }
    if (result == 0 && kt_problems_count(problems) > before)
        result = -EINVAL;
    if (result < 0) {
        talloc_free(plugins);
        return result;
    }
    *ret_plugins = plugins;
    return 0;
}

const char *kt_plugin_name(const struct kt_plugin *plugin)
{
    return plugin->descriptor->name;
}

const char *kt_plugin_string(const struct kt_plugin *plugin, const char *option)
{
    return kt_section_value(plugin->section, option)->text;
}

int64_t kt_plugin_integer(const struct kt_plugin *plugin, const char *option)
{
    return kt_section_value(plugin->section, option)->number;
}

bool kt_plugin_boolean(const struct kt_plugin *plugin, const char *option)
{
    return kt_section_value(plugin->section, option)->number != 0;
}

const char *kt_plugin_option_place(const struct kt_plugin *plugin, const char *option)
{
    return kt_section_value(plugin->section, option)->place;
}

int kt_plugin_child(struct kt_plugin *plugin, const struct kt_child *child, kt_pid *ret_pid)
{
    if (plugin->supervisor == KT_PID_NONE)
        return -ESRCH;
    return kt_supervisor_add(plugin->supervisor, child, ret_pid);
}

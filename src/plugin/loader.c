/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Finding, trusting and loading one module. Nothing of a module runs before its file has been
 * checked; nothing of its descriptor beyond {magic, size, API} is read before these have.
 */
#include "plugin/loader.h"

#include "plugin/option.h"
#include "plugin/path.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LETTERS "abcdefghijklmnopqrstuvwxyz"
#define SYMBOL "kt_plugin_descriptor"
/** The size of the descriptor of API 0.1; later minors may append. */
#define DESCRIPTOR_MIN                                                                             \
    (offsetof(struct kt_plugin_descriptor, start) +                                                \
     sizeof(((struct kt_plugin_descriptor *)NULL)->start))

static bool is_plugin_name(const char *name)
{
    size_t length = strlen(name);
    return length > 0 && length <= KT_PLUGIN_NAME_MAX && strchr(LETTERS, name[0]) != NULL &&
           strspn(name, LETTERS "0123456789_-") == length;
}

/** Check the module's file. @return 0, -ENOENT when there is none, or an error with the words */
static int check_file(int directory, const char *path, const char *file, uid_t owner,
                      struct kt_error *error)
{
    struct stat status;
    int result = 0;
    int fd = openat(directory, file, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0 && errno == ENOENT)
        return -ENOENT;
    if (fd < 0)
        return kt_error_set(error, -errno, "%s: %s", path,
                            errno == ELOOP ? "is a symbolic link" : strerror(errno));
    if (fstat(fd, &status) < 0)
        result = kt_error_set(error, -errno, "%s: %s", path, strerror(errno));
    else if (!S_ISREG(status.st_mode))
        result = kt_error_set(error, -EPERM, "%s is not a regular file", path);
    else if (status.st_uid != 0 && status.st_uid != owner)
        result = kt_error_set(error, -EPERM, "%s belongs to the user %u, expected is root%s", path,
                              (unsigned)status.st_uid,
                              owner == 0 ? "" : " or the user who runs kontord");
    else if ((status.st_mode & (S_IWGRP | S_IWOTH)) != 0)
        result = kt_error_set(error, -EPERM, "%s is writable for its group or for all (chmod go-w)",
                              path);
    close(fd);
    return result;
}

/** Find NAME.so in one directory. @return 0, -ENOENT, or an error with the words */
static int find_in_directory(TALLOC_CTX *context, const char *name, const char *directory,
                             uid_t owner, const char **ret_path, struct kt_error *error)
{
    const char *real;
    struct kt_error why = {0};
    int fd = kt_path_open_safe(context, directory, owner, &real, &why);
    if (fd == -ENOENT)
        return -ENOENT;
    if (fd < 0)
        return kt_error_set(error, fd, "plugin '%s': %s", name, why.text);
    char *file = talloc_asprintf(context, "%s.so", name);
    char *path = talloc_asprintf(context, "%s/%s.so", real, name);
    int result = file != NULL && path != NULL ? check_file(fd, path, file, owner, &why)
                                              : kt_error_set(&why, -ENOMEM, "out of memory");
    close(fd);
    if (result < 0 && result != -ENOENT)
        return kt_error_set(error, result, "plugin '%s': %s", name, why.text);
    *ret_path = path;
    return result;
}

static int find_module(TALLOC_CTX *context, const char *name, const char *directories, uid_t owner,
                       const char **ret_path, struct kt_error *error)
{
    for (const char *rest = directories; *rest != '\0';) {
        size_t length = strcspn(rest, ":");
        char *directory = talloc_strndup(context, rest, length);
        if (directory == NULL)
            return kt_error_set(error, -ENOMEM, "out of memory");
        rest += length + (rest[length] == ':');
        if (length == 0)
            continue;
        int result = find_in_directory(context, name, directory, owner, ret_path, error);
        if (result != -ENOENT)
            return result;
    }
    return kt_error_set(error, -ENOENT, "plugin '%s': there is no %s.so in %s", name, name,
                        directories);
}

static int check_descriptor(const struct kt_plugin_descriptor *descriptor, const char *name,
                            const char *path, struct kt_error *error)
{
    if (descriptor->magic != KT_PLUGIN_MAGIC)
        return kt_error_set(error, -ENOEXEC, "plugin '%s': %s is not a plugin of kontor", name,
                            path);
    if (descriptor->api_major != KT_API_MAJOR || descriptor->api_minor > KT_API_MINOR)
        return kt_error_set(error, -ENOEXEC,
                            "plugin '%s': %s is built for version %u.%u of the plugin API, this "
                            "kontord has %u.%u; build it anew",
                            name, path, descriptor->api_major, descriptor->api_minor, KT_API_MAJOR,
                            KT_API_MINOR);
    if (descriptor->size < DESCRIPTOR_MIN || descriptor->size > sizeof(*descriptor))
        return kt_error_set(error, -ENOEXEC,
                            "plugin '%s': the descriptor in %s has %u bytes, expected are %zu to "
                            "%zu; build it anew",
                            name, path, descriptor->size, DESCRIPTOR_MIN, sizeof(*descriptor));
    if (descriptor->name == NULL || strcmp(descriptor->name, name) != 0)
        return kt_error_set(error, -EINVAL, "plugin '%s': the one in %s is named '%s'", name, path,
                            descriptor->name != NULL ? descriptor->name : "");
    if (descriptor->start == NULL)
        return kt_error_set(error, -EINVAL, "plugin '%s': %s has no start function", name, path);
    return 0;
}

int kt_plugin_load(TALLOC_CTX *context, const char *name, const char *directories, uid_t owner,
                   struct kt_plugin **ret_plugin, struct kt_error *error)
{
    if (!is_plugin_name(name))
        return kt_error_set(error, -EINVAL,
                            "'%s' is no name of a plugin: lower-case letters, digits, - and _, at "
                            "most %u, beginning with a letter",
                            name, KT_PLUGIN_NAME_MAX);
    struct kt_plugin *plugin = talloc_zero(context, struct kt_plugin);
    if (plugin == NULL)
        return kt_error_set(error, -ENOMEM, "out of memory");
    int result = find_module(plugin, name, directories, owner, &plugin->path, error);
    if (result < 0)
        goto fail;
    /* By its path and not by the checked descriptor: nobody else can change what the path leads
     * to, and debuggers and sanitizers see the name. Never closed: its code may be on a stack. */
    void *module = dlopen(plugin->path, RTLD_NOW | RTLD_LOCAL);
    if (module == NULL) {
        result = kt_error_set(error, -ENOEXEC, "plugin '%s': %s", name, dlerror());
        goto fail;
    }
    const struct kt_plugin_descriptor *descriptor = dlsym(module, SYMBOL);
    if (descriptor == NULL) {
        result = kt_error_set(error, -ENOEXEC, "plugin '%s': %s has no symbol %s (see KT_PLUGIN)",
                              name, plugin->path, SYMBOL);
        goto fail;
    }
    result = check_descriptor(descriptor, name, plugin->path, error);
    if (result < 0)
        goto fail;
    /* a copy: what an older minor does not have yet is zero */
    struct kt_plugin_descriptor *copy = talloc_zero(plugin, struct kt_plugin_descriptor);
    if (copy == NULL) {
        result = kt_error_set(error, -ENOMEM, "out of memory");
        goto fail;
    }
    memcpy(copy, descriptor, descriptor->size);
    plugin->descriptor = copy;
    *ret_plugin = plugin;
    return 0;
fail:
    talloc_free(plugin);
    return result;
}

/* The control socket of a configuration that may be broken elsewhere. */
#include "collector/config_keys.h"
#include "common/cleanup.h"
#include "common/places.h"

#include <errno.h>
#include <string.h>

/* A line such as: control = "/run/pdtt/control.sock"; */
static char *find_in_text(const char *text)
{
    for (const char *line = text; line; line = strchr(line, '\n')) {
        char *path;

        line += strspn(line, " \t\n");
        if (strncmp(line, "control", strlen("control")) == 0 &&
            sscanf(line, "control %*[=:] \"%m[^\"\n]\"", &path) == 1)
            return path;
    }
    return strdup(DEFAULT_CONTROL);
}

/* What it includes is left out: that may be what is broken. */
static int find_in_file(const char *path, char **ret_control, char **ret_why)
{
    cleanup_free char *bytes = NULL;
    size_t n;
    int r = config_text_read_bytes(path, path, &bytes, &n, ret_why);

    if (r < 0)
        return r;
    *ret_control = find_in_text(bytes);
    return *ret_control ? 0 : -ENOMEM;
}

int config_find_control(const char *path, char **ret_control, char **ret_why)
{
    cleanup_free char *why = NULL;
    struct config *config = NULL;
    int r = config_load_named(path, &config, &why);

    *ret_why = NULL;
    if (r == -EINVAL)
        return find_in_file(path ? path : CONFIG_DEFAULT_PATH, ret_control, ret_why);
    if (r < 0) {
        *ret_why = take_ptr(why);
        return r;
    }
    *ret_control = strdup(config->control);
    config_free(config);
    return *ret_control ? 0 : -ENOMEM;
}

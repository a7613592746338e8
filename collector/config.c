#include "collector/config.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "collector/config_keys.h"
#include "common/cleanup.h"

static void cleanup_config_fn(struct config **config)
{
    config_free(*config);
}
#define cleanup_config cleanup(cleanup_config_fn)

struct config *config_free(struct config *config)
{
    if (!config)
        return NULL;
    config_free_values(config);
    config_free_classes(config);
    config_free_projects(config);
    config_free_allocations(config);
    config_free_texts(&config->interfaces);
    policy_list_done(&config->policies);
    config_free_texts(&config->notify_command);
    free(config->notify_user);
    free(config->timezone);
    free(config->log_file);
    free(config->log_per_user_prefix);
    free(config->log_connections);
    free(config->serve_admin_group);
    free(config->serve_listen);
    free(config->serve_tokens);
    free(config->serve_proxy_user);
    free(config->serve_user_header);
    free(config->path);
    free(config->database);
    free(config->pin_path);
    free(config->control);
    free(config->cgroup);
    free(config);
    return NULL;
}

int config_default(struct config **ret_config)
{
    cleanup_config struct config *config = calloc(1, sizeof(*config));

    if (config)
        config->values = calloc(config_n_keys, sizeof(*config->values));
    if (!config || !config->values)
        return -ENOMEM;
    int r = config_keys_set_defaults(config);
    if (r == 0)
        *ret_config = take_ptr(config);
    return r;
}

static int refuse_unknown(struct config_reader *reader, const config_setting_t *setting, const char *path)
{
    const char *nearest = config_key_nearest(path);

    if (nearest)
        return config_complain(reader, setting, "is an unknown key; did you mean '%s'?", nearest);
    return config_complain(reader, setting, "is an unknown key; remove it, pdtt.conf(5) lists those there are");
}

static int read_group(struct config_reader *reader, const config_setting_t *group, struct config *config);

static int read_setting(struct config_reader *reader, const config_setting_t *setting, struct config *config)
{
    cleanup_free char *path = config_setting_path(setting);

    if (!path)
        return -ENOMEM;
    const struct config_key *key = config_key_find(path);
    if (key)
        return config_key_read(reader, key, setting, config);
    if (!config_key_is_group(path))
        return refuse_unknown(reader, setting, path);
    if (!config_setting_is_group(setting))
        return config_complain(reader, setting, "is not a group; write %s = { ... };", path);
    return read_group(reader, setting, config);
}

static int read_group(struct config_reader *reader, const config_setting_t *group, struct config *config)
{
    int r = 0;

    for (int i = 0; i < config_setting_length(group) && r == 0; i++)
        r = read_setting(reader, config_setting_get_elem(group, (unsigned)i), config);
    return r;
}

int config_complain_syntax(struct config_reader *reader, const config_t *parsed)
{
    struct config_origin at = config_text_origin(reader->text, (unsigned)config_error_line(parsed));
    const char *text = config_error_text(parsed) ?: "syntax error";
    const char *remedy =
        strstr(text, "duplicate") ? "remove one of them" : "look here and in the line before for a missing ; or quote";

    if (asprintf(&reader->why, "%s:%u: cannot be understood: %s; %s", at.file, at.line, text, remedy) < 0) {
        reader->why = NULL;
        return -ENOMEM;
    }
    return -EINVAL;
}

static int read_config(struct config_reader *reader, const char *path, struct config *config)
{
    cleanup(config_destroy) config_t parsed;

    config_init(&parsed);
    if (config_read_string(&parsed, reader->text->text) != CONFIG_TRUE)
        return config_complain_syntax(reader, &parsed);
    const config_setting_t *root = config_root_setting(&parsed);
    config->path = strdup(path);
    int r = config->path ? read_group(reader, root, config) : -ENOMEM;
    if (r == 0)
        r = config_check_retention(reader, root, config);
    if (r == 0)
        r = config_check_allocations(reader, root, config);
    return r < 0 ? r : config_check_policies(reader, root, config);
}

char *config_one_line(char *why)
{
    for (char *p = why; p && *p; p++)
        if (iscntrl((unsigned char)*p))
            *p = '?';
    return why;
}

int config_load(const char *path, struct config **ret_config, char **ret_why)
{
    cleanup(config_text_free) struct config_text text = {0};
    cleanup_config struct config *config = NULL;
    struct config_reader reader = {.text = &text};
    char *why = NULL;

    int r = config_text_read(path, &text, &why);
    if (r < 0) {
        *ret_why = config_one_line(why);
        return r;
    }
    r = config_default(&config);
    if (r == 0)
        r = read_config(&reader, path, config);
    if (r < 0)
        *ret_why = config_one_line(reader.why);
    else
        *ret_config = take_ptr(config);
    return r;
}

/* lstat: a link that leads nowhere is a mistake, not an absence. */
int config_load_or_default(const char *path, struct config **ret_config, char **ret_why)
{
    struct stat st;

    if (lstat(path, &st) < 0 && errno == ENOENT) {
        int r = config_default(ret_config);
        if (r < 0)
            *ret_why = NULL;
        return r;
    }
    return config_load(path, ret_config, ret_why);
}

int config_load_named(const char *path, struct config **ret_config, char **ret_why)
{
    return path ? config_load(path, ret_config, ret_why)
                : config_load_or_default(CONFIG_DEFAULT_PATH, ret_config, ret_why);
}

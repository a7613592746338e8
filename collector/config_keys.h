/*
 * The table of configuration keys, and what the readers of their values share. Inside the collector's config*.c only.
 * One row yields a key's parser, default, entry in etc/pdtt.conf and entry in pdtt.conf(5).
 */
#pragma once

#include <libconfig.h>
#include <stdbool.h>
#include <stddef.h>

#include "collector/config.h"
#include "collector/config_text.h"

/* One run over one file; text is NULL for the built-in defaults. */
struct config_reader {
    const struct config_text *text;
    char *why; /* the first complaint */
};

/* Writes the value to target, replacing and releasing what was there. 0, -ENOMEM, or -EINVAL from config_complain(). */
typedef int (*config_read_fn)(struct config_reader *reader, const config_setting_t *setting, void *target);

struct config_key {
    const char *path;         /* "limits.accounts" */
    const char *default_text; /* as it stands in a file */
    const char *range;        /* what is allowed, for people */
    const char *comment;      /* what it does; sentences */
    config_read_fn read;      /* NULL: not yet supported, only the default is accepted */
    size_t offset;            /* of the target in struct config */
};

/* Rows of a group stand together. */
extern const struct config_key config_keys[];
extern const size_t config_n_keys;

/* The row of exactly this path, or NULL. */
const struct config_key *config_key_find(const char *path);

/* Whether some key lies in the group path. */
bool config_key_is_group(const char *path);

/* What the writer of an unknown path may have meant, or NULL. */
const char *config_key_nearest(const char *path);

/* Sets every supported key of config to its default. 0, -ENOMEM. */
int config_keys_set_defaults(struct config *config);

/* Gives the key's value to config. 0, -ENOMEM, -EINVAL. */
int config_key_read(struct config_reader *reader, const struct config_key *key, const config_setting_t *setting,
                    struct config *config);

/* Keeps "FILE:LINE: key 'PATH': value VALUE: " and the text, unless there is one already. Returns -EINVAL, or -ENOMEM.
 */
int config_complain(struct config_reader *reader, const config_setting_t *setting, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* "classes[0].name"; malloc'ed, NULL when memory is out. */
char *config_setting_path(const config_setting_t *setting);

/* A text that is not empty and holds no control characters; it belongs to the setting. */
int config_read_text(struct config_reader *reader, const config_setting_t *setting, const char **ret_text);

/* The reader of "classes"; target is the struct config. */
int config_read_classes(struct config_reader *reader, const config_setting_t *setting, void *target);
void config_free_classes(struct config *config);

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

/* Keeps what was written for the key, in config->values. 0, -ENOMEM. */
int config_keep_value(const struct config_reader *reader, const struct config_key *key, const config_setting_t *setting,
                      struct config *config);
void config_free_values(struct config *config);

/* Keeps "FILE:LINE: key 'PATH': value VALUE: " and the text, unless there is one already. Returns -EINVAL, or -ENOMEM.
 */
int config_complain(struct config_reader *reader, const config_setting_t *setting, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* "classes[0].name"; malloc'ed, NULL when memory is out. */
char *config_setting_path(const config_setting_t *setting);

/* A duration of any length in whole seconds; remedy ends what is said of one that is none. */
int config_read_duration(struct config_reader *reader, const config_setting_t *setting, const char *remedy,
                         int64_t *ret_sec);

/* A text that is not empty and holds no control characters; it belongs to the setting. */
int config_read_text(struct config_reader *reader, const config_setting_t *setting, const char **ret_text);

/* Keeps the line, which names its place itself, unless there is one already. Returns -EINVAL, or -ENOMEM. */
int config_complain_line(struct config_reader *reader, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Says what libconfig could not read. Returns -EINVAL, or -ENOMEM. */
int config_complain_syntax(struct config_reader *reader, const config_t *parsed);

/* A text in a file may go over several lines; what is said about it may not. Returns why, which may be NULL. */
char *config_one_line(char *why);

/* Where the setting stands. */
struct config_origin config_setting_origin(const struct config_reader *reader, const config_setting_t *setting);

/* ---- groups in lists: { name = ...; ... } ---- */

struct config_member {
    const char *name;
    bool required;
    int (*read)(struct config_reader *reader, const config_setting_t *setting, void *target);
};

/* Reads a group, in the order of the rows; what is "a class", as messages say it. */
int config_read_members(struct config_reader *reader, const config_setting_t *setting, const char *what,
                        const struct config_member *members, size_t n, void *target);

/* The position of the text in words, or -1 after a complaint that lists them. */
int config_read_word(struct config_reader *reader, const config_setting_t *setting, const char *const *words, size_t n);

/* Whether setting is a list or array (a list of one type) of at most max elements; what is "classes". 0, -EINVAL. */
int config_require_list(struct config_reader *reader, const config_setting_t *setting, const char *what,
                        const char *example, int max);

/* A list of texts; check, if given, judges and may rewrite each. ret holds them also on failure, for whom frees it. */
int config_read_texts(struct config_reader *reader, const config_setting_t *setting, struct config_texts *ret,
                      int (*check)(struct config_reader *reader, const config_setting_t *setting, const char **text));
void config_free_texts(struct config_texts *texts);

/* "10.0.0.0/8" or "fd00::/8": NULL, or what is wrong with the text, written to buf. */
const char *config_parse_network(const char *text, struct config_network *ret_network, char buf[static 256]);

/* The readers of tables of one kind; target is the struct config. */
int config_read_classes(struct config_reader *reader, const config_setting_t *setting, void *target);
int config_read_projects(struct config_reader *reader, const config_setting_t *setting, void *target);
int config_read_allocations(struct config_reader *reader, const config_setting_t *setting, void *target);
void config_free_classes(struct config *config);
void config_free_projects(struct config *config);
void config_free_allocations(struct config *config);

/* The member "allocation" of a rule; target is a struct config_allocation **. */
int config_read_rule_allocation(struct config_reader *reader, const config_setting_t *setting, void *target);
struct config_allocation *config_free_allocation(struct config_allocation *allocation);
int config_read_project_name(struct config_reader *reader, const config_setting_t *setting, void *target); /* char ** */

/* A whole number from least to most. */
int config_read_count(struct config_reader *reader, const config_setting_t *setting, unsigned least, unsigned most,
                      unsigned *target);

/* Replaces *target by a copy. 0, -ENOMEM. */
int config_replace_text(char **target, const char *text);

/* Single values; the targets are fields of struct config. */
int config_read_timezone(struct config_reader *reader, const config_setting_t *setting, void *target);
int config_read_retention(struct config_reader *reader, const config_setting_t *setting, void *target);
int config_read_max_size(struct config_reader *reader, const config_setting_t *setting, void *target);
int config_read_log_file(struct config_reader *reader, const config_setting_t *setting, void *target);
int config_read_xdp(struct config_reader *reader, const config_setting_t *setting, void *target);
int config_read_tc(struct config_reader *reader, const config_setting_t *setting, void *target);
int config_read_policy_lapse(struct config_reader *reader, const config_setting_t *setting, void *target);
int config_read_policy_events_rate(struct config_reader *reader, const config_setting_t *setting, void *target);
int config_read_policy_events_max(struct config_reader *reader, const config_setting_t *setting, void *target);
int config_read_samples_rate(struct config_reader *reader, const config_setting_t *setting, void *target);
int config_read_samples_mode(struct config_reader *reader, const config_setting_t *setting, void *target);
int config_read_samples_buffer(struct config_reader *reader, const config_setting_t *setting, void *target);
int config_read_samples_max(struct config_reader *reader, const config_setting_t *setting, void *target);
int config_read_interfaces(struct config_reader *reader, const config_setting_t *setting, void *target);
int config_read_log_prefix(struct config_reader *reader, const config_setting_t *setting, void *target);

int config_read_policies(struct config_reader *reader, const config_setting_t *setting, void *target);
int config_read_notify_command(struct config_reader *reader, const config_setting_t *setting, void *target);
int config_read_notify_user(struct config_reader *reader, const config_setting_t *setting, void *target);
int config_read_notify_timeout(struct config_reader *reader, const config_setting_t *setting, void *target);
int config_read_notify_at(struct config_reader *reader, const config_setting_t *setting,
                          void *target); /* struct config */

int config_read_admin_group(struct config_reader *reader, const config_setting_t *setting, void *target);
int config_read_proxy_user(struct config_reader *reader, const config_setting_t *setting, void *target);
int config_read_metrics_users(struct config_reader *reader, const config_setting_t *setting, void *target);
int config_read_listen(struct config_reader *reader, const config_setting_t *setting, void *target);
int config_read_user_header(struct config_reader *reader, const config_setting_t *setting, void *target);

/* What no key can be judged by alone, once all are read; root is the whole file. 0, -ENOMEM, -EINVAL. */
int config_check_retention(struct config_reader *reader, const config_setting_t *root, const struct config *config);
int config_check_allocations(struct config_reader *reader, const config_setting_t *root, const struct config *config);
int config_check_policies(struct config_reader *reader, const config_setting_t *root, const struct config *config);

#define CONFIG_NO_CLASS "is no class; write external, loopback or one that 'classes' defines"

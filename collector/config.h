/*
 * The daemon's configuration: one libconfig file, read into typed values that need no further checking. Each key is
 * one row of a table (config_keys.c) that also yields its default, the commented default file and the manual.
 *
 * Errors are one line in *ret_why, "FILE:LINE: key 'KEY': value VALUE: what is wrong; remedy", malloc'ed, set only on
 * failure, NULL only when memory is out. What is wrong in a file of networks is named by that file and its line.
 * Control characters of the file are shown as "?", other bytes as they are: write it with log_error(), which makes them
 * harmless.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "common/policy_text.h"

/* Where pdttd looks unless -c names another file. */
#define CONFIG_DEFAULT_PATH PDTT_SYSCONFDIR "/pdtt.conf"

/* What a cgroup setting holds when the root is to be found in /proc/self/mountinfo. */
#define CONFIG_CGROUP_AUTO "auto"

/* Upper bounds that the kernel side's tables may be sized by. */
#define CONFIG_MAX_CLASSES    250
#define CONFIG_MAX_NETWORKS   16384 /* in all classes together */
#define CONFIG_MAX_CLASS_NAME 63    /* bytes, without the terminator */

/* Upper bounds of the rules, so that a file made by a program that went wrong is noticed. */
#define CONFIG_MAX_PROJECTS     4096
#define CONFIG_MAX_RULE_TEXTS   65536 /* groups, users and units of all rules together */
#define CONFIG_MAX_PROJECT_NAME 255   /* bytes, without the terminator */

/* Of notices. */
#define CONFIG_MAX_THRESHOLDS 16
#define CONFIG_MAX_ARGUMENTS  64 /* of a command, its name among them */

enum config_layer {
    CONFIG_LAYER_AUTO, /* use it where the host has it */
    CONFIG_LAYER_ON,   /* refuse to start without it */
    CONFIG_LAYER_OFF,
};

/* What the element of interfaces means that is no name: whatever carries bytes that no other one counts too. */
#define CONFIG_INTERFACES_AUTO "auto"

/* By what received frames are counted. */
enum config_xdp {
    CONFIG_XDP_AUTO,    /* XDP on interfaces that are named, where the driver takes it, else TC */
    CONFIG_XDP_ON,      /* refuse to start where a driver does not take it */
    CONFIG_XDP_GENERIC, /* XDP everywhere, also where the stack has to do the driver's part */
    CONFIG_XDP_OFF,     /* TC */
};

/* By what frames are counted that are sent, and those received that XDP does not see. */
enum config_tc {
    CONFIG_TC_AUTO,   /* TCX where the kernel has it, else filters of clsact */
    CONFIG_TC_ON,     /* refuse to start where an interface takes neither */
    CONFIG_TC_CLSACT, /* the filters, also where TCX is there */
    CONFIG_TC_OFF,
};

/* How packets are drawn that are kept as samples. */
enum config_samples { CONFIG_SAMPLES_RANDOM, CONFIG_SAMPLES_EVERY };

struct config_network {
    int family;          /* AF_INET or AF_INET6 */
    uint8_t address[16]; /* network byte order; 4 bytes used for AF_INET, the rest 0; host bits are clear */
    unsigned prefix_len; /* bits: 0..32 or 0..128 */
};

/* Never "external" or "loopback"; names and networks are unique in the whole configuration; at least one network. */
struct config_class {
    char *name;
    struct config_network *networks;
    size_t n_networks;
};

struct config_texts {
    char **v;
    size_t n;
};

enum config_period { CONFIG_PERIOD_MONTH, CONFIG_PERIOD_QUARTER, CONFIG_PERIOD_YEAR };
enum config_direction { CONFIG_DIRECTION_BOTH, CONFIG_DIRECTION_RX, CONFIG_DIRECTION_TX };

struct config_allocation {
    char *user, *project; /* one of them, the other is NULL; both NULL in a project rule, which names the project */
    enum config_period period;
    enum config_direction direction;
    int64_t limit_bytes;         /* above 0 */
    struct config_texts classes; /* names of classes that exist; none: all classes */
    unsigned billing_day;        /* 1..28, the day of the month on which a period begins */
};

/* A rule; at least one group, user or unit. No two rules share a name, a group, a user or a unit. */
struct config_project {
    char *name;
    struct config_texts groups, users;    /* names, or numbers in decimal */
    struct config_texts units;            /* globs on paths below the cgroup root, without a leading / */
    struct config_allocation *allocation; /* NULL: none */
};

/* How long each level of the store is kept. */
enum config_level {
    CONFIG_LEVEL_RAW,
    CONFIG_LEVEL_5MIN,
    CONFIG_LEVEL_HOUR,
    CONFIG_LEVEL_DAY,
    CONFIG_LEVEL_MONTH,
    CONFIG_LEVELS,
};

/* What was written for a key, for whoever asks what a reload changes. */
struct config_value {
    char *text;   /* one line; spacing, and the brackets of a list, are no difference */
    char *origin; /* "FILE:LINE", or NULL where no file names the key */
};

struct config {
    struct config_value *values; /* one for each row of the table of keys */
    char *path;                  /* the file that was read; NULL: built-in defaults */
    char *database;              /* absolute path of a file */
    char *pin_path;              /* absolute path of a directory */
    char *control;               /* absolute path of a socket */
    char *cgroup;                /* CONFIG_CGROUP_AUTO or an absolute path; for cgroup_find_root() */
    unsigned interval_sec;       /* 1..3600, divides an hour */
    unsigned limit_accounts;     /* 16..1048576 */
    unsigned limit_connections;  /* 16..1048576 */
    unsigned limit_policies;     /* 0..POLICIES_MAX */
    enum config_layer layer_syscall, layer_sockops;
    enum config_layer layer_door; /* policies that are done at the interfaces too */
    enum config_xdp layer_xdp;
    enum config_tc layer_tc;
    struct config_texts interfaces; /* names, globs or CONFIG_INTERFACES_AUTO; none: the layer is off */
    unsigned samples_rate;          /* one packet in so many is kept; 0: none */
    enum config_samples samples_mode;
    int64_t samples_buffer_bytes;        /* 4 KiB to 64 MiB */
    int64_t samples_retention_sec;       /* at least an hour; INT64_MAX: for ever */
    unsigned samples_max;                /* that are kept, at least 100 */
    unsigned policy_events_rate;         /* that each policy tells in a second; 0: none */
    int64_t policy_events_retention_sec; /* at least an hour; INT64_MAX: for ever */
    unsigned policy_events_max;          /* that are kept, at least 100 */
    struct config_class *classes;
    size_t n_classes;
    char *timezone;                       /* "local" or what else calendar_open() takes, never a path */
    int64_t retention_sec[CONFIG_LEVELS]; /* at least an hour, never less than of a finer level; INT64_MAX: for ever */
    int64_t retention_connections_sec;    /* at least an hour; INT64_MAX: for ever */
    int64_t max_size_bytes;               /* 0: no limit, else at least 16 MiB */
    struct config_project *projects;
    size_t n_projects;
    struct config_allocation *allocations; /* those of the key "allocations" */
    size_t n_allocations;
    struct policy_list policies;                            /* no two of a name */
    struct policy_lapses policy_lapse;                      /* of policies that do not say */
    char *log_file, *log_per_user_prefix, *log_connections; /* absolute paths, or "" */
    char *serve_admin_group;                                /* a name or number, or "" */
    char *serve_listen;                                     /* "ADDRESS:PORT", "[ADDRESS]:PORT", or "" */
    char *serve_tokens;                                     /* an absolute path, or "" */
    char *serve_proxy_user;                                 /* a name or number, or "" */
    struct config_texts notify_command;                     /* an absolute path and arguments; none: nobody is told */
    char *notify_user;                                      /* a name or number */
    unsigned notify_timeout_sec;                            /* 1..300 */
    unsigned notify_at[CONFIG_MAX_THRESHOLDS];              /* percent, the lowest first */
    size_t n_notify_at;                                     /* at least one */
    unsigned serve_metrics_users;                           /* that have series of their own */
    char *serve_user_header;                                /* of HTTP */
};

/*
 * Reads the file at path, which must exist: for -c FILE and for SIGHUP. Errors: -ENOENT, -EACCES, -EISDIR, -EFBIG,
 * -EINVAL (contents), -ENOMEM, -EIO and what else open(2) says; ret_why as above.
 */
int config_load(const char *path, struct config **ret_config, char **ret_why);

/* As config_load(), but where nothing has the name path the result is the built-in defaults: for CONFIG_DEFAULT_PATH.
 */
int config_load_or_default(const char *path, struct config **ret_config, char **ret_why);

/* What a command line asks for: the file at path, or with NULL, where none is named, that of CONFIG_DEFAULT_PATH or the defaults. */
int config_load_named(const char *path, struct config **ret_config, char **ret_why);

/*
 * Where pdttd of that configuration listens, also when its file has a mistake: who asks pdttd to read it again is told by
 * pdttd what is wrong. -ENOENT, -EACCES and what else open(2) says; ret_why as above.
 */
int config_find_control(const char *path, char **ret_control, char **ret_why);

struct config_change {
    const char *key, *before, *after; /* both texts equal: a file that the value names has other contents */
    const char *origin;               /* of the new value, as above */
};

/* Calls fn for each key with another value in b, in the order of the manual. What fn returns below 0 ends it and is returned. */
int config_compare(const struct config *a, const struct config *b,
                   int (*fn)(const struct config_change *change, void *userdata), void *userdata);

/* "external", "loopback" or one of the configuration's. */
bool config_has_class(const struct config *config, const char *name);

/* Whether a rule has that name. A project may also be called as a group is. */
bool config_has_project(const struct config *config, const char *name);

/* Where the value of a key, such as "log.file", is written: "FILE:LINE"; NULL: nowhere, it is the default. */
const char *config_origin_of(const struct config *config, const char *key);

/*
 * Reads a file that holds the key "policies" and nothing else, with what it includes, into ret, which is empty. Errors and ret_why as
 * above; on failure ret is as it was.
 */
int config_load_policies(const char *path, struct policy_list *ret, char **ret_why);

/* The built-in defaults. -ENOMEM. */
int config_default(struct config **ret_config);

/* Whom the command of notices is run as. */
struct config_notify_user {
    char name[256];
    uint32_t uid, gid; /* neither is root's */
};

/*
 * Whether this host can run the command of notices: what is there and nobody else could exchange, and a user that is not root.
 * Only where there is one. -EINVAL, -ENOMEM; ret_why as above.
 */
int config_check_notify(const struct config *config, struct config_notify_user *ret, char **ret_why);

struct config *config_free(struct config *config); /* NULL is a no-op; returns NULL */

/* Writes the commented default file (etc/pdtt.conf), and the entries of the keys in pdtt.conf(5) as man(7) source. */
void config_print_defaults(FILE *out);
void config_print_manual(FILE *out);

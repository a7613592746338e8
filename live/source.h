/*
 * Where samples come from. A source tells what each flow moved since the sample before; the first only says from where
 * it counts on.
 */
#pragma once

#include "live/model.h"

struct live_source;

struct live_source_kind {
    const char *name; /* for people */
    /* 0: a sample was taken and fed; 1: there is nothing new yet; else a negative errno and *ret_why, malloc'ed. */
    int (*sample)(struct live_source *source, struct live_model *m, char **ret_why);
    void (*close)(struct live_source *source);
};

struct live_source {
    const struct live_source_kind *kind;
    bool connections; /* whoever samples wants them too, which costs more; they count from the sample after the first */
};

/* pdttd itself, through its control socket: as fresh as the question. -ENOENT, -ECONNREFUSED, -EACCES: it cannot be asked. */
int live_source_open_peek(const char *socket_path, struct live_source **ret_source, char **ret_why);

/* The database: as fresh as the last booking, and without connections. The errors of store_open(). */
int live_source_open_store(const char *database, struct live_source **ret_source, char **ret_why);

static inline int live_source_sample(struct live_source *s, struct live_model *m, char **ret_why)
{
    return s->kind->sample(s, m, ret_why);
}

static inline struct live_source *live_source_close(struct live_source *s)
{
    if (s)
        s->kind->close(s);
    return NULL;
}

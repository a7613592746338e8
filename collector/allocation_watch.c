#include "collector/allocation_watch.h"

#include "common/cleanup.h"

#include <errno.h>
#include <string.h>

struct allocation_watch {
    struct allocation_state *v;
    size_t n;
    const struct allocation_state **by_name;
    int64_t reading; /* of the store's, that the texts are from */
    bool known;
};

struct allocation_watch *allocation_watch_new(void)
{
    return calloc(1, sizeof(struct allocation_watch));
}

static void clear(struct allocation_watch *w)
{
    for (size_t i = 0; i < w->n; i++)
        store_allocation_done(&w->v[i].allocation);
    free(w->v);
    free(w->by_name);
    *w = (struct allocation_watch){0};
}

struct allocation_watch *allocation_watch_free(struct allocation_watch *w)
{
    if (w)
        clear(w);
    free(w);
    return NULL;
}

/* ---- what is there ---- */

static int compare_names(const struct allocation_state *a, enum store_subject subject, const char *name)
{
    return a->allocation.subject != subject ? (int)a->allocation.subject - (int)subject
                                            : strcmp(a->allocation.name, name);
}

static int compare(const void *a, const void *b)
{
    const struct allocation_state *sa = *(const struct allocation_state *const *)a,
                                  *sb = *(const struct allocation_state *const *)b;

    return compare_names(sa, sb->allocation.subject, sb->allocation.name);
}

static int take_all(struct allocation_watch *w, const struct store_allocation_use *uses, size_t n)
{
    clear(w);
    w->v = calloc(n + 1, sizeof(*w->v));
    w->by_name = calloc(n + 1, sizeof(struct allocation_state *));
    if (!w->v || !w->by_name)
        return -ENOMEM;
    for (size_t i = 0; i < n; i++) {
        w->by_name[i] = &w->v[i];
        w->n++;
        if (store_allocation_copy(&uses[i].allocation, &w->v[i].allocation) < 0)
            return -ENOMEM;
    }
    qsort(w->by_name, n, sizeof(struct allocation_state *), compare);
    return 0;
}

/* ---- how much is used ---- */

static void take_numbers(struct allocation_watch *w, const struct store_allocation_use *uses)
{
    for (size_t i = 0; i < w->n; i++) {
        struct allocation_state *a = &w->v[i];
        a->period = uses[i].period;
        a->used_bytes = uses[i].used_bytes;
        a->hundredths = store_allocation_hundredths(a->used_bytes, a->allocation.limit_bytes);
        a->exceeded = a->used_bytes > a->allocation.limit_bytes;
    }
}

int allocation_watch_look(struct allocation_watch *w, struct store *store, int64_t now_sec)
{
    const struct store_allocation_use *uses;
    int64_t reading;
    size_t n;
    int r = store_read_uses(store, now_sec, &uses, &n, &reading);

    w->known = false;
    if (r == 0 && reading != w->reading)
        r = take_all(w, uses, n);
    if (r < 0) {
        clear(w);
        return r;
    }
    w->reading = reading;
    take_numbers(w, uses);
    w->known = true;
    return 0;
}

const struct allocation_state *allocation_watch_all(const struct allocation_watch *w, size_t *ret_n)
{
    *ret_n = w->known ? w->n : 0;
    return w->v;
}

int64_t allocation_watch_reading(const struct allocation_watch *w)
{
    return w->reading;
}

/* The first of by_name that is not before the name. */
static size_t find_first(const struct allocation_watch *w, enum store_subject subject, const char *name)
{
    size_t low = 0, high = w->n;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (compare_names(w->by_name[middle], subject, name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

int allocation_watch_find(const struct allocation_watch *w, enum store_subject subject, const char *name,
                          const struct allocation_state **ret)
{
    const struct allocation_state *most = NULL;

    if (!w->known)
        return -ENODATA;
    for (size_t i = find_first(w, subject, name); i < w->n && compare_names(w->by_name[i], subject, name) == 0; i++)
        if (!most || w->by_name[i]->hundredths > most->hundredths)
            most = w->by_name[i];
    if (!most)
        return -ENOENT;
    *ret = most;
    return 0;
}

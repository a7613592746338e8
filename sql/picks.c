#include "sql/picks.h"

#include <errno.h>

#include "sql/store_internal.h"

static int add_pick(struct store *s, struct picks *p, struct pick pick)
{
    struct pick *v = realloc(p->v, (p->n + 1) * sizeof(*v));

    if (!v)
        return store_fail(s, -ENOMEM, "out of memory");
    v[p->n++] = pick;
    p->v = v;
    return 0;
}

int picks_add(struct store *s, enum statement_id id, const struct bind *binds, size_t n_binds, struct picks *p)
{
    int r = statement_bind(s, id, binds, n_binds), n = 0;

    while (r == 0 && (r = statement_step(s, id)) > 0) {
        r = add_pick(s, p, (struct pick){statement_int(s, id, 0), statement_int(s, id, 1)});
        n++;
    }
    statement_reset(s, id);
    return r < 0 ? r : n;
}

static int compare_picks(const void *a, const void *b)
{
    const struct pick *pa = a, *pb = b;

    return (pa->id > pb->id) - (pa->id < pb->id);
}

void picks_sort(struct picks *p)
{
    size_t n = 0;

    if (p->n)
        qsort(p->v, p->n, sizeof(*p->v), compare_picks);
    for (size_t i = 0; i < p->n; i++)
        if (n == 0 || p->v[n - 1].id != p->v[i].id)
            p->v[n++] = p->v[i];
    p->n = n;
}

bool picks_have(const struct picks *p, int64_t id)
{
    struct pick pick = {.id = id};

    return p->n && bsearch(&pick, p->v, p->n, sizeof(*p->v), compare_picks);
}

void picks_intersect(struct picks *p, const struct picks *other)
{
    size_t n = 0;

    for (size_t i = 0; i < p->n; i++)
        if (picks_have(other, p->v[i].id))
            p->v[n++] = p->v[i];
    p->n = n;
}

void picks_done(struct picks *p)
{
    free(p->v);
    *p = (struct picks){0};
}

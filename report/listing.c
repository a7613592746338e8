#include "report/listing.h"

#include <errno.h>
#include <stdlib.h>

int listing_keep(struct listing *l, const struct listing_kind *kind, void *kept)
{
    if (kept && l->n == l->room) {
        size_t room = l->room ? 2 * l->room : 256;
        void **v = reallocarray(l->kept, room, sizeof(*v));

        if (!v) {
            kind->free_kept(kept);
            return -ENOMEM;
        }
        l->kept = v;
        l->room = room;
    }
    if (!kept)
        return -ENOMEM;
    l->kept[l->n++] = kept;
    return 0;
}

static void done(struct listing *l, const struct listing_kind *kind)
{
    rows_done(&l->rows);
    for (size_t i = 0; i < l->n; i++)
        kind->free_kept(l->kept[i]);
    free(l->kept);
    head_done(&l->head);
}

int listing_write(struct listing *l, const struct listing_kind *kind, struct store *s, const struct calendar *cal,
                  int64_t now_sec, const struct report_options *o, FILE *out, char **ret_why)
{
    int r;

    l->o = o;
    l->now_sec = now_sec;
    l->head = ask_head(cal, o, o->by);
    r = period_parse(cal, now_sec, o->since, o->until, &l->head.period, ret_why);
    if (r >= 0)
        r = ask_snapshot(s, kind->read, l, ret_why);
    if (r >= 0)
        r = kind->write(l, out);
    done(l, kind);
    return r;
}

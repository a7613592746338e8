/* What only the raw level knows: single intervals, and whether it still has those of a time. */
#include <errno.h>
#include <time.h>

#include "sql/store_internal.h"

int raw_check_reach(struct store *s, int64_t since_sec)
{
    enum statement_id id = STATEMENT_RAW_REACH;
    int64_t first = 0, oldest = 0;
    char date[32] = "";
    struct tm tm;
    int r = statement_bind(s, id, NO_BINDS);

    if (r == 0 && (r = statement_step(s, id)) > 0) {
        first = statement_int(s, id, 0);
        oldest = statement_int(s, id, 1);
    }
    statement_reset(s, id);
    if (r < 0 || since_sec >= oldest || first >= oldest)
        return r < 0 ? r : 0;
    if (gmtime_r(&(time_t){oldest}, &tm))
        strftime(date, sizeof(date), "%Y-%m-%d %H:%M:%S", &tm);
    return store_fail(
        s, -ERANGE,
        "keeps single intervals and units as long as raw data, now since %s UTC; ask with --since @%lld or "
        "later, or let pdttd keep more (retention.raw)",
        date, (long long)oldest);
}

static int check(struct store *s, void *userdata)
{
    return raw_check_reach(s, *(int64_t *)userdata);
}

int store_knows_units(struct store *s, int64_t since_sec)
{
    int r = query_snapshot(s, check, &since_sec);

    return r == -ERANGE ? 0 : r < 0 ? r : 1;
}

struct intervals {
    struct store_bucket range;
    store_interval_fn fn;
    void *userdata;
};

static int list_intervals(struct store *s, void *userdata)
{
    const struct intervals *i = userdata;
    enum statement_id id = STATEMENT_RAW_INTERVALS;
    int r = raw_check_reach(s, i->range.start_sec);

    if (r == 0)
        r = statement_bind(s, id, BINDS(BIND_INT(i->range.start_sec), BIND_INT(i->range.end_sec)));
    while (r == 0 && (r = statement_step(s, id)) > 0) {
        struct store_bucket interval = {statement_int(s, id, 0), statement_int(s, id, 1)};
        r = i->fn(&interval, i->userdata);
    }
    statement_reset(s, id);
    return r;
}

int store_query_intervals(struct store *s, int64_t since_sec, int64_t until_sec, store_interval_fn fn, void *userdata)
{
    struct intervals i = {{since_sec, until_sec}, fn, userdata};

    return query_snapshot(s, list_intervals, &i);
}

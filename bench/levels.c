#include "bench/levels.h"

#include "common/cleanup.h"

#include <string.h>

enum { FIVE_MINUTES_SEC = 300, PROGRESS_ROWS = 1 << 20, SPARE_PERCENT = 40 };

static const enum calendar_unit units[STORE_LEVELS] = {[STORE_5MIN] = CALENDAR_5MIN,
                                                       [STORE_HOUR] = CALENDAR_HOUR,
                                                       [STORE_DAY] = CALENDAR_DAY,
                                                       [STORE_MONTH] = CALENDAR_MONTH};

/* A level's bucket that is being filled. */
struct level {
    struct site_set active;      /* who moves anything in it */
    struct store_counters *sums; /* by account */
    int64_t seen_ms;
};

struct filling {
    const struct levels_plan *plan;
    struct bulk *bulk;
    struct site_random random;
    struct level levels[STORE_LEVELS];
    int64_t rolled_sec; /* what begins later is in the raw level alone */
    int64_t n_intervals, rows_left;
    int64_t *rows;
    int64_t told;
};

static int64_t intervals(const struct levels_plan *plan)
{
    return (plan->until_sec - plan->kept_since_sec[STORE_RAW]) / plan->interval_sec;
}

/* One more than in the leanest. */
static int64_t rows_per_interval(const struct levels_plan *plan)
{
    return plan->raw_rows / intervals(plan) + 1;
}

/* Who is active in a month is active on half of its days, in half of a day's hours, and so on. */
static size_t active_accounts(const struct levels_plan *plan, int level)
{
    return level == STORE_MONTH  ? plan->site->n_accounts
           : level == STORE_DAY  ? plan->site->n_accounts / 2
           : level == STORE_HOUR ? plan->site->n_accounts / 4
                                 : (size_t)(rows_per_interval(plan) * (100 + SPARE_PERCENT) / 100 + 1);
}

int levels_expect(const struct levels_plan *plan, int64_t ret_rows[static STORE_LEVELS])
{
    static const int64_t seconds[STORE_LEVELS] = {0, FIVE_MINUTES_SEC, 3600, 86400, 28 * 86400};

    if (active_accounts(plan, STORE_5MIN) > active_accounts(plan, STORE_HOUR))
        return -EINVAL;
    ret_rows[STORE_RAW] = plan->raw_rows;
    for (int level = STORE_5MIN; level < STORE_LEVELS; level++)
        ret_rows[level] = ((plan->until_sec - plan->kept_since_sec[level]) / seconds[level] + 1) *
                          (int64_t)active_accounts(plan, level);
    return 0;
}

/* ---- one level ---- */

static void count(struct filling *f, int level)
{
    int64_t all = 0;

    f->rows[level]++;
    for (int i = 0; i < STORE_LEVELS; i++)
        all += f->rows[i];
    if (all - f->told < PROGRESS_ROWS)
        return;
    f->told = all;
    f->plan->progress(f->rows, f->plan->userdata);
}

static void add(struct store_counters *to, const struct store_counters *n)
{
    to->tx_bytes += n->tx_bytes;
    to->rx_bytes += n->rx_bytes;
    to->tx_packets += n->tx_packets;
    to->rx_packets += n->rx_packets;
    to->tx_payload_bytes += n->tx_payload_bytes;
    to->rx_payload_bytes += n->rx_payload_bytes;
}

static int64_t interval_id(const struct levels_plan *plan, int64_t start_sec)
{
    return (start_sec - plan->kept_since_sec[STORE_MONTH]) / plan->interval_sec + 1;
}

/* The rows are added to the sums of five minutes if the interval is to be rolled up. */
static int fill_interval(struct filling *f, int64_t start_sec, bool rolled)
{
    struct level *five_minutes = &f->levels[STORE_5MIN], *raw = &f->levels[STORE_RAW];
    int64_t n_rows = f->rows_left / f->n_intervals, id = interval_id(f->plan, start_sec);
    struct store_counters counted = {0};
    int r = 0;

    f->n_intervals--;
    site_choose(&f->random, &five_minutes->active, (size_t)n_rows, &raw->active);
    f->rows_left -= (int64_t)raw->active.n;
    for (size_t i = 0; i < raw->active.n && r == 0; i++) {
        uint32_t account = raw->active.v[i];
        struct store_counters n = site_move(&f->random, &f->plan->site->accounts[account], f->plan->interval_sec);

        add(&counted, &n);
        if (rolled)
            add(&five_minutes->sums[account], &n);
        r = bulk_put_raw(f->bulk, id, account, &n);
        count(f, STORE_RAW);
    }
    if (rolled)
        five_minutes->seen_ms += f->plan->interval_sec * 1000;
    return r < 0 ? r
                 : bulk_put_interval(f->bulk, id, (struct store_bucket){start_sec, start_sec + f->plan->interval_sec},
                                     &counted);
}

/* Where the finer level has expired. Nobody is active all the time: as much is moved as if it were still there. */
static void invent(struct filling *f, int level, struct store_bucket b)
{
    struct level *l = &f->levels[level];
    int64_t seconds = b.end_sec - b.start_sec;
    int64_t active_sec = seconds * rows_per_interval(f->plan) / (int64_t)l->active.n;

    for (size_t i = 0; i < l->active.n; i++)
        l->sums[l->active.v[i]] = site_move(&f->random, &f->plan->site->accounts[l->active.v[i]], active_sec);
    l->seen_ms = seconds * 1000;
}

static int put_bucket(struct filling *f, int level, int64_t start_sec)
{
    const struct calendar *c = f->plan->calendar;
    char label[CALENDAR_LABEL_MAX];

    return bulk_put_bucket(f->bulk, (enum store_level)level,
                           (struct store_bucket){start_sec, calendar_next(c, units[level], start_sec)},
                           calendar_format(c, units[level], start_sec, label), f->levels[level].seen_ms,
                           start_sec >= f->plan->kept_since_sec[level - 1]);
}

/* Writes a bucket's sums and hands them on to the next coarser level. */
static int write_bucket(struct filling *f, int level, int64_t start_sec)
{
    struct level *l = &f->levels[level];
    int r = put_bucket(f, level, start_sec);

    for (size_t i = 0; i < l->active.n && r == 0; i++) {
        uint32_t account = l->active.v[i];
        if (!l->sums[account].tx_packets)
            continue;
        r = bulk_put_sum(f->bulk, (enum store_level)level, start_sec, account, &l->sums[account]);
        count(f, level);
        if (level < STORE_MONTH)
            add(&f->levels[level + 1].sums[account], &l->sums[account]);
        l->sums[account] = (struct store_counters){0};
    }
    if (level < STORE_MONTH)
        f->levels[level + 1].seen_ms += l->seen_ms;
    l->seen_ms = 0;
    return r;
}

static int fill_bucket(struct filling *f, int level, int64_t start_sec);

static int fill_finer(struct filling *f, int level, struct store_bucket b)
{
    int r = 0;

    if (level == STORE_5MIN) {
        for (int64_t t = b.start_sec; t < b.end_sec && r == 0; t += f->plan->interval_sec)
            r = fill_interval(f, t, true);
        return r;
    }
    for (int64_t t = b.start_sec; t < b.end_sec && r == 0; t = calendar_next(f->plan->calendar, units[level - 1], t))
        r = fill_bucket(f, level - 1, t);
    return r;
}

/* Up to rolled_sec, which lies in the last bucket of each level. */
static int fill_bucket(struct filling *f, int level, int64_t start_sec)
{
    int64_t end = calendar_next(f->plan->calendar, units[level], start_sec);
    struct store_bucket b = {start_sec, end < f->rolled_sec ? end : f->rolled_sec};
    int r = 0;

    if (level < STORE_MONTH)
        site_choose(&f->random, &f->levels[level + 1].active, active_accounts(f->plan, level),
                    &f->levels[level].active);
    if (start_sec >= f->plan->kept_since_sec[level - 1])
        r = fill_finer(f, level, b);
    else
        invent(f, level, b);
    return r < 0 ? r : write_bucket(f, level, start_sec);
}

/* The buckets of what is not rolled up exist, and have seen nothing of it yet. */
static int fill_rest(struct filling *f)
{
    int r = 0;

    if (f->rolled_sec == f->plan->until_sec)
        return 0;
    for (int level = STORE_MONTH; level >= STORE_5MIN && r == 0; level--)
        r = put_bucket(f, level, calendar_start(f->plan->calendar, units[level], f->rolled_sec));
    for (int64_t t = f->rolled_sec; t < f->plan->until_sec && r == 0; t += f->plan->interval_sec)
        r = fill_interval(f, t, false);
    return r;
}

/* ---- all ---- */

static int make_room(struct filling *f)
{
    size_t n = f->plan->site->n_accounts;

    for (int i = 0; i < STORE_LEVELS; i++) {
        struct level *l = &f->levels[i];

        l->active.v = calloc(n, sizeof(*l->active.v));
        l->sums = calloc(n, sizeof(*l->sums));
        if (!l->active.v || !l->sums)
            return -ENOMEM;
    }
    for (size_t i = 0; i < n; i++)
        f->levels[STORE_MONTH].active.v[i] = (uint32_t)i;
    f->levels[STORE_MONTH].active.n = n;
    return 0;
}

int levels_fill(const struct levels_plan *plan, struct bulk *bulk, int64_t ret_rows[static STORE_LEVELS])
{
    struct filling f = {
        .plan = plan,
        .bulk = bulk,
        .rolled_sec = calendar_start(plan->calendar, CALENDAR_5MIN, plan->until_sec),
        .n_intervals = intervals(plan),
        .rows_left = plan->raw_rows,
        .rows = ret_rows,
    };
    int r = make_room(&f);

    memset(ret_rows, 0, STORE_LEVELS * sizeof(*ret_rows));
    for (int64_t t = plan->kept_since_sec[STORE_MONTH]; t < f.rolled_sec && r == 0;
         t = calendar_next(plan->calendar, CALENDAR_MONTH, t))
        r = fill_bucket(&f, STORE_MONTH, t);
    if (r == 0)
        r = fill_rest(&f);
    if (r == 0)
        r = bulk_put_watermark(bulk, interval_id(plan, f.rolled_sec) - 1);
    for (int i = 0; i < STORE_LEVELS; i++) {
        free(f.levels[i].active.v);
        free(f.levels[i].sums);
    }
    return r;
}

/*
 * The power goes at any instant of booking, rolling up, expiring and checkpointing: what the disk can hold then is a sound
 * database that has every interval whose booking had returned, and sums are right. PDTT_FAULT_LONG=1: 5,000 cuts.
 */
#include "tests/support/levels.h"
#include "tests/support/power.h"
#include "tests/support/unit.h"

#define EPOCHS 260
#define ROWS   40
#define START  INT64_C(1795132800)

static size_t booked_at[EPOCHS + 1]; /* the number of operations when booking of the epoch had returned */

static int64_t truth(uint64_t last_epoch)
{
    return ROWS * (int64_t)last_epoch * 1000 + (int64_t)(last_epoch * (last_epoch + 1) / 2);
}

static void book_epoch(struct store *s, uint64_t epoch)
{
    struct store_usage rows[ROWS];

    for (int i = 0; i < ROWS; i++)
        rows[i] = usage(1000 + i + (int64_t)(epoch % 7) * ROWS, 100, 1000 + (i ? 0 : (int64_t)epoch), 0);
    book(s, epoch, START + 37 * (int64_t)epoch, rows, ROWS);
}

static void set_short_policy(struct store *s)
{
    struct store_policy p = keep_all("Australia/Perth");

    p.retention_sec[STORE_RAW] = 2000;
    p.retention_sec[STORE_5MIN] = 5000;
    set_policy(s, p);
}

static void make_trace(void)
{
    struct store *s = open_store(STORE_WRITE);

    set_short_policy(s);
    store_close(s);
    power_trace_begin();
    s = open_store(STORE_WRITE);
    set_short_policy(s);
    booked_at[0] = power_n_ops;
    for (uint64_t epoch = 1; epoch <= EPOCHS; epoch++) {
        book_epoch(s, epoch);
        booked_at[epoch] = power_n_ops;
    }
    store_close(s);
    power_trace_end();
}

static uint64_t acknowledged(size_t cut)
{
    uint64_t epoch = 0;

    while (epoch < EPOCHS && booked_at[epoch + 1] <= cut)
        epoch++;
    return epoch;
}

static void check_cut(size_t cut, unsigned seed, int percent)
{
    uint64_t told = acknowledged(cut), epoch;
    struct store *s;

    power_cut(cut, seed, percent);
    s = open_store(STORE_WRITE); /* checks the whole database */
    ck_assert_int_eq(store_last_epoch(s, LEDGER, &epoch), 0);
    ck_assert_msg(epoch == told || epoch == told + 1,
                  "cut at operation %zu (seed %u, %d %%): booked to %llu, but %llu were told of", cut, seed, percent,
                  (unsigned long long)epoch, (unsigned long long)told);
    for (int level = STORE_HOUR; level < STORE_MONTH; level++)
        ck_assert_msg(level_sum(level, "tx_bytes") == level_sum(STORE_MONTH, "tx_bytes"),
                      "cut at operation %zu (seed %u): %s differs from the month", cut, seed, level_tables[level]);
    int64_t sum =
        sql_int("SELECT (SELECT coalesce(sum(tx_bytes), 0) FROM usage_month)"
                " + (SELECT coalesce(sum(tx_bytes), 0) FROM usage_raw WHERE interval > (SELECT rolled FROM rollup))");
    ck_assert_msg(sum == truth(epoch), "cut at operation %zu (seed %u): %lld instead of %lld bytes", cut, seed,
                  (long long)sum, (long long)truth(epoch));
    set_short_policy(s);
    book_epoch(s, epoch + 1);
    store_close(s);
}

START_TEST(a_power_cut_at_any_instant_loses_nothing_that_was_booked)
{
    bool is_long = getenv("PDTT_FAULT_LONG") != NULL;
    unsigned cuts = is_long ? 5000 : 300, seed = 1;
    static const int percents[] = {50, 0, 100, 10, 90};

    place_make();
    make_trace();
    ck_assert_uint_gt(power_n_ops, 3000);
    for (unsigned i = 0; i < cuts; i++) {
        /* all over the trace, and the seams of it as often */
        size_t cut = i % 2 ? (size_t)rand_r(&seed) % power_n_ops : booked_at[(unsigned)rand_r(&seed) % EPOCHS + 1];
        check_cut(cut, i, percents[i / 2 % array_length(percents)]);
    }
    place_remove();
    printf("%sfault - power loss at %u instants of booking, rolling up and expiring (a trace of %zu writes and syncs, "
           "replayed:"
           " what was synced, and any sectors of the rest) | the database is sound and has every interval that was "
           "booked |"
           " 0 booked bytes; what the kernel counted since: at most an interval, recorded as a gap\n",
           is_long ? "long " : "", cuts, power_n_ops);
    fflush(stdout);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("store_power");
    TCase *c = tcase_create("power");

    tcase_set_timeout(c, 1200);
    tcase_add_test(c, a_power_cut_at_any_instant_loses_nothing_that_was_booked);
    suite_add_tcase(suite, c);
    return unit_main(suite);
}

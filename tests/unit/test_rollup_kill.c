/* kill -9 at any instant of booking and rolling up: sums are equal at every level, no epoch is lost and none is twice.
 */
#include "tests/support/levels.h"
#include "tests/support/victim.h"

#include <errno.h>

#define LOOPS        200
#define SWEEP_ROUNDS 10 /* of those, looked into by a whole check of the database */
#define START        INT64_C(1795132800)

/* Each epoch moves 7 + epoch bytes and is 37 s long, so that every eighth is rolled up and some reach over a boundary.
 */
static int64_t truth(uint64_t last_epoch)
{
    return 7 * (int64_t)last_epoch + (int64_t)(last_epoch * (last_epoch + 1) / 2);
}

static int book_epoch(struct store *s, uint64_t epoch)
{
    struct store_usage rows[] = {usage(1000, 100, 7, 0), usage(1001 + (int64_t)(epoch % 5), 100, (int64_t)epoch, 0),
                                 usage(0, 0, -11, 0), usage(1000, 101, 11, 0)};
    int64_t start = START + 37 * (int64_t)epoch, length = epoch % 50 == 0 ? 4000 : 37;
    struct store_interval i = {.ledger = LEDGER,
                               .epoch = epoch,
                               .start_sec = start,
                               .end_sec = start + length,
                               .duration_ms = length * 1000,
                               .counted = {.tx_bytes = 7 + (int64_t)epoch}};

    return store_book_interval(s, &i, rows, array_length(rows));
}

/* The writer, until it is killed. It drops raw data too. */
static void write_for_ever(int tell, void *userdata)
{
    struct store_policy p = {.timezone = "Australia/Perth",
                             .retention_sec = {4000, 9000, STORE_FOREVER, STORE_FOREVER, STORE_FOREVER}};
    struct store *s = NULL;
    char *why = NULL;
    uint64_t epoch;

    if (store_open(place_path, STORE_WRITE, &s, &why) < 0)
        _exit(1);
    hurry(s); /* a killed process loses nothing that it gave to the kernel */
    if (store_set_policy(s, &p) < 0 || store_last_epoch(s, LEDGER, &epoch) < 0)
        _exit(2);
    for (;;) {
        if (book_epoch(s, ++epoch) < 0)
            _exit(3);
        victim_tell(tell);
    }
}

/* As the next reader finds it: the coarse levels hold all up to the watermark, the raw one what comes after. */
static void check_levels(uint64_t last_epoch)
{
    int64_t unrolled = sql_int("SELECT coalesce(sum(tx_bytes), 0) FROM usage_raw"
                               " WHERE interval > (SELECT rolled FROM rollup)");

    for (int level = STORE_HOUR; level < STORE_LEVELS; level++)
        ck_assert_msg(level_sum(level, "tx_bytes") + unrolled == truth(last_epoch),
                      "%s has %" PRId64 ", raw past it %" PRId64 " of %" PRId64, level_tables[level],
                      level_sum(level, "tx_bytes"), unrolled, truth(last_epoch));
    expect_a_tiling();
}

START_TEST(two_hundred_kills_lose_nothing_and_double_nothing)
{
    uint64_t last = 0;
    int64_t unrolled_once = 0, in_flush = 0;

    place_make();
    store_close(open_store(STORE_WRITE));
    srandom(31337);
    for (int loop = 0; loop < LOOPS; loop++) {
        /* none told: while it opens the database, or reads what was not rolled up */
        victim_kill(victim_start(write_for_ever, NULL), (int)(random() % 24), random() % 12000000);
        last = (uint64_t)sql_int("SELECT coalesce(max(last_epoch), 0) FROM ledger");
        check_levels(last);
        unrolled_once += sql_int("SELECT count(*) > 0 FROM interval WHERE id > (SELECT rolled FROM rollup)");
        in_flush += sql_int("SELECT max(id) - (SELECT rolled FROM rollup) >= 8 FROM interval") > 0;
        if (loop % (LOOPS / SWEEP_ROUNDS) == 0)
            ck_assert_int_eq(sql_int("SELECT integrity_check = 'ok' FROM pragma_integrity_check"), 1);
    }
    printf("%" PRIu64 " epochs, %" PRId64 " of %d kills with something in memory, %" PRId64 " of them at a flush\n",
           last, unrolled_once, LOOPS, in_flush);
    ck_assert_uint_gt(last, LOOPS);
    ck_assert_int_gt(unrolled_once, LOOPS / 10);
    struct store *s = open_store(STORE_WRITE);
    flush(s);
    ck_assert_int_eq(asked(s, 0, INT64_MAX), truth(last));
    store_close(s);
    ck_assert_int_eq(level_sum(STORE_MONTH, "tx_bytes"), truth(last));
    ck_assert_int_eq(level_sum(STORE_DAY, "tx_bytes"), truth(last));
    ck_assert_int_eq(level_sum(STORE_HOUR, "tx_bytes"), truth(last));
    place_remove();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("rollup_kill");
    TCase *c = tcase_create("kill");

    tcase_set_timeout(c, 180);
    tcase_add_test(c, two_hundred_kills_lose_nothing_and_double_nothing);
    suite_add_tcase(suite, c);
    return unit_main(suite);
}

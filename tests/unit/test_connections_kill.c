/* kill -9 at any instant of booking connections: each is there once, with what it moved and no byte more. */
#include "tests/support/connections.h"
#include "tests/support/unit.h"
#include "tests/support/victim.h"

#define LOOPS 100
#define START INT64_C(1795132800)

enum { TOGETHER = 10, LIFE = 20, UNIT = 3 };

/* Each epoch every connection moves UNIT times its number; after LIFE epochs another takes its place. */
static int64_t truth(uint64_t last_epoch)
{
    return UNIT * (TOGETHER * (TOGETHER + 1) / 2) * (int64_t)(last_epoch + 1);
}

/* How the kernel's records look at the end of an epoch; what ended is still there an epoch later. */
static size_t records(uint64_t epoch, struct store_connection *ret)
{
    size_t n = 0;

    for (uint64_t e = epoch ? epoch - 1 : 0; e <= epoch; e++) {
        bool old = e < epoch && e / LIFE != epoch / LIFE;
        for (uint64_t k = 1; k <= TOGETHER && (old || e == epoch); k++) {
            struct store_connection c = connection(e / LIFE * TOGETHER + k, START + 37 * (int64_t)(e - e % LIFE),
                                                   k % 2 ? "203.0.113.7" : "2001:db8::7", "rsync");
            move(&c, UNIT * (int64_t)k * (int64_t)(e % LIFE + 1), 0);
            if (e % LIFE == LIFE - 1)
                end(&c, START + 37 * (int64_t)e + 30, "closed");
            ret[n++] = c;
        }
    }
    return n;
}

static void write_for_ever(int tell, void *userdata)
{
    struct store_connection connections[2 * TOGETHER];
    struct store_usage row = usage(1000, 100, 10000, 0);
    struct store *s = NULL;
    char *why = NULL;
    uint64_t epoch;

    if (store_open(place_path, STORE_WRITE, &s, &why) < 0)
        _exit(1);
    hurry(s); /* a killed process loses nothing that it gave to the kernel */
    if (store_last_epoch(s, LEDGER, &epoch) < 0)
        _exit(2);
    for (;;) {
        size_t n = records(++epoch, connections);
        struct store_interval i = interval_of(epoch, START + 37 * (int64_t)epoch, &row, connections, n);
        i.end_sec = i.start_sec + (epoch % 50 == 0 ? 4000 : 37);
        i.duration_ms = (i.end_sec - i.start_sec) * 1000;
        if (store_book_interval(s, &i, &row, 1) < 0)
            _exit(3);
        victim_tell(tell);
    }
}

START_TEST(a_hundred_kills_lose_no_connection_and_double_none)
{
    uint64_t last = 0;

    place_make();
    store_close(open_store(STORE_WRITE));
    srandom(31337);
    for (int loop = 0; loop < LOOPS; loop++) {
        victim_kill(victim_start(write_for_ever, NULL), (int)(random() % 24), random() % 12000000);
        last = (uint64_t)sql_int("SELECT coalesce(max(last_epoch), 0) FROM ledger");
        if (last == 0)
            continue;
        ck_assert_int_eq(sql_int("SELECT sum(tx_bytes) FROM connection_usage"), truth(last));
        ck_assert_int_eq(sql_int("SELECT sum(tx_bytes) FROM connection"), truth(last));
        ck_assert_int_eq(sql_int("SELECT count(*) FROM connection"), TOGETHER * (int64_t)(last / LIFE + 1));
        ck_assert_int_eq(sql_int("SELECT count(*) FROM connection WHERE ended IS NULL"),
                         last % LIFE == LIFE - 1 ? 0 : TOGETHER);
        if (loop % 10 == 0)
            expect_equal_connections();
    }
    printf("%" PRIu64 " epochs\n", last);
    ck_assert_uint_gt(last, LOOPS);
    expect_equal_connections();
    ck_assert_int_eq(sql_int("SELECT integrity_check = 'ok' FROM pragma_integrity_check"), 1);
    place_remove();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("connections_kill");
    TCase *c = tcase_create("kill");

    tcase_set_timeout(c, 180);
    tcase_add_test(c, a_hundred_kills_lose_no_connection_and_double_none);
    suite_add_tcase(suite, c);
    return unit_main(suite);
}

/* Estimates from samples: the interval of 95 % covers the truth, for many packets and few, even and uneven ones. */
#include "report/estimate.h"
#include "tests/support/unit.h"

#include <stdbool.h>
#include <string.h>

/* A source that is drawn in a few runs only says little but with all others together. */
enum { RUNS = 100, MOST_SOURCES = 6, FEW_SHOWN = 50 };

/* A generator of its own, so that all machines see the same draws: xorshift64*, Vigna 2014. */
static uint64_t state;

static double draw(void)
{
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    return (double)((state * UINT64_C(0x2545F4914F6CDD1D)) >> 11) / 9007199254740992.0;
}

/* A source: how many packets, and how long they are. */
struct source {
    int64_t packets;
    int64_t small, large; /* bytes */
    double share_large;
};

/* A bulk sender, one who acknowledges it, a mixture, short questions, few large ones, hardly anything. */
static const struct source sources[MOST_SOURCES] = {
    {60000, 1500, 1500, 1}, {30000, 52, 52, 0},   {20000, 60, 1500, 0.4},
    {2000, 80, 300, 0.5},   {300, 60, 1500, 0.8}, {60, 84, 84, 0},
};

struct counted {
    int64_t n, bytes, squared, most;
};

static struct counted truth[MOST_SOURCES];
static struct counted drawn[MOST_SOURCES];

static void add(struct counted *to, int64_t bytes)
{
    to->n++;
    to->bytes += bytes;
    to->squared += bytes * bytes;
    to->most = bytes > to->most ? bytes : to->most;
}

/* All packets pass, one in rate of them is drawn. */
static void run(double rate, int64_t *ret_seen, int64_t *ret_drawn)
{
    memset(truth, 0, sizeof(truth));
    memset(drawn, 0, sizeof(drawn));
    *ret_seen = *ret_drawn = 0;
    for (size_t i = 0; i < MOST_SOURCES; i++)
        for (int64_t k = 0; k < sources[i].packets; k++) {
            int64_t bytes = draw() < sources[i].share_large ? sources[i].large : sources[i].small;

            add(&truth[i], bytes);
            ++*ret_seen;
            if (draw() * rate >= 1)
                continue;
            add(&drawn[i], bytes);
            ++*ret_drawn;
        }
}

/* Among those that were drawn. */
static int64_t most_of_all(void)
{
    int64_t most = 0;

    for (size_t i = 0; i < MOST_SOURCES; i++)
        most = drawn[i].most > most ? drawn[i].most : most;
    return most;
}

static struct estimate estimate_of(const struct counted *d, int64_t seen, int64_t all, bool bytes)
{
    const struct estimate_drawn of_bytes = {d->n, d->bytes, d->squared, d->most}, of_packets = {d->n, d->n, d->n, 1};
    struct estimate_sum sum = {0};

    estimate_add(&sum, seen, all, bytes ? &of_bytes : &of_packets);
    return estimate_make(&sum, estimate_weight(seen, all) * (double)(bytes ? most_of_all() : 1), INT64_MAX);
}

/* Of the runs in which a source was drawn at all: only then it is in a report. */
static void expect_covered(double rate)
{
    int covered[MOST_SOURCES][2] = {0}, shown[MOST_SOURCES] = {0}, all_covered = 0, all_shown = 0;

    for (int k = 0; k < RUNS; k++) {
        int64_t seen, all;

        run(rate, &seen, &all);
        for (size_t i = 0; i < MOST_SOURCES; i++) {
            struct estimate packets = estimate_of(&drawn[i], seen, all, false);
            struct estimate bytes = estimate_of(&drawn[i], seen, all, true);

            if (!drawn[i].n)
                continue;
            shown[i]++;
            covered[i][0] += packets.low <= truth[i].n && truth[i].n <= packets.high;
            covered[i][1] += bytes.low <= truth[i].bytes && truth[i].bytes <= bytes.high;
        }
    }
    for (size_t i = 0; i < MOST_SOURCES; i++) {
        all_covered += covered[i][0] + covered[i][1];
        all_shown += 2 * shown[i];
        for (int what = 0; shown[i] >= FEW_SHOWN && what < 2; what++)
            ck_assert_msg(covered[i][what] * 100 >= shown[i] * 93, "1 in %.0f, source %zu: %s of %d of %d runs", rate,
                          i, what ? "bytes" : "packets", covered[i][what], shown[i]);
    }
    ck_assert_msg(all_covered * 100 >= all_shown * 93, "1 in %.0f: %d of %d intervals", rate, all_covered, all_shown);
}

START_TEST(the_interval_covers_the_truth_in_93_of_100_runs)
{
    state = UINT64_C(0x9E3779B97F4A7C15);
    expect_covered(10);
    expect_covered(100);
    expect_covered(1000);
}
END_TEST

/* It would be no use if it were as wide as it likes. */
START_TEST(the_interval_is_not_wider_than_it_must_be)
{
    const struct counted many = {10000, 10000 * 1000, 10000 * INT64_C(1000000), 1000};
    struct estimate e = estimate_of(&many, 5000000, 50000, true);

    ck_assert_int_eq(e.value, INT64_C(1000) * 1000 * 1000);
    /* The normal distribution, which holds for so many: 1.96 times the root of 10000 is 1.96 %. */
    ck_assert_int_ge(e.low, 980000000 - 500000);
    ck_assert_int_le(e.high, 1020000000 + 500000);
}
END_TEST

/* Garwood's interval of a Poisson count, from tables: of one 0.0253 to 5.572, of five 1.6235 to 11.668. */
START_TEST(of_few_equal_packets_it_is_garwoods)
{
    const struct counted one = {1, 100, 10000, 100}, five = {5, 500, 50000, 100};
    struct estimate a = estimate_of(&one, INT64_C(1000000000), 1000, false);
    struct estimate b = estimate_of(&five, INT64_C(1000000000), 1000, false);

    ck_assert_int_eq(a.value, 1000000);
    ck_assert_int_ge(a.low, 10000);
    ck_assert_int_le(a.low, 25300);
    ck_assert_int_ge(a.high, 5540000);
    ck_assert_int_le(a.high, 5600000);
    ck_assert_int_eq(b.value, 5000000);
    ck_assert_int_ge(b.low, 1600000);
    ck_assert_int_le(b.low, 1624000);
    ck_assert_int_ge(b.high, 11640000);
    ck_assert_int_le(b.high, 11690000);
}
END_TEST

START_TEST(of_one_in_one_nothing_is_uncertain)
{
    const struct counted all = {7, 700, 70000, 100};
    struct estimate e = estimate_of(&all, 20, 20, true);

    ck_assert_int_eq(e.value, 700);
    ck_assert_int_eq(e.low, 700);
    ck_assert_int_eq(e.high, 700);
}
END_TEST

START_TEST(the_interval_stays_between_what_was_drawn_and_what_there_was)
{
    struct estimate_sum sum = {0};
    struct estimate e;

    estimate_add(&sum, 3, 2, &(struct estimate_drawn){1, 100, 10000, 100});
    e = estimate_make(&sum, 150, 300);
    ck_assert_int_eq(e.value, 150);
    ck_assert_int_ge(e.low, 100);
    ck_assert_int_le(e.high, 300);
}
END_TEST

/* Half an hour of one in 10, then one in 1000: each is scaled by its own rate. */
START_TEST(times_of_two_rates_are_scaled_each_by_its_own)
{
    struct estimate_sum sum = {0};
    struct estimate e;

    estimate_add(&sum, 10000, 1000, &(struct estimate_drawn){500, 500, 500, 1});
    estimate_add(&sum, 1000000, 1000, &(struct estimate_drawn){500, 500, 500, 1});
    e = estimate_make(&sum, 1000, INT64_MAX);
    ck_assert_int_eq(e.value, 5000 + 500000);
    ck_assert_int_ge(e.low, 455000);
    ck_assert_int_le(e.high, 560000);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("estimate");
    TCase *c = tcase_create("estimates");

    tcase_set_timeout(c, 120);
    tcase_add_test(c, the_interval_covers_the_truth_in_93_of_100_runs);
    tcase_add_test(c, the_interval_is_not_wider_than_it_must_be);
    tcase_add_test(c, of_few_equal_packets_it_is_garwoods);
    tcase_add_test(c, of_one_in_one_nothing_is_uncertain);
    tcase_add_test(c, the_interval_stays_between_what_was_drawn_and_what_there_was);
    tcase_add_test(c, times_of_two_rates_are_scaled_each_by_its_own);
    suite_add_tcase(suite, c);
    return unit_main(suite);
}

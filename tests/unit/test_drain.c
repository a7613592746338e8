/*
 * The drain against real maps and a store that can be told to fail: what a pdttd does after the one before it died at any
 * instant. Needs CAP_BPF for the maps; no program is loaded, the tests write the counts themselves.
 */
#include "collector/drain.h"
#include "tests/support/unit.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define SLOTS 16
#define CPUS  2

/* ---- a store that remembers what it was given ---- */

static struct {
    uint64_t last_epoch;
    int fail_with;
    int booked;
    struct store_interval interval;
    struct store_usage rows[SLOTS];
    size_t n_rows;
} fake;

int store_book_interval(struct store *s, const struct store_interval *interval, struct store_usage *rows, size_t n_rows)
{
    if (fake.fail_with)
        return fake.fail_with;
    if (interval->epoch <= fake.last_epoch)
        return -EALREADY;
    fake.last_epoch = interval->epoch;
    fake.booked++;
    fake.interval = *interval;
    fake.n_rows = n_rows;
    memcpy(fake.rows, rows, n_rows * sizeof(*rows));
    return 0;
}

/* ---- a ledger without programs ---- */

static struct ledger_maps maps;
static struct ledger *ledger;
static struct pdtt_counters *counters[2];
static struct pdtt_slot *accounts;
static struct drain drain;
static const struct drain_settings settings = {.generation = 1};

static int make_map(enum bpf_map_type type, uint32_t key, uint32_t value, uint32_t entries, uint32_t flags, int inner)
{
    LIBBPF_OPTS(bpf_map_create_opts, options, .map_flags = flags, .inner_map_fd = inner > 0 ? inner : 0);
    int fd = bpf_map_create(type, "pdtt_test", key, value, entries, &options);

    ck_assert_int_ge(fd, 0);
    return fd;
}

static void *map_memory(int fd, size_t size)
{
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

    ck_assert_ptr_ne(memory, MAP_FAILED);
    return memory;
}

static void set_up(void)
{
    struct pdtt_layout layout = {.abi_version = PDTT_ABI_VERSION, .slots = SLOTS, .cpus = CPUS, .ledger = 77};
    uint32_t per_half = PDTT_LEDGER_ELEMENTS(CPUS, SLOTS), zero = 0;

    memset(&fake, 0, sizeof(fake));
    for (int half = 0; half < 2; half++) {
        maps.inner[half] = make_map(BPF_MAP_TYPE_ARRAY, 4, sizeof(struct pdtt_counters), per_half, BPF_F_MMAPABLE, -1);
        counters[half] = map_memory(maps.inner[half], per_half * sizeof(struct pdtt_counters));
    }
    maps.outer = make_map(BPF_MAP_TYPE_ARRAY_OF_MAPS, 4, 4, 1, 0, maps.inner[0]);
    maps.accounts = make_map(BPF_MAP_TYPE_ARRAY, 4, sizeof(struct pdtt_slot), 2 * SLOTS, BPF_F_MMAPABLE, -1);
    accounts = map_memory(maps.accounts, 2 * SLOTS * sizeof(struct pdtt_slot));
    maps.slots = make_map(BPF_MAP_TYPE_HASH, sizeof(struct pdtt_account), 8, 2 * SLOTS, BPF_F_NO_PREALLOC, -1);
    maps.layout = make_map(BPF_MAP_TYPE_ARRAY, 4, sizeof(layout), 1, 0, -1);
    ck_assert_int_eq(bpf_map_update_elem(maps.layout, &zero, &layout, 0), 0);
    ck_assert_int_eq(bpf_map_update_elem(maps.outer, &zero, &maps.inner[0], 0), 0);
    ck_assert_int_eq(ledger_open(&maps, &ledger), 0);
    ledger_begin(ledger, 0, &(struct ledger_start){.epoch = 1, .start_ns = 1000000000, .boot_ns = 500000000});
    drain = (struct drain){.ledger = ledger};
}

static void tear_down(void)
{
    ledger = ledger_close(ledger);
}

/* What a program does for the first packets of an account in an epoch. */
static void count(int half, uint32_t uid, int cpu, uint64_t tx_bytes)
{
    struct pdtt_epoch *epoch = (struct pdtt_epoch *)&counters[half][0];
    uint32_t slot = epoch->next_slot++;
    struct pdtt_slot *entry = &accounts[(epoch->epoch & 1) * SLOTS + slot];
    uint64_t value = epoch->epoch << PDTT_SLOT_BITS | slot;

    entry->account = (struct pdtt_account){.uid = uid, .gid = uid, .family = 2};
    epoch->new_keys += bpf_map_update_elem(maps.slots, &entry->account, &value, BPF_NOEXIST) == 0;
    ck_assert_int_eq(bpf_map_update_elem(maps.slots, &entry->account, &value, BPF_ANY), 0);
    counters[half][1 + cpu * SLOTS + slot].bytes[PDTT_TX] += tx_bytes;
    counters[half][1 + cpu * SLOTS + slot].packets[PDTT_TX] += 1;
}

static int keys_left(void)
{
    struct pdtt_account key, next;
    int n = 0;

    for (bool first = true; bpf_map_get_next_key(maps.slots, first ? NULL : &key, &next) == 0; first = false, n++)
        key = next;
    return n;
}

/* ---- tests ---- */

START_TEST(an_interval_is_sealed_booked_and_cleared)
{
    count(0, 1000, 0, 700);
    counters[0][1 + 1 * SLOTS + 1].bytes[PDTT_TX] += 300; /* the same account on the other CPU */
    ck_assert_int_eq(drain_interval(&drain, &settings), 0);
    ck_assert_int_eq(fake.booked, 1);
    ck_assert_uint_eq(fake.interval.epoch, 1);
    ck_assert_uint_eq(fake.interval.ledger, 77);
    ck_assert_uint_eq(fake.n_rows, 1);
    ck_assert_int_eq(fake.rows[0].uid, 1000);
    ck_assert_int_eq(fake.rows[0].n.tx_bytes, 1000);
    ck_assert_int_eq(fake.interval.counted.tx_bytes, 1000);
    ck_assert_int_eq(ledger_active(ledger), 1);
    ck_assert_uint_eq(ledger_epoch(ledger, 0)->epoch, 0);
}
END_TEST

START_TEST(what_passed_no_ip_is_booked_as_packets)
{
    count(0, 1000, 0, 700);
    accounts[SLOTS + 1].account.family = 17; /* AF_PACKET */
    ck_assert_int_eq(drain_interval(&drain, &settings), 0);
    ck_assert_uint_eq(fake.n_rows, 1);
    ck_assert_int_eq(fake.rows[0].protocol, STORE_PROTOCOL_PACKET);
}
END_TEST

START_TEST(after_a_crash_before_the_commit_the_sealed_epoch_is_booked_once)
{
    count(0, 1000, 0, 700);
    ck_assert_int_eq(ledger_swap(ledger, &(struct ledger_start){.epoch = 2, .start_ns = 3000000000}), 0);
    count(1, 1000, 0, 5); /* traffic goes on in the new epoch */
    ck_assert_int_eq(drain_recover(&drain), 0);
    ck_assert_int_eq(fake.booked, 1);
    ck_assert_int_eq(fake.interval.counted.tx_bytes, 700);
    ck_assert_int_eq(fake.interval.start_sec, 1);
    ck_assert_int_eq(fake.interval.end_sec, 3);
    ck_assert_int_eq(drain_recover(&drain), 0);
    ck_assert_int_eq(fake.booked, 1);
}
END_TEST

START_TEST(after_a_crash_between_commit_and_clear_the_epoch_is_only_cleared)
{
    count(0, 1000, 0, 700);
    fake.last_epoch = 1;
    ck_assert_int_eq(ledger_swap(ledger, &(struct ledger_start){.epoch = 2}), 0);
    ck_assert_int_eq(drain_recover(&drain), 0);
    ck_assert_int_eq(fake.booked, 0);
    ck_assert_uint_eq(ledger_epoch(ledger, 0)->epoch, 0);
    ck_assert_uint_eq(counters[0][1 + 1].bytes[PDTT_TX], 0);
}
END_TEST

START_TEST(an_interrupted_clear_is_done_again)
{
    count(0, 1000, 0, 700);
    count(0, 1001, 1, 800);
    fake.last_epoch = 1;
    ck_assert_int_eq(ledger_swap(ledger, &(struct ledger_start){.epoch = 2}), 0);
    memset(&counters[0][1], 0, SLOTS * sizeof(counters[0][1])); /* the first CPU's row was done */
    ck_assert_int_eq(drain_recover(&drain), 0);
    ck_assert_int_eq(fake.booked, 0);
    ck_assert_uint_eq(counters[0][1 + SLOTS + 2].bytes[PDTT_TX], 0);
}
END_TEST

START_TEST(a_half_that_was_prepared_but_never_active_is_not_booked)
{
    count(0, 1000, 0, 700);
    ledger_begin(ledger, 1, &(struct ledger_start){.epoch = 2});
    ck_assert_int_eq(drain_recover(&drain), 0);
    ck_assert_int_eq(fake.booked, 0);
    ck_assert_uint_eq(ledger_epoch(ledger, 1)->epoch, 0);
    ck_assert_int_eq(drain_interval(&drain, &settings), 0);
    ck_assert_int_eq(fake.interval.counted.tx_bytes, 700);
}
END_TEST

START_TEST(a_store_that_cannot_book_leaves_the_counts_sealed_and_nothing_is_swapped_twice)
{
    count(0, 1000, 0, 700);
    fake.fail_with = -EBUSY;
    ck_assert_int_eq(drain_interval(&drain, &settings), -EBUSY);
    count(1, 1000, 0, 50);
    ck_assert_int_eq(drain_interval(&drain, &settings), -EBUSY);
    ck_assert_uint_eq(ledger_epoch(ledger, 1)->epoch, 2);
    fake.fail_with = 0;
    ck_assert_int_eq(drain_interval(&drain, &settings), 0);
    ck_assert_int_eq(fake.booked, 2);
    ck_assert_int_eq(fake.interval.counted.tx_bytes, 50);
}
END_TEST

START_TEST(moved_bytes_change_the_rows_but_not_what_was_counted)
{
    count(0, 0, 0, 700);
    count(0, 1000, 0, 1);
    accounts[SLOTS + 1].moved_bytes[PDTT_TX] = -700;
    accounts[SLOTS + 2].moved_bytes[PDTT_TX] = 700;
    ck_assert_int_eq(drain_interval(&drain, &settings), 0);
    ck_assert_int_eq(fake.interval.counted.tx_bytes, 701);
    ck_assert_int_eq(fake.rows[0].n.tx_bytes, 0);
    ck_assert_int_eq(fake.rows[1].n.tx_bytes, 701);
}
END_TEST

START_TEST(what_found_no_slot_is_booked_as_overflow)
{
    for (uint32_t uid = 1; uid < SLOTS; uid++)
        count(0, uid, 0, 10);
    ((struct pdtt_epoch *)&counters[0][0])->next_slot += 5; /* racing CPUs may run past the end */
    counters[0][1 + SLOTS].bytes[PDTT_TX] = 999;
    ck_assert_int_eq(drain_interval(&drain, &settings), 0);
    ck_assert_uint_eq(fake.n_rows, SLOTS);
    ck_assert_int_eq(fake.rows[0].uid, STORE_UID_OVERFLOW);
    ck_assert_int_eq(fake.rows[0].kind, STORE_KIND_OVERFLOW);
    ck_assert_int_eq(fake.rows[0].n.tx_bytes, 999);
    ck_assert_int_eq(fake.interval.counted.tx_bytes, 999 + 10 * (SLOTS - 1));
}
END_TEST

/* Three accounts an interval, ever new ones: without sweeping, 32 entries would be full after eleven. */
START_TEST(keys_of_accounts_that_are_gone_never_fill_the_map)
{
    for (uint32_t i = 0; i < 100; i++) {
        int half = ledger_active(ledger);

        for (uint32_t uid = 0; uid < 3; uid++)
            count(half, 1000 + 3 * i + uid, 0, 10);
        ck_assert_int_eq(drain_interval(&drain, &settings), 0);
        ck_assert_int_eq(fake.interval.counted.tx_bytes, 30);
        ck_assert_int_le(keys_left(), SLOTS + 3);
    }
}
END_TEST

START_TEST(a_sweep_spares_the_accounts_of_the_active_epoch)
{
    struct pdtt_account active;
    uint64_t value;

    for (uint32_t uid = 1; uid < SLOTS; uid++)
        count(0, uid, 0, 10);
    ck_assert_int_eq(ledger_swap(ledger, &(struct ledger_start){.epoch = 2}), 0);
    count(1, 1, 0, 10);   /* an old account, renewed */
    count(1, 500, 0, 10); /* a new one */
    active = accounts[1].account;
    ck_assert_int_eq(drain_recover(&drain), 0);
    ck_assert_int_eq(keys_left(), 2);
    ck_assert_int_eq(bpf_map_lookup_elem(maps.slots, &active, &value), 0);
    ck_assert_uint_eq(PDTT_SLOT_EPOCH(value), 2);
}
END_TEST

START_TEST(a_retired_ledger_is_booked_to_the_last_byte)
{
    count(0, 1000, 0, 700);
    ck_assert_int_eq(ledger_swap(ledger, &(struct ledger_start){.epoch = 2}), 0);
    count(1, 1000, 0, 50);
    ck_assert_int_eq(drain_retired(&drain, 9000000000, 9000000000), 0);
    ck_assert_int_eq(fake.booked, 2);
    ck_assert_uint_eq(fake.interval.epoch, 2);
    ck_assert_int_eq(fake.interval.end_sec, 9);
    ck_assert_int_eq(drain_retired(&drain, 9000000000, 9000000000), 0);
    ck_assert_int_eq(fake.booked, 2);
}
END_TEST

START_TEST(maps_of_another_shape_are_refused)
{
    struct pdtt_layout layout = {.abi_version = PDTT_ABI_VERSION, .slots = SLOTS + 1, .cpus = CPUS};
    struct ledger *other;
    uint32_t zero = 0;

    ck_assert_int_eq(bpf_map_update_elem(maps.layout, &zero, &layout, 0), 0);
    ck_assert_int_eq(ledger_open(&maps, &other), -EPROTO);
}
END_TEST

START_TEST(no_id_of_the_kernel_becomes_root)
{
    struct ledger_row row = {.account = {.uid = PDTT_NO_ID, .gid = PDTT_NO_ID, .kind = PDTT_KIND_UNATTRIBUTED}};
    struct store_usage usage;

    drain_usage_of_row(&row, &usage);
    ck_assert_int_eq(usage.uid, STORE_UID_UNATTRIBUTED);
    ck_assert_int_eq(usage.gid, STORE_GID_NONE);
    row.account.uid = 4294967294U; /* a real uid, however odd */
    drain_usage_of_row(&row, &usage);
    ck_assert_int_eq(usage.uid, INT64_C(4294967294));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("drain");
    TCase *tc = tcase_create("drain");

    if (geteuid() != 0) {
        puts("skip: BPF maps need root");
        return 77;
    }
    tcase_add_checked_fixture(tc, set_up, tear_down);
    tcase_add_test(tc, an_interval_is_sealed_booked_and_cleared);
    tcase_add_test(tc, what_passed_no_ip_is_booked_as_packets);
    tcase_add_test(tc, after_a_crash_before_the_commit_the_sealed_epoch_is_booked_once);
    tcase_add_test(tc, after_a_crash_between_commit_and_clear_the_epoch_is_only_cleared);
    tcase_add_test(tc, an_interrupted_clear_is_done_again);
    tcase_add_test(tc, a_half_that_was_prepared_but_never_active_is_not_booked);
    tcase_add_test(tc, a_store_that_cannot_book_leaves_the_counts_sealed_and_nothing_is_swapped_twice);
    tcase_add_test(tc, moved_bytes_change_the_rows_but_not_what_was_counted);
    tcase_add_test(tc, what_found_no_slot_is_booked_as_overflow);
    tcase_add_test(tc, keys_of_accounts_that_are_gone_never_fill_the_map);
    tcase_add_test(tc, a_sweep_spares_the_accounts_of_the_active_epoch);
    tcase_add_test(tc, a_retired_ledger_is_booked_to_the_last_byte);
    tcase_add_test(tc, maps_of_another_shape_are_refused);
    tcase_add_test(tc, no_id_of_the_kernel_becomes_root);
    suite_add_tcase(suite, tc);
    return unit_main(suite);
}

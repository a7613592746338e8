/*
 * What each account has moved by now, for whoever watches: what was booked since somebody began to look, and what waits
 * in the kernel's ledger. It only reads: no epoch is swapped for it, and what is booked is the same with and without.
 *
 * Counters are cumulative since the serial last changed, so that watchers may come as often or as seldom as they like
 * and take differences. A transfer may make one smaller.
 */
#pragma once

#include "collector/drain.h"

struct peek;

struct peek *peek_new(void); /* NULL: no memory */
struct peek *peek_free(struct peek *p);

/* The classes that there are from now on; the names are copied. -ENOMEM. */
int peek_name_classes(struct peek *p, const char *const *names, const int64_t *ids, size_t n);
const char *peek_class(const struct peek *p, int64_t id);

/* Counting for watchers begins with the first look, and ends when none came for so long. */
#define PEEK_IDLE_SEC 300

/* ... and anew when more accounts than this moved something meanwhile: what is remembered for watchers is bounded. */
#define PEEK_MOST_ROWS 65536

/* Whether anybody has looked lately. */
bool peek_is_watched(const struct peek *p);

/* What an interval booked; does nothing while nobody looks. */
void peek_booked(struct peek *p, const struct store_interval *interval, const struct store_usage *rows, size_t n);

/* One account, without protocol and family. */
struct peek_row {
    int64_t uid, gid, unit, class_id;
    enum store_kind kind;
    const char *project; /* as in struct store_usage; lives until the next call */
    int64_t rx_bytes, tx_bytes, rx_packets, tx_packets;
};

/*
 * Looks: booked_epoch is the last one in the store, now_ns of the boot-time clock. ret_rows is malloc'ed, an account
 * comes once. *ret_serial differs from the one before when counters began anew. -ENOMEM.
 */
int peek_look(struct peek *p, const struct drain *d, uint64_t booked_epoch, int64_t now_ns, struct peek_row **ret_rows,
              size_t *ret_n, uint64_t *ret_serial);

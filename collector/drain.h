/*
 * From the kernel's ledger to the store, each epoch exactly once. The pinned ledger and the store are the only state: whatever
 * instant a pdttd died at, the next one finds out what is sealed, what is booked and what is still to be cleared.
 */
#pragma once

#include "collector/ledger.h"
#include "sql/store.h"

/* What the next epoch starts with besides its times. */
struct drain_settings {
    uint32_t generation, flags;
    uint64_t errors; /* kernel_errors() now */
};

/* The project that a rule gives to an account, NULL: none, so that the store takes that of the gid. */
typedef const char *(*drain_project_fn)(const struct pdtt_account *account, void *userdata);

/* Told of what was booked, once it is: for names, text logs. */
typedef void (*drain_booked_fn)(const struct store_interval *interval, const struct store_usage *rows, size_t n,
                                void *userdata);

/* Adds the records of connections to an interval that is about to be booked. What fails costs their detail, no byte. */
typedef void (*drain_connections_fn)(struct store_interval *interval, uint64_t active_epoch, void *userdata);

/* What meters beside the ledger read now; they belong to the callee until the next call. 0, or booked without them. */
typedef int (*drain_meters_fn)(const struct store_meter **ret, size_t *ret_n, void *userdata);

struct drain {
    struct ledger *ledger;
    struct store *store;
    drain_project_fn project; /* these five may be NULL */
    drain_booked_fn booked;
    drain_connections_fn connections;
    drain_meters_fn meters;
    drain_meters_fn policies; /* the same of policies */
    void *userdata;
};

/*
 * Books and clears what an earlier call or process sealed but did not finish. 0 if there was nothing. Errors are those of
 * store_book_interval(); the epoch then stays sealed in the kernel, nothing is lost, and the next call tries again.
 */
int drain_recover(const struct drain *d);

/*
 * Recovers, seals the active epoch, books it, clears it. On an error in booking the counts wait in the sealed half while the
 * other one counts on; nothing is swapped before they are booked.
 */
int drain_interval(const struct drain *d, const struct drain_settings *settings);

/* Books both halves of a ledger that no program counts into any more. */
int drain_retired(const struct drain *d, int64_t end_ns, int64_t end_boot_ns);

/* Pure: the store's form of a ledger's row, without a project. */
void drain_usage_of_row(const struct ledger_row *row, struct store_usage *ret_usage);

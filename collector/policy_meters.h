/*
 * The counters of policies on their way to the store: each name that is in force has an identity from its coming to its going, by
 * which the store knows how much of it is booked.
 */
#pragma once

#include "collector/policy_kernel.h"
#include "sql/store.h"

struct policy_meters;

/* Goes on with what the kernel has in force and the store has of it. Errors are the store's, -ENOMEM. */
int policy_meters_open(struct policies *kernel, struct store *store, struct policy_meters **ret_meters);
struct policy_meters *policy_meters_close(struct policy_meters *m);

/*
 * Around a list that is put in force: _before() reads what those have that may go, _after() takes the names that the kernel has
 * then, or at the next reading if it fails. What went is booked with the next interval. -ENOMEM.
 */
int policy_meters_before(struct policy_meters *m);
int policy_meters_after(struct policy_meters *m);

/* For struct store_interval; valid until the next call of any function here. */
int policy_meters_read(struct policy_meters *m, const struct store_meter **ret, size_t *ret_n);
void policy_meters_booked(struct policy_meters *m); /* what was read last */

/* Another store may lack what the one before had: the next reading tells all. */
void policy_meters_tell_all(struct policy_meters *m);

/*
 * How long a writer held SQLite's lock: from the statement that begins a transaction to the end of its commit, as the
 * statements pass by. Seeing every statement costs something, so a booking is timed with it once and not in each round.
 */
#pragma once

/* Every database that this process opens from now on is watched. -ENOMEM. */
int lock_time_watch(void);

/* Forgets what was seen, and sees from now on. */
void lock_time_start(void);

/* Sees no more; milliseconds from the first BEGIN since the start to now, 0: there was none. */
double lock_time_stop_ms(void);

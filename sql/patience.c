/* How long a question may take. SQLite asks every so many steps of its machine whether to go on. */
#include "common/clock.h"
#include "sql/store_internal.h"

enum { STEPS_BETWEEN_LOOKS = 2000 }; /* well under a millisecond */

static int is_over(void *userdata)
{
    const struct store *s = userdata;

    return clock_boottime_ns() > s->patience_until_ns;
}

void store_set_patience(struct store *s, int64_t ms)
{
    s->patience_until_ns = clock_boottime_ns() + ms * NSEC_PER_MSEC;
    sqlite3_progress_handler(s->db, ms > 0 ? STEPS_BETWEEN_LOOKS : 0, is_over, s);
}

#include "bench/lock_time.h"

#include "common/clock.h"
#include "sql/store.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <strings.h>

static bool watching;
static int64_t began_ns;

static int see_statement(unsigned event, void *userdata, void *statement, void *text)
{
    if (watching && !began_ns && strncasecmp(text, "BEGIN", 5) == 0)
        began_ns = clock_boottime_ns();
    return 0;
}

static int watch_database(sqlite3 *db, char **why, const struct sqlite3_api_routines *api)
{
    return sqlite3_trace_v2(db, SQLITE_TRACE_STMT, see_statement, NULL);
}

int lock_time_watch(void)
{
    store_set_up_sqlite();
    return sqlite3_auto_extension((void (*)(void))watch_database) == SQLITE_OK ? 0 : -ENOMEM;
}

void lock_time_start(void)
{
    began_ns = 0;
    watching = true;
}

double lock_time_stop_ms(void)
{
    watching = false;
    return began_ns ? (double)(clock_boottime_ns() - began_ns) / NSEC_PER_MSEC : 0;
}

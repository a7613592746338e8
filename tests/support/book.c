/*
 * book DATABASE: books into a database what the lines of its input say, for tests that need known rows and no kernel.
 *
 *   user UID NAME | group GID NAME
 *   row START_SEC UID GID PROJECT UNIT TX_BYTES RX_BYTES     one interval of ten seconds; "-": no project, no unit
 *   allocate user|project NAME LIMIT_BYTES                   in a month
 */
#include "common/cleanup.h"
#include "sql/store.h"

#include <inttypes.h>
#include <string.h>
#include <sys/socket.h>

enum { TCP = 6, MOST_ALLOCATIONS = 16 };

static struct store *s;
static uint64_t epoch;
static struct store_allocation allocations[MOST_ALLOCATIONS];
static size_t n_allocations;

static int book_row(const char *line)
{
    char project[128], unit[256];
    struct store_usage row = {.protocol = TCP, .family = AF_INET};
    struct store_interval i = {.ledger = 1, .duration_ms = 10000};
    int r = 0;

    if (sscanf(line, "row %" SCNd64 " %" SCNd64 " %" SCNd64 " %127s %255s %" SCNd64 " %" SCNd64, &i.start_sec, &row.uid,
               &row.gid, project, unit, &row.n.tx_bytes, &row.n.rx_bytes) != 7)
        return -EINVAL;
    row.n.tx_packets = row.n.tx_bytes / 1000;
    row.n.rx_packets = row.n.rx_bytes / 1000;
    row.project = strcmp(project, "-") == 0 ? NULL : project;
    if (strcmp(unit, "-") != 0)
        r = store_unit_id(s, unit, &row.unit);
    i.end_sec = i.start_sec + 10;
    i.counted = row.n;
    i.epoch = ++epoch;
    return r < 0 ? r : store_book_interval(s, &i, &row, 1);
}

static int allocate(const char *line)
{
    struct store_allocation a = {.billing_day = 1};
    char subject[16], name[128];

    if (n_allocations == MOST_ALLOCATIONS ||
        sscanf(line, "allocate %15s %127s %" SCNd64, subject, name, &a.limit_bytes) != 3)
        return -EINVAL;
    a.subject = strcmp(subject, "user") == 0 ? STORE_SUBJECT_USER : STORE_SUBJECT_PROJECT;
    a.name = strdup(name);
    allocations[n_allocations++] = a;
    return store_sync_allocations(s, allocations, n_allocations);
}

static int obey(char *line)
{
    int64_t id;
    int at = 0;

    line[strcspn(line, "\n")] = '\0';
    if (strncmp(line, "row ", 4) == 0)
        return book_row(line);
    if (strncmp(line, "allocate ", 9) == 0)
        return allocate(line);
    if (sscanf(line, "user %" SCNd64 " %n", &id, &at) == 1 && at)
        return store_note_user(s, id, line + at, 1000);
    if (sscanf(line, "group %" SCNd64 " %n", &id, &at) == 1 && at)
        return store_note_group(s, id, line + at, 1000);
    return *line ? -EINVAL : 0;
}

int main(int argc, char **argv)
{
    cleanup_free char *why = NULL, *line = NULL;
    size_t size = 0;
    int r;

    if (argc != 2 || store_open(argv[1], STORE_WRITE, &s, &why) < 0) {
        fprintf(stderr, "book: %s\n", why ? why : "usage: book DATABASE <LINES");
        return EXIT_FAILURE;
    }
    store_last_epoch(s, 1, &epoch);
    while (getline(&line, &size, stdin) > 0) {
        r = obey(line);
        if (r < 0) {
            fprintf(stderr, "book: '%s': %s: %s\n", line, strerror(-r), store_why(s));
            return EXIT_FAILURE;
        }
    }
    store_close(s);
    return EXIT_SUCCESS;
}

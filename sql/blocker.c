/*
 * Who holds a lock on the database. Read from /proc/locks, because fcntl(F_GETLK) needs a descriptor of the -shm file, and
 * closing that would drop the locks that SQLite holds in this process.
 */
#include <string.h>

#include "sql/store_internal.h"

/* Bytes of the -shm file, from SQLite's file format: WALINDEX_LOCK_OFFSET and the locks that follow it. */
#define WRITE_LOCK      120
#define FIRST_READ_LOCK 123
#define LAST_READ_LOCK  127

static void describe(int pid, struct store_holder *ret)
{
    char path[64], line[128];
    cleanup_fclose FILE *status = NULL;

    *ret = (struct store_holder){.pid = pid, .uid = UINT32_MAX, .comm = "?"};
    snprintf(path, sizeof(path), "/proc/%d/status", pid);
    status = fopen(path, "re");
    while (status && fgets(line, sizeof(line), status)) {
        sscanf(line, "Name:\t%31[^\n]", ret->comm);
        if (sscanf(line, "Uid:\t%u", &ret->uid) == 1)
            break;
    }
}

/* A lock of any kind stops a writer: who may only read the file can still take a read lock on the byte of the write lock. */
static bool find_holder(const struct store *s, unsigned first_byte, unsigned last_byte, struct store_holder *ret)
{
    cleanup_free char *shm = NULL;
    cleanup_fclose FILE *locks = NULL;
    struct stat st;
    char line[256];

    if (asprintf(&shm, "%s-shm", s->path) < 0) {
        shm = NULL;
        return false;
    }
    if (stat(shm, &st) < 0 || !(locks = fopen("/proc/locks", "re")))
        return false;
    while (fgets(line, sizeof(line), locks)) {
        int pid;
        unsigned long long inode, first;
        char last[32];
        if (sscanf(line, "%*d: %*s %*s %*s %d %*x:%*x:%llu %llu %31s", &pid, &inode, &first, last) != 4)
            continue;
        if (inode == st.st_ino && pid > 0 && pid != getpid() && first <= last_byte &&
            (strcmp(last, "EOF") == 0 || strtoull(last, NULL, 10) >= first_byte)) {
            describe(pid, ret);
            return true;
        }
    }
    return false;
}

bool store_find_blocker(const struct store *s, struct store_holder *ret)
{
    return find_holder(s, WRITE_LOCK, WRITE_LOCK, ret);
}

bool store_find_reader(const struct store *s, struct store_holder *ret)
{
    return find_holder(s, FIRST_READ_LOCK, LAST_READ_LOCK, ret);
}

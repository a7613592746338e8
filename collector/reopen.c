/*
 * The database under a running or starting pdttd: where it was moved or deleted, a new one is begun; where it is damaged, it is
 * moved aside, what can be read of it goes into a new one, and counting goes on. The counts wait in the kernel meanwhile.
 */
#include "collector/mend.h"
#include "collector/session_policies.h"

#include "collector/classes.h"
#include "common/cleanup.h"
#include "common/clock.h"
#include "common/log.h"

#include <string.h>
#include <systemd/sd-daemon.h>

static int fail(int error, const char *why)
{
    log_error("%s", why ? why : strerror(-error));
    return error;
}

/* Salvaging may take minutes, and whoever watches over pdttd must not think that it hangs. */
static void still_alive(void)
{
    sd_notify(0, "WATCHDOG=1\nEXTEND_TIMEOUT_USEC=120000000");
}

/* A past trouble of the store, and that it is over. */
static void note_trouble(struct session *s, const char *what)
{
    store_put_layer_state(s->store, "store", "failed", what, clock_realtime_sec());
    store_put_layer_state(s->store, "store", "on", "", clock_realtime_sec());
}

static void tell_salvage(struct session *s, const char *moved, const struct store_salvage *salvage)
{
    cleanup_free char *line = NULL;

    if (asprintf(&line,
                 "damaged; moved to %s; %s: %lld rows saved, which tell of %lld bytes; %d unreadable places in %d"
                 " tables, %lld rows refused; missing are %lld bytes that intervals had, and %lld intervals%s",
                 moved, salvage->readable ? "salvaged" : "nothing of it can be read", (long long)salvage->rows,
                 (long long)salvage->bytes, salvage->holes, salvage->tables_damaged, (long long)salvage->rows_refused,
                 (long long)salvage->bytes_lost, (long long)salvage->intervals_lost,
                 salvage->gaps ? ", recorded as gaps" : "") < 0)
        line = NULL;
    log_warning("%s: %s; keep that file until you know that nothing is missing", s->config->database,
                line ? line : "damaged");
    note_trouble(s, line ? line : "damaged");
}

/* Without room the copy waits for the next start, as the counts do in the kernel; any other failure must not hold them up. */
static int salvage_into_new(struct session *s, const char *moved)
{
    struct store_salvage salvage;
    int r = store_salvage(s->store, moved, still_alive, &salvage);

    if (r < 0)
        log_error("salvaging %s failed: %s; all of it is still there", moved, store_why(s->store));
    if (r == -ENOSPC) {
        s->store = store_close(s->store);
        return r;
    }
    store_salvage_done(s->store);
    s->health.databases++;
    tell_salvage(s, moved, &salvage);
    return 0;
}

/* found: what is wrong with it, for where it is left alone because it may be somebody else's */
static int quarantine(struct session *s, bool was_ours, const char *found)
{
    cleanup_free char *moved = NULL, *why = NULL, *why_not = NULL;
    int r = store_quarantine(s->config->database, was_ours, &moved, &why);

    if (r < 0)
        return fail(r, r == -EPERM && found ? found : why);
    r = store_open(s->config->database, STORE_WRITE, &s->store, &why_not);
    return r < 0 ? fail(r, why_not) : salvage_into_new(s, moved);
}

static int open_or_quarantine(struct session *s, bool was_ours)
{
    cleanup_free char *why = NULL, *moved = NULL;
    int r = store_open(s->config->database, STORE_WRITE, &s->store, &why);

    if (r == -EBADMSG)
        return quarantine(s, was_ours, why);
    if (r < 0)
        return fail(r, why);
    moved = store_find_unsalvaged(s->config->database);
    if (!moved)
        return 0;
    log_info("%s: going on to salvage %s, which an earlier start did not finish", s->config->database, moved);
    return salvage_into_new(s, moved);
}

int mend_open_store(struct session *s)
{
    return open_or_quarantine(s, false);
}

/* Sealed epochs hold the numbers that classes had: those stay, whatever the new database would have given. */
void mend_restore_classes(struct session *s)
{
    for (size_t i = 0; i < s->config->n_classes; i++) {
        int64_t id = classes_find(kernel_map_fd(s->kernel, MAP_CLASSES_V4), kernel_map_fd(s->kernel, MAP_CLASSES_V6),
                                  &s->config->classes[i]);

        if (id > 0)
            store_restore_class(s->store, id, s->config->classes[i].name);
    }
}

/* While the old one is open what it knows can still be read, wherever its file is now. */
static int begin_elsewhere(struct session *s)
{
    struct store_kept *kept = store_keep(s->store);
    int r;

    store_fold_log(s->store);
    s->store = store_close(s->store);
    r = open_or_quarantine(s, true);
    if (r == 0 && store_carry_over(s->store, kept) < 0)
        log_warning("%s: readings of interfaces and open connections begin anew", s->config->database);
    store_kept_free(kept);
    return r;
}

int mend_store(struct session *s, int error)
{
    cleanup_free char *why = strdup(store_why(s->store));
    bool damaged = error == -EBADMSG && store_is_damaged(s->store);
    int r;

    if (error != -ESTALE && !damaged)
        return error;
    log_error("%s; opening it again, or a new one", why ? why : "the database is gone");
    if (damaged) {
        s->store = store_close(s->store);
        r = quarantine(s, true, NULL);
    } else {
        r = begin_elsewhere(s);
    }
    if (r < 0) {
        /* Nothing here works without a store; the kernel counts on, and the next start books it. */
        log_error("ending, to be started again; the counts wait in the kernel");
        exit(EXIT_FAILURE);
    }
    if (error == -ESTALE) {
        s->health.databases++;
        note_trouble(s, why ? why : "moved");
    }
    mend_restore_classes(s);
    session_keep_policies(s);
    return rules_use_store(s->rules, s->store);
}

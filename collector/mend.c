#include "collector/mend.h"

#include "common/cleanup.h"
#include "common/clock.h"
#include "common/log.h"

#include <string.h>

/* A gap that cannot be stored now is kept until it can. */
static void note_missed(struct session *s, bool missed, int64_t now_sec)
{
    struct health *h = &s->health;

    if (missed && !h->gap_since_sec)
        h->gap_since_sec = h->looked_sec ? h->looked_sec : h->started_sec;
    if (missed)
        h->gap_until_sec = now_sec;
    if (h->gap_since_sec && h->gap_since_sec < h->gap_until_sec &&
        store_put_gap(s->store, h->gap_since_sec, h->gap_until_sec, GAP_DETACHED) == 0)
        h->gap_since_sec = 0;
}

static char *describe(const struct kernel_damage *damage)
{
    char *line = NULL;
    int n;

    if (damage->n_detached)
        n = asprintf(&line, "%u programs were detached behind pdttd's back, %s among them", damage->n_detached,
                     damage->first_detached);
    else
        n = asprintf(&line, "%u pins were removed behind pdttd's back", damage->n_unpinned);
    return n < 0 ? NULL : line;
}

/* Attaching needs rights that were given up: the next start has them, and systemd makes it. */
static void tell_failure(struct session *s, const struct kernel_damage *damage, const char *why)
{
    cleanup_free char *what = describe(damage);
    char *line = NULL;

    if (asprintf(&line, "%s; they cannot be pinned again: %s; counting goes on, but ends with this pdttd", what, why) <
        0)
        line = NULL;
    if (damage->n_detached) {
        s->needs_restart = true;
        log_error("%s; attaching them needs rights that pdttd gave up when it had started: ending, to be started again",
                  what);
        store_put_layer_state(s->store, "cgroup", "failed", what, clock_realtime_sec());
    } else if (line && (!s->health.damage || strcmp(line, s->health.damage) != 0)) {
        log_error("%s", line);
    }
    free(s->health.damage);
    s->health.damage = line;
}

static void tell_repair(struct session *s, const struct kernel_damage *damage, int64_t now_sec)
{
    s->health.repairs++;
    if (damage->n_detached) {
        cleanup_free char *line = describe(damage);
        log_warning("%s; attached again, what passed since %lld s is not counted",
                    line ? line : "programs were detached", (long long)(now_sec - s->health.looked_sec));
        store_put_layer_state(s->store, "cgroup", "failed", line ? line : "", now_sec);
        store_put_layer_state(s->store, "cgroup", "on", "", now_sec);
    } else {
        log_warning("%u pins were removed behind pdttd's back; pinned again, nothing is lost", damage->n_unpinned);
    }
    free(s->health.damage);
    s->health.damage = NULL;
}

void mend_kernel(struct session *s)
{
    cleanup_free char *why = NULL;
    struct kernel_damage damage;
    int64_t now_sec = clock_realtime_sec();

    kernel_look(s->kernel, &damage);
    if (damage.n_detached || damage.n_unpinned) {
        if (kernel_repair(s->kernel, &damage, &why) < 0)
            tell_failure(s, &damage, why ? why : "out of memory");
        else
            tell_repair(s, &damage, now_sec);
    }
    note_missed(s, damage.ledger_stopped, now_sec);
    s->health.looked_sec = now_sec;
}

/* Who asks, and how the host's counting is. */
#include "serve/endpoints.h"

#include "common/cleanup.h"
#include "common/clock.h"
#include "common/control_client.h"
#include "common/json_text.h"
#include "report/head.h"
#include <config.h>

#include <string.h>

int answer_me(struct work *w, struct answer *ret)
{
    const struct membership *m = &w->membership;
    json_t *projects;
    int r = work_require_no_parameters(w);

    if (r == 0)
        r = work_open_database(w);
    if (r < 0)
        return r;
    projects = json_array();
    for (size_t i = 0; i < m->n_projects; i++)
        json_array_append_new(projects, json_text_or_null(m->projects[i]));
    return answer_json(json_pack("{s:o, s:o, s:b, s:o, s:o, s:s}", "user", json_text_or_null(m->name), "uid",
                                 m->uid < 0 ? json_null() : json_integer((json_int_t)m->uid), "admin",
                                 m->uid == 0 || m->admin, "projects", projects, "host",
                                 json_text_or_null(store_host(w->store)), "version", PACKAGE_VERSION),
                       ret);
}

/* ---- health ---- */

enum { DAY_SEC = 86400 };

static int coverage_of_day(struct work *w, int64_t now_sec, struct coverage *ret, int64_t *ret_last_sec)
{
    struct report_head head = {.cal = w->cal, .effective = {now_sec - DAY_SEC, now_sec}};
    struct store_coverage stored;
    int r = store_begin_read(w->store);

    if (r < 0)
        return -EAGAIN;
    r = head_read(w->store, now_sec, &head, &stored);
    store_end_read(w->store);
    *ret = head.coverage;
    *ret_last_sec = stored.last_sec;
    head_done(&head);
    return r < 0 ? -EAGAIN : 0;
}

/* "down": nothing is counted, or at least nobody answers for it; "degraded": pdttd says itself that something is wrong. */
static const char *status_word(const json_t *status)
{
    if (!status)
        return "down";
    return json_is_true(json_object_get(status, "healthy")) ? "ok" : "degraded";
}

json_t *endpoint_ask_pdttd(struct work *w)
{
    cleanup_free char *control = directory_control(w->directory);
    cleanup_free char *why = NULL;
    json_t *status = NULL;

    if (!control || control_ask(control, "status", &status, &why) < 0)
        return NULL;
    return status;
}

int answer_health(struct work *w, struct answer *ret)
{
    bool admin = w->membership.uid == 0 || w->membership.admin;
    struct coverage coverage;
    int64_t last_sec = 0;
    json_t *status;
    double percent;
    int r = work_require_no_parameters(w);

    if (r == 0)
        r = work_open_database(w);
    if (r == 0)
        r = coverage_of_day(w, clock_realtime_sec(), &coverage, &last_sec);
    if (r < 0)
        return r;
    status = endpoint_ask_pdttd(w);
    percent = coverage_percent(&coverage);
    r = answer_json(json_pack("{s:s, s:O, s:{s:O, s:o}, s:{s:I, s:I, s:o}}", "status", status_word(status), "pdttd",
                              status && admin ? status : json_null(), "database", "bytes",
                              json_object_get(json_object_get(status, "database"), "bytes") ?: json_null(),
                              "last_booked", last_sec ? json_integer((json_int_t)last_sec) : json_null(), "coverage",
                              "expected", (json_int_t)(coverage.expected_ms / 1000), "seen",
                              (json_int_t)(coverage.seen_ms / 1000), "percent",
                              percent < 0 ? json_null() : json_real(percent)),
                    ret);
    json_decref(status);
    return r;
}

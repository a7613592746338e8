#include "report/head.h"

#include "common/capped.h"
#include "common/cleanup.h"
#include "common/escape.h"

#include <inttypes.h>
#include <string.h>

/* The interval that is being counted right now is not missing, only not booked yet; intervals may be long. */
enum { LATEST_SEC = 120 };

/* Intervals begin and end in the middle of a second, and are noted to the second: at both ends it may seem missing. */
enum { ROUNDING_MS = 2000 };

/* ---- coverage ---- */

double coverage_percent(const struct coverage *coverage)
{
    int64_t hundredths;

    if (coverage->expected_ms <= 0)
        return -1;
    hundredths = share_capped(coverage->seen_ms, coverage->expected_ms);
    return (double)(hundredths < 0 ? 0 : hundredths > 10000 ? 10000 : hundredths) / 100;
}

static int keep_interval(const struct store_bucket *interval, void *userdata)
{
    *(struct store_bucket *)userdata = *interval;
    return 0;
}

/*
 * The end of the interval in whose middle sec lies, else sec. An interval counts where it began, so this is where the
 * time that a range can have counted begins or ends. What is no longer raw is asked for in whole buckets.
 */
static int end_of_interval_at(struct store *s, int64_t sec, int64_t *ret_sec)
{
    struct store_bucket interval = {sec, sec};
    int r = store_query_intervals(s, sec - 1, sec, keep_interval, &interval);

    if (r < 0 && r != -ERANGE)
        return r;
    *ret_sec = interval.start_sec < sec && interval.end_sec > sec ? interval.end_sec : sec;
    return 0;
}

static int read_coverage(struct store *s, int64_t now_sec, const struct store_coverage *stored,
                         struct report_head *head)
{
    int64_t last = stored->last_sec <= now_sec && stored->last_sec >= now_sec - LATEST_SEC ? stored->last_sec : now_sec;
    int64_t since, until;
    int r = end_of_interval_at(s, head->effective.since_sec, &since);

    if (r >= 0)
        r = end_of_interval_at(s, head->effective.until_sec, &until);
    if (r < 0)
        return r;
    since = since > stored->first_sec ? since : stored->first_sec;
    until = until < last ? until : last;
    head->coverage = (struct coverage){
        .never = stored->first_sec == 0,
        .expected_ms = stored->first_sec != 0 && until > since ? (until - since) * 1000 : 0,
        .seen_ms = stored->seen_ms,
    };
    if (stored->seen_ms > 0 && subtract_capped(head->coverage.expected_ms, stored->seen_ms) < ROUNDING_MS)
        head->coverage.seen_ms = head->coverage.expected_ms;
    return 0;
}

/* ---- gaps ---- */

static int keep_gap(const struct store_gap *gap, void *userdata)
{
    struct report_head *head = userdata;
    struct gaps *gaps = &head->gaps;
    struct store_gap copy = *gap, *v;

    if (copy.start_sec < head->effective.since_sec)
        copy.start_sec = head->effective.since_sec;
    if (copy.end_sec > head->effective.until_sec)
        copy.end_sec = head->effective.until_sec;
    if (copy.start_sec >= copy.end_sec)
        return 0;
    v = reallocarray(gaps->v, gaps->n + 1, sizeof(*v));
    if (!v)
        return -ENOMEM;
    gaps->v = v;
    copy.reason = strdup(gap->reason);
    if (!copy.reason)
        return -ENOMEM;
    v[gaps->n++] = copy;
    return 0;
}

/* They are in order of their beginnings. */
int64_t gaps_sum(const struct gaps *gaps)
{
    int64_t sum = 0, known_sec = INT64_MIN;

    for (size_t i = 0; i < gaps->n; i++) {
        int64_t start_sec = gaps->v[i].start_sec > known_sec ? gaps->v[i].start_sec : known_sec;

        if (gaps->v[i].end_sec <= start_sec)
            continue;
        known_sec = gaps->v[i].end_sec;
        sum = add_capped(sum, subtract_capped(known_sec, start_sec));
    }
    return sum;
}

int head_read(struct store *s, int64_t now_sec, struct report_head *head, struct store_coverage *ret_stored)
{
    int r = store_query_coverage(s, head->effective.since_sec, head->effective.until_sec, ret_stored);

    if (r >= 0)
        r = read_coverage(s, now_sec, ret_stored, head);
    if (r >= 0)
        r = store_query_gaps(s, head->effective.since_sec, head->effective.until_sec, keep_gap, head);
    head->host = store_host(s);
    head->zone = calendar_zone(head->cal);
    return r;
}

void head_done(struct report_head *head)
{
    for (size_t i = 0; i < head->gaps.n; i++)
        free((char *)head->gaps.v[i].reason);
    free(head->gaps.v);
    head->gaps = (struct gaps){0};
}

/* ---- on the page ---- */

/* "2026-11-01 00:00 AWST"; seconds only where there are some. */
static void put_instant(FILE *out, const struct calendar *cal, int64_t sec)
{
    struct calendar_time t;

    calendar_civil(cal, sec, &t);
    fprintf(out, "%04d-%02d-%02d %02d:%02d", t.year, t.month, t.day, t.hour, t.minute);
    if (t.second)
        fprintf(out, ":%02d", t.second);
    fprintf(out, " %s", t.abbreviation);
}

static void put_span(FILE *out, const struct calendar *cal, struct period span)
{
    put_instant(out, cal, span.since_sec);
    fputs(" to ", out);
    put_instant(out, cal, span.until_sec);
}

/* "3 h 10 min": the two largest units. */
static void put_duration(FILE *out, int64_t sec)
{
    static const struct {
        int64_t sec;
        const char *name;
    } units[] = {{86400, "d"}, {3600, "h"}, {60, "min"}, {1, "s"}};
    size_t i = 0;

    while (i + 1 < array_length(units) && sec < units[i].sec)
        i++;
    fprintf(out, "%" PRId64 " %s", sec / units[i].sec, units[i].name);
    sec %= units[i].sec;
    if (i + 1 < array_length(units) && sec / units[i + 1].sec)
        fprintf(out, " %" PRId64 " %s", sec / units[i + 1].sec, units[i + 1].name);
}

static bool reason_is_new(const struct gaps *gaps, size_t i)
{
    for (size_t k = 0; k < i; k++)
        if (strcmp(gaps->v[k].reason, gaps->v[i].reason) == 0)
            return false;
    return true;
}

/* " (2 gaps, 3 h 10 min: reboot, not running)" */
static int put_gaps(FILE *out, const struct gaps *gaps)
{
    const char *separator = ": ";

    if (gaps->n == 0)
        return 0;
    fprintf(out, " (%zu gap%s, ", gaps->n, gaps->n == 1 ? "" : "s");
    put_duration(out, gaps_sum(gaps));
    for (size_t i = 0; i < gaps->n; i++) {
        cleanup_free char *reason = NULL;

        if (!reason_is_new(gaps, i))
            continue;
        reason = escape_terminal(gaps->v[i].reason);
        if (!reason)
            return -ENOMEM;
        fprintf(out, "%s%s", separator, reason);
        separator = ", ";
    }
    fputc(')', out);
    return 0;
}

static int put_coverage(FILE *out, const struct report_head *head)
{
    double percent = coverage_percent(&head->coverage);
    int r;

    fputs("Coverage: ", out);
    if (head->coverage.never)
        fputs("none: the database holds no interval yet; is pdttd running?", out);
    else if (percent < 0)
        fputs("none: nothing was counted in this period", out);
    else
        fprintf(out, "%.2f %%", percent);
    r = put_gaps(out, &head->gaps);
    fputc('\n', out);
    return r;
}

/* Where finer data has expired the answer is of another time than the question: that must not be overlooked. */
static void put_notes(FILE *out, const struct report_head *head)
{
    const struct period *asked = &head->period, *shown = &head->effective;

    if (head->cut)
        fputs("Note:     connections of an earlier time are not kept any more\n", out);
    if (head->connections && (asked->since_sec != shown->since_sec || asked->until_sec != shown->until_sec)) {
        fputs("Note:     what connections move is kept by five minutes: showing ", out);
        put_span(out, head->cal, *shown);
        fputc('\n', out);
    } else if (asked->since_sec != shown->since_sec || asked->until_sec != shown->until_sec) {
        fputs("Note:     the detail of ", out);
        if (asked->since_sec != shown->since_sec)
            put_instant(out, head->cal, asked->since_sec);
        if (asked->since_sec != shown->since_sec && asked->until_sec != shown->until_sec)
            fputs(" and of ", out);
        if (asked->until_sec != shown->until_sec)
            put_instant(out, head->cal, asked->until_sec);
        fputs(" has expired: showing ", out);
        put_span(out, head->cal, *shown);
        fputc('\n', out);
    }
    if (head->n_moved)
        fprintf(out,
                "Note:     the detail of %zu period%s has expired: what was moved in them is shown where the longer "
                "time begins that is still known\n",
                head->n_moved, head->n_moved == 1 ? "" : "s");
}

static int put_owners(FILE *out, const struct store_viewer *viewer)
{
    cleanup_free char *name = escape_terminal(viewer->name ? viewer->name : "");

    if (!name)
        return -ENOMEM;
    if (viewer->name)
        fputs(name, out);
    else
        fprintf(out, "uid %" PRId64, viewer->uid);
    for (size_t i = 0; i < viewer->projects.n; i++) {
        cleanup_free char *project = escape_terminal(viewer->projects.v[i]);

        if (!project)
            return -ENOMEM;
        fprintf(out, "%s%s", i ? ", " : " and of project ", project);
    }
    return 0;
}

/* Whose rows are to be seen, so that nobody takes a total for all that there is. */
static int put_source(FILE *out, const struct report_head *head)
{
    int r = 0;

    if (!head->served)
        return 0;
    fputs("Rows:     of ", out);
    if (head->viewer)
        r = put_owners(out, head->viewer);
    else
        fputs("everybody", out);
    fputs(", by pdtt-serve\n", out);
    return r;
}

double held_percent(const struct held *held)
{
    struct coverage as_time = {.expected_ms = held->all_bytes, .seen_ms = held->bytes};

    return coverage_percent(&as_time);
}

/* What stands in the rows named (other). */
static void put_held(FILE *out, const struct report_head *head)
{
    const struct store_connections_kept *kept = &head->kept;
    double percent = held_percent(&head->held);
    char bytes[UNITS_TEXT_MAX];

    if (!head->held.all_known)
        fputs("Detail:   connections only: units of that time are known of nothing else", out);
    else if (percent < 0)
        fputs("Detail:   nothing was moved", out);
    else
        fprintf(out, "Detail:   %.2f %% of the bytes are of recorded connections, (other) is the rest", percent);
    if (kept->excess_bytes)
        fprintf(out, "; %s of it of connections beyond the limit (%" PRId64 " began)",
                units_format_bytes(bytes, kept->excess_bytes, head->units), kept->excess_connections);
    fputc('\n', out);
    if (kept->first_sec == 0)
        fputs("Note:     no connection was ever recorded; is the layer sockops on?\n", out);
    else if (kept->first_sec > head->effective.since_sec) {
        fputs("Note:     connections are recorded since ", out);
        put_instant(out, head->cal, kept->first_sec);
        fputc('\n', out);
    }
}

/* How many packets one of them stands for, and what is not to be seen. */
static void put_samples(FILE *out, const struct report_head *head)
{
    const struct samples_seen *s = &head->samples;
    char bytes[UNITS_TEXT_MAX];

    if (!s->intervals) {
        fputs("Samples:  none were drawn in this period; is samples.rate set?\n", out);
        return;
    }
    fprintf(out, "Samples:  %" PRId64 " of %" PRId64 " frames drawn", s->drawn, s->seen);
    if (s->drawn)
        fprintf(out, ", one in %.1f", (double)s->seen / (double)s->drawn);
    fprintf(out, "; all were %" PRId64 " packets of %s\n", s->packets,
            units_format_bytes(bytes, s->bytes, head->units));
    if (s->lost)
        fprintf(out, "Note:     the details of %" PRId64 " that were drawn are lost; estimates have them\n", s->lost);
    if (s->sources_full)
        fprintf(out,
                "Note:     %" PRId64 " that were drawn came from more sources than are told apart: in no estimate\n",
                s->sources_full);
}

int head_put(FILE *out, const struct report_head *head)
{
    cleanup_free char *host = escape_terminal(head->host ? head->host : "");
    cleanup_free char *zone = escape_terminal(head->zone ? head->zone : "");

    if (!host || !zone)
        return -ENOMEM;
    fputs("Period:   ", out);
    put_span(out, head->cal, head->period);
    fprintf(out, "\nHost:     %s, times of %s\n", host, zone);
    if (put_source(out, head) < 0 || put_coverage(out, head) < 0)
        return -ENOMEM;
    put_notes(out, head);
    if (head->connections)
        put_held(out, head);
    if (head->samples.wanted)
        put_samples(out, head);
    if (head->payload)
        fputs("Bytes:    payload, as processes sent and received it\n", out);
    return 0;
}

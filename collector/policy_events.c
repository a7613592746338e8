#include "collector/policy_events.h"

#include "bpf/pdtt_abi.h"
#include "bpf/pdtt_policy.h"
#include "collector/record_ring.h"
#include "common/cleanup.h"
#include "common/clock.h"
#include "common/json_text.h"
#include "common/log.h"

#include <arpa/inet.h>
#include <string.h>

/* Between two bookings, 2 MiB: writing them takes a tenth of a second. */
#define MOST_HELD  16384

#define LINE_NS    NSEC_PER_SEC /* between two lines in the log */
#define LINE_BURST 10

struct policy_events {
    struct policies *kernel;
    struct record_ring *ring;
    policy_event_fn seen;
    void *userdata;
    struct policy_event_lines lines;
    uint64_t memory_full; /* of what is booked or lost */
    bool told;            /* that some are lost */
};

/* ---- records ---- */

static const char *action_word(uint8_t action)
{
    return action == PDTT_POLICY_LIMIT ? "limit" : "block";
}

/* Its texts are those of the record. */
static struct store_policy_event event_of(const struct packet_event *p, int64_t boot_to_wall_ns)
{
    struct store_policy_event ret = {
        .time_ns = (int64_t)p->timestamp + boot_to_wall_ns,
        .policy = p->policy,
        .action = action_word(p->action_taken),
        .tx = p->direction == PDTT_TX,
        .protocol = p->protocol,
        .family = p->family,
        .src_port = p->src_port,
        .dst_port = p->dst_port,
        .packet_size = p->packet_size,
        .packets = p->packets,
        .uid = p->uid == PDTT_NO_ID ? STORE_UID_UNATTRIBUTED : (int64_t)p->uid,
    };

    memcpy(ret.src_ip, p->src_ip, sizeof(ret.src_ip));
    memcpy(ret.dst_ip, p->dst_ip, sizeof(ret.dst_ip));
    return ret;
}

static int64_t boot_to_wall(void)
{
    return clock_realtime_ns() - clock_boottime_ns();
}

/* ---- the log ---- */

bool policy_event_may_log(struct policy_event_lines *l, int64_t now_ns)
{
    if (l->full_ns < now_ns)
        l->full_ns = now_ns;
    if (l->full_ns > now_ns + (LINE_BURST - 1) * LINE_NS) {
        l->unlogged++;
        l->total++;
        return false;
    }
    l->full_ns += LINE_NS;
    return true;
}

static const char *address(const struct store_policy_event *e, const unsigned char *bytes,
                           char text[static INET6_ADDRSTRLEN])
{
    return inet_ntop(e->family == AF_INET6 ? AF_INET6 : AF_INET, bytes, text, INET6_ADDRSTRLEN) ?: "?";
}

static void log_event(struct policy_events *p, const struct store_policy_event *e)
{
    char src[INET6_ADDRSTRLEN], dst[INET6_ADDRSTRLEN], before[64] = "", who[32] = "nobody known";

    if (!policy_event_may_log(&p->lines, clock_boottime_ns()))
        return;
    if (p->lines.unlogged)
        snprintf(before, sizeof(before), "; %llu more before it are not in the log",
                 (unsigned long long)p->lines.unlogged);
    p->lines.unlogged = 0;
    if (e->uid >= 0)
        snprintf(who, sizeof(who), "uid %lld", (long long)e->uid);
    log_info("policy '%s' (%s) dropped a packet on its way %s: %s port %u to %s port %u, protocol %d, %lld bytes, %s%s",
             e->policy, e->action, e->tx ? "out" : "in", address(e, e->src_ip, src), e->src_port,
             address(e, e->dst_ip, dst), e->dst_port, e->protocol, (long long)e->packet_size, who, before);
}

static void on_record(const void *record, void *userdata)
{
    struct packet_event p = *(const struct packet_event *)record;
    struct policy_events *events = userdata;
    struct store_policy_event event;

    p.policy[sizeof(p.policy) - 1] = '\0';
    event = event_of(&p, boot_to_wall());
    log_event(events, &event);
    events->seen(&event, events->userdata);
}

/* ---- booking ---- */

/* Said once: a database that cannot be written stays so for a while, and the status tells how many. */
static void tell_losses(struct policy_events *e, uint64_t lost)
{
    if (e->told || !lost)
        return;
    e->told = true;
    log_warning("policies: %llu events found no room until they could be booked; the counters of policies hold",
                (unsigned long long)lost);
}

bool policy_events_wait(struct policy_events *e)
{
    size_t n;

    policy_events_read(e);
    record_ring_held(e->ring, &n);
    return n > 0;
}

int policy_events_book(struct policy_events *e, struct store *store)
{
    int64_t boot_to_wall_ns = boot_to_wall();
    cleanup_free struct store_policy_event *v = NULL;
    const struct packet_event *held;
    size_t n;
    int r;

    policy_events_read(e);
    held = record_ring_held(e->ring, &n);
    v = calloc(n + 1, sizeof(*v));
    if (!v)
        return -ENOMEM;
    for (size_t i = 0; i < n; i++)
        v[i] = event_of(&held[i], boot_to_wall_ns);
    r = store_book_policy_events(store, v, n);
    if (r < 0)
        return r;
    e->memory_full += record_ring_refused(e->ring);
    tell_losses(e, record_ring_refused(e->ring));
    record_ring_let_go(e->ring);
    return 0;
}

/* ---- beginning, telling, ending ---- */

int policy_events_open(struct policies *kernel, policy_event_fn seen, void *userdata, struct policy_events **ret_events)
{
    struct policy_events *e = calloc(1, sizeof(*e));
    int r;

    if (!e)
        return -ENOMEM;
    *e = (struct policy_events){.kernel = kernel, .seen = seen, .userdata = userdata};
    r = record_ring_open(policies_ring_fd(kernel), sizeof(struct packet_event), MOST_HELD, on_record, e, &e->ring);
    if (r < 0)
        policy_events_close(e);
    else
        *ret_events = e;
    return r;
}

struct policy_events *policy_events_close(struct policy_events *e)
{
    if (!e)
        return NULL;
    record_ring_close(e->ring);
    free(e);
    return NULL;
}

int policy_events_fd(const struct policy_events *e)
{
    return record_ring_fd(e->ring);
}

void policy_events_read(struct policy_events *e)
{
    record_ring_read(e->ring);
}

json_t *policy_events_json(const struct policy_events *e, unsigned rate)
{
    struct policy_counters all = {0};
    uint64_t memory_full = e->memory_full + record_ring_refused(e->ring);

    policies_read_all(e->kernel, &all);
    return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I}", "rate", (json_int_t)rate, "told", (json_int_t)all.packets_told,
                     "held", (json_int_t)all.packets_held, "ring_full", (json_int_t)all.packets_unheard, "memory_full",
                     (json_int_t)memory_full, "unlogged", (json_int_t)e->lines.total);
}

json_t *policy_event_json(const struct store_policy_event_row *row)
{
    return json_pack("{s:I, s:o, s:o, s:o, s:i, s:i, s:o, s:i, s:o, s:i, s:I, s:I, s:o, s:o}", "time_ns",
                     (json_int_t)row->time_ns, "policy", json_text_or_null(row->policy), "action",
                     json_text_or_null(row->action), "direction", json_text_or_null(row->direction), "family",
                     row->family, "protocol", row->protocol, "src_ip", json_text_or_null(row->src_ip), "src_port",
                     row->src_port, "dst_ip", json_text_or_null(row->dst_ip), "dst_port", row->dst_port, "packet_size",
                     (json_int_t)row->packet_size, "packets", (json_int_t)row->packets, "user",
                     json_text_or_null(row->user), "uid", row->uid < 0 ? json_null() : json_integer(row->uid));
}

json_t *policy_event_json_now(const struct store_policy_event *event)
{
    char src[INET6_ADDRSTRLEN], dst[INET6_ADDRSTRLEN];
    const struct store_policy_event_row row = {
        .time_ns = event->time_ns,
        .policy = event->policy,
        .action = event->action,
        .direction = event->tx ? "tx" : "rx",
        .family = event->family == AF_INET6 ? 6 : 4,
        .protocol = event->protocol,
        .src_ip = address(event, event->src_ip, src),
        .dst_ip = address(event, event->dst_ip, dst),
        .src_port = event->src_port,
        .dst_port = event->dst_port,
        .packet_size = event->packet_size,
        .packets = event->packets,
        .uid = event->uid,
    };

    return policy_event_json(&row);
}

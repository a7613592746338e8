#include "collector/samples.h"

#include "collector/interface_meters.h"
#include "collector/record_ring.h"
#include "common/cleanup.h"
#include "common/clock.h"
#include "common/log.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <string.h>

/* Of packets between two bookings, 12 MB: writing them takes a quarter of a second. */
#define MOST_HELD 65536

/* What the programs have counted, summed over the CPUs; and what of it is booked. */
struct counted {
    uint64_t seen, packets, bytes, drawn, ring_full, sources_full;
};

struct samples {
    struct interface_programs_samples maps;
    struct interface_sampling sampling;
    struct record_ring *ring;
    unsigned half;                /* in use */
    bool sealed;                  /* the other half waits to be booked */
    int64_t begun_sec, ended_sec; /* of what is sealed */
    struct counted booked[2];     /* by half */
    struct counted total;
    uint64_t total_memory_full;
    bool told; /* that some are lost */
};

/* ---- the ring ---- */

int samples_fd(const struct samples *s)
{
    return record_ring_fd(s->ring);
}

void samples_read(struct samples *s)
{
    record_ring_read(s->ring);
}

/* ---- by source ---- */

struct sources {
    struct pdtt_source *keys;
    struct pdtt_drawn *values;
    struct store_sample_source *v;
    uint32_t n;
};

static void sources_done(struct sources *l)
{
    free(l->keys);
    free(l->values);
    free(l->v);
}

/* All of both halves: one call, where a look-up for each would be ten thousand. */
static int read_map(struct samples *s, struct sources *l)
{
    uint32_t n = PDTT_SAMPLE_SOURCES, cursor = 0;

    l->keys = calloc(n, sizeof(*l->keys));
    l->values = calloc(n, sizeof(*l->values));
    l->v = calloc(n, sizeof(*l->v));
    if (!l->keys || !l->values || !l->v)
        return -ENOMEM;
    if (bpf_map_lookup_batch(s->maps.count_fd, NULL, &cursor, l->keys, l->values, &n, NULL) < 0 && errno != ENOENT)
        return -errno;
    l->n = n;
    return 0;
}

/* Keys of the sealed half come first afterwards: for removing them. */
static void keep_sealed(struct samples *s, struct sources *l)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < l->n; i++) {
        const struct pdtt_drawn *d = &l->values[i];

        if (l->keys[i].half == s->half)
            continue;
        l->v[n] = (struct store_sample_source){
            .family = l->keys[i].family,
            .drawn = (int64_t)d->drawn,
            .packets = (int64_t)d->packets,
            .packets_squared = (int64_t)d->packets_squared,
            .bytes = (int64_t)d->bytes,
            .bytes_squared = (int64_t)d->bytes_squared,
            .most_packets = (int64_t)d->most_packets,
            .most_bytes = (int64_t)d->most_bytes,
        };
        memcpy(l->v[n].address, l->keys[i].address, sizeof(l->v[n].address));
        l->keys[n++] = l->keys[i];
    }
    l->n = n;
}

static void remove_sources(struct samples *s, const struct sources *l)
{
    for (uint32_t i = 0; i < l->n; i++)
        bpf_map_delete_elem(s->maps.count_fd, &l->keys[i]);
}

/* ---- counters ---- */

static int read_counted(struct samples *s, unsigned half, struct counted *ret)
{
    int cpus = libbpf_num_possible_cpus();
    cleanup_free struct pdtt_sampling *v = cpus > 0 ? calloc((size_t)cpus, sizeof(*v)) : NULL;
    uint32_t zero = 0;

    *ret = (struct counted){0};
    if (!v)
        return -ENOMEM;
    if (bpf_map_lookup_elem(s->maps.counter_fd, &zero, v) < 0)
        return -errno;
    for (int i = 0; i < cpus; i++) {
        ret->seen += v[i].n[half].seen;
        ret->packets += v[i].n[half].packets;
        ret->bytes += v[i].n[half].bytes;
        ret->drawn += v[i].n[half].drawn;
        ret->ring_full += v[i].n[half].ring_full;
        ret->sources_full += v[i].n[half].sources_full;
    }
    return 0;
}

static struct counted difference(const struct counted *now, const struct counted *before)
{
    return (struct counted){
        .seen = now->seen - before->seen,
        .packets = now->packets - before->packets,
        .bytes = now->bytes - before->bytes,
        .drawn = now->drawn - before->drawn,
        .ring_full = now->ring_full - before->ring_full,
        .sources_full = now->sources_full - before->sources_full,
    };
}

/* ---- booking ---- */

void samples_seal(struct samples *s)
{
    if (s->sealed)
        return;
    s->half = !s->half;
    interface_programs_set_sample_half(s->maps.programs, s->half);
    s->begun_sec = s->ended_sec;
    s->ended_sec = clock_realtime_sec();
    s->sealed = true;
}

static struct store_sample sample_of(const struct packet_info *p, int64_t boot_to_wall_ns, const char *interface)
{
    struct store_sample ret = {
        .time_ns = (int64_t)p->time_ns + boot_to_wall_ns,
        .interface = interface ? interface : "?",
        .kind = interface_kind_name(p->kind),
        .tx = p->direction == PDTT_TX,
        .protocol = p->protocol,
        .family = p->family,
        .packet_type = p->packet_type,
        .src_port = p->src_port,
        .dst_port = p->dst_port,
        .packet_len = p->packet_len,
        .frame_len = p->frame_len,
        .segments = p->segments,
        .seq_num = p->seq_num,
        .ack_num = p->ack_num,
        .tcp_flags = p->tcp_flags,
        .uid = p->uid == PDTT_NO_ID ? STORE_UID_UNATTRIBUTED : (int64_t)p->uid,
        .gid = p->gid == PDTT_NO_ID ? STORE_GID_NONE : (int64_t)p->gid,
        .head = p->head,
        .head_len = p->head_len < PDTT_SAMPLE_HEAD ? p->head_len : PDTT_SAMPLE_HEAD,
    };

    memcpy(ret.src_ip, p->src_ip, sizeof(ret.src_ip));
    memcpy(ret.dst_ip, p->dst_ip, sizeof(ret.dst_ip));
    return ret;
}

static struct store_sample *samples_of(const struct samples *s, samples_interface_fn name, void *userdata)
{
    int64_t boot_to_wall_ns = clock_realtime_ns() - clock_boottime_ns();
    size_t n;
    const struct packet_info *held = record_ring_held(s->ring, &n);
    struct store_sample *v = calloc(n + 1, sizeof(*v));

    for (size_t i = 0; v && i < n; i++)
        v[i] = sample_of(&held[i], boot_to_wall_ns, name((int)held[i].ifindex, userdata));
    return v;
}

/* Said once: a rate that is too high stays so, and each interval tells how many. */
static void tell_losses(struct samples *s, const struct store_sampling *n)
{
    int64_t lost = n->ring_full + n->memory_full;

    if (s->told || (!lost && !n->sources_full))
        return;
    s->told = true;
    log_warning(
        "samples: of %lld packets that were drawn %lld found no room and %lld came from more sources than are told "
        "apart; counts and estimates hold, draw fewer (samples.rate) or raise samples.buffer",
        (long long)n->drawn, (long long)lost, (long long)n->sources_full);
}

static void committed(struct samples *s, const struct counted *now, const struct counted *n)
{
    s->booked[!s->half] = *now;
    s->total.seen += n->seen;
    s->total.packets += n->packets;
    s->total.bytes += n->bytes;
    s->total.drawn += n->drawn;
    s->total.ring_full += n->ring_full;
    s->total.sources_full += n->sources_full;
    s->total_memory_full += record_ring_refused(s->ring);
    record_ring_let_go(s->ring);
    s->sealed = false;
}

static int write_sealed(struct samples *s, struct store *store, const struct sources *sources,
                        const struct store_sample *v)
{
    uint64_t memory_full = record_ring_refused(s->ring);
    struct counted now, n;
    size_t n_held;
    int r = read_counted(s, !s->half, &now);

    if (r < 0)
        return r;
    record_ring_held(s->ring, &n_held);
    n = difference(&now, &s->booked[!s->half]);
    struct store_sampling sampling = {
        .start_sec = s->begun_sec,
        .end_sec = s->ended_sec,
        .rate = s->sampling.rate,
        .mode = s->sampling.every ? "every" : "random",
        .seen = (int64_t)n.seen,
        .seen_packets = (int64_t)n.packets,
        .seen_bytes = (int64_t)n.bytes,
        .drawn = (int64_t)n.drawn,
        .ring_full = (int64_t)n.ring_full,
        .memory_full = (int64_t)memory_full,
        .sources_full = (int64_t)n.sources_full,
        .sources = sources->v,
        .n_sources = sources->n,
        .samples = v,
        .n_samples = n_held,
    };
    /* What was drawn since the seal is among the held ones already, and counted in the next interval. */
    r = store_book_samples(store, n.seen || n_held || memory_full ? &sampling : NULL);
    if (r < 0)
        return r;
    tell_losses(s, &sampling);
    committed(s, &now, &n);
    return 0;
}

int samples_book(struct samples *s, struct store *store, samples_interface_fn name, void *userdata)
{
    cleanup(sources_done) struct sources sources = {0};
    cleanup_free struct store_sample *v = NULL;
    int r;

    if (!s->sealed)
        return 0;
    samples_read(s);
    r = read_map(s, &sources);
    if (r < 0)
        return r;
    keep_sealed(s, &sources);
    v = samples_of(s, name, userdata);
    r = v ? write_sealed(s, store, &sources, v) : -ENOMEM;
    if (r == 0)
        remove_sources(s, &sources);
    return r;
}

/* ---- beginning, telling, ending ---- */

int samples_open(const struct interface_programs *programs, const struct interface_sampling *sampling,
                 struct samples **ret)
{
    struct samples *s = calloc(1, sizeof(*s));
    int r;

    if (!s)
        return -ENOMEM;
    interface_programs_get_samples(programs, &s->maps);
    s->sampling = *sampling;
    s->begun_sec = s->ended_sec = clock_realtime_sec();
    r = record_ring_open(s->maps.events_fd, sizeof(struct packet_info), MOST_HELD, NULL, NULL, &s->ring);
    if (r < 0)
        samples_close(s);
    else
        *ret = s;
    return r;
}

struct samples *samples_close(struct samples *s)
{
    if (!s)
        return NULL;
    record_ring_close(s->ring);
    free(s);
    return NULL;
}

json_t *samples_json(const struct samples *s)
{
    return json_pack("{s:I, s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "rate", (json_int_t)s->sampling.rate, "mode",
                     s->sampling.every ? "every" : "random", "seen", (json_int_t)s->total.seen, "seen_packets",
                     (json_int_t)s->total.packets, "seen_bytes", (json_int_t)s->total.bytes, "drawn",
                     (json_int_t)s->total.drawn, "ring_full", (json_int_t)s->total.ring_full, "memory_full",
                     (json_int_t)s->total_memory_full, "sources_full", (json_int_t)s->total.sources_full);
}

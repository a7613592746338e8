#include "collector/record_ring.h"

#include "common/cleanup.h"

#include <bpf/libbpf.h>
#include <string.h>

#define FIRST_ROOM 256

struct record_ring {
    struct ring_buffer *ring;
    size_t record_size, most;
    record_seen_fn seen;
    void *userdata;
    char *held;
    size_t n, room;
    uint64_t refused;
};

static void grow(struct record_ring *r)
{
    size_t room = r->room ? 2 * r->room : FIRST_ROOM;
    char *larger;

    if (room > r->most)
        room = r->most;
    larger = reallocarray(r->held, room, r->record_size);
    if (!larger)
        return;
    r->held = larger;
    r->room = room;
}

static int on_record(void *userdata, void *data, size_t size)
{
    struct record_ring *r = userdata;

    if (size < r->record_size)
        return 0;
    if (r->n == r->room && r->room < r->most)
        grow(r);
    if (r->n == r->room)
        r->refused++;
    else
        memcpy(r->held + r->n++ * r->record_size, data, r->record_size);
    if (r->seen)
        r->seen(data, r->userdata);
    return 0;
}

int record_ring_open(int map_fd, size_t record_size, size_t most, record_seen_fn seen, void *userdata,
                     struct record_ring **ret_ring)
{
    struct record_ring *r = calloc(1, sizeof(*r));

    if (!r)
        return -ENOMEM;
    *r = (struct record_ring){.record_size = record_size, .most = most, .seen = seen, .userdata = userdata};
    r->ring = ring_buffer__new(map_fd, on_record, r, NULL);
    if (!r->ring) {
        int error = -errno;

        record_ring_close(r);
        return error;
    }
    *ret_ring = r;
    return 0;
}

struct record_ring *record_ring_close(struct record_ring *r)
{
    if (!r)
        return NULL;
    ring_buffer__free(r->ring);
    free(r->held);
    free(r);
    return NULL;
}

int record_ring_fd(const struct record_ring *r)
{
    return ring_buffer__epoll_fd(r->ring);
}

void record_ring_read(struct record_ring *r)
{
    ring_buffer__consume(r->ring);
}

const void *record_ring_held(const struct record_ring *r, size_t *ret_n)
{
    *ret_n = r->n;
    return r->held;
}

uint64_t record_ring_refused(const struct record_ring *r)
{
    return r->refused;
}

void record_ring_let_go(struct record_ring *r)
{
    r->n = 0;
    r->refused = 0;
}

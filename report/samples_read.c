#include "report/samples_read.h"

#include "common/capped.h"

static int add_interval(const struct store_sample_interval *n, void *userdata)
{
    struct samples_seen *seen = userdata;

    seen->intervals++;
    seen->seen = add_capped(seen->seen, n->seen);
    seen->packets = add_capped(seen->packets, n->seen_packets);
    seen->bytes = add_capped(seen->bytes, n->seen_bytes);
    seen->drawn = add_capped(seen->drawn, n->drawn);
    seen->lost = add_capped(seen->lost, add_capped(n->ring_full, n->memory_full));
    seen->sources_full = add_capped(seen->sources_full, n->sources_full);
    return 0;
}

int samples_read_head(struct store *s, int64_t now_sec, struct report_head *head)
{
    struct store_coverage stored;
    int r;

    head->effective = head->period;
    head->samples = (struct samples_seen){.wanted = true};
    r = head_read(s, now_sec, head, &stored);
    return r < 0 ? r
                 : store_query_sample_intervals(s, head->period.since_sec, head->period.until_sec, add_interval,
                                                &head->samples);
}

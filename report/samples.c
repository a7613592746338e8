#include "report/samples.h"

#include "common/cleanup.h"
#include "common/clock.h"
#include "report/listing.h"
#include "report/samples_read.h"

#include <inttypes.h>
#include <string.h>
#include <unistd.h>

static int read_snapshot(struct store *s, void *userdata, char **ret_why);
static int write_rows(struct listing *l, FILE *out);
static void use_free(void *kept);

static const struct listing_kind listing = {.read = read_snapshot, .write = write_rows, .free_kept = use_free};

static void use_free(void *kept)
{
    struct sample_use *use = kept;

    if (use) {
        free(use->time);
        free(use->interface);
        free(use->direction);
        free(use->kind);
        free(use->user);
        free(use->protocol);
        free(use->source);
        free(use->destination);
        free(use->source_end);
        free(use->destination_end);
        free(use->flags);
        free(use->head);
    }
    free(use);
}

/* ---- a packet as a row ---- */

/* "192.0.2.1:443", "[2001:db8::1]:443", without a port the address alone */
static char *text_of_end(const char *address, int port)
{
    char *ret;

    if (!port)
        return strdup(address);
    return asprintf(&ret, strchr(address, ':') ? "[%s]:%d" : "%s:%d", address, port) < 0 ? NULL : ret;
}

static char *text_of_time(const struct calendar *cal, int64_t ns)
{
    struct calendar_time t;
    char *ret;

    calendar_civil(cal, ns / NSEC_PER_SEC, &t);
    return asprintf(&ret, "%04d-%02d-%02d %02d:%02d:%02d.%06d", t.year, t.month, t.day, t.hour, t.minute, t.second,
                    (int)(ns % NSEC_PER_SEC / 1000)) < 0
               ? NULL
               : ret;
}

/* "SYN,ACK" */
static char *text_of_flags(int64_t flags)
{
    static const char *const names[] = {"FIN", "SYN", "RST", "PSH", "ACK", "URG", "ECE", "CWR"};
    char text[sizeof(names) / sizeof(*names) * 4 + 1] = "";

    for (size_t i = 0; i < array_length(names); i++)
        if (flags & 1 << i) {
            if (*text)
                strcat(text, ",");
            strcat(text, names[i]);
        }
    return strdup(text);
}

static char *text_of_head(const unsigned char *head, size_t n)
{
    char *text = malloc(2 * n + 1);

    for (size_t i = 0; text && i < n; i++)
        sprintf(text + 2 * i, "%02x", head[i]);
    if (text)
        text[2 * n] = '\0';
    return text;
}

static bool set_texts(struct sample_use *use, const struct calendar *cal, const struct store_sample_row *p, bool tcp)
{
    use->time = text_of_time(cal, p->time_ns);
    use->interface = strdup(p->interface);
    use->direction = strdup(p->direction);
    use->kind = strdup(p->kind);
    use->user = p->user ? strdup(p->user) : NULL;
    use->protocol = strdup(p->protocol);
    use->source = strdup(p->source);
    use->destination = strdup(p->destination);
    use->source_end = text_of_end(p->source, p->source_port);
    use->destination_end = text_of_end(p->destination, p->destination_port);
    use->flags = tcp ? text_of_flags(p->tcp_flags) : NULL;
    use->head = text_of_head(p->head, p->head_len);
    return use->time && use->interface && use->direction && use->kind && (use->user || !p->user) && use->protocol &&
           use->source && use->destination && use->source_end && use->destination_end && (use->flags || !tcp) &&
           use->head;
}

static struct sample_use *use_of(const struct calendar *cal, const struct store_sample_row *p)
{
    struct sample_use *use = calloc(1, sizeof(*use));
    bool tcp = p->seq_num || p->ack_num || p->tcp_flags;

    if (!use)
        return NULL;
    *use = (struct sample_use){
        .time_ns = p->time_ns,
        .uid = p->uid,
        .gid = p->gid,
        .family = p->family,
        .source_port = p->source_port ? p->source_port : -1,
        .destination_port = p->destination_port ? p->destination_port : -1,
        .length = p->packet_len,
        .segments = p->segments,
        .seq_num = tcp ? p->seq_num : FIELD_NO_BYTES,
        .ack_num = tcp ? p->ack_num : FIELD_NO_BYTES,
        .tcp_flags = tcp ? p->tcp_flags : FIELD_NO_BYTES,
        .frame_len = p->frame_len,
        .head_len = p->head_len < sizeof(use->bytes) ? p->head_len : sizeof(use->bytes),
    };
    memcpy(use->bytes, p->head, use->head_len);
    if (!set_texts(use, cal, p, tcp)) {
        use_free(use);
        return NULL;
    }
    return use;
}

/* They come the newest first, so the first --top of them are all that is asked for. */
static int collect(const struct store_sample_row *p, void *userdata)
{
    struct listing *l = userdata;
    struct row row = {.since_sec = -1, .until_sec = -1, .uid = -1, .family = -1};
    struct sample_use *use;
    int r;

    if (l->o->top && l->n == l->o->top)
        return 1;
    row.sample = use = use_of(l->head.cal, p);
    r = listing_keep(l, &listing, use);
    return r < 0 ? r : rows_add(&l->rows, &row);
}

/* ---- the report ---- */

static int read_snapshot(struct store *s, void *userdata, char **ret_why)
{
    struct listing *l = userdata;
    struct report_head *head = &l->head;
    int r = samples_read_head(s, l->now_sec, head);

    if (r < 0)
        return ask_keep_why(s, r, ret_why);
    r = ask_samples(s, l->o, (struct store_bucket){head->period.since_sec, head->period.until_sec}, collect, l,
                    ret_why);
    return r > 0 ? 0 : r;
}

/* Whoever reads a capture expects it in the order of time. */
static void turn_round(struct rows *rows)
{
    for (size_t i = 0; i < rows->n / 2; i++) {
        struct row row = rows->v[i];

        rows->v[i] = rows->v[rows->n - 1 - i];
        rows->v[rows->n - 1 - i] = row;
    }
}

static int write_rows(struct listing *l, FILE *out)
{
    if (l->o->output == &output_pcap)
        turn_round(&l->rows);
    return output_report(l->o->output, &l->head, &l->rows, NULL, out);
}

static int check_pcap(const struct report_options *o, FILE *out, char **ret_why)
{
    if (o->output != &output_pcap || fileno(out) < 0 || !isatty(fileno(out)))
        return 0;
    *ret_why = strdup("option --format: pcap is not for a terminal; write it to a file or a pipe");
    return -EINVAL;
}

int samples_write(struct store *s, const struct calendar *cal, int64_t now_sec, const struct report_options *o,
                  FILE *out, char **ret_why)
{
    struct listing l = {0};
    int r = check_pcap(o, out, ret_why);

    return r < 0 ? r : listing_write(&l, &listing, s, cal, now_sec, o, out, ret_why);
}

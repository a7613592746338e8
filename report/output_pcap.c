/*
 * Samples as a capture that tshark and tcpdump read: the format of libpcap with times in nanoseconds, each packet from its IP
 * header on (LINKTYPE_RAW), as many of its first bytes as were kept. Numbers are in this machine's order, which readers detect.
 */
#include "common/clock.h"
#include "report/output.h"

#define MAGIC_NS     0xa1b23c4d
#define LINKTYPE_RAW 101 /* the version of IP says which it is */

static void put_word(FILE *out, uint32_t word)
{
    fwrite(&word, sizeof(word), 1, out);
}

static void put_half(FILE *out, uint16_t half)
{
    fwrite(&half, sizeof(half), 1, out);
}

static int pcap_begin(struct output_job *job)
{
    put_word(job->out, MAGIC_NS);
    put_half(job->out, 2); /* version 2.4 */
    put_half(job->out, 4);
    put_word(job->out, 0);
    put_word(job->out, 0);
    put_word(job->out, sizeof(((struct sample_use *)NULL)->bytes));
    put_word(job->out, LINKTYPE_RAW);
    return 0;
}

static int pcap_row(struct output_job *job, const struct row *row)
{
    const struct sample_use *p = row->sample;

    put_word(job->out, (uint32_t)(p->time_ns / NSEC_PER_SEC));
    put_word(job->out, (uint32_t)(p->time_ns % NSEC_PER_SEC));
    put_word(job->out, (uint32_t)p->head_len);
    put_word(job->out, (uint32_t)p->frame_len);
    fwrite(p->bytes, 1, p->head_len, job->out);
    return 0;
}

static int pcap_end(struct output_job *job, const struct row *totals)
{
    return 0;
}

static void pcap_done(struct output_job *job) {}

const struct output output_pcap = {"pcap", pcap_begin, pcap_row, pcap_end, pcap_done};

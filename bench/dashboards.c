/*
 * Dashboards that look at pdtt-serve over TCP: each asks one question after the other, one a second, over a connection that it
 * keeps, and follows the live stream over another. Prints how long the answers took. The seconds are on purpose not in step.
 */
#include "bench/command.h"
#include "bench/sample.h"
#include "common/cleanup.h"
#include "common/clock.h"
#include "common/log.h"

#include <curl/curl.h>
#include <jansson.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

enum { MOST_DASHBOARDS = 500, MOST_SECONDS = 3600, MOST_TOKENS = 64 };

static const struct question {
    const char *name, *target;
} questions[] = {
    {"report of 30 days by user", "/api/v1/report?since=30d&by=user"},
    {"report of 12 months by project", "/api/v1/report?since=365d&period=month&by=project"},
    {"history of 30 days", "/api/v1/history?since=30d&period=day"},
    {"what moves now", "/api/v1/current?by=user"},
};
static const char stream_target[] = "/api/v1/stream?by=user";

struct command {
    const char *url, *tokens, *json;
    long dashboards, seconds;
};

struct dashboard {
    const struct command *command;
    char header[256]; /* with the token */
    int number;
    int64_t end_ns;
    pthread_t asks, follows;
    double *ms[array_length(questions)];
    size_t n[array_length(questions)];
    unsigned failed, events;
    long status; /* of what failed last */
};

/* ---- options ---- */

COMMAND_TEXT(url, url)
COMMAND_TEXT(tokens, tokens)
COMMAND_TEXT(json, json)
COMMAND_NUMBER(dashboards, dashboards, 1, MOST_DASHBOARDS)
COMMAND_NUMBER(seconds, seconds, 1, MOST_SECONDS)

#define USAGE                                                                                                          \
    "dashboards --url URL --tokens FILE [--dashboards N] [--seconds N] [--json FILE]\nHow long pdtt-serve takes to "   \
    "answer dashboards over TCP."

static const struct option_row rows[] = {
    {"url", 0, "URL", "where pdtt-serve is, without a path", NULL, set_url},
    {"tokens", 0, "FILE", "a token a line; dashboards take them in turns", NULL, set_tokens},
    {"dashboards", 0, "N", "how many (50)", NULL, set_dashboards},
    {"seconds", 0, "N", "for how long (30)", NULL, set_seconds},
    {"json", 0, "FILE", "where the figures go as well", NULL, set_json},
    COMMAND_HELP,
};

/* ---- asking ---- */

static size_t ignore(char *bytes, size_t size, size_t n, void *userdata)
{
    (void)bytes, (void)userdata;
    return size * n;
}

static size_t count_event(char *bytes, size_t size, size_t n, void *userdata)
{
    struct dashboard *d = userdata;

    d->events += memmem(bytes, size * n, "event: current", strlen("event: current")) != NULL;
    return size * n;
}

static CURL *handle_for(struct dashboard *d, curl_write_callback read, struct curl_slist **ret_headers)
{
    CURL *curl = curl_easy_init();

    *ret_headers = curl_slist_append(NULL, d->header);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, *ret_headers);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, read);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, d);
    return curl;
}

/* 0, or the status that is not 200; -1: no answer at all. */
static long ask(CURL *curl, const char *url, const char *target)
{
    cleanup_free char *whole = NULL;
    long status = -1;

    if (asprintf(&whole, "%s%s", url, target) < 0)
        return -1;
    curl_easy_setopt(curl, CURLOPT_URL, whole);
    if (curl_easy_perform(curl) == CURLE_OK)
        curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    return status == 200 ? 0 : status;
}

static void *ask_each_second(void *argument)
{
    struct dashboard *d = argument;
    struct curl_slist *headers;
    CURL *curl = handle_for(d, ignore, &headers);
    int64_t due_ns = clock_boottime_ns() + (int64_t)d->number * NSEC_PER_SEC / d->command->dashboards;

    curl_easy_setopt(curl, CURLOPT_TIMEOUT, 30L);
    for (size_t i = (size_t)d->number; due_ns < d->end_ns; i++, due_ns += NSEC_PER_SEC) {
        size_t q = i % array_length(questions);
        int64_t now_ns = clock_boottime_ns();
        long status;

        if (due_ns > now_ns)
            usleep((useconds_t)((due_ns - now_ns) / 1000));
        now_ns = clock_boottime_ns();
        status = ask(curl, d->command->url, questions[q].target);
        if (status == 0) {
            d->ms[q][d->n[q]++] = (double)(clock_boottime_ns() - now_ns) / NSEC_PER_MSEC;
        } else {
            d->failed++;
            d->status = status;
        }
    }
    curl_easy_cleanup(curl);
    curl_slist_free_all(headers);
    return NULL;
}

static void *follow(void *argument)
{
    struct dashboard *d = argument;
    struct curl_slist *headers;
    CURL *curl = handle_for(d, count_event, &headers);

    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)((d->end_ns - clock_boottime_ns()) / NSEC_PER_MSEC));
    ask(curl, d->command->url, stream_target); /* ends with the time */
    curl_easy_cleanup(curl);
    curl_slist_free_all(headers);
    return NULL;
}

/* ---- all of them ---- */

static size_t read_tokens(const char *path, char (*ret_tokens)[200])
{
    cleanup_fclose FILE *in = path ? fopen(path, "re") : NULL;
    size_t n = 0;

    while (in && n < MOST_TOKENS && fscanf(in, "%199s", ret_tokens[n]) == 1)
        n++;
    return n;
}

static int start(struct dashboard *d, const struct command *c, int number, const char *token, int64_t end_ns)
{
    *d = (struct dashboard){.command = c, .number = number, .end_ns = end_ns};
    snprintf(d->header, sizeof(d->header), "Authorization: Bearer %s", token);
    for (size_t q = 0; q < array_length(questions); q++)
        if (!(d->ms[q] = calloc((size_t)c->seconds + 1, sizeof(double))))
            return -ENOMEM;
    if (pthread_create(&d->follows, NULL, follow, d) != 0)
        return -EAGAIN;
    return -pthread_create(&d->asks, NULL, ask_each_second, d);
}

/* The answers to one question, or with q SIZE_MAX to all. */
static json_t *tell(const struct dashboard *all, long n_all, size_t q, const char *name)
{
    size_t n = 0, from = q == SIZE_MAX ? 0 : q, to = q == SIZE_MAX ? array_length(questions) : q + 1;
    cleanup_free double *ms = NULL;

    for (long i = 0; i < n_all; i++)
        for (size_t k = from; k < to; k++) {
            ms = reallocarray(ms, n + all[i].n[k] + 1, sizeof(*ms));
            if (!ms)
                abort();
            memcpy(ms + n, all[i].ms[k], all[i].n[k] * sizeof(*ms));
            n += all[i].n[k];
        }
    double median = sample_quantile(ms, n, 0.5), p99 = sample_quantile(ms, n, 0.99), most = sample_quantile(ms, n, 1);
    printf("%-32s %6zu answers  median %6.1f ms  p99 %6.1f ms  longest %6.1f ms\n", name, n, median, p99, most);
    return json_pack("{s:s, s:I, s:f, s:f, s:f}", "question", name, "answers", (json_int_t)n, "median_ms", median,
                     "p99_ms", p99, "longest_ms", most);
}

static int tell_all(const struct dashboard *all, const struct command *c)
{
    json_t *answers = json_array(), *json;
    json_int_t failed = 0, events = 0;
    long status = 0;
    int r = 0;

    for (size_t q = 0; q < array_length(questions); q++)
        json_array_append_new(answers, tell(all, c->dashboards, q, questions[q].name));
    json_array_append_new(answers, tell(all, c->dashboards, SIZE_MAX, "all"));
    for (long i = 0; i < c->dashboards; i++) {
        failed += all[i].failed;
        events += all[i].events;
        status = all[i].failed ? all[i].status : status;
    }
    printf("%lld events of streams, %lld questions failed", (long long)events, (long long)failed);
    printf(failed ? ", with status %ld at last\n" : "\n", status);
    json = json_pack("{s:o, s:I, s:I, s:I, s:I}", "answers", answers, "failed", failed, "events", events, "dashboards",
                     (json_int_t)c->dashboards, "seconds", (json_int_t)c->seconds);
    if (c->json && json_dump_file(json, c->json, JSON_INDENT(1)) < 0)
        r = -EIO;
    json_decref(json);
    return r;
}

int main(int argc, char **argv)
{
    struct command c = {.dashboards = 50, .seconds = 30};
    static struct dashboard all[MOST_DASHBOARDS];
    static char tokens[MOST_TOKENS][200];
    size_t n_tokens;

    command_read(rows, array_length(rows), argc, argv, USAGE, &c);
    n_tokens = read_tokens(c.tokens, tokens);
    if (!c.url || n_tokens == 0) {
        fprintf(stderr, "dashboards: --url and --tokens with a token in it are needed\n");
        return 2;
    }
    curl_global_init(CURL_GLOBAL_DEFAULT);
    int64_t end_ns = clock_boottime_ns() + c.seconds * NSEC_PER_SEC;
    for (int i = 0; i < c.dashboards; i++)
        if (start(&all[i], &c, i, tokens[(size_t)i % n_tokens], end_ns) < 0) {
            fprintf(stderr, "dashboards: no thread or no memory for dashboard %d\n", i);
            return 1;
        }
    for (int i = 0; i < c.dashboards; i++) {
        pthread_join(all[i].asks, NULL);
        pthread_join(all[i].follows, NULL);
    }
    return tell_all(all, &c) < 0 ? 1 : 0;
}

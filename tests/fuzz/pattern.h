/* A small real database as a pattern, and copies of it to spoil: made once, below /dev/shm where there is one. */
#pragma once

#include "sql/store.h"
#include "tests/fuzz/fuzz.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define PLACE_NOW INT64_C(1793500000) /* 2026-11-01 */

static char place_directory[64], place_path[96];
static uint8_t *pattern;
static size_t pattern_size;

static inline void place_remove(void)
{
    static const char *const suffixes[] = {"", "-wal", "-shm", "-lock", "-journal"};
    char path[128];

    for (size_t i = 0; i < array_length(suffixes); i++) {
        snprintf(path, sizeof(path), "%s%s", place_path, suffixes[i]);
        unlink(path);
    }
}

static inline void place_leave(void)
{
    place_remove();
    rmdir(place_directory);
}

static inline void place_book(struct store *s, uint64_t epoch, int64_t start_sec)
{
    struct store_usage rows[] = {
        {.uid = 1000, .gid = 100, .protocol = 6, .family = 2, .n = {1000, 2000, 10, 20, 900, 1900}},
        {.uid = 1001, .gid = 100, .protocol = 17, .family = 10, .class_id = 1, .n = {500, 600, 5, 6, 400, 500}},
        {.uid = 1000, .gid = 101, .protocol = 6, .family = 2, .project = "skies", .n = {-7, 9, -1, 1, 0, 0}},
    };
    struct store_connection connections[] = {{.cookie = epoch,
                                              .started_boot_ns = epoch,
                                              .start_ms = start_sec * 1000,
                                              .end_ms = start_sec * 1000 + 5000,
                                              .ended = epoch % 2 ? "closed" : NULL,
                                              .protocol = 6,
                                              .family = 2,
                                              .remote = {192, 0, 2, 1},
                                              .remote_port = 443,
                                              .uid = 1000,
                                              .gid = 100,
                                              .pid = 42,
                                              .comm = "curl",
                                              .cgroup = "/user.slice",
                                              .n = {900, 1800, 9, 18, 800, 1700},
                                              .retransmits = 1,
                                              .srtt_us = 250}};
    struct store_meter meters[] = {
        {.source = "eth0", .kind = "kernel", .identity = 5, .n = {.tx_bytes = (int64_t)epoch * 2000, .rx_packets = 3}},
        {.source = "eth0", .kind = "socket", .identity = 5, .n = {.tx_bytes = (int64_t)epoch * 1900, .rx_packets = 3}},
        {.source = STORE_METER_PROGRAMS, .kind = "transfers", .identity = 7, .n = {.rx_packets = (int64_t)epoch}},
    };
    struct store_interval i = {.ledger = 7,
                               .epoch = epoch,
                               .connections = connections,
                               .n_connections = array_length(connections),
                               .meters = meters,
                               .n_meters = array_length(meters),
                               .start_sec = start_sec,
                               .end_sec = start_sec + 10,
                               .duration_ms = 10000,
                               .counted = {1493, 2609, 14, 27, 1300, 2400}};

    if (store_book_interval(s, &i, rows, array_length(rows)) < 0)
        abort();
}

static inline void place_fill(struct store *s)
{
    static const char *const classes[] = {"internal"};
    const struct store_allocation allocations[] = {
        {.subject = STORE_SUBJECT_PROJECT, .name = "skies", .limit_bytes = 1 << 20, .billing_day = 1}};
    const struct store_policy policy = {
        .timezone = "UTC",
        .retention_sec = {STORE_FOREVER, STORE_FOREVER, STORE_FOREVER, STORE_FOREVER, STORE_FOREVER}};
    int64_t id;

    if (store_set_policy(s, &policy) < 0 || store_sync_classes(s, classes, 1, &id) < 0 ||
        store_sync_allocations(s, allocations, array_length(allocations)) < 0 ||
        store_note_user(s, 1000, "alice", PLACE_NOW) < 0 || store_note_group(s, 100, "staff", PLACE_NOW) < 0 ||
        store_put_layer_state(s, "cgroup", "on", "", PLACE_NOW) < 0 ||
        store_put_gap(s, PLACE_NOW - 8000, PLACE_NOW - 7900, "reboot") < 0)
        abort();
    for (int i = 0; i < 4; i++)
        place_book(s, (uint64_t)i + 1, PLACE_NOW - 86400 * 40 + i * 1150000);
}

static inline void place_make(void)
{
    char *why = NULL;
    struct store *s;
    struct stat st;
    int fd;

    snprintf(place_directory, sizeof(place_directory), "%s/pdtt-fuzz-XXXXXX",
             access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    if (!mkdtemp(place_directory))
        abort();
    snprintf(place_path, sizeof(place_path), "%s/pdtt.db", place_directory);
    atexit(place_leave);
    if (store_open(place_path, STORE_WRITE, &s, &why) < 0) {
        fprintf(stderr, "%s\n", why);
        abort();
    }
    place_fill(s);
    store_close(s);
    fd = open(place_path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) < 0 || !(pattern = malloc((size_t)st.st_size)) ||
        read(fd, pattern, (size_t)st.st_size) != st.st_size)
        abort();
    pattern_size = (size_t)st.st_size;
    close(fd);
}

/* The file as it was, without a log. */
static inline void place_renew(const uint8_t *bytes, size_t size)
{
    cleanup_close int fd = -1;

    place_remove();
    fd = open(place_path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0 || write(fd, bytes, size) != (ssize_t)size)
        abort();
}

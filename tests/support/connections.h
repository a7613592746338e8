/* Connections for the tests of sql/ and report/: made up, booked with the usage that belongs to them. */
#pragma once

#include "tests/support/levels.h"

#include <arpa/inet.h>

#define BOOT_NS UINT64_C(1000000000)

/* One of uid 1000 that began at start_sec, to an address in text. Its key is cookie. */
static inline struct store_connection connection(uint64_t cookie, int64_t start_sec, const char *remote,
                                                 const char *comm)
{
    struct store_connection c = {
        .cookie = cookie,
        .started_boot_ns = BOOT_NS + cookie,
        .start_ms = start_sec * 1000,
        .protocol = TCP,
        .family = strchr(remote, ':') ? AF_INET6 : AF_INET,
        .initiative = STORE_INITIATIVE_OUT,
        .local_port = 40000,
        .remote_port = 443,
        .uid = 1000,
        .gid = 100,
        .pid = 4242,
        .comm = comm,
        .cgroup = "/user.slice",
    };

    ck_assert_int_eq(inet_pton(c.family, remote, c.remote), 1);
    ck_assert_int_eq(inet_pton(c.family, c.family == AF_INET6 ? "2001:db8::1" : "192.0.2.1", c.local), 1);
    return c;
}

static inline void move(struct store_connection *c, int64_t tx_bytes, int64_t rx_bytes)
{
    c->n.tx_bytes += tx_bytes;
    c->n.rx_bytes += rx_bytes;
    c->n.tx_packets += tx_bytes / 100;
    c->n.rx_packets += rx_bytes / 100;
}

static inline void end(struct store_connection *c, int64_t end_sec, const char *how)
{
    c->end_ms = end_sec * 1000;
    c->ended = how;
}

/* Ten seconds from start_sec of LEDGER, in which uid 1000 moved tx_bytes and rx_bytes. */
static inline struct store_interval interval_of(uint64_t epoch, int64_t start_sec, const struct store_usage *row,
                                                const struct store_connection *connections, size_t n)
{
    return (struct store_interval){.ledger = LEDGER,
                                   .epoch = epoch,
                                   .start_sec = start_sec,
                                   .end_sec = start_sec + 10,
                                   .duration_ms = 10000,
                                   .counted = row->n,
                                   .connections = connections,
                                   .n_connections = n};
}

static inline void book_interval(struct store *s, const struct store_interval *i, struct store_usage row)
{
    int r = store_book_interval(s, i, &row, 1);

    ck_assert_msg(r == 0, "booking epoch %" PRIu64 ": %d: %s", i->epoch, r, store_why(s));
}

static inline void book_connections(struct store *s, uint64_t epoch, int64_t start_sec,
                                    const struct store_connection *connections, size_t n)
{
    struct store_usage row = usage(1000, 100, 1000, 1000);
    struct store_interval i = interval_of(epoch, start_sec, &row, connections, n);

    book_interval(s, &i, row);
}

/* What is kept by five minutes and by connection is the same, and each row of a dictionary is used so often as it says. */
static inline void expect_sound_connections(void)
{
    ck_assert_int_eq(sql_int("SELECT count(*) FROM connection_usage u LEFT JOIN connection c ON c.id = u.connection"
                             " WHERE c.id IS NULL"),
                     0);
    ck_assert_int_eq(sql_int("SELECT count(*) FROM process p WHERE uses <> (SELECT count(*) FROM connection c"
                             " WHERE c.process = p.id)"),
                     0);
    ck_assert_int_eq(sql_int("SELECT count(*) FROM address a WHERE uses <> (SELECT count(*) FROM connection c"
                             " WHERE c.local = a.id) + (SELECT count(*) FROM connection c WHERE c.remote = a.id)"),
                     0);
    ck_assert_int_eq(sql_int("SELECT count(*) FROM address WHERE uses = 0"), 0);
    ck_assert_int_eq(sql_int("SELECT count(*) FROM process WHERE uses = 0"), 0);
    ck_assert_int_eq(sql_int("SELECT count(*) FROM pragma_foreign_key_check"), 0);
}

/* Nothing has expired: each counter of a connection is the sum of what it moved. */
static inline void expect_equal_connections(void)
{
    char sql[320];

    expect_sound_connections();
    for (size_t i = 0; i < array_length(counter_columns); i++) {
        snprintf(sql, sizeof(sql),
                 "SELECT count(*) FROM connection c WHERE %s <> (SELECT coalesce(sum(%s), 0) FROM connection_usage u"
                 " WHERE u.connection = c.id)",
                 counter_columns[i], counter_columns[i]);
        ck_assert_msg(sql_int(sql) == 0, "%s", sql);
    }
}

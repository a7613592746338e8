/*
 * The BPF object: which programs there are, which of them this kernel takes, loading them around maps that may exist
 * already, attaching them. The only file that includes the skeleton is programs.c.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum layer {
    LAYER_CGROUP,  /* the ledger */
    LAYER_SOCKET,  /* who owns a socket */
    LAYER_SYSCALL, /* who uses it, and payload bytes */
    LAYER_ADOPT,   /* sockets older than pdttd */
    LAYER_SOCKOPS, /* records of connections */
    LAYERS
};

struct layer_row {
    const char *name;
    bool required;
    const char *lost; /* what is lost without it, a sentence for people */
};
extern const struct layer_row layer_rows[LAYERS];

enum program_kind {
    PROGRAM_CGROUP,
    PROGRAM_TRACING,
    PROGRAM_ITERATOR, /* run once, when programs are loaded */
    /* Iterators that stay pinned, to be read again and again: */
    PROGRAM_FILE_READER,  /* over the files of all tasks */
    PROGRAM_OWNER_READER, /* over the sockets in sock_owner */
};

struct program_row {
    const char *name;
    enum layer layer;
    enum program_kind kind;
    bool optional; /* its layer works without it */
};
#define PROGRAMS 16
extern const struct program_row program_rows[PROGRAMS];

enum map_id {
    MAP_OUTER,
    MAP_INNER_0,
    MAP_INNER_1,
    MAP_ACCOUNTS,
    MAP_SLOTS,
    MAP_SOCK_OWNER,
    MAP_CLASSES_V4,
    MAP_CLASSES_V6,
    MAP_UNITS,
    MAP_STATS,
    MAP_TRUTH,
    MAP_CONN_UID,
    MAP_CONN_STATS,
    MAP_CONN_ROOM,
    MAP_LAYOUT, /* last: its pin says that the set is complete */
    MAPS
};

struct map_row {
    const char *name; /* also the name of its pin */
    bool carried;     /* goes on when the ledger's geometry changes */
};
extern const struct map_row map_rows[MAPS];

bool programs_is_reader(unsigned program);

/* A number that differs between builds whose programs differ. */
uint64_t programs_build(void);

struct programs_config {
    uint32_t slots, cpus;
    uint32_t connections; /* that can be recorded at a time; 0: none, whatever is wanted */
    uint32_t records;     /* entries of conn_stats_map: more than connections where some are under way already */
    bool truth;
    uint32_t wanted;    /* bit per program */
    int reuse_fd[MAPS]; /* -1: make a new map */
};

struct programs;

/* Loads the wanted programs; all or nothing. ret_why is malloc'ed: the kernel's or libbpf's own words. */
int programs_load(const struct programs_config *config, struct programs **ret_programs, char **ret_why);
struct programs *programs_free(struct programs *p); /* pinned maps and links stay */

/* Loads one program alone, with tiny maps, and drops it: 0 if this kernel takes it. */
int programs_probe(unsigned program, char **ret_why);

int programs_map_fd(const struct programs *p, enum map_id map);
int programs_fd(const struct programs *p, unsigned program);

/* Attaches and returns the descriptor of the link, which is the caller's; a negative errno. */
int programs_attach(const struct programs *p, unsigned program, int cgroup_fd);

/* Runs an iterator to its end. */
int programs_run_iterator(const struct programs *p, unsigned program);

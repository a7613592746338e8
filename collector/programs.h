/*
 * The kernel side's programs: which there are, which of them this kernel takes, loading them around maps that may exist
 * already, attaching them.
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
    PROGRAM_KPROBE,
    PROGRAM_ITERATOR, /* run once, when programs are loaded */
    /* Iterators that stay pinned, to be read again and again: */
    PROGRAM_FILE_READER,  /* over the files of all tasks */
    PROGRAM_OWNER_READER, /* over the sockets in sock_owner */
    PROGRAM_PACER,        /* over TCP sockets; says nothing */
};

struct program_row {
    const char *name;
    enum layer layer;
    enum program_kind kind;
    bool optional;    /* its layer works without it */
    unsigned tiers;   /* those of the syscall layer that it belongs to, TIER_BIT() each; 0: not a matter of tiers */
    const char *hook; /* what it needs to be there, for people; NULL: any kernel since 5.10 has it */
};
#define PROGRAMS 33
extern const struct program_row program_rows[PROGRAMS];

/* A set of programs, bit per row. */
typedef uint64_t program_set;
_Static_assert(PROGRAMS <= 48, "a program_set has a bit for each, and the layout's 'refused' room beside them");

static inline program_set program_bit(unsigned program)
{
    return UINT64_C(1) << program;
}

/* The row of that name, which must exist. */
unsigned programs_find(const char *name);

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
    MAP_SOCK_USER,
    MAP_POLICY_PACING,
    MAP_POLICY_FIRST, /* of those for policies, which are all made for the same limit */
    MAP_POLICY_SETS = MAP_POLICY_FIRST,
    MAP_POLICY_ROWS,
    MAP_POLICY_VECTORS,
    MAP_POLICY_WORDS,
    MAP_POLICY_PORTS,
    MAP_POLICY_NETWORKS,
    MAP_POLICY_VALUES,
    MAP_POLICY_MAP,
    MAP_POLICY_BUCKETS,
    MAP_POLICY_STATS,
    MAP_POLICY_DECISION,
    MAP_POLICY_TELLING,
    MAP_POLICY_EVENTS,
    MAP_POLICY_LAST = MAP_POLICY_EVENTS,
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

/* Whether sockops programs learn their network namespace (5.15): the verifier refuses the call elsewhere. */
bool programs_know_netns(void);

/* Notes about sockets in use at a time (bpf/notes.bpf.h): preallocated, about 10 MiB, on the kernels that need them. */
#define PROGRAMS_NOTES 65536

/*
 * Whether this kernel's verifier gets through the search for policies. Before 6.2 it took each number in programs with functions
 * for one that matters, and found no two ways through the search alike. The correction was brought back to 6.1 (Debian's has
 * it), so before 6.2 it is tried.
 */
bool programs_take_policies(void);

/* limits.policies as the maps have it: whole words. */
uint32_t programs_policies_room(uint32_t policies);

/* Where the verifier writes, and how much: levels of linux/bpf_verifier.h. */
struct programs_log {
    char *text;
    size_t room;
    unsigned level;
};

struct programs_config {
    uint32_t slots, cpus;
    uint32_t connections; /* that can be recorded at a time; 0: none, whatever is wanted */
    uint32_t records;     /* entries of conn_stats_map: more than connections where some are under way already */
    uint32_t policies;    /* that may be in force: programs_policies_room() */
    bool truth;
    int slot_error; /* tests: accounts cannot be entered, for this reason */
    bool notes;     /* programs at the system calls leave notes: collector/tiers.h */
    program_set wanted;
    int reuse_fd[MAPS];             /* -1: make a new map */
    const struct programs_log *log; /* with one wanted program; NULL: none */
};

struct programs;

/* Loads the wanted programs; all or nothing. ret_why is malloc'ed: the kernel's or libbpf's own words. */
int programs_load(const struct programs_config *config, struct programs **ret_programs, char **ret_why);
struct programs *programs_free(struct programs *p); /* pinned maps and links stay */

/* Loads one program alone, with tiny maps, and drops it: 0 if this kernel takes it. */
int programs_probe(unsigned program, bool notes, char **ret_why);

/* The same with room for so many policies and the verifier's words: what it would say of the program that pdttd loads. */
int programs_explain(unsigned program, bool notes, uint32_t policies, const struct programs_log *log, char **ret_why);

int programs_map_fd(const struct programs *p, enum map_id map);
int programs_fd(const struct programs *p, unsigned program);

/* Attaches and returns the descriptor of the link, which is the caller's; a negative errno. */
int programs_attach(const struct programs *p, unsigned program, int cgroup_fd);

/* Attaches an iterator and returns the descriptor of its link, which is the caller's; a negative errno. */
int programs_attach_iterator(const struct programs *p, unsigned program);

/* Runs an attached iterator to its end. */
int programs_run_iterator(int link);

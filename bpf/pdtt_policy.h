/*
 * Policies as the programs have them: two rule sets of which the epoch header names the one in force. A rule is a bit; those that
 * name the same parts stand together, in each word in order of precedence. For each part of a packet a vector says which rules
 * name its value, and "wild" which rules do not name that part at all. What is set in all parts is what matches, word by word; a
 * summary of each vector, one bit for each of its words, tells which words are worth a look. A vector holds only words that are
 * not 0, in a pool.
 */
#ifndef PDTT_POLICY_ABI_H
#define PDTT_POLICY_ABI_H

#include <linux/types.h>

#define PDTT_POLICY_WORD      64 /* rules in one */
#define PDTT_POLICY_SUMMARY   4  /* words of a summary: for 16384 rules */
#define PDTT_POLICY_OBSERVERS 60 /* that one packet can meet before it is let through */
#define PDTT_POLICY_NAME      64 /* with the NUL */

/* What of a packet rules may name. */
enum pdtt_policy_part {
    PDTT_POLICY_REMOTE, /* the longest network that a rule names; its vector has those of the shorter ones too */
    PDTT_POLICY_LOCAL,
    PDTT_POLICY_REMOTE_PORT,
    PDTT_POLICY_LOCAL_PORT,
    PDTT_POLICY_DIRECTION,
    PDTT_POLICY_PROTOCOL,
    PDTT_POLICY_CLASS, /* on loopback only rules that name its class match */
    PDTT_POLICY_UID,
    PDTT_POLICY_GID,
    PDTT_POLICY_UNIT,
    PDTT_POLICY_PROJECT,
    PDTT_POLICY_PARTS,
    /* Keys of policy_values alone: whose project a packet has, the first that is found. */
    PDTT_POLICY_UNIT_PROJECT = PDTT_POLICY_PARTS,
    PDTT_POLICY_UID_PROJECT,
    PDTT_POLICY_GID_PROJECT,
    PDTT_POLICY_VALUES
};

/* What keeps a policy in force that may lapse: pdttd says again and again that it is so. */
enum pdtt_policy_renewed {
    PDTT_POLICY_ALIVE, /* pdttd runs */
    PDTT_POLICY_KNOWN, /* and knows what is used of the allocations */
    PDTT_POLICY_RENEWED
};

#define PDTT_POLICY_LIMITS   0x80000000u /* in parts of struct pdtt_policy_head: a rule limits what is sent by TCP */
#define PDTT_POLICY_HAS_DOOR 0x40000000u /* in parts: some rule is for the interfaces too */

/* Element of policy_sets; wild is the summary of struct pdtt_policy_row. */
struct pdtt_policy_head {
    __u64 renewed_ns[PDTT_POLICY_RENEWED]; /* monotonic clock, the same in both sets */
    __u64 generation;                      /* changes with each list and each switch: sockets drop what they remember */
    __u64 zero; /* 0, which the verifier does not know: so that it goes one way instead of two */
    __u32 first_row;
    __u32 parts;        /* bit for each that any rule names: the others need not be looked up; PDTT_POLICY_HAS_DOOR */
    __u32 loopback;     /* a rule names its class */
    __u32 first_vector; /* vectors of policy_ports are counted from it */
    __u32 direction[2]; /* vectors */
    __u64 wild[PDTT_POLICY_PARTS][PDTT_POLICY_SUMMARY];
};
_Static_assert(sizeof(struct pdtt_policy_head) == 56 + 352, "mapped by user space");

/* Element of policy_rows: 64 rules. Rule 64 * row + bit is also the index in policy_map. */
struct pdtt_policy_row {
    __u64 on; /* those that are switched on */
    __u64 wild[PDTT_POLICY_PARTS];
    __u32 word; /* of its set; known before, but from here the verifier does not ask how it was come by */
    __u32 padding;
};
_Static_assert(sizeof(struct pdtt_policy_row) == 104, "mapped by user space");

/* Element of policy_vectors. 0 is the one without rules, for values that no rule names. */
struct pdtt_policy_vector {
    __u64 summary[PDTT_POLICY_SUMMARY];
    __u32 first;                       /* of its words in policy_words */
    __u16 before[PDTT_POLICY_SUMMARY]; /* words in it before each word of the summary */
    __u32 padding;
};
_Static_assert(sizeof(struct pdtt_policy_vector) == 48, "mapped by user space");

/* Element of policy_ports: vectors of four ports in a row, those of a set counted from its first vector, 0 is none. */
struct pdtt_policy_ports {
    __u16 vector[4];
};
#define PDTT_POLICY_PORTS               16384 /* elements for one part of one set */
#define PDTT_POLICY_PORTS_AT(set, part) (((set)*2 + ((part)-PDTT_POLICY_REMOTE_PORT)) * PDTT_POLICY_PORTS)

struct pdtt_policy_network {
    __u32 prefix_len; /* with those of which: 32 + n */
    __u32 which;      /* PDTT_POLICY_NETWORK() */
    __u8 address[16];
};
#define PDTT_POLICY_NETWORK(set, part, ipv6) ((set) << 2 | (part) << 1 | (ipv6))
/* Beside the two parts of networks: whose frames are dropped at the interface, with the rule + 1; 0: none of these. */
#define PDTT_POLICY_DOOR 4
#define PDTT_POLICY_OWN  16u /* | ipv6: addresses of this host, in both sets */

struct pdtt_policy_value {
    __u32 which; /* PDTT_POLICY_VALUE() */
    __u32 value;
};
#define PDTT_POLICY_VALUE(set, part) ((set) << 8 | (part))

enum pdtt_policy_action { PDTT_POLICY_ALLOW, PDTT_POLICY_BLOCK, PDTT_POLICY_LIMIT, PDTT_POLICY_OBSERVE };

/* Element of policy_map: a rule of a set. */
struct pdtt_policy {
    __u64 rate;       /* bytes in a second, never 0 */
    __u64 burst_ns;   /* the time that the burst takes at that rate */
    __u64 marking_ns; /* ahead of its rate by no more than this TCP is told to slow down; then it loses packets */
    __u32 id; /* of the policy, index in policy_buckets and stats_map: the same in each set that has its name; not 0 */
    __u32 action; /* enum pdtt_policy_action */
    __u32 index;  /* in the list that the set was made of */
    __u32 rank;   /* in order of precedence, from 0 */
    __u32 lapses; /* PDTT_POLICY_LAPSES and enum pdtt_policy_renewed: decides only until that is older than lapse_ns */
    __u32 padding;
    __u64 lapse_ns;
};
_Static_assert(sizeof(struct pdtt_policy) == 56, "mapped by user space");

/* A rule that was found, in 16 bits. Numbers of rules have 15, and the last bit says that it may lapse. */
#define PDTT_POLICY_NONE   0xffffu
#define PDTT_POLICY_LAPSES 0x8000u

/* Element of stats_map, cumulative; 0 is all packets that were judged, the others are by id. */
struct pdtt_policy_stats {
    __u64 packets_total;
    __u64 packets_allowed;
    __u64 packets_blocked;
    __u64 bytes_total;
    __u64 policy_lookups; /* by search, not from what the socket remembers */
    __u64 parse_errors;   /* packets that could not be read, and were let through */
    __u64 bytes_blocked;
    __u64 packets_marked; /* allowed, and the sender told to slow down */
    /* Of those blocked while they were to be told: */
    __u64 packets_told;
    __u64 packets_held;    /* more than the rate lets through */
    __u64 packets_unheard; /* ring_buffer had no room */
};
_Static_assert(sizeof(struct pdtt_policy_stats) == 88, "read by user space");

/* In a TCP socket's storage, by direction: what was found for its packets. 0: nothing yet. */
struct pdtt_policy_decision {
    __u64 decided[2]; /* digest of all that may change << 16 | rule that was found; one store */
};

/* In a TCP socket's storage, if a limit decided what it sends. Rates are SO_MAX_PACING_RATE, in bytes a second. */
struct pdtt_policy_pacing {
    __u64 own;                   /* the rate that it had, and gets back */
    __u64 put;                   /* that was put there; 0: its own is there */
    __u64 since_ns, since_bytes; /* how fast it is: what was acknowledged until then */
    __u32 id;                    /* of the policy that limits it; 0: none does */
    __u32 padding;
};

/* Element of policy_buckets as user space sees it: the lock is the kernel's. What goes on from set to set, by id. */
struct pdtt_policy_bucket {
    __u32 lock, padding;
    __u64 time_ns; /* up to which what was let through has used up the rate */
    __u64 told_ns; /* the same of packets that were told */
    /* For pacing: bpf/pacing.bpf.h */
    __u64 window_ns, used_ns;      /* since then so much of the rate's time was used up */
    __u64 share;                   /* bytes a second for each connection; 0: not known yet */
    __u64 fastest, fastest_before; /* bytes a second of the fastest connection, in this window and the one before */
    char name[PDTT_POLICY_NAME];
};

/* Of policy_telling: how often each policy may tell of a packet that it dropped. A change is in force at once. */
struct pdtt_policy_telling {
    __u64 gap_ns;   /* 0: nothing is told */
    __u64 burst_ns; /* so many times the gap as may be told at once */
};

/* Record of ring_buffer: a packet that a policy dropped. With the policy's name, whose id may be another's when it is read. */
struct packet_event {
    __u64 timestamp;             /* ns, boot-time clock */
    __u8 src_ip[16], dst_ip[16]; /* network order; IPv4 in the first 4 */
    char policy[PDTT_POLICY_NAME];
    __u32 uid, gid;           /* whom the packet would be charged to; PDTT_NO_ID: not known */
    __u32 packet_size;        /* of layer 3 on the wire, of all its segments */
    __u32 packets;            /* segments */
    __u16 src_port, dst_port; /* host order; 0: none, or a later fragment */
    __u8 protocol;
    __u8 action_taken; /* enum pdtt_policy_action */
    __u8 family;       /* AF_INET, AF_INET6 */
    __u8 direction;    /* enum pdtt_direction */
};
_Static_assert(sizeof(struct packet_event) == 128, "read by user space");
#define PDTT_POLICY_RING 65536 /* bytes; pdttd is woken by each record */

/* Sizes of the maps for so many policies in force (limits.policies, a multiple of 64). */
#define PDTT_POLICY_VECTORS(policies) (4 * (policies) + 64)
#define PDTT_POLICY_POOL(policies)    (64 * (policies) + 1024)
#define PDTT_POLICY_IDS(policies)     (2 * (policies) + 1)     /* all of one set and all of the next may differ */
#define PDTT_POLICY_KEYS(policies)    (16 * (policies) + 8192) /* most are members of projects */
#define PDTT_POLICY_OWN_MAX           4096                     /* addresses of this host */
#define PDTT_POLICY_NETS(policies)    (6 * (policies) + PDTT_POLICY_OWN_MAX)

#endif

/*
 * What the kernel side and pdttd share: the layout of every pinned map. User space never guesses: sizes and the offsets it
 * relies on are asserted here, and PDTT_ABI_VERSION goes up with every change of any of them.
 */
#pragma once

#include <linux/types.h>

#define PDTT_ABI_VERSION 2

/* Directions index every pair of counters. */
enum pdtt_direction { PDTT_RX = 0, PDTT_TX = 1, PDTT_DIRECTIONS = 2 };

enum pdtt_kind {
    PDTT_KIND_USER = 0,         /* a process created or used the socket */
    PDTT_KIND_KERNEL = 1,       /* nobody did as far as we saw; the uid is the socket's own */
    PDTT_KIND_UNATTRIBUTED = 2, /* no socket */
    PDTT_KIND_OVERFLOW = 3,     /* no free slot */
};

#define PDTT_CLASS_EXTERNAL 0
#define PDTT_CLASS_LOOPBACK 1
#define PDTT_CLASS_MAX      2047 /* 11 bits of struct pdtt_owner.slot_ref */

#define PDTT_NO_ID          0xffffffffU /* (uid_t)-1, which no process can have */

/* The payer of bytes; also the key of the slots map. */
struct pdtt_account {
    __u32 uid;
    __u32 gid;
    __u32 unit;
    __u16 class_id;
    __u8 protocol;
    __u8 family; /* AF_INET, AF_INET6 */
    __u8 kind;   /* enum pdtt_kind */
    __u8 padding[3];
};
_Static_assert(sizeof(struct pdtt_account) == 20, "pdtt_account is a hash key: no hidden padding");

/* One account's counters of one epoch on one CPU. */
struct pdtt_counters {
    __u64 bytes[PDTT_DIRECTIONS];   /* wire bytes (L3) */
    __u64 packets[PDTT_DIRECTIONS]; /* wire packets: segments, not super-packets */
    __u64 payload[PDTT_DIRECTIONS]; /* what system calls moved */
};
_Static_assert(sizeof(struct pdtt_counters) == 48, "the inner maps are indexed by this size");

/*
 * Element 0 of each inner map. The packet programs read it in the same inner map that they count in, so an epoch's
 * settings and counters change together. Element 1 + cpu * slots + slot holds counters; slot 0 is the overflow account.
 * Behind them all are PDTT_BEYOND elements for each CPU: what connections without a record moved, and (in bytes[0]) how many
 * of them began.
 */
struct pdtt_epoch {
    __u64 epoch;      /* 0: never active */
    __s64 start_ns;   /* wall clock */
    __s64 boot_ns;    /* boot-time clock at the same moment */
    __u32 next_slot;  /* first free slot; may run past the number of slots when the table is full */
    __u32 generation; /* of the class table; sockets drop their cached class when it changes */
    __u32 flags;      /* PDTT_EPOCH_* */
    __u32 new_keys;   /* accounts that were not in the slots map before this epoch */
    __u64 errors;     /* sum of the error stats when this epoch became active */
};
_Static_assert(sizeof(struct pdtt_epoch) == sizeof(struct pdtt_counters), "shares an array with the counters");

#define PDTT_BEYOND                           2
#define PDTT_BEYOND_SUM                       0
#define PDTT_BEYOND_COUNT                     1
#define PDTT_LEDGER_ELEMENTS(cpus, slots)     (1 + (cpus) * ((slots) + PDTT_BEYOND))
#define PDTT_BEYOND_ELEMENT(cpus, slots, cpu) (1 + (cpus) * (slots) + (cpu)*PDTT_BEYOND)

#define PDTT_EPOCH_CLASSES_V4                 1u /* the trie of this family is not empty */
#define PDTT_EPOCH_CLASSES_V6                 2u
#define PDTT_EPOCH_UNITS                      4u  /* a rule names cgroups: the units map may hold some */
#define PDTT_EPOCH_POLICIES                   8u  /* a set of policies is in force: bpf/pdtt_policy.h */
#define PDTT_EPOCH_POLICY_SET                 16u /* which of the two */

/*
 * A value of the slots map: the account's slot, and the epoch in which it has it. In any other epoch the value is stale and
 * the account gets a slot anew.
 */
#define PDTT_SLOT_BITS     24
#define PDTT_SLOT_MASK     ((1ULL << PDTT_SLOT_BITS) - 1)
#define PDTT_SLOT_EPOCH(v) ((v) >> PDTT_SLOT_BITS)

/* Element parity * slots + slot of the accounts map: who a slot is, and what was moved to and from it after the fact. */
struct pdtt_slot {
    struct pdtt_account account;
    __u32 padding;
    __s64 moved_bytes[PDTT_DIRECTIONS];
    __s64 moved_packets[PDTT_DIRECTIONS];
};
_Static_assert(sizeof(struct pdtt_slot) == 56, "mapped by user space");

/*
 * Key and value of conn_uid_map: which account a connection of this host has, for who sees packets and no sockets. An
 * IPv4 connection of an IPv6 socket is an IPv4 connection, as its packets are.
 */
struct pdtt_conn_key {
    __u64 netns;                   /* cookie of the network namespace; 0 on kernels that do not tell it to sockops */
    __u8 local[16], remote[16];    /* network order; IPv4 in the first 4 bytes, the rest 0 */
    __u16 local_port, remote_port; /* host order */
    __u8 protocol;                 /* IPPROTO_* */
    __u8 family;                   /* AF_INET, AF_INET6 */
    __u16 padding;
};
_Static_assert(sizeof(struct pdtt_conn_key) == 48, "pdtt_conn_key is a hash key: no hidden padding");

struct pdtt_conn_uid {
    __u32 uid;
    __u32 gid;
    __u64 cookie; /* of the socket: only the one that noted an entry removes it */
};
_Static_assert(sizeof(struct pdtt_conn_uid) == 16, "read by programs of another build");

#define PDTT_COMM 16 /* TASK_COMM_LEN */

/*
 * What a socket's packets are charged to, in the socket's own storage; cloned from a listener to what it accepts. What
 * every packet touches comes first, to stay within one cache line. Its counters only grow: what was charged since the last
 * system call, and what the record of the connection has, are differences to what was noted then. So the record of a
 * connection costs no addition of its own for a packet.
 */
struct pdtt_owner {
    __u64 slot_ref;                 /* cached slot: epoch << 36 | tag << 24 | slot */
    __u64 bytes[PDTT_DIRECTIONS];   /* of the socket, since this was made */
    __u64 packets[PDTT_DIRECTIONS]; /* listeners count none, so that what they accept begins at 0 */
    __u64 class_cache;              /* remote IPv4 address << 32 | generation << 16 | 1 << 15 | tag */
    __u16 tag;                      /* class | IPv6 << 11 of the latest packet */
    __u8 protocol;
    __u8 flags;     /* PDTT_OWNER_* */
    __u32 flow;     /* PDTT_FLOW_*; changed atomically */
    __u64 identity; /* uid, gid << 32, of the initial user namespace */

    __u64 payload[PDTT_DIRECTIONS];
    __u64 settled_bytes[PDTT_DIRECTIONS]; /* of bytes: what can no longer be moved to another owner */
    __u64 settled_packets[PDTT_DIRECTIONS];
    __u32 unit;      /* of the process's cgroup, 0: none */
    __u32 pid;       /* of the process that used it last, 0: not known */
    __u64 cgroup_id; /* of that process */

    struct pdtt_counters
        recorded; /* of the counters above: what another record has than the one that the flow ends with */
    char comm[PDTT_COMM];

    __u64 started_ns;          /* boot-time clock: the flow began */
    __u64 cookie;              /* of the socket */
    struct pdtt_conn_key ends; /* of a socket without a connection: those of its first datagram */
};
_Static_assert(sizeof(struct pdtt_owner) == 256, "socket storage of programs that outlive a pdttd");

#define PDTT_OWNER_KERNEL   1u /* no process seen: kind is kernel */
#define PDTT_OWNER_USED     2u /* a system call confirmed the owner */
#define PDTT_OWNER_RELEASED 4u /* closed: what is still sent stays with the last owner */
#define PDTT_OWNER_SUBFLOW  8u /* made by the kernel for an MPTCP socket, whose owner pays */

/* A flow: the TCP connection of a socket, or its datagrams to and from the remote that it met first. */
#define PDTT_FLOW_STARTING 1u   /* a CPU is writing down what it is */
#define PDTT_FLOW_BEGUN    2u   /* it is written down, and has room for its record */
#define PDTT_FLOW_ENDED    4u   /* the record stands in conn_stats_map; what still comes is added there */
#define PDTT_FLOW_BEYOND   8u   /* there was no room: it is counted with the others of its kind */
#define PDTT_FLOW_DATAGRAM 16u  /* UDP */
#define PDTT_FLOW_MANY     32u  /* there are other remotes: each has an entry in conn_stats_map */
#define PDTT_FLOW_OUT      64u  /* this host connected */
#define PDTT_FLOW_IN       128u /* this host accepted */
#define PDTT_FLOW_FOLLOWED                                                                                             \
    256u /* sockops_tracker is told of its end; else the end is when the last process closes it */

/* conn_stats_map: no entry is ever pushed out, pdttd removes what it has booked. */
struct pdtt_flow_key {
    __u64 cookie;
    __u64 serial; /* started_ns; of further remotes of a datagram socket 0 or 1, so that one can begin while one ends */
    __u8 remote[16]; /* as in struct pdtt_conn_key */
    __u16 remote_port;
    __u16 padding[3];
};
_Static_assert(sizeof(struct pdtt_flow_key) == 40, "pdtt_flow_key is a hash key: no hidden padding");

enum pdtt_end {
    PDTT_END_OPEN,
    PDTT_END_TCP,      /* tcp_state and error say how */
    PDTT_END_RELEASED, /* the last process closed the socket */
};

/*
 * A further remote of a datagram socket has gone when it was silent for so many epochs. No program adds to its entry from
 * then on, and pdttd removes it an epoch, and so a grace period, later; a remote that comes back gets an entry of its own.
 */
#define PDTT_FLOW_IDLE_EPOCHS 6

/* Value of conn_stats_map, and what the readers of live flows write for pdttd. Counters are those since the beginning. */
struct pdtt_connection {
    struct pdtt_conn_key ends;
    __u64 cookie, serial;
    __u64 started_ns, ended_ns; /* boot-time clock; ended_ns 0: open */
    struct pdtt_counters n;
    __u64 identity;
    __u64 cgroup_id;
    __u64 last_epoch, last_ns; /* of a further remote: the latest epoch in which it was there, and since when in it */
    __u32 unit, pid;
    __u32 retransmits; /* segments */
    __u32 srtt_us;     /* smoothed round trip, 0: not known */
    __u32 flow;        /* PDTT_FLOW_OUT, PDTT_FLOW_IN */
    __u16 class_id;
    __u16 error;    /* errno of the socket at its end */
    __u8 kind;      /* enum pdtt_kind */
    __u8 end;       /* enum pdtt_end */
    __u8 tcp_state; /* before it was closed, as in enum bpf_tcp_... of <linux/bpf.h> */
    __u8 padding[5];
    char comm[PDTT_COMM];
};
_Static_assert(sizeof(struct pdtt_connection) == 208, "read by user space");

/* Room for records, in connections: taken - released are in use. Both only grow. Mapped by pdttd, which releases. */
struct pdtt_room {
    __u64 taken, released;
};

struct pdtt_class_v4 {
    __u32 prefix_len;
    __u8 address[4];
};
struct pdtt_class_v6 {
    __u32 prefix_len;
    __u8 address[16];
};

/*
 * What a frame that an interface carried is; the kinds of a direction add up to all that it carried. Part of what the store
 * keeps: a number never changes its meaning.
 */
enum pdtt_interface_kind {
    PDTT_IFACE_SOCKET,          /* of a socket of this host; known by conn_uid_map, the packet or the kernel's tables */
    PDTT_IFACE_OTHER_NAMESPACE, /* leaves for a socket of another namespace of this host, bridged */
    PDTT_IFACE_TIME_WAIT,       /* of a connection that has ended already */
    PDTT_IFACE_FORWARDED,       /* neither from nor to this namespace */
    PDTT_IFACE_PACKET_SOCKET,   /* sent through AF_PACKET */
    PDTT_IFACE_NOT_IP,          /* ARP, LLDP, ... */
    PDTT_IFACE_ICMP,            /* ICMP, neighbour discovery, IGMP of the kernel itself, and to ping sockets */
    PDTT_IFACE_FRAGMENT,        /* all but the first of a datagram: no ports to look for */
    PDTT_IFACE_NO_SOCKET,       /* to closed ports, multicast that nobody wants, protocols without ports */
    PDTT_IFACE_MALFORMED,       /* headers that are too short or contradict each other */
    PDTT_IFACE_BLOCKED,         /* dropped here: a policy says so (bpf/door.bpf.h) */
    PDTT_IFACE_KINDS
};

#define PDTT_INTERFACES 1024 /* that can be counted at a time */

/* What the interface layer knows of one interface, on each CPU; all but n is the same everywhere and written by pdttd. */
struct pdtt_interface {
    __u64 id;          /* random: tells an interface from a later one of the same number */
    __u16 link_size;   /* of the link layer's header, 0: there is none */
    __u16 type_offset; /* of the EtherType in it */
    __u32 netns;       /* of the cookie of its namespace, the lower half: a number means nothing in another one */
    struct {
        __u64 bytes, packets;
    } base[PDTT_DIRECTIONS]; /* the kernel's own counters when counting began */
    struct {
        __u64 bytes, packets; /* L3 bytes on the wire; cumulative */
    } n[PDTT_DIRECTIONS][PDTT_IFACE_KINDS];
};
_Static_assert(sizeof(struct pdtt_interface) == 16 + 32 + 352, "a pinned map of programs that outlive a pdttd");

/* ---- samples of packets: of the programs that one pdttd loads for itself, never pinned ---- */

#define PDTT_SAMPLE_HEAD    108 /* of a packet's first bytes, its IP header first: IPv6 and the longest TCP header fit */
#define PDTT_SAMPLE_SOURCES 8192 /* source addresses that are told apart, those of two drains together */

enum pdtt_packet_type { PDTT_PACKET_TCP, PDTT_PACKET_UDP, PDTT_PACKET_ICMP, PDTT_PACKET_OTHER };

/* A sampled packet: a frame as its program saw it, which may be of several segments. */
struct packet_info {
    __u64 time_ns;               /* boot-time clock */
    __u8 src_ip[16], dst_ip[16]; /* network order; IPv4 in the first 4 bytes, the rest 0 */
    __u32 packet_len;            /* L3 bytes on the wire, of all its segments */
    __u32 frame_len;             /* L3 bytes as it passed: less where the segments share their headers */
    __u32 seq_num, ack_num;      /* host order, as the next three; 0 where it is not TCP */
    __u32 ifindex;
    __u32 uid, gid;           /* PDTT_NO_ID: not known */
    __u16 src_port, dst_port; /* 0: none */
    __u16 segments;
    __u8 protocol;    /* IPPROTO_*, behind all extensions */
    __u8 packet_type; /* enum pdtt_packet_type */
    __u8 tcp_flags;
    __u8 family;    /* AF_INET, AF_INET6 */
    __u8 direction; /* enum pdtt_direction */
    __u8 kind;      /* enum pdtt_interface_kind */
    __u8 head_len;
    __u8 padding[3];
    __u8 head[PDTT_SAMPLE_HEAD];
};
_Static_assert(sizeof(struct packet_info) == 192, "a record of the ring buffer");

/* Key of packet_count. Which half: pdttd reads and empties the one that is not in use. */
struct pdtt_source {
    __u8 address[16];
    __u8 family;
    __u8 half;
    __u8 padding[2];
};
_Static_assert(sizeof(struct pdtt_source) == 20, "pdtt_source is a hash key: no hidden padding");

/* Of the packets of a source that were drawn; the squares are what an interval of confidence needs. */
struct pdtt_drawn {
    __u64 drawn;                    /* frames */
    __u64 packets, packets_squared; /* their segments */
    __u64 bytes, bytes_squared;     /* L3 bytes on the wire */
    __u64 most_packets, most_bytes; /* of one frame; two CPUs may disagree for a moment */
};
_Static_assert(sizeof(struct pdtt_drawn) == 56, "read by user space");

/* The one element of sample_counter, on each CPU. */
struct pdtt_sampling {
    __u64 since_last; /* every N-th: frames since the last one that was drawn */
    struct {
        __u64 seen, packets, bytes; /* all IP packets that could have been drawn */
        __u64 drawn;
        __u64 ring_full;    /* drawn, and no room for them in packet_events */
        __u64 sources_full; /* drawn, and no room for their source in packet_count */
    } n[2];                 /* by half */
};
_Static_assert(sizeof(struct pdtt_sampling) == 104, "read by user space");

/* Why a count took another way than the common one; index of the stats map. Each is a loss made visible or a fact worth a graph. */
enum pdtt_stat {
    PDTT_STAT_SLOTS_FULL,      /* packets or calls booked as overflow: no slot left in this epoch */
    PDTT_STAT_SLOT_E2BIG,      /* ... the slots map was full */
    PDTT_STAT_SLOT_ENOMEM,     /* ... no memory for its entry */
    PDTT_STAT_SLOT_EBUSY,      /* ... its bucket was locked by what we interrupted */
    PDTT_STAT_SLOT_OTHER,      /* ... any other error */
    PDTT_STAT_STORAGE_FAILED,  /* no socket storage: booked to the socket's uid, not transferable */
    PDTT_STAT_LEDGER_MISSING,  /* no inner map or no element: NOT booked; must stay 0 */
    PDTT_STAT_TRANSFERS,       /* ownership changes that moved bytes */
    PDTT_STAT_PARSE_ERRORS,    /* headers that could not be read: counted as len, class external */
    PDTT_STAT_ADOPTED,         /* sockets older than the daemon that got an owner */
    PDTT_STAT_CONN_UID_FULL,   /* connections that conn_uid_map had no room for */
    PDTT_STAT_CONN_UID_ENOMEM, /* ... no memory for its entry */
    PDTT_STAT_CONN_UID_OTHER,  /* ... any other error, such as a bucket locked by what was interrupted */
    PDTT_STAT_FLOWS_BEYOND,    /* connections that began when limits.connections were recorded: counted together */
    PDTT_STAT_FLOW_E2BIG,  /* records that are lost: conn_stats_map was full; must stay 0, its room was taken before */
    PDTT_STAT_FLOW_ENOMEM, /* ... no memory for its entry */
    PDTT_STAT_FLOW_OTHER,  /* ... any other error */
    PDTT_STAT_FLOW_LATE,   /* packets after the record of their connection was booked: counted as beyond */
    PDTT_STAT_INTERFACE_MISSING, /* frames on an interface that pdttd did not announce: NOT counted by its layer */
    PDTT_STATS
};

/* The stats that mean that something went wrong while booking. */
#define PDTT_STAT_FIRST_ERROR PDTT_STAT_SLOTS_FULL
#define PDTT_STAT_LAST_ERROR  PDTT_STAT_LEDGER_MISSING

/* The single element of the layout map: lets the next pdttd tell whether it can go on with these pins. */
struct pdtt_layout {
    __u32 abi_version; /* first, for ever */
    __u32 slots;       /* accounts per epoch, the overflow account included */
    __u32 cpus;        /* possible CPUs */
    __u32 truth;       /* the test-only truth counters are on */
    __u64 ledger;      /* random identity of this ledger */
    __u64 build;       /* hash of the loaded object: another build replaces the programs */
    __u64 refused;     /* programs that this kernel does not take or need, bit per program */
    __u32 connections; /* that can be recorded at a time, 0: none are */
    __u32 tier;        /* of the syscall layer, as tier_remember() writes it; 0: not known */
};
_Static_assert(sizeof(struct pdtt_layout) == 48, "read by later versions");

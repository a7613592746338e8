#include "report/audit_words.h"

#include "common/cleanup.h"

#include <string.h>

static const struct audit_words interfaces[] = {
    {"kernel",
     "the kernel's own counters of the interface: frames with their link layer's header, as the driver counts them "
     "(with or without VLAN tags; a veth that XDP is attached to counts what it receives without the header)"},
    {"carried",
     "what the interface layer saw, in bytes of layer 3: the sum of the rows below; sent packets are seen before "
     "the queue, which may still drop some"},
    {"layer2", "14 bytes for each packet of the kernel's counters: the headers of Ethernet"},
    {"difference",
     "kernel less carried less layer2: VLAN tags, super-packets that the card counts as one, packets that the "
     "queue dropped, frames of the first and the last moment"},
    {"socket", "to and from sockets of this host: what the ledger should have as well"},
    {"other_namespace",
     "sent by sockets in other network namespaces of this host (containers) over a bridge; the ledger has "
     "it"},
    {"time_wait", "of connections that have ended already; no socket hook sees it"},
    {"forwarded",
     "routed from one interface to another: for other hosts, or for containers, whose bytes the ledger has"},
    {"packet_socket", "sent through AF_PACKET; the ledger has it from the system call, under the protocol packet"},
    {"not_ip", "ARP, LLDP and other protocols that are not IP"},
    {"icmp",
     "ICMP, neighbour discovery and IGMP that the kernel answers, or that ping sockets receive: these are in the "
     "ledger, and the interface layer cannot tell the two apart"},
    {"fragment",
     "the second and later fragments of datagrams, which have no ports to find a socket by; the ledger has the "
     "datagram once it is put together"},
    {"no_socket",
     "to closed ports, multicast that nobody wants, protocols whose sockets cannot be looked up (SCTP, raw): the "
     "ledger has what raw and SCTP sockets take of it"},
    {"malformed", "frames whose headers are too short or contradict each other; they passed"},
    {"blocked", "dropped at the interface by a policy; the ledger has none of it"},
};

static const struct audit_words ledger[] = {
    {"wire",
     "what the cgroup layer booked of all classes but loopback, in bytes of layer 3; datagrams larger than the MTU "
     "are seen as one packet"},
    {"loopback", "what it booked on lo, which no interface carries"},
    {"payload", "what system calls handed over and took, of all classes but loopback; without headers and repeats"},
    {"unattributed", "of wire and loopback: packets without a socket or an owner"},
    {"overflow", "of wire and loopback: of accounts that the kernel's table had no room for"},
};

static const struct audit_words compared[] = {
    {"attributed",
     "wire less unattributed and overflow, in percent of what the interfaces carried. More than 100: traffic "
     "between namespaces of this host, or on interfaces that are not watched"},
    {"not_booked", "carried less wire: what no socket of this host has to do with (forwarded, not_ip, time_wait, ...); "
                   "negative when sockets talk over interfaces that are not watched"},
    {"socket_less_wire",
     "socket and other_namespace less wire: how far the two ways of seeing the same traffic differ. "
     "Interfaces are read a moment after the ledger, and ICMP, fragments and raw sockets are above"},
};

static const struct audit_words causes[] = {
    {"accounts_full", "packets and calls booked as overflow: limits.accounts was reached within an interval"},
    {"slots_full", "... because the map of accounts was full"},
    {"no_memory", "... because the kernel had no memory for an account"},
    {"busy", "... because the map was locked by what was interrupted"},
    {"other", "... for another reason"},
    {"no_socket_storage", "sockets that got no storage: charged to the socket's uid"},
    {"not_counted", "packets that were not booked at all; must be 0"},
    {"parse_errors", "packets whose headers the ledger could not read: booked as they are, class external"},
    {"transfers", "times that bytes were moved to the process that used the socket; no loss"},
    {"adopted", "sockets older than pdttd that got an owner; no loss"},
    {"conn_uid_full", "connections that the map for the interface layer had no room for; found by look-up instead"},
    {"conn_uid_enomem", "... because the kernel had no memory"},
    {"conn_uid_other", "... for another reason"},
    {"flows_beyond", "connections beyond limits.connections: counted together, without a record of their own"},
    {"flow_e2big", "records of connections that are lost: the map was full; must be 0"},
    {"flow_enomem", "... because the kernel had no memory"},
    {"flow_other", "... for another reason"},
    {"flow_late", "packets after the record of their connection was booked: counted with those beyond"},
    {"interface_missing", "frames on an interface that its layer had no entry for: not in carried"},
};

static const struct {
    const char *section;
    const struct audit_words *v;
    size_t n;
} sections[] = {
    {AUDIT_INTERFACES, interfaces, array_length(interfaces)},
    {AUDIT_LEDGER, ledger, array_length(ledger)},
    {AUDIT_COMPARED, compared, array_length(compared)},
    {AUDIT_CAUSES, causes, array_length(causes)},
};

const struct audit_words *audit_words_find(const char *section, const char *what)
{
    for (size_t i = 0; i < array_length(sections); i++)
        if (strcmp(sections[i].section, section) == 0)
            for (size_t k = 0; k < sections[i].n; k++)
                if (strcmp(sections[i].v[k].what, what) == 0)
                    return &sections[i].v[k];
    return NULL;
}

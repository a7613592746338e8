# The network of the live tests: two namespaces joined by a veth pair, and what passed between them as the kernel's own
# counters tell it. Sourced by lib.sh.
#
# What is true on a veth, measured on Linux 6.18:
# - A TCP sender always builds super-packets, whatever "tso off gso off" says; the device then gets them cut. nftables' output
#   hook sees the uncut ones and counts the header once; the device's counters and the *receiver's* prerouting hook see
#   what is on the wire, provided that the receiver does not put them together again (gro off). So the counters by port
#   are in prerouting of the side that receives.
# - "ip link set gso_max_segs 1" is what really makes TCP send packet by packet; then the output hook is exact as well.
# - With "tso on" super-packets cross the veth whole, so that no device counter knows the wire; then IP's
#   own counters are the truth, with a header more for each segment that TCP counts.
# shellcheck shell=bash disable=SC2034,SC2119,SC2120 # the tests use what is set here

CLIENT_NS=pdtt-client-$$ SERVER_NS=pdtt-server-$$
CLIENT_DEV=ptc$$ SERVER_DEV=pts$$
CLIENT4=10.99.0.1 SERVER4=10.99.0.2
CLIENT6=fd00:99::1 SERVER6=fd00:99::2

in_client() { nsenter --net="/run/netns/$CLIENT_NS" "$@"; }
in_server() { nsenter --net="/run/netns/$SERVER_NS" "$@"; }

end_processes_in()
{
    local pids
    pids=$(ip netns pids "$1")
    # shellcheck disable=SC2086 # a list
    [ -z "$pids" ] || kill -9 $pids
    ip netns delete "$1"
}

# fixture_net: both namespaces, addresses, truth tables; offload is "software"
fixture_net()
{
    local ns
    for ns in "$CLIENT_NS" "$SERVER_NS"; do
        ip netns add "$ns" || die "a network namespace can be made"
        at_exit end_processes_in "$ns"
        nsenter --net="/run/netns/$ns" sysctl -qw net.ipv6.conf.all.accept_dad=0 net.ipv6.conf.default.accept_dad=0 \
            net.ipv6.conf.all.router_solicitations=0 net.ipv6.conf.default.router_solicitations=0 \
            net.ipv4.ping_group_range="0 2147483647"
        ip -n "$ns" link set lo up
    done
    ip link add "$CLIENT_DEV" mtu 1500 netns "$CLIENT_NS" type veth peer name "$SERVER_DEV" mtu 1500 netns "$SERVER_NS" ||
        die "a veth pair can be made"
    ip -n "$CLIENT_NS" address add "$CLIENT4/24" dev "$CLIENT_DEV"
    ip -n "$SERVER_NS" address add "$SERVER4/24" dev "$SERVER_DEV"
    ip -n "$CLIENT_NS" address add "$CLIENT6/64" dev "$CLIENT_DEV" nodad
    ip -n "$SERVER_NS" address add "$SERVER6/64" dev "$SERVER_DEV" nodad
    ip -n "$CLIENT_NS" link set "$CLIENT_DEV" up
    ip -n "$SERVER_NS" link set "$SERVER_DEV" up
    offload software
    truth_tables
    meet_neighbours >/dev/null || die "the two namespaces reach each other"
}

# The first packet waits for the neighbour's address; that is not to be part of any measurement.
meet_neighbours() { in_client "$TRAFFIC" ping "$SERVER4" 1 56 && in_client "$TRAFFIC" ping "$SERVER6" 1 56; }

# offload MODE: packets  - every packet is built alone
#               software - super-packets in the stack, cut before the device (what most hosts do below the NIC)
#               hardware - super-packets leave and arrive whole, as with a NIC that does TSO and GRO
offload()
{
    local switch=off segments=65535
    case $1 in
    packets) segments=1 ;;
    software) ;;
    hardware) switch=on ;;
    *) die "offload mode '$1' is known" ;;
    esac
    ip -n "$CLIENT_NS" link set "$CLIENT_DEV" gso_max_segs "$segments"
    ip -n "$SERVER_NS" link set "$SERVER_DEV" gso_max_segs "$segments"
    in_client ethtool -K "$CLIENT_DEV" tso "$switch" gso "$switch" gro "$switch" tx-udp-segmentation "$switch" \
        tx-sctp-segmentation "$switch" >/dev/null
    in_server ethtool -K "$SERVER_DEV" tso "$switch" gso "$switch" gro "$switch" tx-udp-segmentation "$switch" \
        tx-sctp-segmentation "$switch" >/dev/null
}

truth_tables()
{
    local ns
    for ns in "$CLIENT_NS" "$SERVER_NS"; do
        nsenter --net="/run/netns/$ns" nft -f - <<'RULES' || die "nftables counts in a namespace"
table inet truth {
    chain arrived { type filter hook prerouting priority -310; }
    chain leaves { type filter hook output priority 300; }
}
RULES
    done
}

# count_port PORT: from now on all of the service at PORT is counted, as it reaches the server (to) and the client (from)
count_port()
{
    in_server nft -f - <<RULES
add counter inet truth to_$1
add rule inet truth arrived meta l4proto { tcp, udp, sctp } th dport $1 counter name to_$1
RULES
    in_client nft -f - <<RULES
add counter inet truth from_$1
add rule inet truth arrived meta l4proto { tcp, udp, sctp } th sport $1 counter name from_$1
RULES
}

# count_user NAME: what sockets of the user send, in both namespaces; packets of a socket already closed have no user
count_user()
{
    local ns
    for ns in "$CLIENT_NS" "$SERVER_NS"; do
        nsenter --net="/run/netns/$ns" nft -f - <<RULES
add counter inet truth user_$1
add rule inet truth leaves meta skuid ${USER_ID[$1]} counter name user_$1
RULES
    done
}

# nft_truth NS COUNTER bytes|packets
nft_truth()
{
    nsenter --net="/run/netns/$1" nft -j list counter inet truth "$2" | jq ".nftables[] | .counter? // empty | .$3"
}

to_port() { nft_truth "$SERVER_NS" "to_$1" "${2:-bytes}"; }
from_port() { nft_truth "$CLIENT_NS" "from_$1" "${2:-bytes}"; }
sent_by_user() { echo $(($(nft_truth "$CLIENT_NS" "user_$1" "${2:-bytes}") + $(nft_truth "$SERVER_NS" "user_$1" "${2:-bytes}"))); }

# veth_l3 client|server tx|rx: bytes without the 14 of each frame's Ethernet header
veth_l3()
{
    local ns=$CLIENT_NS dev=$CLIENT_DEV
    [ "$1" = client ] || ns=$SERVER_NS dev=$SERVER_DEV
    ip -n "$ns" -s -j link show "$dev" | jq ".[0].stats64.$2 | .bytes - 14 * .packets"
}

# Packets that one side sent and the other never had; the counters of the two sides are only then the same.
veth_dropped()
{
    local client server
    client=$(ip -n "$CLIENT_NS" -s -j link show "$CLIENT_DEV" | jq '.[0].stats64.tx.dropped')
    server=$(ip -n "$SERVER_NS" -s -j link show "$SERVER_DEV" | jq '.[0].stats64.tx.dropped')
    echo $((client + server))
}

# tcp_segments client|server: segments that TCP has sent in the namespace; OutSegs alone leaves retransmissions out
tcp_segments() { echo $(($(mib "$1" snmp Tcp OutSegs) + $(mib "$1" snmp Tcp RetransSegs))); }

# mib client|server FILE GROUP NAME: a counter of the namespace's IP stack, from /proc/net/FILE
mib()
{
    "in_$1" cat "/proc/net/$2" | awk -v group="$3:" -v name="$4" '
        $1 == group && !names { for (i = 1; i <= NF; i++) at[$i] = i; names = 1; next }
        $1 == group { print $at[name] }'
}

# tcp_wire_bytes client|server 4|6: what the namespace has sent, if all that is sent is TCP. IP counts a super-packet with one
# header, TCP knows its segments: the others are added, 20 or 40 bytes of IP and 32 of TCP with timestamps.
tcp_wire_bytes()
{
    local octets packets header=52
    if [ "$2" = 4 ]; then
        octets=$(mib "$1" netstat IpExt OutOctets) packets=$(mib "$1" snmp Ip OutRequests)
    else
        header=72
        octets=$("in_$1" cat /proc/net/snmp6 | awk '$1 == "Ip6OutOctets" {print $2}')
        packets=$("in_$1" cat /proc/net/snmp6 | awk '$1 == "Ip6OutRequests" {print $2}')
    fi
    echo $((octets + ($(tcp_segments "$1") - packets) * header))
}

# ---- both ends of a transfer

# client_as NAME COMMAND…
client_as()
{
    local name=$1
    shift
    in_client setpriv --reuid "${USER_ID[$name]}" --regid "${GROUP_ID[$name]}" --clear-groups -- "$@"
}

declare -A SERVICE_PID

# serve NAME LABEL ARGUMENTS…: "traffic ARGUMENTS" as the user in the server's namespace, until it says that it is ready
serve()
{
    local name=$1 label=$2
    shift 2
    rm -f "$TMP/service-$label" # or the one before it would be what is ready
    (
        trap - EXIT ERR
        exec nsenter --net="/run/netns/$SERVER_NS" setpriv --reuid "${USER_ID[$name]}" --regid "${GROUP_ID[$name]}" \
            --clear-groups -- "$TRAFFIC" "$@"
    ) >"$TMP/service-$label" 2>&1 &
    SERVICE_PID[$label]=$!
    wait_until 10 grep -q ready "$TMP/service-$label" || die "service $label starts" "$(cat "$TMP/service-$label")"
}

# served LABEL: waits for its end and SERVED is what it moved (a variable, because only the shell that started it can wait for it)
served()
{
    wait "${SERVICE_PID[$1]}" || die "service $1 ends well" "$(cat "$TMP/service-$1")"
    SERVED=$(tail -n 1 "$TMP/service-$1")
}

# ---- traffic that goes on by itself, for tests that disturb pdttd meanwhile

# traffic_begins: TCP in bulk, short connections and datagrams of three users to bob, until traffic_ends. A minute of short
# connections would use up all ports, which each keeps for a minute.
DRIVERS=()
traffic_begins()
{
    in_client sh -c 'echo 1 >/proc/sys/net/ipv4/tcp_tw_reuse'
    sink_for_ever tcp-sink "$SERVER4" 5801 1000000
    sink_for_ever tcp-sink "$SERVER6" 5802 1000000
    sink_for_ever udp-sink "$SERVER4" 5803 60000
    sleep 0.5
    touch "$TMP/traffic-goes-on"
    start_driver alice tcp-source "$SERVER4" 5801 3000000
    start_driver carol tcp-churn "$SERVER6" 5802 20 20000
    start_driver dave udp-source "$SERVER4" 5803 500 1000 unconnected
}

sink_for_ever()
{
    in_background in_server setpriv --reuid "${USER_ID[bob]}" --regid "${GROUP_ID[bob]}" --clear-groups -- "$TRAFFIC" "$@"
}

start_driver()
{
    in_background keep_up "$@"
    DRIVERS+=("$BACKGROUND_PID")
}

# Ends by itself, so that no connection is cut and nothing is sent once traffic_ends has returned.
keep_up()
{
    local name=$1
    shift
    while [ -e "$TMP/traffic-goes-on" ]; do
        client_as "$name" "$TRAFFIC" "$@"
    done
}

traffic_ends()
{
    local pid
    rm "$TMP/traffic-goes-on"
    for pid in "${DRIVERS[@]}"; do
        wait "$pid" || die "the traffic goes on until it is stopped"
    done
}

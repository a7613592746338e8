# What a limit lets through, as others than pdttd tell it, over a line that may take time. Sourced by tests/live/policy_rates and
# bench/policy_rates, after lib.sh.
# shellcheck shell=bash disable=SC2034,SC2154 # variables of lib.sh and of who sources it

RATE_PORTS=6001-6004
LINE_NS=pdtt-client-line-$$ # named as the sweep of the fixtures knows it

# fixture_line MS: from now on the two namespaces are this far from each other, one way; MS more than 0. Offloads are off
# then: the line carries frames.
fixture_line()
{
    ip netns add "$LINE_NS"
    at_exit end_processes_in "$LINE_NS"
    nsenter --net="/run/netns/$LINE_NS" sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1
    ip -n "$SERVER_NS" link set "$SERVER_DEV" netns "$LINE_NS" name line-c
    ip link add "$SERVER_DEV" netns "$SERVER_NS" type veth peer name line-s netns "$LINE_NS"
    ip -n "$SERVER_NS" address add "$SERVER4/24" dev "$SERVER_DEV"
    ip -n "$SERVER_NS" address add "$SERVER6/64" dev "$SERVER_DEV" nodad
    ip -n "$SERVER_NS" link set "$SERVER_DEV" up
    for device in line-c line-s; do
        ip -n "$LINE_NS" link set "$device" up
        nsenter --net="/run/netns/$LINE_NS" ethtool -K "$device" tso off gso off gro off >/dev/null
    done
    offload software
    in_client ethtool -K "$CLIENT_DEV" tx off >/dev/null
    in_server ethtool -K "$SERVER_DEV" tx off >/dev/null
    in_background nsenter --net="/run/netns/$LINE_NS" "$builddir/tests/support/delay_line" line-c line-s "$1"
    ip -n "$CLIENT_NS" neighbour flush all # the server has another address on the link
    wait_until 10 meet_neighbours || die "the line carries packets"
}

# count_rates: what reaches the server at RATE_PORTS, on the wire
count_rates()
{
    in_server nft -f - <<RULES
add counter inet truth rates
add rule inet truth arrived meta l4proto { tcp, udp } th dport $RATE_PORTS counter name rates
RULES
}

# congestion NAME: what TCP goes by from client to server; false if the kernel does not have it. By the route: what a namespace
# may set for all is less.
congestion()
{
    grep -qw "$1" /proc/sys/net/ipv4/tcp_available_congestion_control &&
        ip -n "$CLIENT_NS" route replace "${SERVER4%.*}.0/24" dev "$CLIENT_DEV" src "$CLIENT4" congctl "$1"
}

# flows_begin tcp|udp N: alice sends to bob as fast as she may, by N flows, until flows_end
FLOW_PIDS=()
flows_begin()
{
    local port sink=("$1-sink") source=("$1-source")
    FLOW_PIDS=()
    for ((port = 6001; port < 6001 + $2; port++)); do
        if [ "$1" = tcp ]; then
            serve bob $port tcp-sink "$SERVER4" $port
            in_background client_as alice "$TRAFFIC" tcp-source "$SERVER4" $port 1000000000000
        else
            serve bob $port udp-sink "$SERVER4" $port 1000
            in_background client_as alice "$TRAFFIC" udp-source "$SERVER4" $port 1000000000 5600 unconnected 1400
        fi
        FLOW_PIDS+=("$BACKGROUND_PID")
    done
}

flows_end()
{
    local pid port=6001
    for pid in "${FLOW_PIDS[@]}"; do
        end_background "$pid"
    done
    for pid in "${FLOW_PIDS[@]}"; do
        served $port
        port=$((port + 1))
    done
}

# moved wire|tcp|udp: the time in us, and bytes of layer 3 so far: that reached the server's device; that its programs were given,
# whose headers are added to payload: 52 of IPv4 and TCP with timestamps on 1448, 28 of UDP on 1400. One process tells both: a
# machine that is busy with a flood starts them slowly.
moved()
{
    # shellcheck disable=SC2016 # for the other shell
    in_server bash -c '
        case $1 in
        wire)
            while read -r device bytes packets _; do
                [ "$device" != "$2:" ] || echo "${EPOCHREALTIME/./} $((bytes - 14 * packets))"
            done </proc/net/dev
            ;;
        tcp)
            all=$(ss -tinH "sport >= :6001 and sport <= :6004")
            now=${EPOCHREALTIME/./} sum=0
            while [[ $all =~ bytes_received:([0-9]+)(.*) ]]; do
                sum=$((sum + BASH_REMATCH[1])) all=${BASH_REMATCH[2]}
            done
            echo "$now $((sum * 1500 / 1448))"
            ;;
        udp)
            while read -r group read _ _ _ no_room _; do # what finds no room has passed the programs as well
                [ "$group $read" = "Udp: InDatagrams" ] || [ "$group" != Udp: ] ||
                    echo "${EPOCHREALTIME/./} $(((read + no_room) * 1428))"
            done </proc/net/snmp
            ;;
        esac' - "$1" "$SERVER_DEV"
}

# measure_rate WHAT SECONDS: RATE is in kbit/s, RETRANSMITS segments that the sender sent again; WHAT as of moved
measure_rate()
{
    local before after retransmits
    retransmits=$(mib client snmp Tcp RetransSegs)
    read -ra before < <(moved "$1")
    sleep "$2"
    read -ra after < <(moved "$1")
    RATE=$(((after[1] - before[1]) * 8000 / (after[0] - before[0])))
    RETRANSMITS=$(($(mib client snmp Tcp RetransSegs) - retransmits))
}

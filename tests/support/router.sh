# A router between the two namespaces of the live tests. Sourced after lib.sh.
#
#   client  10.97.1.1 --- 10.97.1.2  router  10.97.2.2 --- 10.97.2.1  server     (fd00:97:1::1, … alike)
# shellcheck shell=bash disable=SC2034,SC2153 # the tests use what is set here

ROUTER_NS=pdtt-router-$$
INNER=ptr$$ OUTER=ptq$$ # the router's ends, towards client and server

in_router() { nsenter --net="/run/netns/$ROUTER_NS" "$@"; }

# link_to NAMESPACE DEVICE PEER NETWORK: the 1 of the network is the end's, the 2 the router's, who is its way to all else
link_to()
{
    ip link add "$2" netns "$1" type veth peer name "$3" netns "$ROUTER_NS"
    ip -n "$1" address add "10.97.$4.1/24" dev "$2"
    ip -n "$ROUTER_NS" address add "10.97.$4.2/24" dev "$3"
    ip -n "$1" link set "$2" up
    ip -n "$ROUTER_NS" link set "$3" up
    ip -n "$1" route add default via "10.97.$4.2"
}

# The same for IPv6
link_six()
{
    ip -n "$1" address add "fd00:97:$4::1/64" dev "$2" nodad
    ip -n "$ROUTER_NS" address add "fd00:97:$4::2/64" dev "$3" nodad
    ip -n "$1" route add default via "fd00:97:$4::2"
}

# put_router_between 4|46: after fixture_net, whose server moves behind it; with 4 alone it says nothing of its own in IPv6
put_router_between()
{
    local silent=1
    [ "$1" = 4 ] || silent=0
    ip netns add "$ROUTER_NS"
    at_exit end_processes_in "$ROUTER_NS"
    # before there are links, or they would go on to solicit routers
    in_router sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.default.disable_ipv6="$silent" net.ipv6.conf.all.forwarding=1 \
        net.ipv6.conf.default.accept_dad=0 net.ipv4.ping_group_range="0 2147483647"
    ip -n "$SERVER_NS" link delete "$SERVER_DEV"
    link_to "$CLIENT_NS" "$CLIENT_DEV" "$INNER" 1
    link_to "$SERVER_NS" "$SERVER_DEV" "$OUTER" 2
    in_client "$TRAFFIC" ping 10.97.2.1 1 56 >/dev/null || die "the router routes"
    [ "$1" = 46 ] || return 0
    link_six "$CLIENT_NS" "$CLIENT_DEV" "$INNER" 1
    link_six "$SERVER_NS" "$SERVER_DEV" "$OUTER" 2
    in_client "$TRAFFIC" ping fd00:97:2::1 1 56 >/dev/null || die "the router routes IPv6"
}

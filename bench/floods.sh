# What counting takes of a packet: the floods of bench/run, between the two namespaces of the live tests. Sourced by it.
# shellcheck shell=bash disable=SC2034,SC2154 # variables of bench/run and tests/support/lib.sh

pins=/sys/fs/bpf/pdtt-test-$$ # swept by the fixtures if this is killed

# flood_config NAME [TEXT]: a configuration for a case
flood_config()
{
    cat >"$TMP/$1.conf" <<CONF
database = "$TMP/$1.db";
pin_path = "$pins";
interfaces = (); # what they cost is measured by itself
control = "$TMP/control.sock";
cgroup = "$CGROUP";
interval = "10s";
${2:-}
CONF
}

# The network and the configurations, once.
prepare_floods()
{
    [ "${floods_ready:-no}" = no ] || return 0
    floods_ready=yes
    [ -n "${CGROUP:-}" ] || fixture_cgroup
    fixture_net
    in_client nft delete table inet truth
    in_server nft delete table inet truth
    at_exit rm -rf "$pins"
    flood_config full 'classes = ();'
    flood_config packet 'classes = (); layers = { syscall = "off"; sockops = "off"; };'
    flood_config connections 'classes = (); layers = { syscall = "off"; };'
    # the built-in classes: the packets' remote addresses are "internal"
    flood_config classes 'layers = { syscall = "off"; sockops = "off"; };'
}

# flood NAME OPTION…
flood()
{
    local name=$1
    shift
    prepare_floods
    measures "$name" "$out/packet_cost" --variants "$out/variants.bpf.o" --pdttd "$PDTTD" --work-dir "$TMP" \
        --cgroup "$CGROUP" --client "/run/netns/$CLIENT_NS" --server "/run/netns/$SERVER_NS" --address "$SERVER4" \
        --cpu "$(($(nproc) - 1))" "${shared[@]}" "$@"
}

# What is compared where not all is.
peers=empty,pdtt_packet,pdtt,nftables,nftables_10,nftables_1000,ip_accounting

run_programs() { measures programs "$out/program_counts" --variants "$out/variants.bpf.o" --rounds "$rounds"; }
run_packets() { flood packets --rounds "$rounds" --packets "$packets"; }
run_users() { flood users --users 1000 --rounds "$few_rounds" --packets "$packets" --cases "$peers"; }
run_requests() { flood requests --work requests --rounds "$few_rounds" --packets $((packets / 8)) --cases "$peers"; }

run_bulk()
{
    flood bulk --work bulk --rounds "$few_rounds" --packets $((packets / 200)) --cases "$peers"
    offload hardware
    flood bulk_tso --work bulk --rounds "$few_rounds" --packets $((packets / 200)) --cases "$peers"
    offload software
}

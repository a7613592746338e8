# Accuracy and footprint: pdttd at work beside other tools, on the live tests' fixtures. Sourced by bench/run.
# shellcheck shell=bash disable=SC2034,SC2154 # variables of bench/run and tests/support/lib.sh

# ---- accuracy: what each tool says of the same transfers

# transfer | who | what runs as the client's user | the service that it talks to, as bob; %s is the address, %p the port
ACCURACY_TRANSFERS='
tcp4_up   | TCP, IPv4, 40 MB up          | tcp-source 10.99.0.2 %p 40000000          | tcp-sink 10.99.0.2 %p
tcp6_up   | TCP, IPv6, 40 MB up          | tcp-source fd00:99::2 %p 40000000         | tcp-sink fd00:99::2 %p
tcp4_down | TCP, IPv4, 40 MB down        | tcp-fetch 10.99.0.2 %p                    | tcp-serve 10.99.0.2 %p 40000000
udp4_up   | UDP, IPv4, 20,000 of 1,000 B | udp-source 10.99.0.2 %p 20000 1000        | udp-sink 10.99.0.2 %p 1500
small     | 500 connections of 2,000 B   | tcp-churn 10.99.0.2 %p 500 2000           | tcp-sink 10.99.0.2 %p 500
'

# What the client's interface has carried, layer 3, both ways.
client_wire() { echo $(($(veth_l3 client tx) + $(veth_l3 client rx))); }

accuracy_peers_begin()
{
    mkdir -p "$TMP/vnstat"
    printf 'DatabaseDir "%s"\nUpdateInterval 2\nPollInterval 2\nSaveInterval 1\nUseLogging 0\nBootVariation 0\nTimeSyncWait 0\nBandwidthDetection 0\nMaxBandwidth 0\nPidFile "%s/pid"\nCheckDiskSpace 0\n' \
        "$TMP/vnstat" "$TMP/vnstat" >"$TMP/vnstat/vnstat.conf"
}

# watch_begins and watch_ends: the tools that cannot be asked for a difference are started for each transfer
watch_begins()
{
    NETHOGS_PID='' VNSTAT_PID=''
    if command -v nethogs >/dev/null; then
        nsenter --net="/run/netns/$CLIENT_NS" stdbuf -oL nethogs -t -v 2 -C -d 1 "$CLIENT_DEV" >"$TMP/nethogs.log" 2>/dev/null &
        NETHOGS_PID=$!
    fi
    if command -v vnstatd >/dev/null; then
        rm -f "$TMP/vnstat/vnstat.db"
        nsenter --net="/run/netns/$CLIENT_NS" stdbuf -oL vnstatd -n --alwaysadd 1 --config "$TMP/vnstat/vnstat.conf" >"$TMP/vnstat/log" 2>&1 &
        VNSTAT_PID=$!
        wait_until 20 grep -q Monitoring "$TMP/vnstat/log" || true
    fi
    sleep 4 # for a first look at the counters, which is what later ones are compared with
}

watch_ends()
{
    sleep 8 # vnStat looks every two seconds at most, less often on a busy machine, and once more before it tells
    [ -z "$NETHOGS_PID" ] || { kill "$NETHOGS_PID" && wait "$NETHOGS_PID"; } 2>/dev/null || true
    [ -z "$VNSTAT_PID" ] || { kill "$VNSTAT_PID" && wait "$VNSTAT_PID"; } 2>/dev/null || true
}

# The largest total that nethogs showed for a process of the user, sent and received; null: it showed none
nethogs_says()
{
    [ -n "$NETHOGS_PID" ] || { echo null && return; }
    awk -F'\t' -v uid="${USER_ID[alice]}" '
        { n = split($1, part, "/") }
        NF == 3 && part[n] == uid { v = $2 + $3; if (v > most[$1]) most[$1] = v }
        END { for (p in most) sum += most[p]; if (sum) printf("%d\n", sum); else print "null" }' "$TMP/nethogs.log"
}

vnstat_says()
{
    [ -n "$VNSTAT_PID" ] || { echo null && return; }
    in_client vnstat --config "$TMP/vnstat/vnstat.conf" -i "$CLIENT_DEV" --json 2>/dev/null |
        jq '.interfaces[0].traffic.total | .rx + .tx' 2>/dev/null || echo null
}

# measure_transfer NAME LABEL CLIENT SERVICE PORT: one JSON object
measure_transfer()
{
    local name=$1 label=$2 port=$5 wire nft booked packets
    # shellcheck disable=SC2206 # words of the table
    local client=(${3//%p/$5}) service=(${4//%p/$5})
    watch_begins
    serve bob "$port" "${service[@]}"
    wire=$(client_wire) nft=$(nft_truth "$CLIENT_NS" user_alice bytes)
    packets=$(ip -n "$CLIENT_NS" -s -j link show "$CLIENT_DEV" | jq '.[0].stats64 | .rx.packets + .tx.packets')
    booked=$(($(booked_bytes tx alice) + $(booked_bytes rx alice)))
    client_as alice "$TRAFFIC" "${client[@]}" >/dev/null
    served "$port"
    watch_ends
    pdttd_drain
    jq -n --arg name "$name" --arg label "$label" --argjson wire $(($(client_wire) - wire)) \
        --argjson packets $(($(ip -n "$CLIENT_NS" -s -j link show "$CLIENT_DEV" | jq '.[0].stats64 | .rx.packets + .tx.packets') - packets)) \
        --argjson pdtt $(($(booked_bytes tx alice) + $(booked_bytes rx alice) - booked)) \
        --argjson nftables $(($(nft_truth "$CLIENT_NS" user_alice bytes) - nft)) \
        --argjson nethogs "$(nethogs_says)" --argjson vnstat "$(vnstat_says)" '$ARGS.named'
}

# by_script NAME SCRIPT [ARGUMENT…]: bench/SCRIPT, which writes SCRIPT.json itself
by_script()
{
    local name=$1 script=$2
    shift 2
    rm -f "$out/$script.json"
    env srcdir="$srcdir" builddir="$builddir" "$srcdir/bench/$script" "$@" 9>&- || broke "$name" "it did not end well"
}

run_accuracy()
{
    install_peers nethogs:nethogs vnstatd:vnstat
    by_script accuracy accuracy
}

run_footprint() { by_script footprint footprint "$load_seconds"; }

run_serve() { by_script serve serve_load "$serve_seconds"; }

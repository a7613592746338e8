# pdttd on a configuration, database and pins of its own, and the two ways to ask what it booked. Sourced by lib.sh.
# shellcheck shell=bash disable=SC2034,SC2119,SC2120 # the tests use what is set here

PDTTD=${PDTTD:-$builddir/pdttd}
PDTT_REPORT=${PDTT_REPORT:-$builddir/pdtt-report}
PIN_PATH=/sys/fs/bpf/pdtt-test-$$
DATABASE=$TMP/data/pdtt.db
CONFIG=$TMP/pdtt.conf
PDTTD_LOG=$TMP/pdttd.log
PDTTD_PID='' PDTTD_STATUS=''
ONCE_STATUS='' ONCE_OUTPUT=''
INTERVAL=1s
INTERFACES='()' # of nobody else: a test counts on those that it made
PDTTD_WRAPPER=()
export PDTT_TEST_TRUTH=1 # of every pdttd alike: it belongs to the layout of the pinned maps

# watch_interfaces [NAME…]: names or globs, for the configurations that are written from now on
watch_interfaces()
{
    INTERFACES=
    [ $# = 0 ] || INTERFACES=$(printf ', "%s"' "$@")
    INTERFACES="( ${INTERFACES#, } )"
}

# write_config [TEXT]: the settings of the fixture, then TEXT
write_config()
{
    [ -d "${DATABASE%/*}" ] || mkdir -p "${DATABASE%/*}"
    printf '%s\n' "database = \"$DATABASE\";" "pin_path = \"$PIN_PATH\";" "interval = \"$INTERVAL\";" "interfaces = $INTERFACES;" \
        "control = \"$TMP/control.sock\";" "${1:-}" >"$CONFIG"
}

# Reads as the report does: never waits for a lock that a test holds, never writes.
ask_store() { sqlite3 -readonly -cmd '.timeout 5000' "$DATABASE" "$1"; }

# Epochs, not rows: one that reaches over a boundary of five minutes is booked in parts.
intervals() { ask_store 'SELECT count(*) FROM (SELECT DISTINCT ledger, epoch FROM interval)' 2>/dev/null || echo 0; }
more_intervals_than() { [ "$(intervals)" -gt "$1" ]; }

pdttd_alive() { [ -n "$PDTTD_PID" ] && kill -0 "$PDTTD_PID" 2>/dev/null; }

# pdttd_within COMMAND…: from now on COMMAND starts pdttd, whose command line is appended to it
pdttd_within() { PDTTD_WRAPPER=("$@"); }

# pdttd_launch: starts it and returns at once
pdttd_launch()
{
    (
        trap - EXIT ERR
        exec "${PDTTD_WRAPPER[@]}" "$PDTTD" -c "$CONFIG" --foreground
    ) >>"$PDTTD_LOG" 2>&1 &
    PDTTD_PID=$!
}

counts_or_ended() { more_intervals_than "$1" || ! pdttd_alive; }
says_a_start_or_ended() { [ "$(starts_said)" -gt "${1:-0}" ] || ! pdttd_alive; }
starts_said() { [ ! -e "$PDTTD_LOG" ] || grep -cE 'counting( in new maps)?: ' "$PDTTD_LOG" || true; }

# pdttd_run: starts it on the configuration there is and waits until it counts and has booked an interval;
# either alone tells nothing: a start books what the pdttd before left, and goes on starting
pdttd_run()
{
    local before said
    before=$(intervals)
    said=$(starts_said)
    pdttd_launch
    wait_until 30 says_a_start_or_ended "$said" || die "pdttd starts within 30 s" "$(tail -n 20 "$PDTTD_LOG")"
    wait_until 30 counts_or_ended "$before" || die "pdttd books an interval within 30 s" "$(tail -n 20 "$PDTTD_LOG")"
    pdttd_alive || die "pdttd starts" "$(tail -n 20 "$PDTTD_LOG")"
}

# pdttd_prepare [CONFIGURATION]: these settings besides the fixture's; everything is removed when the test ends
pdttd_prepare()
{
    for tool in "$PDTTD" "$PDTT_REPORT"; do
        [ -x "$tool" ] || die "${tool##*/} is built" "there is no $tool"
    done
    write_config "${1:-}"
    at_exit pdttd_remove
}

# pdttd_start [CONFIGURATION]: prepares and runs it
pdttd_start()
{
    pdttd_prepare "${1:-}"
    pdttd_run
}

pdttd_remove()
{
    ! pdttd_alive || { kill -9 "$PDTTD_PID" && wait "$PDTTD_PID"; }
    rm -rf "$PIN_PATH"
}

# pdttd_drain: what was counted before the call is in the store after it. The interval that ends next may have been sealed
# just before the call, so it takes the one after it, which is ordered as well: an interval may be long.
pdttd_drain()
{
    local before more
    before=$(intervals)
    for more in 0 1; do
        kill -USR1 "$PDTTD_PID" || die "pdttd lives" "$(tail -n 20 "$PDTTD_LOG")"
        wait_until 60 more_intervals_than $((before + more)) || die "pdttd books on" "$(tail -n 20 "$PDTTD_LOG")"
    done
}

# pdttd_stop: SIGTERM; prints nothing, PDTTD_STATUS is its exit status
pdttd_stop()
{
    kill "$PDTTD_PID"
    wait_until 20 not_running "$PDTTD_PID" || die "pdttd ends within 20 s of SIGTERM" "$(tail -n 20 "$PDTTD_LOG")"
    PDTTD_STATUS=0
    wait "$PDTTD_PID" || PDTTD_STATUS=$?
    PDTTD_PID=
}

not_running()
{
    local state
    state=$(awk '/^State:/ {print $2}' "/proc/$1/status" 2>/dev/null) || true
    [ -z "$state" ] || [ "$state" = Z ]
}

pdttd_kill9()
{
    kill -9 "$PDTTD_PID" 2>/dev/null || true
    wait "$PDTTD_PID" 2>/dev/null || true
    PDTTD_PID=
}

# pdttd_once OPTION…: another pdttd on the same configuration; ONCE_STATUS and ONCE_OUTPUT are what it gave
pdttd_once()
{
    ONCE_STATUS=0
    ONCE_OUTPUT=$("${PDTTD_WRAPPER[@]}" "$PDTTD" -c "$CONFIG" "$@" 2>&1) || ONCE_STATUS=$?
}

# ---- what was booked

# booked COLUMN NAME [CLASS [PROTOCOL [FAMILY]]]: straight from the view, by uid; "" or * is any. COLUMN as in v_usage.
booked()
{
    local uid=${USER_ID[$2]:-$2}
    ask_store "SELECT coalesce(sum($1), 0) FROM v_usage WHERE uid = $uid
        AND ('${3:-*}' = '*' OR class = '${3:-*}') AND ('${4:-*}' = '*' OR protocol = '${4:-*}')
        AND ('${5:-*}' = '*' OR family = '${5:-*}')"
}

# booked_bytes tx|rx NAME [CLASS [PROTOCOL [FAMILY]]], booked_packets and booked_payload alike
booked_bytes() { local way=$1; shift; booked "${way}_bytes" "$@"; }
booked_packets() { local way=$1; shift; booked "${way}_packets" "$@"; }
booked_payload() { local way=$1; shift; booked "${way}_payload_bytes" "$@"; }

# booked_total COLUMN: over all accounts
booked_total() { ask_store "SELECT coalesce(sum($1), 0) FROM v_usage"; }

report() { "$PDTT_REPORT" --database "$DATABASE" "$@"; }

# reported COLUMN NAME [OPTION…]: the same question through pdtt-report
reported()
{
    local column=$1 name=$2
    shift 2
    report --format json --since 1d --user "${USER_NAME[$name]:-$name}" "$@" | jq "[.rows[].$column] | add // 0"
}

# ---- what the kernel saw: a map that is never swapped and knows no accounts (PDTT_TEST_TRUTH)

# kernel_truth bytes|packets rx|tx
kernel_truth()
{
    local direction=0
    [ "$2" = rx ] || direction=1
    bpftool -j map dump pinned "$PIN_PATH/maps/truth" |
        jq "[.[0].formatted.values[].value.$1[$direction]] | add"
}

# Both sums as "rx_bytes tx_bytes rx_packets tx_packets", to be compared as they are; of one moment, hence of one dump
kernel_sum()
{
    bpftool -j map dump pinned "$PIN_PATH/maps/truth" | jq -r '[.[0].formatted.values[].value] |
        [(map(.bytes[0]) | add), (map(.bytes[1]) | add), (map(.packets[0]) | add), (map(.packets[1]) | add)] | join(" ")'
}
store_sum()
{
    ask_store "SELECT sum(rx_bytes) || ' ' || sum(tx_bytes) || ' ' || sum(rx_packets) || ' ' || sum(tx_packets) FROM v_usage"
}

# Connections that are closing may still say something: it is quiet when the truth has not moved for a second.
kernel_is_quiet()
{
    local before
    before=$(kernel_sum)
    sleep 1
    [ "$(kernel_sum)" = "$before" ]
}

# drain_in_quiet ROUNDS BOOKED SEEN: once traffic has ended BOOKED_SUM and SEEN_SUM are what these commands print; pdttd runs. The
# kernel itself may send a packet (of multicast groups, say) between the two, so they are looked at again: what is lost stays lost.
drain_in_quiet()
{
    for ((ROUND = 1; ROUND <= $1; ROUND++)); do
        wait_until 20 kernel_is_quiet || die "the traffic stops"
        pdttd_drain
        BOOKED_SUM=$($2) SEEN_SUM=$($3)
        [ "$BOOKED_SUM" != "$SEEN_SUM" ] || break
    done
}

# expect_same BOOKED SEEN SENTENCE: what these commands print
expect_same()
{
    drain_in_quiet 4 "$1" "$2"
    printf '#   in the kernel %s, in the store %s (%s)\n' "$SEEN_SUM" "$BOOKED_SUM" "round $ROUND"
    expect_equal "$BOOKED_SUM" "$SEEN_SUM" "$3"
}

# expect_nothing_lost SENTENCE: rx bytes, tx bytes, rx packets, tx packets
expect_nothing_lost() { expect_same store_sum kernel_sum "$1"; }

# pins_left [DIRECTORY]: how many, 0 also when there is no directory
pins_left() { { find "${1:-$PIN_PATH}" -mindepth 1 2>/dev/null || true; } | wc -l; }

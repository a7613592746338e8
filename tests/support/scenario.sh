# The frame of the scenarios in tests/scenario/: one way of moving data each, done by users of its own, so that many can share a
# pdttd and are booked by one drain. Sourced instead of lib.sh.
#
#   scenarios_begin                 a cgroup, two namespaces, pdttd
#   scenario NAME TITLE             begins one: PORT is counted; the users "client" and "server" are new
#     wire WHO tx|rx TRUTH [PERCENT]   what must be booked on the wire, within PERCENT (0.1)
#     payload WHO tx|rx TRUTH          what system calls must have moved, exactly
#     process WHO NAME                 whose name the connection record must bear
#   scenarios_end                   drains, compares, leaves the rows of docs/accuracy.md in tests/accuracy/
#
# TRUTH is a number or a command that prints one; commands run when all is quiet, because a connection's last packets are sent
# after its processes have ended.
# "make accuracy" runs all of them and writes docs/accuracy.md.
# shellcheck shell=bash disable=SC2034,SC2119,SC2120 # the scenarios use what is set here

# shellcheck source=lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

BULK=20000000
SCENARIO='' TITLE='' PORT=20000
# Numbers without names will do for the kernel; far from those of fixture_user, a hundred for each test.
NEXT_SCENARIO_UID=$((20000000 + $$ % 100000 * 100))
CHECKS=()

scenarios_begin()
{
    fixture_cgroup
    fixture_net
    pdttd_start "cgroup = \"$CGROUP\";"
}

scenario()
{
    SCENARIO=$1 TITLE=$2 PORT=$((PORT + 1))
    play client $NEXT_SCENARIO_UID $NEXT_SCENARIO_UID
    play server $((NEXT_SCENARIO_UID + 1)) $((NEXT_SCENARIO_UID + 1))
    NEXT_SCENARIO_UID=$((NEXT_SCENARIO_UID + 2))
    count_port "$PORT"
}

# play ROLE UID GID, play ROLE NAME: who plays the client or the server of this scenario
play()
{
    USER_ID[$1]=${USER_ID[$2]:-$2} GROUP_ID[$1]=${GROUP_ID[$2]:-$3}
}

# scenario_skip REASON: this kernel or host does not have what the scenario is about
scenario_skip()
{
    skip "$TITLE" "$1"
    CHECKS+=("$SCENARIO|$TITLE|-|-|-|skip|$1|-")
}

wire() { CHECKS+=("$SCENARIO|$TITLE|$1|${USER_ID[$1]}|$2|wire|$3|${4:-0.1}"); }
payload() { CHECKS+=("$SCENARIO|$TITLE|$1|${USER_ID[$1]}|$2|payload|$3|0"); }
process() { CHECKS+=("$SCENARIO|$TITLE|$1|${USER_ID[$1]}|-|process|$2|$PORT"); }

# ---- the common shapes of a scenario

as_client() { client_as client "$@"; }
as_server() { in_server setpriv --reuid "${USER_ID[server]}" --regid "${GROUP_ID[server]}" --clear-groups -- "$@"; }

# transfer up|down ADDRESS CLIENT_COMMAND… -- SERVICE_COMMAND…: the service starts first. MOVED is what the client reports; false
# if this kernel does not have what the client is about.
transfer()
{
    local way=$1 client=() status=0
    shift
    while [ "$1" != -- ]; do
        client+=("$1")
        shift
    done
    shift
    serve server "$SCENARIO" "$@"
    MOVED=$(as_client "$TRAFFIC" "${client[@]}") || status=$?
    if [ $status = 77 ]; then
        end_background "${SERVICE_PID[$SCENARIO]}"
        return 1
    fi
    [ $status = 0 ] || die "$TITLE: the client ends well" "traffic ${client[*]}: exit code $status"
    served "$SCENARIO"
    payload client "$(direction client "$way")" "$MOVED"
    payload server "$(direction server "$way")" "$SERVED"
}

direction()
{
    case $1:$2 in client:up | server:down) echo tx ;; *) echo rx ;; esac
}

# both_ways up|down [PERCENT_OF_THE_ANSWERS]: every packet of the port, as each side must have it booked
both_ways()
{
    local forth="to_port $PORT" back="from_port $PORT" forth_percent=0.1 back_percent=${2:-1}
    [ "$1" = up ] || forth_percent=${2:-1} back_percent=0.1
    wire client tx "$forth" "$forth_percent"
    wire server rx "$forth" "$forth_percent"
    wire server tx "$back" "$back_percent"
    wire client rx "$back" "$back_percent"
}

# both_sides …: the same of a protocol of which there are connection records
both_sides()
{
    both_ways "$@"
    process client "${CLIENT_PROCESS:-traffic}"
}

# bulk up|down SOURCE_OR_FETCH… : the client's command against a sink or a source of BULK bytes
bulk()
{
    local way=$1 address=$2 command=$3
    shift 3
    if [ "$way" = up ]; then
        transfer up "$command" "$address" "$PORT" $BULK "$@" -- tcp-sink "$address" "$PORT"
    else
        transfer down "$command" "$address" "$PORT" "$@" -- tcp-serve "$address" "$PORT" $BULK
    fi && both_sides "$way"
}

# ---- the comparison

truth_of() { if [[ $1 =~ ^[0-9]+$ ]]; then echo "$1"; else $1; fi; }

booked_wire() { booked "${2}_bytes" "$1"; }
booked_payload_of() { booked "${2}_payload_bytes" "$1"; }

compare_skip() { TRUE=$5 SEEN=''; }

compare_wire() # TITLE WHO UID DIRECTION TRUTH PERCENT
{
    TRUE=$(truth_of "$5") SEEN=$(booked_wire "$3" "$4")
    expect_within "$SEEN" "$TRUE" "$6" "$1: what the $2 ${VERB[$4]} on the wire is the $2's"
}

compare_payload()
{
    TRUE=$(truth_of "$5") SEEN=$(booked_payload_of "$3" "$4")
    expect_equal "$SEEN" "$TRUE" "$1: the $2's payload is what it ${VERB[$4]}"
}

compare_process() # TITLE WHO UID - NAME PORT
{
    TRUE=$5
    if ! connections_are_kept; then
        SEEN='' CONNECTIONS_MISSING=yes
        return
    fi
    SEEN=$(ask_store "SELECT coalesce(group_concat(DISTINCT process), '') FROM v_connection WHERE uid = $3 AND remote_port = $6")
    expect_equal "$SEEN" "$TRUE" "$1: the connection record names the process"
}

declare -A VERB=([tx]=sent [rx]=received [-]='')
CONNECTIONS_MISSING=no

# The layer may be missing from this kernel, or switched off.
connections_are_kept() { [ "$(ask_store 'SELECT EXISTS (SELECT 1 FROM v_connection)' 2>/dev/null)" = 1 ]; }

compare_all()
{
    local check name title who uid way kind truth limit
    for check in "${CHECKS[@]}"; do
        IFS='|' read -r name title who uid way kind truth limit <<<"$check"
        "compare_$kind" "$title" "$who" "$uid" "$way" "$truth" "$limit"
        printf '%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n' "$name" "$title" "$who" "$way" "$kind" "$TRUE" "$SEEN" "$limit"
    done
}

scenarios_end()
{
    local rows=$builddir/tests/accuracy/${0##*/}.tsv
    drain_in_quiet 3 store_sum kernel_sum
    mkdir -p "${rows%/*}"
    compare_all >"$TMP/compared"
    grep -P '\t' "$TMP/compared" >"$rows"
    grep -vP '\t' "$TMP/compared" || true # nothing could be compared
    ! grep -q '^not ok' "$TMP/compared" || FAILED=1
    [ $CONNECTIONS_MISSING = no ] || skip "connection records name the process" "no connection is recorded on this host"
    expect_equal "$BOOKED_SUM" "$SEEN_SUM" "all that was booked is all that the kernel saw, packet sockets included"
}

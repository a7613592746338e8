# For the tests of tests/fault: the row of docs/faults.md that a test shows, the long runs, and a library that makes calls fail.
# Sourced after lib.sh.
# shellcheck shell=bash disable=SC2034,SC2154 # the tests use what is set here

# PDTT_FAULT_LONG=1: the numbers of the long run, which docs/faults.md tells of; otherwise what CI has time for.
LONG=${PDTT_FAULT_LONG:-}
# rounds SHORT LONG
rounds() { if [ -n "$LONG" ]; then echo "$2"; else echo "$1"; fi; }

# Preloaded into a pdttd: what fails and which clock it sees is told by files in $FAULTY_DIR; see tests/support/faulty.c.
FAULTY=$builddir/tests/support/faulty.so
FAULTY_DIR=$TMP/faulty
mkdir -p "$FAULTY_DIR"
with_faulty()
{
    [ -e "$FAULTY" ] || die "tests/support/faulty.so is built"
    pdttd_within env "LD_PRELOAD=$FAULTY" "FAULTY_DIR=$FAULTY_DIR"
}

# fault "FAULT | HAPPENS | LOST": a row of docs/faults.md, printed only if all of the test's expectations held until here
fault()
{
    [ "$FAILED" != 0 ] || printf '%sfault - %s\n' "${LONG:+long }" "$1"
}

# some_traffic [BYTES]: alice sends, bob receives; ends when all has arrived
SOME_PORT=6701
some_traffic()
{
    SOME_PORT=$((SOME_PORT + 1))
    serve bob some tcp-sink "$SERVER4" $SOME_PORT
    client_as alice "$TRAFFIC" tcp-source "$SERVER4" $SOME_PORT "${1:-1000000}" >"$TMP/moved"
    served some
}

# fresh_pdttd [CONFIGURATION]: another pdttd, which knows nothing of the one before; after pdttd_prepare and fixture_cgroup
fresh_pdttd()
{
    ! pdttd_alive || pdttd_stop
    [ ! -e "$PIN_PATH" ] || "$PDTTD" -c "$CONFIG" --unload >/dev/null 2>&1 || die "pins are removed"
    rm -rf "${DATABASE%/*}"
    : >"$PDTTD_LOG"
    write_config "cgroup = \"$CGROUP\"; ${1:-}"
    pdttd_launch
    wait_until 30 log_has 'counting:' || die "pdttd starts" "$(tail -n 20 "$PDTTD_LOG")"
}

# log_has ERE [FILE]
log_has() { grep -qE "$1" "${2:-$PDTTD_LOG}"; }

# status_json FILTER: what the running pdttd says of itself
status_json() { { "$PDTTD" -c "$CONFIG" --status --json 2>/dev/null || true; } | jq -r "$1"; }

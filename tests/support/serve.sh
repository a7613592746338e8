# pdtt-serve on a socket and a database of its own, and ways to ask it. Sourced by tests after lib.sh.
# shellcheck shell=bash disable=SC2034,SC2119,SC2120,SC2154 # lib.sh and the tests set and use what is here

SOCKET=$TMP/query.sock
SERVE_LOG=$TMP/pdtt-serve.log
SERVE_PID=''
# The build tree may be closed to the users of a test.
BIN=$TMP/bin

command -v curl >/dev/null || skip_all "tests of pdtt-serve" "curl is not installed"

# book_rows: the lines of its input, see tests/support/book.c; the database is open to the group of user serve
book_rows()
{
    mkdir -p "${DATABASE%/*}"
    "$builddir/tests/support/book" "$DATABASE" || die "rows can be booked"
    chgrp -R "${GROUP_ID[serve]}" "${DATABASE%/*}"
    chmod 2750 "${DATABASE%/*}"
    chmod 640 "${DATABASE%/*}"/*
}

# serve_start [CONFIGURATION]: needs fixture_user serve
serve_start()
{
    local program
    write_config "${1:-}"
    mkdir -p "$BIN"
    for program in pdtt-report pdtt-serve; do
        [ -x "$builddir/$program" ] || die "$program is built" "there is no $builddir/$program"
        install -m 755 "$builddir/$program" "$BIN/$program"
    done
    chmod 755 "$BIN"
    serve_run
}

serve_run()
{
    (
        trap - EXIT ERR
        exec "${SERVE_WRAPPER[@]}" "$BIN/pdtt-serve" -c "$CONFIG" --listen "$SOCKET" --user "${USER_NAME[serve]}" \
            --group "${USER_NAME[serve]}"
    ) >>"$SERVE_LOG" 2>&1 &
    SERVE_PID=$!
    at_exit kill -9 "$SERVE_PID"
    wait_until 20 grep -q answering "$SERVE_LOG" || die "pdtt-serve starts" "$(cat "$SERVE_LOG")"
}
SERVE_WRAPPER=()

# curl_as NAME QUERY [OPTION…]
curl_as()
{
    local name=$1 query=$2
    shift 2
    as_user "$name" curl -s --max-time 20 --unix-socket "$SOCKET" "$@" "http://pdtt/api/v1/report?$query"
}

# status_as NAME QUERY [OPTION…]: of HTTP
status_as() { curl_as "$1" "$2" -o /dev/null -w '%{http_code}' "${@:3}"; }

# report_as NAME OPTION…: pdtt-report as that user, who asks the socket
report_as() { as_user "$1" "$BIN/pdtt-report" --socket "$SOCKET" "${@:2}"; }

# new_token ROLE:NAME: prints the token, and adds its line to the file
new_token()
{
    local made
    made=$("$builddir/pdtt-serve" --new-token "$1")
    sed -n 3p <<<"$made" >>"$TMP/tokens"
    sed -n '1s/token: //p' <<<"$made"
}

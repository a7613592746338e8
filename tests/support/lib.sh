# Sourced by every live test: reporting, temporary things and their removal, users, and the way into the fixtures.
#
#   . "${srcdir:-…}/tests/support/lib.sh"   then   fixture_user, fixture_net, pdttd_start, expect_…
#
# Protocol with tests/run: lines "ok - sentence", "not ok - sentence", "skip - sentence: reason"; exit 77 when all is skipped.
# shellcheck shell=bash disable=SC2034,SC2119,SC2120 # the tests use what is set here

set -Eeuo pipefail
export LC_ALL=C

# --help of any test or benchmark, whatever else it takes: what its first lines say
case ${1:-} in
-h | --help)
    sed -n '2,/^[^#]/{/^# shellcheck/d; s/^# \{0,1\}//p}' "$0"
    exit 0
    ;;
esac

srcdir=$(cd "${srcdir:-$(dirname "${BASH_SOURCE[0]}")/../..}" && pwd)
builddir=$(cd "${builddir:-$srcdir/build}" && pwd)
FAILED=0
AT_EXIT=()
# A marker in the passwd entry, and the test's pid in every name: what a killed test leaves is found and removed by the next.
FIXTURE_MARK="pdtt test fixture"

ok() { printf 'ok - %s\n' "$1"; }

# not_ok SENTENCE [DETAIL…]
not_ok()
{
    FAILED=1
    printf 'not ok - %s\n' "$1"
    shift
    [ $# = 0 ] || printf '#   %s\n' "$@"
}

skip() { printf 'skip - %s: %s\n' "$1" "$2"; }

skip_all()
{
    skip "$1" "$2"
    exit 77
}

# A step that the test cannot go on without has failed.
die()
{
    not_ok "$@"
    exit 1
}

# at_exit COMMAND…: run when the test ends, however it ends, the latest first.
at_exit() { AT_EXIT+=("$(printf '%q ' "$@")"); }

clean_up()
{
    local status=$? i
    trap - EXIT ERR
    trap '' INT TERM HUP
    set +e
    for ((i = ${#AT_EXIT[@]} - 1; i >= 0; i--)); do
        eval "${AT_EXIT[i]}" >/dev/null 2>&1
    done
    [ "$status" != 0 ] || status=$FAILED
    exit "$status"
}

on_error()
{
    not_ok "the test runs to its end" "${BASH_SOURCE[1]##*/} line $1: '$2' gave $3"
}

trap clean_up EXIT
trap 'on_error "$LINENO" "$BASH_COMMAND" "$?"' ERR
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# ---- expectations: each prints one line and lets the test go on

# expect_equal ACTUAL EXPECTED SENTENCE
expect_equal()
{
    if [ "$1" = "$2" ]; then
        ok "$3"
    else
        not_ok "$3" "expected '$2', got '$1'"
    fi
}

# expect_within ACTUAL EXPECTED PERCENT SENTENCE; an expectation of nothing proves nothing and fails
expect_within()
{
    local seen
    seen=$(awk -v a="${1:-0}" -v e="${2:-0}" -v p="$3" 'BEGIN {
        d = a < e ? e - a : a - e
        off = e ? (a - e) * 100 / e : 100
        word = (e && d * 100 <= e * p) ? "in" : "out"
        printf("%s: off by %.4f %%", word, off) }')
    case $seen in
    in:*) ok "$4" ;;
    *) not_ok "$4" "expected $2 within $3 %, got $1, ${seen#*: }" ;;
    esac
}

# expect_at_least ACTUAL MINIMUM SENTENCE, expect_at_most ACTUAL MAXIMUM SENTENCE
expect_at_least()
{
    if [ "$1" -ge "$2" ]; then ok "$3"; else not_ok "$3" "expected at least $2, got $1"; fi
}

expect_at_most()
{
    if [ "$1" -le "$2" ]; then ok "$3"; else not_ok "$3" "expected at most $2, got $1"; fi
}

# expect_true SENTENCE COMMAND…
expect_true()
{
    local sentence=$1
    shift
    if "$@" >/dev/null 2>&1; then ok "$sentence"; else not_ok "$sentence" "failed: $*"; fi
}

# expect_matches TEXT ERE SENTENCE
expect_matches()
{
    if [[ $1 =~ $2 ]]; then ok "$3"; else not_ok "$3" "expected a match of /$2/, got: $1"; fi
}

# wait_until SECONDS COMMAND…: polls; false when the time is over. On an emulated machine each second is some.
wait_until()
{
    local end=$((SECONDS + $1 * ${PDTT_TEST_PATIENCE:-1}))
    shift
    while ! "$@" >/dev/null 2>&1; do
        [ "$SECONDS" -lt "$end" ] || return 1
        sleep 0.1
    done
}

# in_background COMMAND…: BACKGROUND_PID is the command's own pid, and it ends with the test
in_background()
{
    (
        trap - EXIT ERR
        "$@"
    ) >/dev/null 2>&1 &
    BACKGROUND_PID=$!
    at_exit end_background "$BACKGROUND_PID"
}

# Children first, or a loop would start the next one; both are ours by descent.
end_background()
{
    local children
    children=$(cat "/proc/$1/task/$1/children" 2>/dev/null) || true
    kill -9 "$1" 2>/dev/null || true
    # shellcheck disable=SC2086 # a list
    [ -z "$children" ] || kill -9 $children 2>/dev/null || true
    wait "$1" 2>/dev/null || true
}

# ---- what a killed test has left behind

owner_is_gone() { [[ $1 =~ ^[0-9]+$ ]] && [ ! -d "/proc/$1" ]; }

sweep_dead_fixtures()
{
    local name
    for name in "${TMPDIR:-/tmp}"/pdtt-test-*-??????; do
        ! owner_is_gone "$(cut -d- -f3 <<<"${name##*/}")" || sweep_directory "$name"
    done
    for name in $(ip netns list | awk '/^pdtt-(client|server|router)-[0-9]+/ {print $1}'); do
        ! owner_is_gone "${name##*-}" || end_processes_in "$name"
    done
    awk -F: -v mark="$FIXTURE_MARK" '$5 == mark {print $1}' /etc/passwd | while read -r name; do
        ! owner_is_gone "${name##*-}" || userdel "$name" 2>/dev/null
    done
    for name in /sys/fs/bpf/pdtt-test-*; do
        ! owner_is_gone "${name##*-}" || rm -rf "$name"
    done
    for name in "$(findmnt -n -t cgroup2 -o TARGET | head -n 1)"/pdtt-test-*; do
        ! owner_is_gone "${name##*-}" || rmdir "$name" 2>/dev/null || true
    done
}

# A temporary directory and whatever still runs from it: its pdttd would go on and make its pins anew.
sweep_directory()
{
    local pids
    pids=$(pgrep -f -- "$1/") || true
    # shellcheck disable=SC2086 # a list
    [ -z "$pids" ] || kill -9 $pids 2>/dev/null || true
    rm -rf "$1"
}

# ---- users

# Uids are made from the pid, because the kernel knows users by nothing else: a test of the same kernel that runs in another
# root (a chroot has a passwd file of its own) would otherwise have the same ones, and its traffic would be counted here.
NEXT_UID=$((500000 + $$ % 100000 * 10))
declare -A USER_ID GROUP_ID USER_NAME
USER_ID[root]=0 GROUP_ID[root]=0 USER_NAME[root]=root

# fixture_user NAME…: real users, each with a group of its own; ${USER_NAME[NAME]}, ${USER_ID[NAME]}, ${GROUP_ID[NAME]}
fixture_user()
{
    local name full
    for name; do
        full=$name-$$
        # "*" instead of useradd's "!": no password either way, but sshd lets the account in with a key
        useradd --no-create-home --user-group --shell /bin/sh --password '*' --home-dir "$TMP/home-$name" --no-log-init \
            --uid $NEXT_UID --key UID_MAX=2000000 --key GID_MAX=2000000 --comment "$FIXTURE_MARK" "$full" ||
            die "a user can be made for the test" "useradd $full"
        NEXT_UID=$((NEXT_UID + 1))
        at_exit userdel "$full"
        USER_NAME[$name]=$full USER_ID[$name]=$(id -u "$full") GROUP_ID[$name]=$(id -g "$full")
    done
}

# fixture_cgroup: the test goes on in a cgroup of its own, $CGROUP. A pdttd attached there sees the test's packets and no
# others, so that its totals can be compared to the last byte on a host that is never quiet.
fixture_cgroup()
{
    local root home
    root=$(findmnt -n -t cgroup2 -o TARGET | head -n 1)
    [ -n "$root" ] || skip_all "live tests" "there is no cgroup v2"
    home=$root$(awk -F: '$1 == 0 {print $3}' /proc/self/cgroup)
    CGROUP=$root/pdtt-test-$$
    mkdir "$CGROUP"
    at_exit leave_cgroup "$home"
    echo $$ >"$CGROUP/cgroup.procs"
}

leave_cgroup()
{
    local pid
    while read -r pid; do
        echo "$pid" >"$1/cgroup.procs"
    done <"$CGROUP/cgroup.procs"
    rmdir "$CGROUP"
}

# as_user NAME COMMAND…: NAME as given to fixture_user, or root
as_user()
{
    local name=$1
    shift
    setpriv --reuid "${USER_ID[$name]}" --regid "${GROUP_ID[$name]}" --clear-groups -- "$@"
}

[ "$(id -u)" = 0 ] || skip_all "live tests" "they need root, for namespaces, users and eBPF"
for tool in ip nft ethtool jq sqlite3 setpriv nsenter findmnt useradd awk; do
    command -v "$tool" >/dev/null || skip_all "live tests" "$tool is not installed"
done

TMP=$(mktemp -d "${TMPDIR:-/tmp}/pdtt-test-$$-XXXXXX")
at_exit rm -rf "$TMP"
chmod 711 "$TMP" # test users run what is in it but do not list it

# The build tree may be closed to other users, so they get a copy.
TRAFFIC=$TMP/traffic
[ -x "$builddir/tests/support/traffic" ] || die "tests/support/traffic is built" "run: make check TESTS=basic_load"
install -m 755 "$builddir/tests/support/traffic" "$TRAFFIC"

# shellcheck source=net.sh
. "$srcdir/tests/support/net.sh"
# shellcheck source=daemon.sh
. "$srcdir/tests/support/daemon.sh"
sweep_dead_fixtures

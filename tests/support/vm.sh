# Sourced by tests/vm/*: a Debian kernel in QEMU, with the host's own programs as its root and the live tests run inside.
#
#   . "${srcdir:-…}/tests/support/vm.sh"   then   vm_run KERNEL NAME…
#
# Emulated (TCG), so it works in any container and needs no /dev/kvm; a boot takes about ten seconds. Inside, tests/run is
# the runner as everywhere, and its tests' sentences come out of the second serial port. Nothing of the host changes.
# shellcheck shell=bash

set -u
export LC_ALL=C

srcdir=$(cd "${srcdir:-$(dirname "${BASH_SOURCE[0]}")/../..}" && pwd)
builddir=$(cd "${builddir:-$srcdir/build}" && pwd)
VM_CACHE=$builddir/tests/cache/vm
VM_WORK=$builddir/tests/work/vm-${0##*/}
VM_MEMORY=1536
VM_INIT=/init # the first process
VM_QEMU=
QEMU=qemu-system-x86_64

# vm_skip REASON: this kernel is not tried, and that is seen
vm_skip()
{
    printf 'skip - live tests on %s: %s\n' "${VM_NAME:-another kernel}" "$1"
    exit 77
}

vm_die()
{
    printf 'not ok - live tests on %s run in QEMU\n' "$VM_NAME"
    printf '#   %s\n' "$@"
    exit 1
}

# shellcheck source=vm_kernel.sh
. "$srcdir/tests/support/vm_kernel.sh"
# shellcheck source=vm_root.sh
. "$srcdir/tests/support/vm_root.sh"

vm_check_tools()
{
    local tool
    for tool in $QEMU apt-get apt-cache dpkg dpkg-deb depmod cpio bpftool flock setsid; do
        command -v "$tool" >/dev/null || vm_skip "$tool is not installed"
    done
    [ "$(dpkg --print-architecture)" = amd64 ] || vm_skip "its kernels are for amd64"
    for tool in pdttd pdtt-report tests/support/traffic; do
        [ -x "$builddir/$tool" ] || vm_die "$tool is not built; run: make check-programs"
    done
}

# QEMU 7.2.22 spoils the flags register at some cmpxchg16b, by which Linux 6.12 panics at random: it gets a processor without.
# Later kernels can do without it no more: no storage of a socket could be allocated.
vm_cpu()
{
    case $VM_NAME in
    newest) echo Nehalem ;;
    *) echo Nehalem,-cx16 ;;
    esac
}

# vm_says_something SECONDS: that the emulator still runs after them and nothing has come is false
vm_says_something()
{
    local end=$((SECONDS + $1))
    until [ -s "$VM_WORK/console" ] || ! kill -0 "$VM_QEMU" 2>/dev/null; do
        [ $SECONDS -lt $end ] || return 1
        sleep 1
    done
}

# vm_boot SECONDS: until it powers off; the tests' sentences go to $VM_WORK/results, the kernel's to $VM_WORK/console. One boot in
# a hundred stands still before the kernel's first word: that is the emulator's, and tried once more.
vm_boot()
{
    local patience=300
    while :; do
        : >"$VM_WORK/results"
        : >"$VM_WORK/console"
        timeout -k 5 "$1" "$QEMU" -accel tcg,thread=multi -cpu "$(vm_cpu)" -smp 2 -m $VM_MEMORY -nodefaults -no-reboot -display none \
            -kernel "$VM_CACHE/$VM_NAME/vmlinuz" -initrd "$VM_WORK/initrd" \
            -append "console=ttyS0 panic=-1 oops=panic quiet rdinit=$VM_INIT" \
            -chardev "file,id=console,path=$VM_WORK/console" -serial chardev:console \
            -chardev "file,id=results,path=$VM_WORK/results" -serial chardev:results </dev/null >"$VM_WORK/qemu" 2>&1 &
        VM_QEMU=$!
        vm_says_something "$patience" && break
        kill "$VM_QEMU"
        wait "$VM_QEMU"
        printf '# the emulator stood still for %s s; it is started once more\n' "$patience"
        patience=$(($1 + 60)) # its own time is over before
    done
    wait "$VM_QEMU"
}

# The sentences of all tests, each with the kernel and the test in front, so that they can be told apart in one list.
vm_results() { tr -d '\r' <"$VM_WORK/results"; }

# Rows of scenarios, for tests/support/accuracy: what this kernel has and the host's may not.
vm_accuracy()
{
    local rows=$builddir/tests/accuracy/vm-${0##*/}.tsv kernel
    kernel=$(vm_results | sed -n 's/^TABLE kernel|//p')
    mkdir -p "${rows%/*}"
    vm_results | sed -n 's/^ACCURACY //p' | awk -F '\t' -v OFS='\t' -v kernel="$kernel" '{ $2 = $2 " (Linux " kernel ")" } 1' >"$rows"
    [ -s "$rows" ] || rm -f "$rows"
}

vm_report()
{
    vm_results | sed -n "s/^RESULT \(ok\|not ok\|skip\) - /\1 - $VM_NAME, /p"
    vm_results | sed -n 's/^FAULT /fault - /p'
    vm_results | grep '^# ' || true
    mkdir -p "$builddir/tests/logs"
    cp "$VM_WORK/results" "$builddir/tests/logs/vm-${0##*/}.results" # for kernels_table
    vm_accuracy
    vm_results | grep -q '^DONE' || vm_die "it did not come to its end; its last words:" \
        "$(tail -n 25 "$VM_WORK/console" | tr -d '\r')" "$(tail -n 5 "$VM_WORK/qemu")"
}

# vm_run KERNEL SECONDS NAME… [-- NAME…]: boots it and runs the tests NAME… (of live/, unless a group is named) of this tree in
# it, within SECONDS; those behind "--" only when PDTT_VM_LONG is set, with four times the time
vm_run()
{
    local seconds=$2 all
    VM_NAME=$1
    shift 2
    all=$*
    vm_check_tools
    mkdir -p "$VM_CACHE" "$VM_WORK"
    # shellcheck disable=SC2064 # the name of now
    [ -n "${VM_KEEP:-}" ] || trap "rm -rf '$VM_WORK'" EXIT
    trap '[ -z "$VM_QEMU" ] || kill "$VM_QEMU"; exit 143' TERM INT HUP
    vm_fetch_kernel
    if [ -n "${PDTT_VM_LONG:-}" ]; then
        vm_make_initrd "${@/#--/}"
        vm_boot $((seconds * 4))
    else
        # shellcheck disable=SC2086 # a list of names
        vm_make_initrd ${all%% -- *}
        vm_boot "$seconds"
    fi
    vm_report
    ! vm_results | grep -q '^RESULT not ok'
}

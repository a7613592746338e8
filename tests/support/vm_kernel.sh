# Where the kernels of tests/vm come from: Debian's cloud kernels, fetched by the host's apt with its signatures checked,
# into directories of their own. apt's lists, sources and packages of the host are neither read nor changed, except for how
# it reaches the network and which mirror it uses. Sourced by vm.sh.
# shellcheck shell=bash disable=SC2154 # VM_… are vm.sh's

VM_KEYRING=/usr/share/keyrings/debian-archive-keyring.gpg

# kernel | the suites that have it; the last one is in the security archive
VM_KERNELS='
5.10   | bullseye bullseye-security
6.1    | bookworm
6.12   | bookworm-backports
newest | sid
'

vm_suites() { tr -d '|' <<<"$VM_KERNELS" | awk -v kernel="$VM_NAME" '$1 == kernel { for (i = 2; i <= NF; i++) print $i }'; }

# vm_mirror security|main: from where apt on this machine takes Debian 12
vm_mirror()
{
    local uri suite=bookworm other=http://deb.debian.org/debian
    [ "$1" = main ] || suite=bookworm-security other=http://deb.debian.org/debian-security
    # shellcheck disable=SC2016 # apt's own variables
    uri=$(apt-get indextargets --format '$(REPO_URI) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' 2>/dev/null |
        awk -v suite=$suite '$2 == suite && $3 == "main" { print $1; exit }')
    printf '%s\n' "${uri:-$other}"
}

# vm_apt TOOL ARGUMENTS…: apt in $VM_CACHE/NAME/apt
vm_apt()
{
    local tool=$1 dir=$VM_CACHE/$VM_NAME/apt
    shift
    "$tool" -q -o Dir::Etc::SourceList="$dir/sources.list" -o Dir::Etc::SourceParts=/dev/null \
        -o Dir::Etc::Preferences=/dev/null -o Dir::Etc::PreferencesParts=/dev/null \
        -o Dir::State="$dir/state" -o Dir::State::Lists="$dir/lists" -o Dir::State::status="$dir/status" \
        -o Dir::Cache="$dir" -o Dir::Cache::Archives="$dir/archives" -o Acquire::Languages=none -o Acquire::Retries=3 \
        -o APT::Sandbox::User=root -o APT::Default-Release= "$@" </dev/null
}

vm_apt_directory()
{
    local dir=$VM_CACHE/$VM_NAME/apt suite archive
    mkdir -p "$dir/state" "$dir/lists/partial" "$dir/archives/partial"
    : >"$dir/status"
    for suite in $(vm_suites); do
        archive=main
        [[ $suite != *-security ]] || archive=security
        printf 'deb [signed-by=%s] %s %s main\n' $VM_KEYRING "$(vm_mirror $archive)" "$suite"
    done >"$dir/sources.list"
}

# vm_depends PACKAGE WORD: the first package whose name begins with WORD among what the newest version of PACKAGE depends on
vm_depends()
{
    vm_apt apt-cache show "$1" 2>/dev/null |
        awk -v word="$2" '$1 == "Depends:" { gsub(/[,|]/, " ")
            for (i = 2; i <= NF; i++) if (index($i, word) == 1) { print $i; exit } exit }'
}

# The kernel and its modules are in one package, or since 7.x in two that this one depends on.
vm_packages()
{
    local image binary
    image=$(vm_depends linux-image-cloud-amd64 linux-image-)
    [ -n "$image" ] || return
    binary=$(vm_depends "$image" linux-binary-)
    if [ -n "$binary" ]; then
        printf '%s\n' "$binary" "$(vm_depends "$image" linux-modules-)"
    else
        printf '%s\n' "$image"
    fi
}

vm_unpack()
{
    local dir=$VM_CACHE/$VM_NAME package version modules
    for package in "$dir"/apt/*.deb; do dpkg-deb -x "$package" "$dir/unpacked" || return; done
    modules=$(find "$dir/unpacked" -path '*/modules/*/kernel' -type d | head -n 1)
    [ -n "$modules" ] || return
    version=$(basename "$(dirname "$modules")")
    mkdir -p "$dir/modules.new/lib/modules"
    cp -a "$(dirname "$modules")" "$dir/modules.new/lib/modules/" || return
    depmod -b "$dir/modules.new" "$version" || return
    rm -rf "$dir/modules" && mv "$dir/modules.new" "$dir/modules" || return
    printf '%s\n' "$version" >"$dir/version"
    cp "$(find "$dir/unpacked" -name 'vmlinuz*' -type f | head -n 1)" "$dir/vmlinuz.new" && mv "$dir/vmlinuz.new" "$dir/vmlinuz"
}

# vm_fetch_kernel: $VM_CACHE/NAME/vmlinuz, version and modules/lib/modules/VERSION; skips when there is none to be had
vm_fetch_kernel()
{
    local dir=$VM_CACHE/$VM_NAME log=$VM_CACHE/$VM_NAME/fetch.log
    local -a packages
    mkdir -p "$dir"
    exec 8>"$dir/lock"
    flock 8
    [ ! -s "$dir/vmlinuz" ] || return 0
    [ -r $VM_KEYRING ] || vm_skip "$VM_KEYRING is missing (package debian-archive-keyring)"
    vm_apt_directory
    vm_apt apt-get -o APT::Update::Error-Mode=any update >"$log" 2>&1 ||
        vm_skip "apt cannot read $(vm_suites | paste -sd ' '): $(grep -m 1 '^[EW]:' "$log")"
    mapfile -t packages < <(vm_packages)
    [ ${#packages[@]} -gt 0 ] || vm_skip "$(vm_suites | paste -sd ' ') has no linux-image-cloud-amd64"
    (cd "$dir/apt" && rm -f ./*.deb && vm_apt apt-get download "${packages[@]}") >>"$log" 2>&1 ||
        vm_skip "apt cannot fetch ${packages[*]}: $(grep -m 1 '^E:' "$log")"
    vm_unpack >>"$log" 2>&1 || vm_skip "${packages[*]} cannot be unpacked: $(tail -n 1 "$log")"
    rm -rf "$dir/apt" "$dir/unpacked"
    flock -u 8
}

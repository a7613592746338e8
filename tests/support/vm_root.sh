# The root of the machine in QEMU: an initramfs of the host's own files. Whole Debian packages as far as they are programs
# and their data, the libraries that these and the built tree need, the tree itself, and the kernel's modules for networks.
# Sourced by vm.sh.
# shellcheck shell=bash disable=SC2154 # srcdir, builddir and VM_… are vm.sh's

VM_PACKAGES='bash bpftool coreutils dash diffutils ethtool findutils gawk grep iproute2 iputils-ping jq kmod libc6 mawk mount
    nftables openssh-client openssh-server openssh-sftp-server passwd procps rsync sed sqlite3 util-linux util-linux-extra'
VM_UNWANTED='^/usr/share/(doc|man|locale|info|lintian|bash-completion|i18n|perl5|zsh|fish)/|/gconv/|^/usr/lib/debug/'
# Modules of the kernel: all of net/, and these with what they need.
VM_MODULES='veth dummy ifb tun vxlan macvlan nf_tables nft_ct nft_counter nft_socket sctp sctp_diag tcp_diag udp_diag
    sch_netem sch_ingress cls_bpf'

# Paths as the host's merged /usr has them: a package may still say /bin/bash.
vm_merged() { sed -E 's,^/(bin|sbin|lib|lib64)/,/usr/\1/,'; }

# vm_package_files PACKAGE…
vm_package_files()
{
    local package
    for package; do
        dpkg-query -L "$package" 2>/dev/null || true
    done | vm_merged | grep -Ev "$VM_UNWANTED"
}
# Alternatives, and what else is of no package
vm_other_files()
{
    printf '%s\n' /usr/bin/awk /etc/alternatives/awk /usr/sbin/nft /usr/bin/which /etc/login.defs /etc/nsswitch.conf \
        /etc/protocols /etc/services /usr/lib64
}

# The libraries of the programs named on standard input, and what their links point to
vm_libraries()
{
    xargs -d '\n' ldd 2>/dev/null | awk '/=> \// { print $3 } $1 ~ /^\/lib/ { print $1 }' | sort -u | vm_merged |
        while read -r library; do printf '%s\n' "$library" "$(realpath "$library")"; done
}

vm_programs() { find "$builddir/pdttd" "$builddir/pdttctl" "$builddir/pdtt-report" "$builddir/tests/support" -maxdepth 1 -type f -perm -100; }

vm_existing() { while read -r path; do [ ! -e "$path" ] && [ ! -L "$path" ] || printf '%s\n' "$path"; done; }

# vm_copy STAGE: the files of the host that are named on standard input, and the libraries that the programs among them need
vm_copy()
{
    local stage=$1 list=$1.list
    mkdir -p "$stage"
    sort -u | vm_existing >"$list"
    grep -E '^/usr/(s?bin|lib/openssh|lib/systemd)/' "$list" | vm_libraries >"$list.libraries"
    sort -u "$list" "$list.libraries" | tar -C / --no-recursion -cf - -T - 2>/dev/null | tar -C "$stage" -xf -
}

# Made once for all kernels; anew when a package of the host has changed.
vm_make_base()
{
    local stage=$VM_CACHE/base state=/var/lib/dpkg/status
    exec 7>"$VM_CACHE/base.lock"
    flock 7
    if [ ! -s "$VM_CACHE/base.cpio" ] || [ $state -nt "$VM_CACHE/base.cpio" ] ||
        [ "$srcdir/tests/support/vm_root.sh" -nt "$VM_CACHE/base.cpio" ]; then
        rm -rf "$stage"
        # shellcheck disable=SC2086 # a list of names
        { vm_package_files $VM_PACKAGES; vm_other_files; vm_programs | vm_libraries; } | vm_copy "$stage" || return
        (cd "$stage" && ln -sfn usr/bin bin && ln -sfn usr/sbin sbin && ln -sfn usr/lib lib && ln -sfn usr/lib64 lib64) || return
        vm_archive "$stage" >"$VM_CACHE/base.new" && mv "$VM_CACHE/base.new" "$VM_CACHE/base.cpio" || return
        rm -rf "$stage"
    fi
    flock -u 7
}

vm_archive() { (cd "$1" && find . -print0 | cpio --null --quiet -o -H newc -R 0:0); }

# The modules and what they depend on, with the tables that modprobe reads
vm_make_modules()
{
    local dir=$VM_CACHE/$VM_NAME stage=$VM_WORK/modules version module
    version=$(<"$dir/version")
    mkdir -p "$stage"
    {
        (cd "$dir/modules" && find "lib/modules/$version/kernel/net" -name '*.ko*' && ls -d "lib/modules/$version"/modules.*)
        for module in $VM_MODULES; do
            modprobe -d "$dir/modules" -S "$version" --show-depends "$module" 2>/dev/null
        done | awk -v dir="$dir/modules/" '$1 == "insmod" { sub(dir, "", $2); sub("^/+", "", $2); print $2 }'
    } | sort -u | tar -C "$dir/modules" -cf - -T - | tar -C "$stage" -xf - || return
    mkdir -p "$stage/usr" && mv "$stage/lib" "$stage/usr/lib"
    vm_archive "$stage"
}

# The tree under test and what the machine does with it
vm_make_tree()
{
    local stage=$VM_WORK/tree
    mkdir -p "$stage/pdtt/build/tests/support" "$stage/etc" "$stage/root"
    (cd "$srcdir" && tar -cf - tests/run tests/fault tests/live tests/scenario tests/support etc) | tar -C "$stage/pdtt" -xf - || return
    vm_programs | while read -r program; do
        install -D -m 755 "$program" "$stage/pdtt/build/${program#"$builddir"/}"
    done
    install -m 755 "$srcdir/tests/support/vm_init" "$stage/init"
    printf '%s\n' "$@" >"$stage/pdtt/vm-tests"
    printf 'root:x:0:0:root:/root:/bin/bash\nnobody:x:65534:65534:nobody:/:/usr/sbin/nologin\nsshd:x:100:65534::/run/sshd:/usr/sbin/nologin\n' >"$stage/etc/passwd"
    printf 'root:x:0:\nnogroup:x:65534:\n' >"$stage/etc/group"
    printf 'root:*:19000::::::\n' >"$stage/etc/shadow"
    printf 'root:*::\n' >"$stage/etc/gshadow"
    printf '127.0.0.1 localhost\n::1 localhost\n' >"$stage/etc/hosts"
    vm_archive "$stage"
}

# vm_make_initrd NAME…: archives after one another, as the kernel accepts them; a test that needs more defines vm_make_more, which
# prints one
vm_make_initrd()
{
    vm_make_base || vm_die "no root could be made of the host's files"
    rm -rf "$VM_WORK/tree" "$VM_WORK/modules"
    vm_make_modules >"$VM_WORK/modules.cpio" || vm_die "the kernel's modules could not be packed"
    vm_make_tree "$@" >"$VM_WORK/tree.cpio" || vm_die "the built tree could not be packed"
    : >"$VM_WORK/more.cpio"
    ! declare -F vm_make_more >/dev/null || vm_make_more >"$VM_WORK/more.cpio" || vm_die "what this test adds could not be packed"
    cat "$VM_CACHE/base.cpio" "$VM_WORK/modules.cpio" "$VM_WORK/tree.cpio" "$VM_WORK/more.cpio" >"$VM_WORK/initrd"
    rm -rf "$VM_WORK/tree" "$VM_WORK/modules" "$VM_WORK"/*.cpio
}

# What runs inside an emulated machine sources this: how it tells the host, on the second serial port (descriptor 3), and ends.
# shellcheck shell=bash

say() { printf '%s\n' "$*" >&3; }

power_off()
{
    sync
    echo 1 >/proc/sys/kernel/sysrq
    echo b >/proc/sysrq-trigger # with -no-reboot the end of QEMU; powering off would need ACPI
    sleep 60
}

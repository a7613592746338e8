# Draining, booking and asking: the benchmarks of bench/run that need a disk. Sourced by it.
# shellcheck shell=bash disable=SC2154 # variables of bench/run and tests/support/lib.sh

# On the build's own disk: how long a commit takes is a property of the disk.
prepare_work()
{
    mkdir -p "$out/work"
    at_exit rm -rf "$out/work"
}

run_drain()
{
    prepare_work
    measures drain "$out/drain_cost" --directory "$out/work" --rounds "$drain_rounds"
}

run_store()
{
    prepare_work
    measures store "$out/book_cost" --directory "$out/work" --cycles "$cycles" --rounds "$insert_rounds"
    rm -f "$out"/work/*
}

run_reports()
{
    local database=$out/work/reports.db

    prepare_work
    rm -f "$database"*
    if "$out/make_database" --database "$database" "${size[@]}" 9>&-; then
        measures reports "$out/report_speed" --database "$database" --report "$builddir/pdtt-report" --rounds "$report_rounds"
    else
        broke reports "make_database made none"
    fi
    rm -f "$database"*
}

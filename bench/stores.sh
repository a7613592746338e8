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
    measures drain "$out/drain_cost" --directory "$out/work" --rounds "$drain_rounds" --most "$most_accounts"
    rm -f "$out"/work/*
}

run_store()
{
    prepare_work
    measures store "$out/book_cost" --directory "$out/work" --cycles "$cycles" --rounds "$insert_rounds"
    rm -rf "${out:?}"/work/*
    install_peers pmacctd:pmacct vnstatd:vnstat
    measures store_peers "$srcdir/bench/store_peers" --directory "$out/work" --rows "$peer_rows" --interfaces "$interfaces" \
        --rounds "$peer_rounds"
    rm -rf "${out:?}"/work/*
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

run_scale()
{
    prepare_work
    install_peers vnstatd:vnstat
    measures scale "$srcdir/bench/report_scale" --bench "$out" --report "$builddir/pdtt-report" --directory "$out/work" \
        --users "$scale_users" --rounds "$scale_rounds"
    rm -rf "${out:?}"/work/*
}

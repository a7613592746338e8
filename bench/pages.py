"""The sections of docs/performance.md about reports at scale, accuracy and footprint; bench/tables has the others."""

LEVELS_PER_DAY = {"usage_raw": 8640, "usage_5min": 288, "usage_hour": 24, "usage_day": 1, "usage_month": 1 / 30.4}
KEPT_DAYS = {"usage_raw": 2, "usage_5min": 14, "usage_hour": 90, "usage_day": 3 * 365.25, "usage_month": 5 * 365.25}
SLOTS = 16384  # limits.accounts, by default
COUNTERS = 48  # bytes of struct pdtt_counters


def table(head, rows):
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows])


def ms(value):
    return f"{value['median']:,.1f} ({value['low']:,.1f} to {value['high']:,.1f})"


def scale(found):
    rows = []
    for size in found["sizes"]:
        for row in size["rows"]:
            other = ms(row["vnstat"]) if "vnstat" in row else "not installed"
            rows.append([f"{size['users']:,}", str(row["months"]), ms(row["warm"]), ms(row["cold"]), other])
    return table(["users", "months", "warm, ms (quartiles)", "cold, ms", "`vnstat --json`, ms"], rows)


def scale_raw(found):
    rows = [[f"{s['users']:,}", f"{s['bytes'] / 1e6:,.0f}", ms(s["raw"]["ours"]), ms(s["raw"]["naive"]),
             f"{s['raw']['naive']['median'] / s['raw']['ours']['median']:,.1f}"] for s in found["sizes"]]
    return table(["users", "database, MB", "`--by user`, ms", "plain SQL over raw, ms", "times as long"], rows)


def accuracy(found):
    def off(row, tool):
        if row[tool] is None:
            return "nothing"
        return f"{row[tool]:,} ({(row[tool] - row['wire']) / row['wire'] * 100:+.2f} %)"

    rows = []
    for row in found["transfers"]:
        vnstat = row["vnstat"]
        row = {**row, "vnstat": vnstat - 14 * row["packets"] if vnstat else None}
        rows.append([row["label"], f"{row['wire']:,}"] + [off(row, tool) for tool in ("pdtt", "nftables", "nethogs", "vnstat")])
    return table(["transfer", "carried, both ways", "PDTT, by user", "nftables, sent by uid", "nethogs, by process", "vnStat, interface"],
                 rows)


def footprint(found):
    phases = [found["accounts"], found["mixed"]]
    rows = [["seconds"] + [f"{phase['seconds']:,}" for phase in phases],
            ["accounts in an interval of 10 s"] + [f"{phase['accounts']:,}" for phase in phases],
            ["records of connections, in all"] + [f"{phase['connections']:,}" for phase in phases],
            ["processor, of one core"] + [f"{phase['cpu_percent']:.2f} %" for phase in phases],
            ["memory, PSS at most"] + [f"{phase['pss_kib'] / 1024:.1f} MiB" for phase in phases],
            ["of which its own (anonymous)"] + [f"{phase['anonymous_kib'] / 1024:.1f} MiB" for phase in phases],
            ["database grew by"] + [f"{phase['grown'] / 1e6:.1f} MB" for phase in phases]]
    return table([f"{found['users']:,} users at work", "accounts alone", "connections recorded, bulk and short connections beside"], rows)


def serve_load(found):
    """A row for each question, alone and beside the clients that say next to nothing."""
    rows = []
    for alone, besieged in zip(found["alone"]["answers"], found["besieged"]["answers"]):
        rows.append([alone["question"]] + [f"{phase['median_ms']:.1f}, {phase['p99_ms']:.1f}, {phase['longest_ms']:.0f}" for phase in (alone, besieged)])
    rows.append(["questions that failed"] + [f"{found[phase]['failed']}" for phase in ("alone", "besieged")])
    rows.append(["events of their streams"] + [f"{found[phase]['events']:,}" for phase in ("alone", "besieged")])
    rows.append(["pdttd's drain and booking, median"] + [f"{found[phase]['drain_ms']:.1f} ms" for phase in ("alone", "besieged")])
    rows.append(["pdtt-serve: resident"] + [f"{found[phase]['resident_kib'] / 1024:.1f} MiB" for phase in ("alone", "besieged")])
    rows.append(["pdtt-serve: of one core"] + [f"{found[phase]['cpu_percent']} %" for phase in ("alone", "besieged")])
    dashboards = found["alone"]["dashboards"]
    return table([f"{dashboards} dashboards, a question a second each; ms: median, p99, longest", "alone", f"beside {found['clients']} silent clients"], rows)


def kernel_memory(found):
    """By map: what does not depend on CPUs as the kernel tells it, the ledger's halves and per-CPU maps computed."""
    rows, totals = [], [0, 0, 0]
    for one in found["maps"]:
        if one["name"].startswith("ledger_"):
            sizes = [(1 + cpus * (SLOTS + 2)) * COUNTERS for cpus in (2, 64, 128)]
        elif one["type"].startswith("percpu"):
            sizes = [one["entries"] * ((one["value"] + 7) // 8 * 8) * cpus for cpus in (2, 64, 128)]
        else:
            sizes = [int(one["bytes"])] * 3
        totals = [a + b for a, b in zip(totals, sizes)]
        rows.append([f"`{one['name']}`", one["type"]] + [f"{size / 1024:,.0f}" for size in sizes])
    rows.append(["all", ""] + [f"{size / 1024:,.0f}" for size in totals])
    return table(["map", "type", "2 CPUs, KiB", "64 CPUs", "128 CPUs"], rows)


def growth_per_day(speed):
    size = {level["table"]: level["bytes_per_row"] for level in speed["levels"]}
    rows = []
    for accounts in (100, 1000, 10000):
        day = sum(accounts * n * size[name] for name, n in LEVELS_PER_DAY.items())
        kept = sum(accounts * n * size[name] * KEPT_DAYS[name] for name, n in LEVELS_PER_DAY.items())
        lasting = accounts * size["usage_month"] / 30.4
        rows.append([f"{accounts:,}", f"{day / 1e6:,.0f}", f"{kept / 1e6:,.0f}", f"{lasting / 1e3:,.1f}"])
    return table(["accounts active in every interval", "written a day, MB", "kept after 5 years by the default retention, MB",
                  "for ever, KB a day"], rows)

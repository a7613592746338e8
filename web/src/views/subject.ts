// One user or one project: what it moved, and what it may still move.
import { ask, askAll, type Allocation, type Me, type Row } from "../api";
import { Chart } from "../chart";
import { el, harmless } from "../dom";
import { bytes, percent } from "../format";
import type { Place } from "../router";
import { Table } from "../table";
import { columns, nameOf, rangePicker, showHistory } from "./history";
import { choice, coverage, fill, type Make, type View } from "../view";

function bar(a: Allocation): HTMLElement {
    const used = a.used_percent ?? 0;
    return el(
        "div",
        { class: `bar ${used > 100 ? "over" : a.state === "ok" ? "" : "warn"}` },
        el("progress", { max: 100, value: Math.min(100, used), "aria-label": `${percent(a.used_percent)} used` }),
        el("span", {}, percent(a.used_percent)),
    );
}

export function allocationList(allocations: Allocation[]): HTMLElement {
    if (allocations.length === 0) return el("p", {}, "No allocation is configured.");
    return el(
        "ul",
        { class: "allocations" },
        ...allocations.map((a) =>
            el(
                "li",
                {},
                el("h3", {}, harmless(`${a.name}, ${a.period}`)),
                bar(a),
                el(
                    "p",
                    {},
                    harmless(
                        `${bytes(a.used_bytes)} of ${bytes(a.limit_bytes)} used, ${bytes(a.remaining_bytes)} left; counts ${a.counts}`,
                    ),
                ),
                a.forecast_bytes !== null && el("p", {}, harmless(`Forecast to the end: ${bytes(a.forecast_bytes)}, ${a.forecast_basis} (${a.state})`)),
            ),
        ),
    );
}

// What was used by each day of the allocation's period, the limit, and where it goes on like that.
function burnDown(kind: "user" | "project", a: Allocation, chart: Chart, signal: AbortSignal): Promise<Node> {
    const question = {
        [kind]: a.name,
        since: `@${a.since}`,
        until: `@${Math.min(a.until, Math.floor(Date.now() / 1000))}`,
        period: "day",
        class: !a.classes || a.classes === "all" ? undefined : a.classes,
    };
    return askAll("history", question, signal).then((report) => {
        let used = 0;
        const times: number[] = [a.since];
        const left: (number | null)[] = [a.limit_bytes];
        for (const row of [...report.rows].sort((x, y) => (x.since ?? 0) - (y.since ?? 0))) {
            used += a.direction === "tx" ? row.tx_bytes : a.direction === "rx" ? row.rx_bytes : row.total_bytes;
            times.push(Math.min(row.until ?? row.since ?? 0, Date.now() / 1000));
            left.push(a.limit_bytes - used);
        }
        if (times.length === 1) return el("p", {}, "Nothing was used yet.");
        const forecast: (number | null)[] = left.map(() => null);
        if (a.forecast_bytes !== null && times[times.length - 1]! < a.until) {
            forecast[forecast.length - 1] = left[left.length - 1]!;
            times.push(a.until);
            left.push(null);
            forecast.push(Math.max(0, a.limit_bytes - a.forecast_bytes));
        }
        chart.set({
            title: `What is left of the allocation of ${a.name}: ${bytes(a.remaining_bytes)}`,
            times,
            series: [
                { label: "left", values: left },
                { label: "forecast", values: forecast },
            ],
            zone: report.timezone,
        });
        return chart.element;
    });
}

const splits: Record<"user" | "project", [string, string][]> = {
    user: [
        ["class", "class"],
        ["project", "project"],
        ["proto", "protocol"],
    ],
    project: [
        ["user", "user"],
        ["class", "class"],
        ["proto", "protocol"],
    ],
};

// Everybody who moved something, for who sees all and named nobody.
function list(kind: "user" | "project", place: Place): View {
    const since = place.query.get("since") ?? "30d";
    const until = place.query.get("until") ?? "";
    const figures = el("section", {});
    const done = fill(figures, async (signal) => {
        const report = await askAll(`${kind}s`, { since, until: until || undefined }, signal);
        const table = new Table<Row>(`Sums by ${kind}`, columns(kind), { sort: 5 });
        table.set(report.rows.map((row) => ({ ...row, name: nameOf(row, kind) })));
        return [coverage(report.coverage, report.gaps), table.element];
    });
    return { title: kind === "user" ? "Users" : "Projects", element: el("div", {}, rangePicker(since, until), figures), done };
}

function make(kind: "user" | "project", place: Place, me: Me): View {
    if (!place.path[1] && me.admin) return list(kind, place);
    const name = place.path[1] ?? (kind === "user" ? (me.user ?? "") : (me.projects[0] ?? ""));
    const since = place.query.get("since") ?? "30d";
    const until = place.query.get("until") ?? "";
    const values = splits[kind];
    const by = values.some(([value]) => value === place.query.get("by")) ? place.query.get("by")! : values[0]![0];
    const allocations = el("section", {});
    const figures = el("section", {});
    const burn = new Chart();
    let chart: Chart | undefined;
    const stops = [
        fill(allocations, async (signal) => {
            const answer = await ask<{ rows: Allocation[] }>("allocations", { [kind]: name }, signal);
            const own = answer.rows.filter((a) => a.subject === kind && a.name === name);
            const first = own[0];
            return [
                el("h2", {}, "Allocations"),
                allocationList(own),
                first ? await burnDown(kind, first, burn, signal) : el("span"),
            ];
        }),
        showHistory(figures, { [kind]: name, since, until: until || undefined }, by, (made) => (chart = made)),
        () => burn.done(),
    ];

    return {
        title: `${kind === "user" ? "User" : "Project"} ${harmless(name)}`,
        element: el("div", {}, allocations, rangePicker(since, until), el("div", { class: "settings" }, choice("By", "by", values, by)), figures),
        done: () => stops.forEach((stop) => stop()),
        restyle: () => {
            burn.redraw();
            chart?.redraw();
        },
    };
}

export const user: Make = (place, me) => make("user", place, me);
export const project: Make = (place, me) => make("project", place, me);

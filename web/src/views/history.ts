// What was moved in a range of time: stacked by a dimension, with the same figures as a table and as CSV.
import { askAll, download, type Query, type Report, type Row } from "../api";
import { Chart, type Series } from "../chart";
import { el, harmless } from "../dom";
import { bytes, Clock, count } from "../format";
import { change, link } from "../router";
import { Table, type Column } from "../table";
import { choice, coverage, fill, trouble, type Make } from "../view";

const MOST = 7; // series beside "others"; more are not told apart

const ranges: [string, string][] = [
    ["12h", "12 hours"],
    ["today", "today"],
    ["7d", "7 days"],
    ["30d", "30 days"],
    ["90d", "90 days"],
    ["12M", "12 months"],
    ["5y", "5 years"],
];

const dimensions: [string, string][] = [
    ["user", "user"],
    ["project", "project"],
    ["class", "class"],
    ["proto", "protocol"],
];

const periods: [string, string][] = [
    ["", "fitting"],
    ["5min", "5 minutes"],
    ["hour", "hours"],
    ["day", "days"],
    ["week", "weeks"],
    ["month", "months"],
];

const keys: Record<string, string> = { proto: "protocol" };

export function nameOf(row: Row, by: string): string {
    const value = row[keys[by] ?? by];
    return value === null || value === undefined ? "(others)" : String(value);
}

// The largest get a colour each, the rest one together.
export function seriesOf(report: Report, by: string): { times: number[]; series: Series[] } {
    // a period ends where it ends, whether or not there is another one: between them nothing moved
    const times = [...new Set(report.rows.flatMap((r) => [r.since ?? 0, r.until ?? r.since ?? 0]))].sort((a, b) => a - b);
    const place = new Map(times.map((t, i) => [t, i]));
    const sums = new Map<string, number>();
    for (const row of report.rows) sums.set(nameOf(row, by), (sums.get(nameOf(row, by)) ?? 0) + row.total_bytes);
    const largest = [...sums].sort((a, b) => b[1] - a[1]).map(([name]) => name);
    const own = new Set(largest.slice(0, MOST));
    const values = new Map<string, number[]>();
    for (const row of report.rows) {
        const name = own.has(nameOf(row, by)) ? nameOf(row, by) : "others";
        if (!values.has(name)) values.set(name, new Array<number>(times.length).fill(0));
        const list = values.get(name)!;
        const index = place.get(row.since ?? 0)!;
        list[index] = (list[index] ?? 0) + row.total_bytes;
    }
    const series = [...values].map(([label, list]) => ({ label: harmless(label), values: list }));
    return { times, series };
}

function sumUp(report: Report, by: string): Row[] {
    const sums = new Map<string, Row>();
    for (const row of report.rows) {
        const name = nameOf(row, by);
        const sum = sums.get(name) ?? { name, tx_bytes: 0, rx_bytes: 0, tx_packets: 0, rx_packets: 0, total_bytes: 0 };
        sum.tx_bytes += row.tx_bytes;
        sum.rx_bytes += row.rx_bytes;
        sum.tx_packets = (sum.tx_packets ?? 0) + (row.tx_packets ?? 0);
        sum.rx_packets = (sum.rx_packets ?? 0) + (row.rx_packets ?? 0);
        sum.total_bytes += row.total_bytes;
        sums.set(name, sum);
    }
    return [...sums.values()];
}

export function columns(by: string): Column<Row>[] {
    const number = (title: string, key: keyof Row, format: (value: number) => string): Column<Row> => ({
        title,
        text: (row) => format(Number(row[key] ?? 0)),
        order: (row) => Number(row[key] ?? 0),
        number: true,
    });
    return [
        {
            title: by,
            text: (row) => String(row["name"]),
            href: (row) =>
                (by === "user" || by === "project") && !String(row["name"]).startsWith("(")
                    ? link([by, String(row["name"])])
                    : null,
        },
        number("tx", "tx_bytes", bytes),
        number("rx", "rx_bytes", bytes),
        number("tx packets", "tx_packets", count),
        number("rx packets", "rx_packets", count),
        number("total", "total_bytes", bytes),
    ];
}

// A report is not paged, and has one row for all time unless a period is asked for.
function whole(question: Query): Query {
    return question["period"] ? {} : { period: "day" };
}

// The chart and the table of a question, which other views have too. Returns what ends it.
export function showHistory(place: HTMLElement, question: Query, by: string, onChart: (chart: Chart) => void): () => void {
    const chart = new Chart();
    onChart(chart);
    const stop = fill(place, async (signal) => {
        const report = await askAll("history", { ...question, by }, signal);
        const clock = new Clock(report.timezone);
        const table = new Table<Row>(`Sums by ${by}`, columns(by), { sort: 5 });
        const { times, series } = seriesOf(report, by);
        const since = report.effective_since ?? report.since;
        const until = report.effective_until ?? report.until;
        table.set(sumUp(report, by));
        if (times.length)
            chart.set({
                title: `Bytes moved over time by ${by}; the table below has the sums`,
                times,
                series,
                stacked: true,
                zone: clock.zone,
                onRange: (from, to) => change({ since: `@${from}`, until: `@${to}` }),
            });
        return [
            el("p", {}, `${clock.at(since)} to ${clock.at(until)} (${report.timezone}): ${bytes(report.totals.total_bytes)}`),
            coverage(report.coverage, report.gaps),
            times.length ? chart.element : el("p", {}, "Nothing was booked in this time."),
            report.next ? el("p", { class: "trouble" }, "There is more than fits here: choose a shorter range or longer periods.") : el("span"),
            el("p", {}, el("button", { type: "button", click: () => void download("report", { ...question, ...whole(question), by, format: "csv" }, "pdtt.csv").catch(trouble) }, "Download as CSV")),
            table.element,
        ];
    });
    return () => {
        stop();
        chart.done();
    };
}

function submitRange(event: Event): void {
    event.preventDefault();
    const form = new FormData(event.target as HTMLFormElement);
    change({ since: String(form.get("since") ?? ""), until: String(form.get("until") ?? "") });
}

export function rangePicker(since: string, until: string): HTMLElement {
    const presets = el(
        "div",
        { class: "presets", role: "group", "aria-label": "Range" },
        ...ranges.map(([value, text]) =>
            el(
                "button",
                { type: "button", "aria-pressed": String(value === since && !until), click: () => change({ since: value, until: "" }) },
                text,
            ),
        ),
    );
    const form = el(
        "form",
        { class: "range", submit: submitRange },
        el("label", {}, "From ", el("input", { name: "since", value: since, size: 12, title: "30d, 2026-11, 2026-11-01 10:00, yesterday" })),
        el("label", {}, "to ", el("input", { name: "until", value: until, size: 12, placeholder: "now" })),
        el("button", { type: "submit" }, "Show"),
    );
    return el("div", {}, presets, form);
}

export const history: Make = (place) => {
    const since = place.query.get("since") ?? "7d";
    const until = place.query.get("until") ?? "";
    const by = dimensions.some(([name]) => name === place.query.get("by")) ? place.query.get("by")! : "user";
    const period = place.query.get("period") ?? "";
    const figures = el("div", {});
    let chart: Chart | undefined;
    const done = showHistory(
        figures,
        { since, until: until || undefined, period: period || undefined },
        by,
        (made) => (chart = made),
    );

    return {
        title: "History",
        element: el(
            "div",
            {},
            rangePicker(since, until),
            el("div", { class: "settings" }, choice("By", "by", dimensions, by), choice("in", "period", periods, period)),
            figures,
        ),
        done,
        restyle: () => chart?.redraw(),
    };
};

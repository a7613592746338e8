// Who fills the link now.
import { follow, type Current, type LiveRow } from "../api";
import { Chart } from "../chart";
import { el } from "../dom";
import { bytes, rate } from "../format";
import { link } from "../router";
import { Table } from "../table";
import { choice, type Make } from "../view";

const PAST = 120;

const headings: [string, string][] = [
    ["user", "user"],
    ["process", "process"],
    ["project", "project"],
    ["remote", "remote address"],
    ["connection", "connection"],
    ["unit", "unit"],
    ["class", "class"],
];

function target(by: string, row: LiveRow): string | null {
    if (row.name.startsWith("(")) return null;
    return by === "user" || by === "project" ? link([by, row.name]) : null;
}

export const now: Make = (place) => {
    const by = headings.some(([name]) => name === place.query.get("by")) ? place.query.get("by")! : "user";
    const state = el("p", { class: "state", role: "status" }, "Connecting …");
    const pause = el("button", { type: "button", "aria-pressed": "false" }, "Pause");
    const chart = new Chart();
    const withUser = by === "process" || by === "remote" || by === "connection";
    const table = new Table<LiveRow>(
        `Rates by ${by}`,
        [
            { title: headings.find(([name]) => name === by)![1], text: (r) => r.name, href: (r) => target(by, r) },
            ...(withUser ? [{ title: "user", text: (r: LiveRow) => r.user ?? "" }] : []),
            { title: "rx/s", text: (r) => rate(r.rx_rate), order: (r) => r.rx_rate, number: true },
            { title: "tx/s", text: (r) => rate(r.tx_rate), order: (r) => r.tx_rate, number: true },
            { title: "both/s", text: (r) => rate(r.rx_rate + r.tx_rate), order: (r) => r.rx_rate + r.tx_rate, number: true },
            { title: "since seen", text: (r) => bytes(r.rx_bytes + r.tx_bytes), order: (r) => r.rx_bytes + r.tx_bytes, number: true },
        ],
        { sort: withUser ? 4 : 3 },
    );
    const times: number[] = [];
    const rx: number[] = [];
    const tx: number[] = [];
    let paused = false;

    pause.addEventListener("click", () => {
        paused = !paused;
        pause.textContent = paused ? "Go on" : "Pause";
        pause.setAttribute("aria-pressed", String(paused));
    });

    const show = (current: Current) => {
        times.push(current.at);
        rx.push(current.sum.rx_rate);
        tx.push(current.sum.tx_rate);
        for (const list of [times, rx, tx]) list.splice(0, list.length - PAST);
        if (paused) return;
        const more = current.left_out ? `; ${current.left_out} more rows` : "";
        state.textContent = `All together: ${rate(current.sum.rx_rate)} in, ${rate(current.sum.tx_rate)} out${more}`;
        table.set(current.rows);
        chart.set({
            title: `Rates of the last ${PAST} seconds`,
            times,
            rates: true,
            series: [
                { label: "in", values: rx },
                { label: "out", values: tx },
            ],
        });
    };

    const stop = follow({ by, project: place.query.get("project") ?? undefined, limit: 1000 }, show, (why) => {
        state.textContent = `Nothing new: ${why}; trying again …`;
    });

    return {
        title: "Now",
        element: el("div", {}, el("div", { class: "settings" }, choice("By", "by", headings, by), pause), state, chart.element, table.element),
        done: () => {
            stop();
            chart.done();
        },
        restyle: () => chart.redraw(),
    };
};

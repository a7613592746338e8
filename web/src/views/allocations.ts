// Every allocation that the reader may see.
import { ask, type Allocation } from "../api";
import { el } from "../dom";
import { link } from "../router";
import { Table } from "../table";
import { bytes, percent } from "../format";
import { fill, type Make } from "../view";

export const allocations: Make = () => {
    const place = el("div", {});
    const stop = fill(place, async (signal) => {
        const answer = await ask<{ rows: Allocation[] }>("allocations", { limit: 1000 }, signal);
        const table = new Table<Allocation>(
            "Allocations",
            [
                { title: "name", text: (a) => a.name, href: (a) => link([a.subject, a.name]) },
                { title: "period", text: (a) => a.period },
                { title: "used", text: (a) => bytes(a.used_bytes), order: (a) => a.used_bytes, number: true },
                { title: "limit", text: (a) => bytes(a.limit_bytes), order: (a) => a.limit_bytes, number: true },
                { title: "%", text: (a) => percent(a.used_percent), order: (a) => a.used_percent ?? -1, number: true },
                { title: "state", text: (a) => a.state },
                { title: "forecast", text: (a) => (a.forecast_bytes === null ? "–" : bytes(a.forecast_bytes)), order: (a) => a.forecast_bytes ?? -1, number: true },
            ],
            { sort: 4 },
        );
        table.set(answer.rows);
        return answer.rows.length ? table.element : el("p", {}, "No allocation is configured; see allocation in pdtt.conf(5).");
    });
    return { title: "Allocations", element: place, done: stop };
};

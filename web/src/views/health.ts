// Whether the figures can be believed: is it counting, how much was counted, what was lost.
import { ask, type Health, type Report } from "../api";
import { el, harmless } from "../dom";
import { bytes, Clock } from "../format";
import { Table } from "../table";
import { coverage, fill, type Make } from "../view";

interface Fact {
    name: string;
    value: string;
}

// Whatever the collector tells of itself, nested names joined by dots.
function facts(object: Record<string, unknown>, before = ""): Fact[] {
    return Object.entries(object).flatMap(([name, value]) => {
        if (value !== null && typeof value === "object" && !Array.isArray(value))
            return facts(value as Record<string, unknown>, `${before}${name}.`);
        return [{ name: before + name, value: Array.isArray(value) ? JSON.stringify(value) : String(value) }];
    });
}

const words: Record<string, string> = { ok: "Counting", degraded: "Counting, with trouble", down: "Not counting" };

export const health: Make = () => {
    const place = el("div", {});
    const load = () =>
        fill(place, async (signal) => {
            const [state, month] = await Promise.all([
                ask<Health>("health", {}, signal),
                ask<Report>("report", { since: "30d", by: "host" }, signal),
            ]);
            const clock = new Clock(month.timezone);
            const table = new Table<Fact>(
                "The collector",
                [
                    { title: "what", text: (f) => f.name },
                    { title: "value", text: (f) => f.value },
                ],
                { sort: 0, ascending: true },
            );
            const gaps = new Table<NonNullable<Report["gaps"]>[number]>(
                "Gaps of the last 30 days",
                [
                    { title: "from", text: (g) => clock.at(g.since), order: (g) => g.since },
                    { title: "to", text: (g) => clock.at(g.until), order: (g) => g.until },
                    { title: "why", text: (g) => g.reason },
                ],
                { sort: 0, search: false },
            );
            table.set(state.pdttd ? facts(state.pdttd) : []);
            gaps.set(month.gaps ?? []);
            return [
                el("p", { class: `lamp ${state.status}` }, `${words[state.status] ?? harmless(state.status)} on ${harmless(month.host)}`),
                el(
                    "p",
                    {},
                    `Database: ${state.database.bytes === null ? "size not known" : bytes(state.database.bytes)}, last booked ${state.database.last_booked ? clock.at(state.database.last_booked) : "never"}`,
                ),
                coverage(month.coverage, month.gaps),
                state.pdttd ? table.element : el("p", { class: state.status === "down" ? "trouble" : "quiet" }, state.status === "down" ? "pdttd does not answer." : "Its figures are for administrators."),
                gaps.element,
            ];
        });
    let stop = load();
    const timer = window.setInterval(() => {
        stop();
        stop = load();
    }, 30000);

    return {
        title: "Health",
        element: place,
        done: () => {
            stop();
            window.clearInterval(timer);
        },
    };
};

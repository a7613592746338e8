// What stands beside the axes of a chart: bytes at powers of two, and times as the reader's language writes them, in the site's zone.
import type uPlot from "uplot";

const minute = 60;
const hour = 60 * minute;
const day = 24 * hour;
const month = 30 * day; // as uPlot names the steps that it takes by the calendar
const year = 365 * day;

export const powersOfTwo = Array.from({ length: 63 }, (_, i) => 2 ** i);
export const spans = [
    ...[1, 5, 10, 15, 30],
    ...[1, 5, 10, 15, 30].map((n) => n * minute),
    ...[1, 2, 3, 4, 6, 8, 12].map((n) => n * hour),
    ...[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 15].map((n) => n * day),
    ...[1, 2, 3, 4, 6].map((n) => n * month),
    ...[1, 2, 5, 10].map((n) => n * year),
];

// The short text of a tick for steps of so many seconds, and below it what the ticks up to the next other one have in common.
function styles(step: number): [Intl.DateTimeFormatOptions, Intl.DateTimeFormatOptions | null] {
    if (step >= year) return [{ year: "numeric" }, null];
    if (step >= month) return [{ month: "short" }, { year: "numeric" }];
    if (step >= day) return [{ day: "numeric", month: "short" }, { year: "numeric" }];
    if (step >= minute) return [{ hour: "numeric", minute: "2-digit" }, { day: "numeric", month: "short" }];
    return [{ hour: "numeric", minute: "2-digit", second: "2-digit" }, { day: "numeric", month: "short" }];
}

export function timeLabels(timeZone: string): uPlot.Axis.DynamicValues {
    return (_, ticks, __, ___, step) => {
        const [short, common] = styles(step).map((style) => (style ? new Intl.DateTimeFormat(undefined, { ...style, timeZone }) : null));
        let last = "";
        return ticks.map((tick) => {
            const moment = new Date(tick * 1000);
            const below = common?.format(moment) ?? "";
            const told = below === last ? "" : `\n${below}`;
            last = below;
            return short!.format(moment) + told;
        });
    };
}

// Charts over time with uPlot: lines for what is live, stacked steps for what was booked.
import uPlot from "uplot";
import { powersOfTwo, spans, timeLabels } from "./axis";
import { el } from "./dom";
import { bytes, Clock, rate } from "./format";

export interface Series {
    label: string;
    values: (number | null)[];
}

export interface ChartOptions {
    title: string; // for who cannot see it
    times: number[]; // epoch seconds
    series: Series[];
    stacked?: boolean;
    rates?: boolean;
    zone?: string;
    limit?: { label: string; value: number }; // a line across
    onRange?: (since: number, until: number) => void; // a range was drawn with the pointer
}

// Told apart in both themes and by people who see few colours (Okabe and Ito, darkened or lightened to 3:1).
const palette = ["--s1", "--s2", "--s3", "--s4", "--s5", "--s6", "--s7", "--s8"];

// A canvas takes no variables, and of two colours not the one of the theme: an element does.
function colour(name: string): string {
    const probe = el("span");
    probe.style.color = `var(${name})`;
    document.body.append(probe);
    const found = getComputedStyle(probe).color;
    probe.remove();
    return found;
}

// Each series on top of those before it; gaps count as nothing.
function stack(series: Series[]): number[][] {
    const sums = new Array<number>(series[0]?.values.length ?? 0).fill(0);
    return series.map((s) => s.values.map((value, i) => (sums[i] = (sums[i] ?? 0) + (value ?? 0))));
}

function chartSeries(options: ChartOptions): uPlot.Series[] {
    return options.series.map((s, i) => {
        const stroke = colour(palette[i % palette.length]!);
        return {
            label: s.label,
            stroke,
            width: options.stacked ? 1 : 2,
            fill: options.stacked ? stroke : undefined,
            paths: options.stacked ? uPlot.paths.stepped!({ align: 1 }) : undefined,
            points: { show: false },
            value: (_: uPlot, __: number, ___: number, index: number | null) => {
                const value = index === null ? null : s.values[index];
                return value === null || value === undefined ? "–" : options.rates ? rate(value) : bytes(value);
            },
        } as uPlot.Series;
    });
}

export class Chart {
    readonly element: HTMLElement;
    private plot: uPlot | null = null;
    private readonly place: HTMLElement;
    private readonly resize: ResizeObserver;
    private options: ChartOptions | null = null;

    constructor() {
        this.place = el("div", { class: "plot" });
        this.element = el("figure", { class: "chart" }, this.place);
        this.resize = new ResizeObserver(() => this.plot?.setSize(this.size()));
        this.resize.observe(this.element);
    }

    done(): void {
        this.resize.disconnect();
        this.plot?.destroy();
        this.plot = null;
    }

    private size(): { width: number; height: number } {
        return { width: Math.max(200, this.element.clientWidth), height: window.innerWidth < 600 ? 200 : 280 };
    }

    private data(options: ChartOptions): uPlot.AlignedData {
        const values = options.stacked ? stack(options.series) : options.series.map((s) => s.values);
        // the tallest is drawn first, or it would hide the others
        if (options.stacked) values.reverse();
        const rows: (number | null)[][] = values;
        if (options.limit) rows.push(options.times.map(() => options.limit!.value));
        return [options.times, ...rows] as uPlot.AlignedData;
    }

    set(options: ChartOptions): void {
        const same =
            this.options?.series.map((s) => s.label).join("\n") === options.series.map((s) => s.label).join("\n") &&
            this.options?.limit?.label === options.limit?.label;
        this.options = options;
        this.place.setAttribute("role", "img");
        this.place.setAttribute("aria-label", options.title);
        if (this.plot && same && !options.stacked) {
            this.plot.setData(this.data(options));
            return;
        }
        this.plot?.destroy();
        this.plot = new uPlot(this.describe(options), this.data(options), this.place);
    }

    redraw(): void {
        if (!this.options) return;
        const options = this.options;
        this.options = null;
        this.plot?.destroy();
        this.plot = null;
        this.set(options);
    }

    private describe(options: ChartOptions): uPlot.Options {
        const ink = colour("--ink");
        const grid = { stroke: colour("--line"), width: 1 };
        const series = chartSeries(options);
        const clock = new Clock(options.zone ?? Intl.DateTimeFormat().resolvedOptions().timeZone);
        if (options.stacked) series.reverse();
        if (options.limit)
            series.push({ label: options.limit.label, stroke: colour("--bad"), width: 2, dash: [6, 4], points: { show: false },
                value: () => bytes(options.limit!.value) });
        return {
            ...this.size(),
            tzDate: (ts) => uPlot.tzDate(new Date(ts * 1000), clock.zone),
            cursor: { drag: { x: !!options.onRange, y: false } },
            legend: { live: true },
            scales: { y: { range: (_, __, max) => [0, max > 0 ? max * 1.05 : 1] } },
            axes: [
                { stroke: ink, grid, ticks: grid, space: 90, incrs: spans, values: timeLabels(clock.zone) },
                {
                    stroke: ink,
                    grid,
                    ticks: grid,
                    size: 84,
                    incrs: powersOfTwo,
                    values: (_, ticks) => ticks.map((t) => (options.rates ? `${bytes(t)}/s` : bytes(t))),
                },
            ],
            series: [{ label: "Time", value: (_, at) => (at === null ? "–" : clock.at(at)) }, ...series],
            hooks: {
                setSelect: [
                    (plot) => {
                        if (!options.onRange || plot.select.width < 4) return;
                        const since = plot.posToVal(plot.select.left, "x");
                        const until = plot.posToVal(plot.select.left + plot.select.width, "x");
                        options.onRange(Math.floor(since), Math.ceil(until));
                    },
                ],
            },
        };
    }
}

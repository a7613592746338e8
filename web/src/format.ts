// Numbers and times as the reader's language writes them.

const steps = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
const three = new Intl.NumberFormat(undefined, { maximumSignificantDigits: 3, useGrouping: false });
const whole = new Intl.NumberFormat();

export function bytes(value: number): string {
    let size = Math.abs(value);
    let step = 0;
    while (size >= 1023.5 && step + 1 < steps.length) {
        size /= 1024;
        step++;
    }
    const text = size >= 999.5 ? whole.format(Math.round(size)) : three.format(size);
    return `${value < 0 ? "−" : ""}${text} ${steps[step]}`;
}

export function rate(value: number): string {
    return value < 0.5 ? "–" : `${bytes(value)}/s`;
}

export function count(value: number): string {
    return whole.format(value);
}

export function percent(value: number | null): string {
    return value === null ? "–" : `${new Intl.NumberFormat(undefined, { maximumFractionDigits: 2 }).format(value)} %`;
}

// Days and months are those of the site that keeps the database. A zone that this browser does not know is shown as UTC.
export class Clock {
    private readonly moment: Intl.DateTimeFormat;
    readonly zone: string;

    constructor(zone: string) {
        this.zone = Clock.known(zone) ? zone : "UTC";
        this.moment = new Intl.DateTimeFormat(undefined, {
            dateStyle: "medium",
            timeStyle: "short",
            timeZone: this.zone,
        });
    }

    private static known(zone: string): boolean {
        try {
            new Intl.DateTimeFormat(undefined, { timeZone: zone });
            return zone !== "";
        } catch {
            return false;
        }
    }

    at(seconds: number): string {
        return this.moment.format(new Date(seconds * 1000));
    }
}

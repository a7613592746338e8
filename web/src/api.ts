// What pdtt-serve answers. Names are those of its JSON; see /api/v1/openapi.json.

export interface Me {
    user: string | null;
    uid: number | null; // null: a token of an administrator
    admin: boolean;
    projects: string[];
    host: string;
    version: string;
}

export interface Bytes {
    tx_bytes: number;
    rx_bytes: number;
    tx_packets?: number;
    rx_packets?: number;
    total_bytes: number;
}

export interface Row extends Bytes {
    [dimension: string]: unknown;
    period?: string;
    since?: number;
    until?: number;
}

export interface Coverage {
    expected: number;
    seen: number;
    percent: number | null;
}

export interface Gap {
    since: number;
    until: number;
    reason: string;
}

export interface Report {
    host: string;
    timezone: string;
    since: number;
    until: number;
    effective_since?: number;
    effective_until?: number;
    coverage: Coverage;
    gaps?: Gap[];
    rows: Row[];
    next?: string | null;
    totals: Bytes;
}

export interface Allocation {
    subject: "project" | "user";
    name: string;
    period: string;
    since: number;
    until: number;
    classes: string | null;
    counts: string;
    direction: string;
    limit_bytes: number;
    used_bytes: number;
    remaining_bytes: number;
    used_percent: number | null;
    forecast_bytes: number | null;
    state: string;
    forecast_basis: string;
}

export interface LiveRow {
    name: string;
    user?: string | null;
    rx_rate: number;
    tx_rate: number;
    rx_bytes: number;
    tx_bytes: number;
}

export interface Current {
    at: number;
    since: number;
    interval_sec: number;
    left_out: number;
    by: string;
    rows: LiveRow[];
    sum: Omit<LiveRow, "name">;
}

export interface Health {
    status: string;
    pdttd: Record<string, unknown> | null;
    database: { bytes: number | null; last_booked: number | null };
    coverage: Coverage;
}

// A refusal in the words of the server: RFC 9457.
export class Problem extends Error {
    constructor(
        readonly status: number,
        readonly title: string,
        detail: string,
    ) {
        super(detail || title);
    }
}

export type Query = Record<string, string | number | boolean | undefined>;

export function url(path: string, query: Query = {}): string {
    const text = new URLSearchParams();
    for (const [name, value] of Object.entries(query))
        if (value !== undefined && value !== "") text.set(name, String(value));
    const tail = text.toString();
    return `/api/v1/${path}${tail ? `?${tail}` : ""}`;
}

// On TCP a token says who asks; on a Unix socket behind a proxy nobody needs one. It lasts as long as this tab.
const TOKEN = "pdtt-token";

export function setToken(token: string): void {
    sessionStorage.setItem(TOKEN, token);
}

function headers(more: Record<string, string> = {}): Record<string, string> {
    const token = sessionStorage.getItem(TOKEN);
    return token ? { ...more, authorization: `Bearer ${token}` } : more;
}

async function problemOf(response: Response): Promise<Problem> {
    let title = `${response.status} ${response.statusText}`;
    let detail = "";
    try {
        const problem = (await response.json()) as { title?: string; detail?: string };
        title = problem.title ?? title;
        detail = problem.detail ?? "";
    } catch {
        // an answer of a proxy: its status must do
    }
    return new Problem(response.status, title, detail);
}

export async function ask<T>(path: string, query: Query = {}, signal?: AbortSignal): Promise<T> {
    const response = await fetch(url(path, query), { headers: headers({ accept: "application/json" }), signal: signal ?? null });
    if (!response.ok) throw await problemOf(response);
    return (await response.json()) as T;
}

export const MOST_PAGES = 20;

// All pages of a list, or as many as a browser may be asked to hold: then next is not null.
export async function askAll(path: string, query: Query, signal?: AbortSignal): Promise<Report> {
    const report = await ask<Report>(path, { ...query, limit: 1000 }, signal);
    for (let page = 1; report.next && page < MOST_PAGES; page++) {
        const more = await ask<Report>(path, { ...query, since: undefined, until: undefined, limit: 1000, cursor: report.next }, signal);
        report.rows.push(...more.rows);
        report.next = more.next ?? null;
    }
    return report;
}

// A file for the reader. Not a plain link, which could not say who asks.
export async function download(path: string, query: Query, name: string): Promise<void> {
    const response = await fetch(url(path, query), { headers: headers() });
    if (!response.ok) throw await problemOf(response);
    const link = document.createElement("a");
    link.href = URL.createObjectURL(await response.blob());
    link.download = name;
    link.click();
    window.setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}

// Server-sent events, read by hand because an EventSource cannot say who asks. Calls back with each event's name and data, and
// returns the last id when the stream has ended.
async function readEvents(response: Response, lastId: string, onEvent: (name: string, data: string) => void): Promise<string> {
    const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
    let rest = "";
    for (;;) {
        const { done, value } = await reader.read();
        if (done) return lastId;
        const blocks = (rest + value).split("\n\n");
        rest = blocks.pop()!;
        for (const block of blocks) {
            const field = (name: string) => block.split("\n").find((line) => line.startsWith(`${name}: `))?.slice(name.length + 2);
            lastId = field("id") ?? lastId;
            const data = field("data");
            if (data !== undefined) onEvent(field("event") ?? "message", data);
        }
    }
}

const AGAIN_MS = 2000;

// The live figures until what is returned is called. A stream that ends is begun again where it ended; null: there is none now.
export function follow(query: Query, onCurrent: (current: Current) => void, onTrouble: (trouble: string) => void): () => void {
    const abort = new AbortController();
    let lastId = "";
    const begin = async (): Promise<void> => {
        try {
            const response = await fetch(url("stream", query), {
                headers: headers(lastId ? { "last-event-id": lastId } : {}),
                signal: abort.signal,
                cache: "no-store",
            });
            if (!response.ok) throw await problemOf(response);
            lastId = await readEvents(response, lastId, (name, data) => {
                const told = JSON.parse(data) as Current & { detail?: string };
                if (name === "current") onCurrent(told);
                else onTrouble(told.detail ?? name);
            });
        } catch (error) {
            if (abort.signal.aborted) return;
            onTrouble(error instanceof Problem ? error.message : "no connection to the server");
        }
        window.setTimeout(() => !abort.signal.aborted && void begin(), AGAIN_MS);
    };
    void begin();
    return () => abort.abort();
}

// What every view is: something to show, a title, and an end to what it started.
import type { Me } from "./api";
import { Problem } from "./api";
import { el, harmless, say } from "./dom";
import type { Place } from "./router";
import { change } from "./router";
import type { Coverage, Gap } from "./api";
import { percent } from "./format";

export interface View {
    title: string;
    element: HTMLElement;
    done?: () => void;
    restyle?: () => void; // the theme has changed
}

export type Make = (place: Place, me: Me) => View;

export function trouble(error: unknown): HTMLElement {
    if (error instanceof DOMException && error.name === "AbortError") return el("p");
    const text = error instanceof Problem ? `${error.title}: ${error.message}` : `The server cannot be reached: ${String(error)}`;
    say(text);
    return el("p", { class: "trouble", role: "alert" }, harmless(text));
}

// Fills a place when the answer has come, or says why none came. Returns the way to call it off.
export function fill(place: HTMLElement, make: (signal: AbortSignal) => Promise<Node | Node[]>): () => void {
    const abort = new AbortController();
    place.setAttribute("aria-busy", "true");
    make(abort.signal)
        .then((nodes) => place.replaceChildren(...(Array.isArray(nodes) ? nodes : [nodes])))
        .catch((error: unknown) => {
            if (!abort.signal.aborted) place.replaceChildren(trouble(error));
        })
        .finally(() => place.removeAttribute("aria-busy"));
    return () => abort.abort();
}

export function choice(label: string, setting: string, values: [string, string][], chosen: string): HTMLElement {
    const select = el(
        "select",
        { change: (e) => change({ [setting]: (e.target as HTMLSelectElement).value }) },
        ...values.map(([value, text]) => el("option", { value, selected: value === chosen }, text)),
    );
    return el("label", {}, `${label} `, select);
}

export function coverage(c: Coverage, gaps: Gap[] = []): HTMLElement {
    if (!c.expected) return el("p", { class: "coverage" }, "Nothing was counted in this time.");
    const text = `Counted ${percent(c.percent)} of this time`;
    const why = gaps.length ? `: ${gaps.length} ${gaps.length === 1 ? "gap" : "gaps"} (${[...new Set(gaps.map((g) => g.reason))].join(", ")})` : "";
    return el("p", { class: (c.percent ?? 0) < 99 ? "coverage bad" : "coverage" }, harmless(text + why));
}

import { ask, Problem, setToken, type Me } from "./api";
import { el, harmless } from "./dom";
import { here, link } from "./router";
import { trouble, type Make, type View } from "./view";
import { allocations } from "./views/allocations";
import { health } from "./views/health";
import { history } from "./views/history";
import { now } from "./views/now";
import { project, user } from "./views/subject";

// The first word of the address, what it shows, and its name in the menu. The figure is the key that goes there.
const views: [string, Make, string][] = [
    ["now", now, "Now"],
    ["history", history, "History"],
    ["user", user, "User"],
    ["project", project, "Project"],
    ["allocations", allocations, "Allocations"],
    ["health", health, "Health"],
];

let shown: View | null = null;

function show(me: Me): void {
    const place = here();
    const [name, make] = views.find(([view]) => view === place.path[0]) ?? views[0]!;
    const main = document.getElementById("view")!;
    shown?.done?.();
    shown = make(place, me);
    document.title = `${shown.title} – PDTT`;
    main.replaceChildren(el("h1", {}, shown.title), shown.element);
    document.querySelectorAll("#views a").forEach((a) => {
        if (a.getAttribute("data-view") === name) a.setAttribute("aria-current", "page");
        else a.removeAttribute("aria-current");
    });
}

// auto follows the system; the choice is this browser's.
function setTheme(theme: string): void {
    document.documentElement.dataset["theme"] = theme;
    document.getElementById("theme")!.textContent = `Theme: ${theme}`;
    try {
        localStorage.setItem("pdtt-theme", theme);
    } catch {
        // a browser that keeps nothing
    }
    shown?.restyle?.();
}

function storedTheme(): string {
    try {
        return localStorage.getItem("pdtt-theme") ?? "auto";
    } catch {
        return "auto";
    }
}

function menu(): void {
    document.getElementById("views")!.replaceChildren(
        ...views.map(([name, , title], i) => el("a", { href: link([name]), "data-view": name, title: `key ${i + 1}` }, title)),
    );
    const themes = ["auto", "light", "dark"];
    document.getElementById("theme")!.addEventListener("click", () => {
        const current = document.documentElement.dataset["theme"] ?? "auto";
        setTheme(themes[(themes.indexOf(current) + 1) % themes.length]!);
    });
    document.addEventListener("keydown", (event) => {
        const target = event.target as HTMLElement;
        if (event.ctrlKey || event.metaKey || event.altKey || /^(INPUT|SELECT|TEXTAREA)$/.test(target.tagName)) return;
        const view = views[Number(event.key) - 1];
        if (view) location.hash = link([view[0]]);
        if (event.key === "/") {
            document.querySelector<HTMLInputElement>('input[type="search"]')?.focus();
            event.preventDefault();
        }
    });
}

// Where no proxy says who somebody is.
function signIn(): Node[] {
    const input = el("input", { type: "password", name: "token", autocomplete: "off", size: 40 });
    const form = el(
        "form",
        {
            class: "range",
            submit: (event) => {
                event.preventDefault();
                setToken(input.value.trim());
                void enter();
            },
        },
        el("label", {}, "Token ", input),
        el("button", { type: "submit" }, "Enter"),
    );
    return [
        el("h1", {}, "Who are you?"),
        el("p", {}, "This server needs a token. An administrator makes one: pdtt-serve --new-token user:NAME"),
        form,
    ];
}

async function start(): Promise<void> {
    menu();
    setTheme(storedTheme());
    window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => shown?.restyle?.());
    await enter();
}

async function enter(): Promise<void> {
    try {
        const me = await ask<Me>("me");
        document.getElementById("host")!.textContent = harmless(me.host);
        document.getElementById("who")!.textContent = harmless((me.user ?? "") + (me.admin ? " (sees all)" : ""));
        window.addEventListener("hashchange", () => show(me));
        show(me);
    } catch (error) {
        const nobody = error instanceof Problem && error.status === 401;
        document.getElementById("view")!.replaceChildren(...(nobody ? signIn() : [trouble(error)]));
    }
}

void start();

// A table that can be sorted by each column, searched and paged: ten thousand rows cost the browser a hundred.
import { el, harmless } from "./dom";

export interface Column<T> {
    title: string;
    text: (row: T) => string;
    order?: (row: T) => number | string; // what it is sorted by; without it the text
    number?: boolean;
    href?: (row: T) => string | null;
    cell?: (row: T) => Node;
}

const PAGE = 100;

// Made once: localeCompare() with options makes one for each comparison, and 10,000 names take 130,000 of these.
const collator = new Intl.Collator(undefined, { numeric: true });

export class Table<T> {
    readonly element: HTMLElement;
    private rows: T[] = [];
    private shown: T[] = [];
    private page = 0;
    private sorted: number;
    private ascending = false;
    private filter = "";
    private readonly head: HTMLTableRowElement;
    private readonly body: HTMLTableSectionElement;
    private readonly pages: HTMLElement;

    constructor(
        caption: string,
        private readonly columns: Column<T>[],
        options: { sort?: number; ascending?: boolean; search?: boolean } = {},
    ) {
        this.sorted = options.sort ?? 0;
        this.ascending = options.ascending ?? false;
        this.head = el("tr");
        this.body = el("tbody");
        this.pages = el("p", { class: "pages" });
        const search =
            options.search !== false &&
            el("label", { class: "search" }, "Search ", el("input", { type: "search", input: (e) => this.search(e) }));
        this.element = el(
            "section",
            { class: "table" },
            search,
            el(
                "div",
                { class: "scroll", tabindex: 0, role: "region", "aria-label": caption },
                el("table", {}, el("caption", {}, caption), el("thead", {}, this.head), this.body),
            ),
            this.pages,
        );
        this.drawHead();
    }

    set(rows: T[]): void {
        this.rows = rows;
        this.arrange();
    }

    private search(event: Event): void {
        this.filter = (event.target as HTMLInputElement).value.toLowerCase();
        this.page = 0;
        this.arrange();
    }

    private key(row: T): number | string {
        const column = this.columns[this.sorted]!;
        return column.order ? column.order(row) : column.text(row);
    }

    private arrange(): void {
        const keyed = this.rows
            .filter((row) => !this.filter || this.columns.some((c) => c.text(row).toLowerCase().includes(this.filter)))
            .map((row) => ({ row, key: this.key(row) }));
        const sign = this.ascending ? 1 : -1;
        keyed.sort((a, b) => {
            if (typeof a.key === "number" && typeof b.key === "number") return sign * (a.key - b.key);
            return sign * collator.compare(String(a.key), String(b.key));
        });
        this.shown = keyed.map((k) => k.row);
        this.draw();
    }

    private sortBy(index: number): void {
        if (this.sorted === index) this.ascending = !this.ascending;
        else this.ascending = !this.columns[index]!.number;
        this.sorted = index;
        this.drawHead();
        this.arrange();
        this.head.querySelectorAll("button")[index]?.focus();
    }

    private drawHead(): void {
        this.head.replaceChildren(
            ...this.columns.map((column, index) =>
                el(
                    "th",
                    {
                        scope: "col",
                        class: column.number ? "number" : undefined,
                        "aria-sort": index === this.sorted ? (this.ascending ? "ascending" : "descending") : "none",
                    },
                    el("button", { type: "button", click: () => this.sortBy(index) }, column.title),
                ),
            ),
        );
    }

    private cell(column: Column<T>, row: T): Node | string {
        if (column.cell) return column.cell(row);
        const text = harmless(column.text(row));
        const href = column.href?.(row);
        return href ? el("a", { href }, text) : text;
    }

    private draw(): void {
        const last = Math.max(0, Math.ceil(this.shown.length / PAGE) - 1);
        this.page = Math.min(this.page, last);
        const rows = this.shown.slice(this.page * PAGE, (this.page + 1) * PAGE);
        this.body.replaceChildren(
            ...rows.map((row) =>
                el(
                    "tr",
                    {},
                    ...this.columns.map((column, index) =>
                        el(
                            index === 0 ? "th" : "td",
                            { class: column.number ? "number" : undefined, scope: index === 0 ? "row" : undefined },
                            this.cell(column, row),
                        ),
                    ),
                ),
            ),
        );
        if (rows.length === 0)
            this.body.append(el("tr", {}, el("td", { colspan: this.columns.length }, "Nothing was moved here.")));
        this.drawPages(last);
    }

    private drawPages(last: number): void {
        if (last === 0) {
            this.pages.replaceChildren();
            return;
        }
        const go = (by: number) => () => {
            this.page = Math.min(last, Math.max(0, this.page + by));
            this.draw();
        };
        this.pages.replaceChildren(
            el("button", { type: "button", click: go(-1), disabled: this.page === 0 }, "Back"),
            ` page ${this.page + 1} of ${last + 1}, ${this.shown.length} rows `,
            el("button", { type: "button", click: go(1), disabled: this.page === last }, "On"),
        );
    }
}

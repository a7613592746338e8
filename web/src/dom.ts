// Elements from code. Text from outside only ever becomes a text node, so no name can be markup.

type Child = Node | string | null | undefined | false;
type Attributes = Record<string, string | number | boolean | undefined | ((event: Event) => void)>;

export function el<K extends keyof HTMLElementTagNameMap>(
    tag: K,
    attributes: Attributes = {},
    ...children: Child[]
): HTMLElementTagNameMap[K] {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
        if (typeof value === "function") element.addEventListener(name, value);
        else if (value === true) element.setAttribute(name, "");
        else if (value !== undefined && value !== false) element.setAttribute(name, String(value));
    }
    element.append(...children.filter((child): child is Node | string => child !== null && child !== undefined && child !== false));
    return element;
}

// Control characters and those that turn the direction of text are shown, not obeyed.
export function harmless(text: string): string {
    return text.replace(/[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g, (c) => {
        return `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`;
    });
}

let sayTimer = 0;

// Told to screen readers and shown at the foot of the page for a while.
export function say(text: string): void {
    const place = document.getElementById("said");
    if (!place) return;
    place.textContent = text;
    window.clearTimeout(sayTimer);
    sayTimer = window.setTimeout(() => (place.textContent = ""), 8000);
}

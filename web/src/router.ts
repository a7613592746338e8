// Where the reader is stands behind the # of the address, so that each view with all its settings can be linked to, kept and
// gone back to: #/history?since=30d&by=user

export interface Place {
    path: string[]; // ["user", "alice"]
    query: URLSearchParams;
}

export function here(): Place {
    const [path = "", query = ""] = location.hash.replace(/^#\/?/, "").split("?", 2);
    return { path: path.split("/").filter(Boolean).map(decodeURIComponent), query: new URLSearchParams(query) };
}

export function link(path: string[], query: Record<string, string | undefined> = {}): string {
    const tail = new URLSearchParams();
    for (const [name, value] of Object.entries(query)) if (value) tail.set(name, value);
    const text = tail.toString();
    return `#/${path.map(encodeURIComponent).join("/")}${text ? `?${text}` : ""}`;
}

// Goes to the same view with other settings; "" takes a setting away.
export function change(settings: Record<string, string>): void {
    const place = here();
    for (const [name, value] of Object.entries(settings)) {
        if (value) place.query.set(name, value);
        else place.query.delete(name);
    }
    location.hash = link(place.path, Object.fromEntries(place.query));
}

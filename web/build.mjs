// Bundles the page and writes it as C: node build.mjs PAGE.c. Script and style have names that hold a hash of what is in them,
// so that a browser may keep them for ever. All is compressed here, once.
import { build } from "esbuild";
import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

const here = dirname(fileURLToPath(import.meta.url));
const out = process.argv[2];
if (!out) throw new Error("usage: node build.mjs PAGE.c");

const result = await build({
    entryPoints: [join(here, "src/main.ts"), join(here, "src/style.css")],
    bundle: true,
    minify: true,
    format: "iife",
    target: "es2021",
    outdir: here,
    write: false,
    legalComments: "none",
    logLevel: "warning",
});

const hash = (contents) => createHash("sha256").update(contents).digest("hex").slice(0, 12);
const asset = (suffix, type) => {
    const { contents } = result.outputFiles.find((f) => f.path.endsWith(suffix));
    return { path: `/assets/pdtt-${hash(contents)}${suffix.slice(suffix.lastIndexOf("."))}`, type, contents, kept: true };
};

const script = asset("main.js", "text/javascript; charset=utf-8");
const style = asset("style.css", "text/css; charset=utf-8");
const page = readFileSync(join(here, "src/index.html"), "utf8").replace("{{script}}", script.path).replace("{{style}}", style.path);
const files = [{ path: "/", type: "text/html; charset=utf-8", contents: Buffer.from(page), kept: false }, script, style];

const array = (bytes) => [...bytes].map((b, i) => `${b},${i % 32 === 31 ? "\n" : ""}`).join("");
const text = files.map((file, i) => {
    const packed = gzipSync(file.contents, { level: 9 });
    return {
        data: `static const unsigned char data_${i}[] = {\n${array(packed)}\n};\n`,
        row: `    {"${file.path}", "${file.type}", "\\"${hash(file.contents)}\\"", data_${i}, sizeof(data_${i}), ${file.contents.length}, ${file.kept}},\n`,
    };
});
writeFileSync(
    out,
    `/* Made by web/build.mjs. */\n#include "serve/page.h"\n\n${text.map((t) => t.data).join("")}\n` +
        `const struct page_file page_files[] = {\n${text.map((t) => t.row).join("")}};\nconst size_t page_n_files = ${files.length};\n`,
);

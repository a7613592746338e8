// Looks at the page as a person would, in Chromium: web_page.mjs MODULES SETTINGS.json. Prints "ok - …" and "not ok - …".
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
import { join } from "node:path";

const require = createRequire(join(process.argv[2], "package.json"));
const { chromium } = require("playwright-core");
const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
const s = JSON.parse(readFileSync(process.argv[3], "utf8"));
// As root and on a machine of CI: no sandbox, no card, no little /dev/shm, and nothing asked of its maker.
const BARE =
    "--headless --no-sandbox --disable-gpu --disable-dev-shm-usage --disable-quic --no-first-run --disable-background-networking " +
    "--disable-component-update --disable-sync";
const PATIENCE = 20000 * (Number(process.env.PDTT_TEST_PATIENCE) || 1);

let failures = 0;
function told(sentence, trouble) {
    if (trouble) failures++;
    console.log(trouble ? `not ok - ${sentence}\n#   ${String(trouble).slice(0, 1500).replaceAll("\n", "\n#   ")}` : `ok - ${sentence}`);
}
async function check(sentence, look) {
    try {
        told(sentence, await look());
    } catch (error) {
        told(sentence, error);
    }
}
const until = (page, predicate, argument) => page.waitForFunction(predicate, argument, { timeout: PATIENCE });
const settled = (page) => until(page, () => !document.querySelector("[aria-busy]") && document.querySelector("#view h1"));
const text = (page) => page.locator("#view").innerText();
const lacks = (where, what) => (where.includes(what) ? null : `lacks ${what}: ${where}`);

const strangers = []; // requests to anywhere else, and what the browser complains of
async function visitor(browser, token, options = {}) {
    const context = await browser.newContext({ viewport: { width: 1200, height: 900 }, locale: "en-AU", ...options });
    context.setDefaultTimeout(PATIENCE);
    if (token) await context.addInitScript((t) => sessionStorage.setItem("pdtt-token", t), token);
    const page = await context.newPage();
    page.on("request", (r) => r.url().startsWith(s.url) || r.url().startsWith("data:") || r.url().startsWith("blob:") || strangers.push(r.url()));
    page.on("pageerror", (e) => strangers.push(`error: ${e}`));
    page.on("console", (m) => m.type() === "error" && !/status of 40[134]/.test(m.text()) && strangers.push(`console: ${m.text()}`));
    return page;
}
async function open(page, place) {
    await page.goto(`${s.url}/#/${place}`);
    await page.reload();
    await settled(page);
}

const views = {
    now: "now",
    history: "history?since=30d&by=class",
    users: "user",
    user: `user/${encodeURIComponent(s.alice)}`,
    project: `project/${encodeURIComponent(s.project)}`,
    allocations: "allocations",
    health: "health",
};

// ---- one after the other, each a sentence
async function looksAtEachView(page) {
    await open(page, views.now);
    await check("now: whoever moves something is there", () => until(page, (name) => document.querySelector("#view section.table")?.textContent.includes(name), s.alice).then(() => null));
    await check("now: the figures go on by themselves", async () => {
        const state = () => document.querySelector(".state").textContent;
        const before = await page.evaluate(state);
        await until(page, (was) => document.querySelector(".state").textContent !== was, before);
    });
    await check("now: there is a chart", () => page.locator("#view canvas").first().waitFor());
    await page.waitForTimeout(8000); // for a picture with something in it
    await page.screenshot({ path: join(s.shots, "now.png") });
    await page.selectOption("#view select", "process");
    await check("now: processes are a choice, and in the address", () => page.waitForURL(/by=process/));
    await open(page, "history?since=12h&by=user");
    await check("history: chart and table", async () => {
        await page.locator("#view canvas").waitFor();
        return lacks(await text(page), s.alice) ?? lacks(await text(page), "Counted");
    });
    await check("history: the legend tells the time as the reader writes it", async () => {
        await page.locator(".u-over").hover();
        const legend = await page.locator(".u-legend").innerText();
        return /\d [A-Z][a-z]+ 20\d\d\b/.test(legend) ? null : legend;
    });
    await check("history: a range drawn in the chart is gone to", async () => {
        const box = await page.locator(".u-over").boundingBox();
        await page.mouse.move(box.x + box.width * 0.3, box.y + 50);
        await page.mouse.down();
        await page.mouse.move(box.x + box.width * 0.8, box.y + 60, { steps: 5 });
        await page.mouse.up();
        await page.waitForURL(/since=%40\d+.*until=%40\d+/);
    });
    await open(page, "history?since=12h&by=user&period=5min");
    await page.screenshot({ path: join(s.shots, "history.png") });
    await check("history: the table can be had as CSV", async () => {
        const [file] = await Promise.all([page.waitForEvent("download"), page.click("text=Download as CSV")]);
        return lacks(readFileSync(await file.path(), "utf8"), s.alice);
    });
    await open(page, views.user);
    await check("user: what alice moved", async () => lacks(await text(page), "Sums by class"));
    await open(page, views.project);
    await check("project: its allocation burns down", async () => {
        await page.locator("#view canvas").first().waitFor();
        return lacks(await text(page), "of 1 GiB used");
    });
    await page.screenshot({ path: join(s.shots, "project.png") });
    await open(page, views.allocations);
    await check("allocations: each has a row", async () => lacks(await text(page), s.project));
    await open(page, views.health);
    await check("health: it counts, and what pdttd says of itself", async () => lacks(await text(page), "Counting") ?? lacks(await text(page), "ledger.epoch"));
}

// Milliseconds until the page has done what it was told, and drawn it: the middle of five.
async function took(page, act, argument) {
    const times = [];
    for (let i = 0; i < 5; i++) {
        const begin = await page.evaluateHandle(() => performance.now());
        await page.evaluate(act, argument);
        times.push(await page.evaluate((since) => new Promise((told) => requestAnimationFrame(() => setTimeout(() => told(performance.now() - since)))), begin));
    }
    return times.sort((a, b) => a - b)[2];
}
const press = (column) => document.querySelectorAll("#view thead button")[column].click();
const type = (text) => {
    const input = document.querySelector("#view input[type=search]");
    input.value = text;
    input.dispatchEvent(new Event("input"));
};

// Told, not judged: a time on a machine that others use says nothing. That a page has a hundred rows is what keeps it short.
async function tellsTimes(page) {
    const acts = { "sorted by name": [press, 0], "sorted by total": [press, 5], "searched in vain": [type, "no such name"], "searched no more": [type, ""] };
    for (const [name, [act, argument]] of Object.entries(acts))
        console.log(`#   ${s.users} users ${name} in ${(await took(page, act, argument)).toFixed(0)} ms`);
}

async function looksAtManyUsers(page) {
    await open(page, `${views.users}?since=7d`);
    await check(`${s.users} users are pages of a hundred`, async () => {
        const rows = await page.locator("#view tbody tr").count();
        const all = Number(/page 1 of \d+, (\d+) rows/.exec(await text(page))?.[1]);
        return rows === 100 && all >= s.users ? null : `${rows} rows; ${(await text(page)).slice(-200)}`;
    });
    await tellsTimes(page);
    await page.getByRole("button", { name: "On", exact: true }).click();
    await check("one can turn the page", async () => lacks(await text(page), "page 2 of"));
    await page.fill('input[type="search"]', "<img");
    await check("a name that is markup is text", async () => {
        const found = await text(page);
        const inert = await page.evaluate(() => !window.hacked && !document.querySelector("#view img"));
        return inert ? lacks(found, s.hostile) : "it became an element";
    });
    await page.click("#view tbody a");
    await settled(page);
    await check("and so it is in the page of that user", async () => {
        const inert = await page.evaluate(() => !window.hacked && !document.querySelector("#view img"));
        return inert ? lacks(await page.locator("#view h1").innerText(), s.hostile) : "it became an element";
    });
}

async function usesTheKeyboard(page) {
    await open(page, views.now);
    await page.keyboard.press("2");
    await check("a digit goes to a view", () => page.waitForURL(/#\/history/));
    await until(page, () => document.querySelector("#view h1")?.textContent === "History"); // the address changes before the view does
    await settled(page);
    await page.keyboard.press("/");
    await check("/ goes to the search", async () => ((await page.evaluate(() => document.activeElement.type)) === "search" ? null : "it does not"));
    await page.goBack();
    await check("the way back is the browser's", () => page.waitForURL(/#\/now/));
}

// How bright the labels beside the chart are: the commonest colour there, 0 to 255.
function inkOfLabels() {
    const canvas = document.querySelector("#view canvas");
    const { data } = canvas.getContext("2d").getImageData(0, 0, Math.round(canvas.width * 0.06), canvas.height);
    const seen = new Map();
    for (let i = 0; i < data.length; i += 4) {
        const brightness = Math.round((data[i] + data[i + 1] + data[i + 2]) / 3);
        if (data[i + 3] > 250) seen.set(brightness, (seen.get(brightness) ?? 0) + 1);
    }
    return [...seen].sort((a, b) => b[1] - a[1])[0]?.[0];
}

async function isAccessible(page) {
    for (const theme of ["light", "dark"]) {
        await page.emulateMedia({ colorScheme: theme });
        for (const [name, place] of Object.entries(views)) {
            await open(page, place);
            await check(`${name}, ${theme}: axe finds no serious fault`, async () => {
                await page.evaluate(axe);
                const found = await page.evaluate(() => window.axe.run({ resultTypes: ["violations"] }));
                const serious = found.violations.filter((v) => ["serious", "critical"].includes(v.impact));
                return serious.length ? JSON.stringify(serious.map((v) => [v.id, v.nodes.slice(0, 3).map((n) => n.html + n.failureSummary)])) : null;
            });
        }
    }
    await open(page, views.now);
    await page.locator("#view canvas").first().waitFor();
    await check("a chart is drawn in the colours of the theme", async () => {
        const inks = [];
        for (const theme of ["dark", "light"]) {
            await page.emulateMedia({ colorScheme: theme });
            await page.waitForTimeout(2000);
            inks.push(await page.evaluate(inkOfLabels));
        }
        await page.emulateMedia({ colorScheme: "dark" });
        return inks[0] > 200 && inks[1] < 130 ? null : `text of ${inks[0]} on dark, of ${inks[1]} on light`;
    });
    await check("the theme can be chosen and is kept", async () => {
        const paper = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
        const dark = await paper();
        await page.emulateMedia({ colorScheme: "light" });
        const followed = await paper();
        await page.emulateMedia({ colorScheme: "dark" });
        await page.click("#theme");
        const light = await paper();
        await page.reload();
        await settled(page);
        return light !== dark && (await paper()) === light && followed === light ? null : `${dark} ${light} ${followed}`;
    });
}

async function fitsAPhone(browser) {
    const page = await visitor(browser, s.admin, { viewport: { width: 360, height: 740 } });
    for (const [name, place] of Object.entries(views)) {
        await open(page, place);
        await check(`${name}: fits 360 pixels`, async () => {
            const width = await page.evaluate(() => document.documentElement.scrollWidth);
            return width <= 360 ? null : `${width} pixels wide`;
        });
    }
    await page.context().close();
}

async function isBob(browser) {
    const page = await visitor(browser, s.of_bob);
    for (const [name, place] of Object.entries({ now: "now?by=user", history: "history?since=30d&by=user", user: "user", health: "health" })) {
        await open(page, place);
        await check(`bob reads nothing of alice: ${name}`, async () => {
            await page.waitForTimeout(name === "now" ? 2500 : 0);
            const found = await page.locator("body").innerText();
            return found.includes(s.alice) ? found : lacks(found, s.bob);
        });
    }
    await open(page, views.user);
    await check("and is refused her page in one clear line", async () => lacks(await text(page), "Forbidden") ?? ((await text(page)).includes("MiB") ? await text(page) : null));
    await page.context().close();
}

async function signsIn(browser) {
    const page = await visitor(browser, null);
    await page.goto(s.url);
    await check("who is nobody is asked for a token", () => page.fill('input[name="token"]', s.of_bob));
    await page.click("text=Enter");
    await check("and is let in with it", () => until(page, (name) => document.getElementById("who").textContent === name, s.bob).then(() => null));
    await page.context().close();
}

const browser = await chromium.launch({ executablePath: s.chromium, args: BARE.split(" ") });
try {
    const page = await visitor(browser, s.admin);
    for (const part of [looksAtEachView, looksAtManyUsers, usesTheKeyboard, isAccessible]) await part(page);
    for (const part of [fitsAPhone, isBob, signsIn]) await part(browser);
} catch (error) {
    told("the page can be looked at to the end", error.stack);
}
told("nothing was asked of elsewhere, and the browser complained of nothing", strangers.join("\n"));
await browser.close();
process.exit(failures ? 1 : 0);

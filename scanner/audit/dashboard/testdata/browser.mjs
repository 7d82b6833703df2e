// Drives Chromium over the dashboard. Arguments: folder of node_modules, then
// a JSON of what to do. Each line it writes is one thing that is wrong, as
// "check: what"; nothing means that all is well.
import { createRequire } from "node:module";
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

const [modules, plan] = process.argv.slice(2);
const { url, paths, live, hostile, finding, pictures, tokenURL, token } = JSON.parse(plan);
const require = createRequire(join(modules, "x.js"));
const { chromium } = require("playwright-core");
const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
const wrong = (check, what) => console.log(`${check}: ${what}`);

const browser = await chromium.launch({
  executablePath: "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-quic"],
});

// open makes a page that reports whatever must not happen on any.
async function open(check, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(15_000);
  page.on("console", (m) => { if (m.type() === "error" && !/status of 404/.test(m.text())) wrong(check, `the console says: ${m.text()}`); });
  page.on("pageerror", (e) => wrong(check, `a script throws: ${e}`));
  page.on("dialog", (d) => { wrong(check, `a foreign script runs: ${d.message()}`); d.dismiss(); });
  page.on("request", (r) => { if (!r.url().startsWith(url) && !(tokenURL && r.url().startsWith(tokenURL)) && !r.url().startsWith("data:")) wrong(check, `it asks for ${r.url()}`); });
  if (options.javaScriptEnabled !== false) {
    await page.addInitScript(() => addEventListener("securitypolicyviolation", (e) => console.error(`policy: ${e.violatedDirective} ${e.blockedURI} ${e.sample}`)));
  }
  return page;
}

async function picture(page, name) {
  if (!pictures) return;
  mkdirSync(pictures, { recursive: true });
  await page.screenshot({ path: join(pictures, name + ".png"), fullPage: true });
}

const nameOf = (path) => path.replace(/[^a-z0-9]+/gi, "-").replace(/^-|-$/g, "").replace(/sha256-[0-9a-f]+/, "").slice(-60) || "home";

// Every page: nothing that axe finds, in both colour schemes; no sideways
// scrolling on a telephone; one main heading.
async function looks() {
  for (const scheme of ["light", "dark"]) {
    const page = await open(`looks ${scheme}`, { colorScheme: scheme });
    for (const path of paths) {
      const check = `looks ${scheme} ${path}`;
      await page.goto(url + path, { waitUntil: "load" });
      await page.evaluate(axe);
      const found = await page.evaluate(async () => {
        for (const d of document.querySelectorAll("details")) d.open = true;
        const r = await axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] });
        return r.violations.map((v) => `${v.id} (${v.help}): ${v.nodes.slice(0, 3).map((n) => n.html + " " + n.failureSummary).join(" | ")}`);
      });
      for (const f of found) wrong(check, f);
      if ((await page.locator("h1").count()) !== 1) wrong(check, "it has not one main heading");
      await picture(page, `${nameOf(path)}-${scheme}`);
    }
    await page.context().close();
  }
  const page = await open("narrow", { viewport: { width: 360, height: 800 } });
  for (const path of paths) {
    await page.goto(url + path);
    const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    if (wide > 0) wrong(`narrow ${path}`, `it scrolls sideways by ${wide} pixels`);
    await picture(page, `${nameOf(path)}-narrow`);
  }
  await page.context().close();
}

// The filter by keyboard alone, from the skip link to the results.
async function keyboard() {
  const page = await open("keyboard");
  await page.goto(url + "/images");
  await page.keyboard.press("Tab");
  if ((await page.evaluate(() => document.activeElement.className)) !== "skip") wrong("keyboard", "the first stop is not the skip link");
  const box = await page.locator(".skip").boundingBox();
  if (!box || box.x < 0) wrong("keyboard", "the skip link is not in view when it has the focus");
  await page.keyboard.press("Enter");
  await page.keyboard.press("Tab");
  const label = await page.evaluate(() => document.activeElement.labels?.[0]?.textContent.trim());
  if (label !== "Text") wrong("keyboard", `after the skip link comes ${label}`);
  const outline = await page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle);
  if (outline === "none") wrong("keyboard", "the focus is not visible");
  await page.keyboard.type("cameras");
  await page.keyboard.press("Enter");
  await page.waitForURL(/q=cameras/);
  const rows = await page.locator("main tbody tr").allTextContents();
  if (rows.length !== 1 || !rows[0].includes("shop/cameras")) wrong("keyboard", `the filter gives ${JSON.stringify(rows)}`);
  if ((await page.inputValue("input[name=q]")) !== "cameras") wrong("keyboard", "the form forgets what was asked");
  await page.selectOption("select[name=verdict]", "pass");
  await page.locator("button[type=submit]").focus();
  await page.keyboard.press("Space");
  await page.waitForURL(/verdict=pass/);
  if ((await page.locator(".empty").count()) !== 1) wrong("keyboard", "an empty result does not say so");
  await page.context().close();
}

// Everything reads, filters and leads on without script.
async function scriptless() {
  const page = await open("scriptless", { javaScriptEnabled: false });
  await page.goto(url + "/");
  if (!(await page.locator("#verdict").textContent()).includes("banned")) wrong("scriptless", "no verdict");
  await page.locator(".tile").first().click();
  await page.waitForURL(/verdict=deny/);
  await page.locator("tbody a", { hasText: "shop/web" }).first().click();
  if (!(await page.locator("h1").textContent()).includes("shop/web")) wrong("scriptless", "no image");
  await page.locator("#findings ~ .scroll tbody a").first().click();
  for (const id of ["law", "evidence", "places", "others"]) {
    if ((await page.locator(`section[aria-labelledby=${id}]`).count()) !== 1) wrong("scriptless", `a finding's story has no ${id}`);
  }
  if (!(await page.locator("body").innerText()).includes("hidden by a later layer")) wrong("scriptless", "nothing tells that it is hidden");
  await page.goto(url + "/images?limit=5");
  await page.locator("a[rel=next]").click();
  await page.waitForURL(/after=/);
  if ((await page.locator("main tbody tr").count()) !== 5) wrong("scriptless", "the second page has not five rows");
  if (pictures) await page.goto(url + "/").then(() => page.pdf({ path: join(pictures, "print.pdf"), printBackground: true }));
  await page.context().close();
}

// What a hostile registry says stays text.
async function foreign() {
  const page = await open("foreign");
  for (const path of ["/", "/images", "/findings", "/repositories", "/teams", hostile, hostile + finding]) {
    const answer = await page.goto(url + path);
    if (answer.status() !== 200) wrong("foreign", `${path} answers ${answer.status()}`);
    if (await page.evaluate(() => document.querySelectorAll("main img, main script, main b, [onerror], [onmouseover]").length)) wrong("foreign", `${path} has foreign markup`);
  }
  if (!(await page.locator("h1").textContent()).includes("<script>")) wrong("foreign", "the name is not shown as it is");
  await page.context().close();
}

// A run that goes on moves on the page, and its end is told.
async function progress() {
  const page = await open("live");
  await page.goto(url + live);
  const card = page.locator("[data-run]");
  const done = () => card.locator("[data-live=done]").textContent().then(Number);
  const before = await done();
  await page.waitForFunction((n) => Number(document.querySelector("[data-live=done]").textContent) > n, before, { timeout: 20_000 });
  const bar = await card.locator("progress").evaluate((p) => p.value);
  if (bar <= before) wrong("live", `the bar stays at ${bar}`);
  await card.locator(".scripted").first().waitFor({ state: "visible" });
  await picture(page, "live");
  await page.waitForFunction(() => document.querySelector("[data-live=state]").textContent === "DONE", null, { timeout: 60_000 });
  if (!(await card.locator("[role=status]").textContent()).includes("done")) wrong("live", "its end is not told");
  await page.context().close();
}

// A browser asks its user for the read token, and style and links work with it.
async function password() {
  const page = await open("password", { httpCredentials: { username: "any", password: token } });
  const answer = await page.goto(tokenURL + "/");
  if (answer.status() !== 200) wrong("password", `it answers ${answer.status()}`);
  await page.locator("nav a", { hasText: "Images" }).click();
  await page.waitForURL(/images/);
  await page.context().close();
}

for (const step of [progress, keyboard, scriptless, foreign, password, looks]) {
  try {
    await step();
  } catch (e) {
    wrong(step.name, String(e.stack || e).replaceAll("\n", " "));
  }
}
await browser.close();

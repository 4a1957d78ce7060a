// Swagger UI and ReDoc in a browser: `node pages.mjs CHROMIUM http://127.0.0.1:PORT FOLDER`. Prints "ok NAME" or "FAIL NAME: why"
// for each check; pictures go into FOLDER.
import { createRequire } from "node:module";
import { join } from "node:path";

const require = createRequire(join(process.cwd(), "package.json"));
const { chromium } = require("playwright-core");
const [executablePath, base, folder, username, password] = process.argv.slice(2);

// What a page complains of, and what it asks of another host.
async function open(browser, path) {
  const page = await browser.newPage({ viewport: { width: 1280, height: 1000 } });
  const faults = [];
  page.on("console", (line) => line.type() === "error" && faults.push("console: " + line.text()));
  page.on("pageerror", (error) => faults.push("error: " + error.message));
  page.on("request", (request) => {
    const url = request.url();
    if (!url.startsWith(base + "/") && !/^(data|blob):/.test(url)) faults.push("asks for " + url);
  });
  await page.goto(base + path, { waitUntil: "networkidle" });
  return { page, faults };
}

const picture = (page, name) => page.screenshot({ path: join(folder, name + ".png") });

// By the form of Swagger UI, which asks the address that the document names for a token.
async function authorize(page) {
  await page.locator(".auth-wrapper .authorize").first().click();
  const form = page.locator(".auth-container").filter({ hasText: "OAuth2, password" });
  await form.locator("#oauth_username").fill(username);
  await form.locator("#oauth_password").fill(password);
  await form.getByRole("button", { name: "Apply given OAuth2 credentials" }).click();
  await form.getByRole("button", { name: "Remove authorization" }).waitFor();
  await picture(page, "docs-authorized");
  await page.locator(".close-modal").click();
}

async function tryItOut(browser) {
  const { page, faults } = await open(browser, "/docs");
  await picture(page, "docs");
  await authorize(page);
  const operation = page.locator(".opblock-post").filter({ hasText: "/v2/authors" });
  await operation.locator(".opblock-summary-control").click();
  await operation.getByRole("button", { name: "Try it out" }).click();
  await operation.getByRole("button", { name: "Execute" }).click();
  const answer = operation.locator(".live-responses-table");
  await answer.locator(".response-col_status", { hasText: "201" }).waitFor();
  await operation.locator(".live-responses-table").scrollIntoViewIfNeeded();
  await picture(page, "docs-answer");
  const body = await answer.locator(".highlight-code").first().innerText();
  if (!/"name":\s*"Ovid"/.test(body)) faults.push("the answer is not shown: " + body);
  return faults;
}

async function read(browser) {
  const { page, faults } = await open(browser, "/redoc");
  await page.getByRole("heading", { name: "List every author" }).first().waitFor();
  await picture(page, "redoc");
  await page.getByPlaceholder("Search...").fill("magazine");
  await page.locator('[data-role="search:results"] [role="menuitem"]').first().waitFor();
  await picture(page, "redoc-search");
  return faults;
}

// A fault that is planted must be noticed, or the checks above say nothing.
async function planted(browser) {
  const { page, faults } = await open(browser, "/docs");
  await page.evaluate(() => fetch("http://192.0.2.1/").catch(() => 0));
  await page.evaluate(() => document.body.append(Object.assign(document.createElement("style"), { textContent: "b{}" })));
  return faults.length >= 2 ? [] : ["what was planted is not noticed: " + faults.join("; ")];
}

const browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
for (const [name, check] of Object.entries({ "Swagger UI calls the API": tryItOut, "ReDoc shows and searches": read, "a planted fault is noticed": planted })) {
  let faults;
  try {
    faults = await check(browser);
  } catch (error) {
    faults = [error.message];
  }
  console.log(faults.length ? `FAIL ${name}: ${faults.join("\n  ")}` : `ok ${name}`);
}
await browser.close();

// Opens pages in a browser, wide and narrow, light and dark, and says what is wrong.
//
// node look.mjs CHROMIUM < [{name, path}]     writes [{name, view, fault}]
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { chromium } from "playwright-core";
import { QUIET } from "./quiet.mjs";

const WIDTHS = [1000, 400];
const SCHEMES = ["light", "dark"];

// Runs in the page: everything that can be seen to be wrong in it, as sentences.
function faults() {
  const found = [];
  const short = (text) => text.trim().replace(/\s+/g, " ").slice(0, 60);
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const luminance = ([r, g, b]) =>
    [r, g, b]
      .map((c) => c / 255)
      .map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
      .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  const numbers = (color) => color.match(/[\d.]+/g).map(Number);
  const background = (node) => {
    for (; node; node = node.parentElement) {
      const color = numbers(getComputedStyle(node).backgroundColor);
      if (color.length === 3 || color[3] === 1) return color;
    }
    return numbers(getComputedStyle(document.documentElement).backgroundColor);
  };
  const scrolls = (node) => {
    for (; node && node !== document.body; node = node.parentElement)
      if (["auto", "scroll"].includes(getComputedStyle(node).overflowX)) return true;
    return false;
  };
  const pale = new Set();
  for (let node = texts.nextNode(); node; node = texts.nextNode()) {
    const parent = node.parentElement;
    if (!node.data.trim() || parent.closest("script, style, .MJX_Assistive_MathML"))
      continue;
    const range = document.createRange();
    range.selectNodeContents(node);
    const box = range.getBoundingClientRect();
    if (!box.width || !parent.checkVisibility()) continue;
    if (!parent.closest("pre, code") && /\$[^$]+\$|\\\(|\\begin\{/.test(node.data))
      found.push(`formula left as source: ${short(node.data)}`);
    if (box.right > innerWidth + 1 && !scrolls(parent))
      found.push(`text runs out of the page: ${short(node.data)}`);
    const style = getComputedStyle(parent);
    const [high, low] = [numbers(style.color), background(parent)]
      .map(luminance)
      .sort((a, b) => b - a);
    const large = parseFloat(style.fontSize) >= 24;
    const contrast = (high + 0.05) / (low + 0.05);
    const kind = `${parent.tagName} ${style.color}`;
    if (contrast < (large ? 3 : 4.5) && !pale.has(kind)) {
      pale.add(kind);
      found.push(`contrast ${contrast.toFixed(1)}: ${kind} ${short(node.data)}`);
    }
  }
  for (const error of document.querySelectorAll(".MathJax_Error, .mjx-merror"))
    found.push(`formula refused: ${short(error.textContent)}`);
  for (const image of document.images) {
    if (!image.naturalWidth) found.push(`picture not loaded: ${image.src.slice(-60)}`);
    if (!image.alt.trim() && image.checkVisibility()) found.push(`picture without alt text: ${image.src.slice(0, 40)}`);
  }
  for (const link of document.querySelectorAll('a[href^="#"]'))
    if (link.hash && !document.getElementById(decodeURIComponent(link.hash.slice(1))))
      found.push(`anchor leads nowhere: ${link.getAttribute("href")}`);
  if (document.documentElement.scrollWidth > innerWidth + 1)
    found.push(`page is ${document.documentElement.scrollWidth} pixels wide`);
  return [...new Set(found)];
}

const args = [...QUIET, "--allow-file-access-from-files"]; // the pages are files
const browser = await chromium.launch({ executablePath: process.argv[2], args });
const page = await browser.newPage();
const report = [];
let asked = [];
await page.route(/^https?:/, (route) => {
  asked.push(route.request().url());
  return route.abort();
});
page.on("pageerror", (error) => asked.push(error.message));
page.on("requestfailed", (request) => asked.push(`not found: ${request.url().slice(-80)}`));
for (const { name, path } of JSON.parse(readFileSync(0, "utf8"))) {
  asked = [];
  await page.goto(pathToFileURL(path).href);
  await page.waitForFunction(
    () => window.typeset || !document.querySelector('script[src*="MathJax"]'),
    null,
    { timeout: 60_000 },
  );
  await page.evaluate(() => window.MathJax?.startup?.promise); // version 3
  await page.evaluate(() => document.querySelectorAll("details").forEach((d) => (d.open = true)));
  for (const width of WIDTHS)
    for (const colorScheme of SCHEMES) {
      await page.setViewportSize({ width, height: 800 });
      await page.emulateMedia({ colorScheme });
      for (const fault of await page.evaluate(faults))
        report.push({ name, view: `${width} pixels, ${colorScheme}`, fault });
    }
  for (const fault of asked) report.push({ name, view: "all", fault });
}
await browser.close();
console.log(JSON.stringify(report));

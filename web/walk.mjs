// A reader's first minutes in JupyterLab: run a page, change a rate, try an exercise.
//
// node walk.mjs CHROMIUM URL FOLDER     pictures of the screen go to FOLDER
// Ends with 0 and a line for every step, or with 1 and what was seen instead.
import assert from "node:assert/strict";
import { join } from "node:path";
import { chromium } from "playwright-core";
import { QUIET } from "./quiet.mjs";

const [executablePath, url, folder] = process.argv.slice(2);
const browser = await chromium.launch({
  executablePath,
  args: QUIET,
});
const page = await browser.newPage({ viewport: { width: 1300, height: 950 } });
page.setDefaultTimeout(120_000);
const snap = (name) => page.screenshot({ path: join(folder, `${name}.png`) });
const say = (words) => console.log(words);

// What stands in the notebook that is open: a list of {kind, source, count, outputs}.
const cells = () =>
  page.evaluate(() =>
    Array.from(window.jupyterapp.shell.currentWidget.content.model.cells, (cell) => ({
      kind: cell.type,
      source: cell.sharedModel.getSource(),
      count: cell.executionCount,
      outputs: cell.outputs?.toJSON() ?? [],
    })),
  );
const find = async (words) => {
  const at = (await cells()).findIndex((c) => c.kind === "code" && c.source.includes(words));
  assert.notEqual(at, -1, `no cell holds ${words}`);
  return at;
};
const text = (cell) => cell.outputs.map((o) => o.text ?? o.evalue ?? "").join("");

// Go to a cell, write into it if there is something to write, and run it with the keys.
async function run(words, change) {
  const at = await find(words);
  const before = (await cells())[at].count;
  await page.evaluate(
    async ([at, change]) => {
      const notebook = window.jupyterapp.shell.currentWidget.content;
      notebook.activeCellIndex = at;
      await notebook.scrollToItem(at);
      if (change) {
        const shared = notebook.model.cells.get(at).sharedModel;
        shared.setSource(shared.getSource().replace(...change));
      }
      notebook.activate();
    },
    [at, change],
  );
  await page.keyboard.press("Escape");
  await page.keyboard.press("Control+Enter");
  await page.waitForFunction(
    ([at, before]) => {
      const { content, sessionContext } = window.jupyterapp.shell.currentWidget;
      const { executionCount } = content.model.cells.get(at);
      const idle = sessionContext.session?.kernel?.status === "idle";
      return idle && executionCount !== null && executionCount !== before;
    },
    [at, before],
  );
  return (await cells())[at];
}

try {
  await page.goto(url);
  await page.waitForFunction(
    () =>
      window.jupyterapp?.shell.currentWidget?.sessionContext?.session?.kernel?.status ===
        "idle" && window.jupyterapp.shell.currentWidget.content?.model?.cells.length > 50,
  );
  await snap("1-opened");
  say("01_single_pass is open and its kernel is ready");

  await page.click('.lm-MenuBar-itemLabel:text-is("Run")');
  await page.click('.lm-Menu-itemLabel:text-is("Run All Cells")');
  await page.waitForFunction(() => {
    const { content, sessionContext } = window.jupyterapp.shell.currentWidget;
    const code = Array.from(content.model.cells).filter((c) => c.type === "code");
    const idle = sessionContext.session?.kernel?.status === "idle";
    const failed = code.some((c) => c.outputs.toJSON().some((o) => o.output_type === "error"));
    return idle && (failed || code.at(-1).executionCount >= code.length);
  });
  const wrong = (await cells()).filter((c) =>
    c.outputs.some((o) => o.output_type === "error" || o.name === "stderr"),
  );
  assert.equal(wrong.length, 0, `an error: ${wrong.map((c) => c.source + text(c))}`);
  await snap("2-run");
  say("all its cells ran, none with an error");

  const drawn = (cell) => cell.outputs.find((o) => o.data?.["image/png"]).data["image/png"];
  const picture = "draw(ax, stepped";
  const before = drawn(await run(picture));
  const stepped = text(await run("lr = 0.01", ["lr = 0.01", "lr = 0.05"]));
  assert.match(stepped, /^loss before 0\.0441, after 0\.0008\s*$/);
  const after = drawn(await run(picture));
  assert.notEqual(after, before, "another rate drew the same picture");
  await snap("3-other-rate");
  say(`another rate draws another picture: ${stepped.trim()}`);

  const [stub, check] = ["def absolute_error_slope", 'exercise("01.1"'];
  assert.match(text(await run(check)), /not attempted yet/);
  await run(stub, ["return ...", "return a - t"]);
  const refused = text(await run(check));
  assert.match(refused, /not yet/, `a wrong answer got: ${refused}`);
  assert.match(refused, /Expected .* got /);
  await snap("4-wrong-answer");
  say(`a wrong answer: ${refused.trim()}`);
  await run(stub, ["return a - t", "return (a > t) - (a < t)"]);
  const taken = text(await run(check));
  assert.match(taken, /right/, `the right answer got: ${taken}`);
  await snap("5-right-answer");
  say(`the right answer: ${taken.trim()}`);
} catch (error) {
  await snap("failed").catch(() => {});
  console.error(error.message);
  process.exitCode = 1;
} finally {
  await browser.close();
}

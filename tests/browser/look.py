"""What a browser sees to be wrong with a page: wide and narrow, light and dark."""

import re
from pathlib import Path

import pytest

PACKAGES = Path(__file__).parents[1] / "node_modules"
MATHJAX = PACKAGES / "mathjax/es5/tex-chtml.js"
AXE = PACKAGES / "axe-core/axe.min.js"
OURS = Path(__file__).with_name("faults.js").read_text(encoding="utf-8")
# Axe is slow, and needs one letter of a formula, and of each kind of word in a block of
# code only the longest.
THIN = """() => {
    const formulas = document.querySelectorAll("mjx-container");
    formulas.forEach((formula) => formula.replaceWith("x"));
    for (const block of document.querySelectorAll("pre:has(span)")) {
        const words = Array.from(block.querySelectorAll("span"));
        words.sort((a, b) => a.textContent.length - b.textContent.length);
        const kinds = words.map((word) => [word.cloneNode().outerHTML, word]);
        block.replaceChildren(...new Map(kinds).values());
        for (const word of block.querySelectorAll("span")) word.append("\\n");
    }
}"""
RUN_AXE = "rules => axe.run({ rules, resultTypes: ['violations'] })"


def look(chromium, file, left_out=()):
    """The faults of the page in the file, as sentences; without some rules of axe."""
    if not AXE.is_file():
        pytest.skip("packages are missing: run `npm ci` in the folder tests")
    found = []
    with chromium.new_page() as tab:
        tab.route(re.compile("^https?:"), lambda route: route.abort())
        tab.on("requestfailed", lambda request: found.append(f"refused: {request.url}"))
        tab.on("pageerror", lambda error: found.append(error.message))
        tab.goto(file.as_uri())
        tab.evaluate("window.MathJax?.startup.promise.then(() => {})")
        tab.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
        for width in (400, 1400):
            tab.set_viewport_size({"width": width, "height": 800})
            found += [f"{fault}, at {width} pixels" for fault in tab.evaluate(OURS)]
        tab.evaluate(THIN)
        tab.add_script_tag(path=AXE)
        for scheme in ("light", "dark"):
            tab.emulate_media(color_scheme=scheme)
            found += [f"{fault}, {scheme}" for fault in axe(tab, left_out)]
    return list(dict.fromkeys(found))


def axe(tab, left_out):
    """What axe finds in the page that is open, one of each kind."""
    rules = {rule: {"enabled": False} for rule in left_out}
    for rule in tab.evaluate(RUN_AXE, rules)["violations"]:
        kinds = {}
        for node in rule["nodes"]:
            reason = (node["none"] + node["all"] + node["any"])[0]["message"]
            kinds.setdefault(reason, node["html"][:80])
        for reason, html in kinds.items():
            yield f"{rule['id']}: {reason}, {html}"

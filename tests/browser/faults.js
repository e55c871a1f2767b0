// Runs in a page: what axe does not look for, as sentences.
() => {
  const found = new Set();
  const short = (text) => text.trim().replace(/\s+/g, " ").slice(0, 60);
  const scrolls = (node) => {
    for (; node && node !== document.body; node = node.parentElement)
      if (["auto", "scroll"].includes(getComputedStyle(node).overflowX)) return true;
    return false;
  };
  const range = document.createRange();
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = texts.nextNode(); node; node = texts.nextNode()) {
    const parent = node.parentElement;
    range.selectNodeContents(node);
    const box = range.getBoundingClientRect();
    if (!node.data.trim() || !box.width || !parent.checkVisibility()) continue;
    if (!parent.closest("pre, code") && /\$[^$]+\$|\\\(|\\begin\{/.test(node.data))
      found.add(`formula left as source: ${short(node.data)}`);
    if (box.right > innerWidth + 1 && !scrolls(parent))
      found.add(`text runs out of the page: ${short(node.data)}`);
  }
  if (document.documentElement.scrollWidth > innerWidth + 1)
    found.add(`page is ${document.documentElement.scrollWidth} pixels wide`);
  for (const node of document.querySelectorAll("body *"))
    for (const side of ["::before", "::after"]) {
      const { content } = getComputedStyle(node, side);
      if (/error|warning/i.test(content)) found.add(`written by CSS: ${short(content)}`);
    }
  for (const error of document.querySelectorAll("mjx-merror"))
    found.add(`formula refused: ${short(error.textContent)}`);
  for (const image of document.images) {
    if (!image.naturalWidth) found.add(`picture not loaded: ${image.src.slice(-60)}`);
    // To axe an empty one says that the picture is an ornament. There are none.
    if (!image.alt.trim()) found.add(`picture without words: ${image.src.slice(0, 60)}`);
  }
  for (const link of document.querySelectorAll('a[href^="#"]'))
    if (link.hash && !document.getElementById(decodeURIComponent(link.hash.slice(1))))
      found.add(`anchor leads nowhere: ${link.getAttribute("href")}`);
  return [...found];
}

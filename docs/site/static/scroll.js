// What scrolls sideways can be reached with the Tab key, and nothing else.
const reach = () => {
  for (const block of document.querySelectorAll("pre, table, .table-wrapper, .math"))
    if (block.scrollWidth > block.clientWidth) block.tabIndex = 0;
    else block.removeAttribute("tabindex");
};
addEventListener("load", reach);
addEventListener("resize", reach);

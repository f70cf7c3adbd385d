// Puts parts of the page that changed into the place of those that stand there, as the server sends them. Without it the page
// is what it was when it was loaded, and everything else works.
"use strict";

(() => {
  const REST = 5000; // milliseconds from a lost connection to the next one
  const note = document.getElementById("live");
  let source = null;
  let later = 0;

  const tell = (live) => {
    note.textContent = live ? "live" : "not live: trying again";
    note.classList.toggle("on", live);
  };

  const states = (part) => {
    const rows = part.querySelectorAll("[data-key]");
    return new Map(Array.from(rows, (row) => [row.dataset.key, row.dataset.state]));
  };

  const replace = (markup) => {
    const template = document.createElement("template");
    template.innerHTML = markup;
    const part = template.content.firstElementChild;
    const before = part && document.getElementById(part.id);
    if (!before) return;
    const known = states(before);
    for (const row of part.querySelectorAll("[data-key]")) {
      const state = known.get(row.dataset.key);
      if (state !== undefined && state !== row.dataset.state) row.classList.add("fresh");
    }
    const focused = before.contains(document.activeElement) && document.activeElement.getAttribute("href");
    before.replaceWith(part);
    if (focused) part.querySelector(`a[href="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
  };

  const rest = () => {
    clearTimeout(later);
    source?.close();
    source = null;
  };

  const listen = () => {
    rest();
    source = new EventSource("/page/live");
    source.addEventListener("open", () => tell(true));
    source.addEventListener("part", (event) => replace(event.data));
    source.addEventListener("error", () => {
      tell(false);
      rest();
      later = setTimeout(listen, REST);
    });
  };

  // A browser has few connections to a server: a tab that nobody sees keeps none.
  document.addEventListener("visibilitychange", () => (document.hidden ? rest() : listen()));
  addEventListener("pagehide", rest);
  addEventListener("pageshow", (event) => event.persisted && listen());
  listen();
})();

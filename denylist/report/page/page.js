"use strict";
for (const box of document.querySelectorAll(".findings")) {
  const table = box.querySelector("table");
  const tools = box.querySelector(".tools");
  if (!table || !tools) continue;
  const rows = [...table.tBodies];
  const status = box.querySelector("[role=status]");
  const search = tools.querySelector("input[type=search]");
  const picks = [...tools.querySelectorAll("select")];
  const filter = () => {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const r of rows) {
      const text = r.textContent.toLowerCase();
      const ok = words.every((w) => text.includes(w)) &&
        picks.every((p) => !p.value || r.dataset[p.name].split(" ").includes(p.value));
      r.hidden = !ok;
      if (ok) shown++;
    }
    status.textContent = shown + " of " + rows.length + " findings shown";
  };
  search.addEventListener("input", filter);
  for (const p of picks) p.addEventListener("change", filter);
  table.tHead.querySelectorAll("th[data-key]").forEach((th) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = th.textContent;
    th.replaceChildren(button);
    button.addEventListener("click", () => {
      const up = th.getAttribute("aria-sort") !== "ascending";
      table.tHead.querySelectorAll("th").forEach((o) => o.removeAttribute("aria-sort"));
      th.setAttribute("aria-sort", up ? "ascending" : "descending");
      const key = th.dataset.key;
      rows.sort((a, b) => {
        const c = a.dataset[key].localeCompare(b.dataset[key], "en", { numeric: true });
        return up ? c : -c;
      });
      table.append(...rows);
    });
  });
  tools.hidden = false;
}
addEventListener("beforeprint", () => {
  for (const d of document.querySelectorAll("details")) d.open = true;
});

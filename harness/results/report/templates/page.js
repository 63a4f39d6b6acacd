"use strict";
// Without this script a page says the same; with it tables can be sorted.
for (const table of document.querySelectorAll("table.sortable")) {
  const body = table.tBodies[0];
  const value = (row, column) => {
    const cell = row.cells[column];
    const text = cell.dataset.v ?? cell.textContent.trim();
    return text !== "" && isFinite(text) ? Number(text) : text;
  };
  for (const heading of table.tHead.rows[table.tHead.rows.length - 1].cells) {
    if (heading.hasAttribute("data-fixed")) continue;
    const button = document.createElement("button");
    button.type = "button";
    button.append(...heading.childNodes);
    heading.append(button);
    button.addEventListener("click", () => {
      const down = heading.getAttribute("aria-sort") === "ascending" ? -1 : 1;
      for (const other of heading.parentNode.cells) other.removeAttribute("aria-sort");
      heading.setAttribute("aria-sort", down === 1 ? "ascending" : "descending");
      const rows = [...body.rows].map((row) => [value(row, heading.cellIndex), row]);
      rows.sort(([a], [b]) => {
        if (a === "" || b === "") return (a === "") - (b === "");
        if (typeof a !== typeof b) return typeof a === "number" ? -1 : 1;
        return down * (typeof a === "number" ? a - b : a.localeCompare(b));
      });
      body.append(...rows.map(([, row]) => row));
    });
  }
}

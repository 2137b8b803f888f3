"use strict";
// Without this script everything can be read; with it, tables sort and optimizers can be hidden.
const all = (selector, from = document) => Array.from(from.querySelectorAll(selector));

for (const table of all("table.sortable")) {
  all("thead th", table).forEach((heading, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...heading.childNodes);
    heading.append(button);
    button.addEventListener("click", () => sort(table, heading, column));
  });
}

function sort(table, heading, column) {
  const now = heading.getAttribute("aria-sort");
  const up = now === null ? heading.dataset.first !== "descending" : now === "descending";
  all("thead th", table).forEach((other) => other.removeAttribute("aria-sort"));
  heading.setAttribute("aria-sort", up ? "ascending" : "descending");
  const body = table.tBodies[0];
  const rows = Array.from(body.rows).map((row, place) => ({ row, place, key: row.cells[column].dataset.value ?? row.cells[column].textContent }));
  const number = (key) => (key === "" || Number.isNaN(Number(key)) ? null : Number(key));
  rows.sort((a, b) => {
    const [x, y] = [number(a.key), number(b.key)];
    if (x === null || y === null) {
      if (x !== null || y !== null) return x === null ? 1 : -1; // what has no number comes last, either way
      return (up ? 1 : -1) * a.key.localeCompare(b.key) || a.place - b.place;
    }
    return (up ? x - y : y - x) || a.place - b.place;
  });
  body.append(...rows.map(({ row }) => row));
}

const filters = all("form.filters input");
filters.forEach((box) => box.addEventListener("change", filter));
all("form.filters").forEach((form) => { form.hidden = false; });

function filter() {
  const off = { optimizer: new Set(), problem: new Set() };
  filters.filter((box) => !box.checked).forEach((box) => off[box.name].add(box.value));
  for (const row of all("tbody tr")) {
    const out = (kind) => (row.dataset[kind] === undefined ? [] : JSON.parse(row.dataset[kind])).some((name) => off[kind].has(name));
    row.hidden = out("optimizer") || out("problem");
  }
  for (const box of filters.filter((one) => one.name === "optimizer")) hide(box.value, !box.checked);
}

function hide(label, off) {
  for (const part of all("figure svg [data-optimizer]")) {
    if (part.dataset.optimizer === label) part.classList.toggle("off", off);
  }
  for (const text of all("figure svg text")) {
    if (text.textContent === label) text.classList.toggle("off", off);
  }
}

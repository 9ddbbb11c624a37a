"use strict";
// Tables that sort by a click or the Enter key on a column's name, and a box that filters their rows.

/** Order of two sort keys: numbers by size, words by the alphabet; what has no key comes last both ways. */
function compare(a, b, direction) {
  if (a === "" || b === "") return (a === "") - (b === "");
  const numbers = typeof a === "number" && typeof b === "number";
  return direction * (numbers ? a - b : String(a).localeCompare(String(b), "en", { numeric: true }));
}

/** The positions of the rows in the order of their keys; equal keys keep their order. */
function sortedOrder(keys, direction) {
  return keys.map((_, k) => k).sort((i, j) => compare(keys[i], keys[j], direction) || i - j);
}

/** Whether a row's text holds every word that is looked for. */
function matches(text, query) {
  const low = text.toLowerCase();
  return query.toLowerCase().split(/\s+/).every((word) => low.includes(word));
}

function keyOf(cell, numeric) {
  if (cell.dataset.key !== undefined) return Number(cell.dataset.key);
  return numeric ? "" : cell.textContent.trim();
}

function sortBy(table, column) {
  const heads = [...table.tHead.rows[0].cells];
  const ascending = heads[column].getAttribute("aria-sort") !== "ascending";
  heads.forEach((head) => head.setAttribute("aria-sort", "none"));
  heads[column].setAttribute("aria-sort", ascending ? "ascending" : "descending");
  const body = table.tBodies[0];
  const rows = [...body.rows];
  const numeric = heads[column].classList.contains("number");
  const order = sortedOrder(rows.map((row) => keyOf(row.cells[column], numeric)), ascending ? 1 : -1);
  body.append(...order.map((k) => rows[k]));
}

function makeSortable(table) {
  [...table.tHead.rows[0].cells].forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    head.setAttribute("aria-sort", "none");
    button.addEventListener("click", () => sortBy(table, column));
  });
}

function makeFilter(table) {
  const rows = [...table.tBodies[0].rows];
  const label = document.createElement("label");
  const box = document.createElement("input");
  const count = document.createElement("output");
  label.className = "filter";
  box.type = "search";
  label.append("Show rows with ", box, " ", count);
  table.parentElement.before(label);
  box.addEventListener("input", () => {
    rows.forEach((row) => { row.hidden = !matches(row.textContent, box.value.trim()); });
    count.textContent = `${rows.filter((row) => !row.hidden).length} of ${rows.length}`;
  });
}

const MANY_ROWS = 8; // shorter tables are seen at a glance

if (typeof document === "undefined") {
  module.exports = { compare, sortedOrder, matches };
} else {
  document.querySelectorAll("table[data-sortable]").forEach((table) => {
    makeSortable(table);
    if (table.tBodies[0].rows.length > MANY_ROWS) makeFilter(table);
  });
}

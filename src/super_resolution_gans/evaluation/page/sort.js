"use strict";
// Headings become buttons only where this runs: without it the tables are as readable.
for (const table of document.querySelectorAll("table.sortable")) {
  const heads = [...table.tHead.rows[0].cells];
  const body = table.tBodies[0];
  const first = [...body.rows];
  const value = (row, column) => row.cells[column].dataset.value;
  const compared = (one, other) => {
    const numbers = [Number(one), Number(other)];
    return numbers.some(Number.isNaN) ? one.localeCompare(other) : numbers[0] - numbers[1];
  };
  heads.forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const order = { ascending: "descending", descending: "none" }[head.ariaSort] ?? "ascending";
      for (const other of heads) other.ariaSort = other === head ? order : "none";
      const known = first.filter((row) => value(row, column) !== "");
      const unknown = first.filter((row) => value(row, column) === "");
      if (order !== "none") {
        const sign = order === "ascending" ? 1 : -1;
        known.sort((one, other) => sign * compared(value(one, column), value(other, column)));
      }
      body.append(...(order === "none" ? first : [...known, ...unknown]));
    });
  });
}

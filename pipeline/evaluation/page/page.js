"use strict";
// Draws the figures, and sorts, filters and downloads the table. Everything is in this file.
(() => {
  for (const element of document.querySelectorAll(".chart")) {
    const spec = JSON.parse(document.getElementById(`spec-${element.id}`).textContent);
    vegaEmbed(element, spec, { renderer: "svg", actions: false }).catch((error) => {
      element.textContent = `This figure could not be drawn: ${error.message}`;
      console.error(error);
    });
  }

  const table = document.getElementById("leaderboard");
  const body = table.tBodies[0];
  const rows = [...body.rows];
  const headers = [...table.tHead.rows[0].cells];
  const status = document.getElementById("count");

  const value = (row, column) => {
    const cell = row.cells[column];
    return cell.dataset.order === undefined ? cell.textContent.trim() : Number(cell.dataset.order);
  };
  const compare = (a, b) =>
    typeof a === "number" ? (a === b ? 0 : a - b) : a.localeCompare(b, "en", { numeric: true });

  const sort = (column) => {
    const descending = headers[column].getAttribute("aria-sort") === "ascending";
    headers.forEach((header) => header.removeAttribute("aria-sort"));
    headers[column].setAttribute("aria-sort", descending ? "descending" : "ascending");
    const missing = (row) => value(row, column) === Infinity; // last, in both directions
    rows.sort((a, b) => {
      if (missing(a) || missing(b)) return missing(a) - missing(b);
      const order = compare(value(a, column), value(b, column));
      return descending ? -order : order;
    });
    body.append(...rows);
  };
  headers.forEach((header, column) =>
    header.querySelector("button").addEventListener("click", () => sort(column)));

  const text = document.getElementById("filter");
  const family = document.getElementById("family");
  const baselines = document.getElementById("baselines");
  const filter = () => {
    const wanted = text.value.trim().toLowerCase();
    for (const row of rows) {
      row.hidden = !(
        row.textContent.toLowerCase().includes(wanted) &&
        (family.value === "" || row.dataset.family === family.value) &&
        (baselines.checked || row.dataset.variant === "true"));
    }
    status.textContent = `${rows.filter((row) => !row.hidden).length} of ${rows.length} rows`;
  };
  for (const control of [text, family, baselines]) control.addEventListener("input", filter);
  filter();

  // A text that a spreadsheet would take for a formula is kept a text.
  const quoted = (cell) => {
    const content = (cell.dataset.text ?? cell.textContent).trim();
    const formula = /^[=+@\t\r-]/.test(content) && !/^[+-][\d.,]+( ?%)?/.test(content);
    return `"${(formula ? `'${content}` : content).replaceAll('"', '""')}"`;
  };
  document.getElementById("download").addEventListener("click", () => {
    const shown = [table.tHead.rows[0], ...rows.filter((row) => !row.hidden)];
    const lines = shown.map((row) => [...row.cells].map(quoted).join(","));
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([`${lines.join("\n")}\n`], { type: "text/csv" }));
    link.download = "leaderboard.csv";
    link.click();
    URL.revokeObjectURL(link.href);
  });
})();

// Tables sort by a click on a head, commands copy, rows without weights hide.
for (const table of document.querySelectorAll("table.sorts")) {
  const heads = [...table.tHead.rows[0].cells], body = table.tBodies[0];
  heads.forEach((head, column) => {
    head.tabIndex = 0;
    const sort = () => {
      const down = head.getAttribute("aria-sort") === "ascending";
      heads.forEach(other => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      const key = row => row.cells[column].dataset.v ?? row.cells[column].textContent;
      const numbers = !head.classList.contains("t");
      const order = (a, b) => {
        const x = key(a), y = key(b);
        if (!numbers) return x.localeCompare(y, undefined, { numeric: true });
        if (x === "" || y === "") return (x === "") - (y === "") || 0;
        return x - y;
      };
      const rows = [...body.rows];
      const empty = rows.filter(row => numbers && key(row) === "");
      const full = rows.filter(row => !(numbers && key(row) === "")).sort(order);
      if (down) full.reverse();
      body.append(...full, ...empty);
    };
    head.addEventListener("click", sort);
    head.addEventListener("keydown", event => { if (event.key === "Enter") sort(); });
  });
}
for (const button of document.querySelectorAll("button.copy"))
  button.addEventListener("click", () => {
    navigator.clipboard?.writeText(button.previousElementSibling.textContent);
    button.textContent = "copied";
  });
for (const box of document.querySelectorAll("input.hides"))
  box.addEventListener("change", () => {
    for (const row of document.querySelectorAll("tr.bare")) row.hidden = box.checked;
  });

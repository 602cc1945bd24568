// Tables that are sorted by a column and filtered by words and conditions.

export const make = (tag, properties = {}, ...children) => {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name in element) element[name] = value;
    else element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
};

const FIRST_ROWS = 100;
export const order = new Intl.Collator("en", { numeric: true });

function compare(a, b) {
  const [none, other] = [a ?? null, b ?? null];
  if (none === null || other === null) return (none === null) - (other === null);
  return typeof a === "number" && typeof b === "number" ? a - b : order.compare(`${a}`, `${b}`);
}

// "wide hidden=128 test_accuracy>0.97": every word, and every condition on a column.
export function filter(text, columns) {
  const tests = text.trim().split(/\s+/).filter(Boolean).map((term) => {
    const [, name, sign, wanted] = term.match(/^([^<>=!]+)(<=|>=|!=|=|<|>)(.+)$/) ?? [];
    const column = name && columns.find((c) => c.key === name || c.title === name
      || c.key.endsWith(`.${name}`) || c.key === `test_${name}`);
    if (!column) {
      const word = term.toLowerCase();
      return (row) => columns.some((c) => `${c.value(row) ?? ""}`.toLowerCase().includes(word));
    }
    const asked = wanted !== "" && Number.isFinite(+wanted) ? +wanted : wanted;
    return (row) => {
      const value = column.value(row) ?? null;
      const is = value === null ? NaN : typeof value === typeof asked ? compare(value, asked) : compare(`${value}`, `${asked}`);
      return { "=": is === 0, "!=": is !== 0, "<": is < 0, ">": is > 0, "<=": is <= 0, ">=": is >= 0 }[sign];
    };
  });
  return (row) => tests.every((test) => test(row));
}

export class Table {
  // columns: {key, title, value(row), show?(row), words?}; a value is a number, a text or null.
  constructor(columns, { caption, filtered = false } = {}) {
    this.rows = []; this.most = FIRST_ROWS; this.filtered = filtered;
    this.head = make("tr"); this.body = make("tbody");
    this.search = make("input", { type: "search", placeholder: "wide hidden=128 accuracy>0.97", "aria-label": `Filter: ${caption}` });
    this.count = make("span", { className: "quiet", role: "status" });
    this.more = make("button", { type: "button", hidden: true });
    this.search.addEventListener("input", () => this.#draw());
    this.more.addEventListener("click", () => { this.most = Infinity; this.#draw(); });
    this.element = make("div", {},
      filtered ? make("p", { className: "tools" }, this.search, this.count) : null,
      make("div", { className: "scroll", tabIndex: 0, role: "region", "aria-label": caption },
        make("table", { "aria-label": caption }, make("thead", {}, this.head), this.body)),
      this.more);
    this.columns = columns;
  }

  set columns(columns) {
    const keys = columns.map((column) => column.key).join("\n");
    this.own = columns;
    if (keys === this.keys) return;
    this.keys = keys;
    this.head.replaceChildren(...columns.map((column) => {
      const button = make("button", { type: "button", title: "Sort by this column" }, column.title);
      button.addEventListener("click", () => {
        this.down = this.by === column.key ? !this.down : false;
        this.by = column.key;
        this.#draw();
      });
      return make("th", { scope: "col" }, button);
    }));
  }

  show(rows) { this.rows = rows; this.#draw(); }

  #draw() {
    const columns = this.own;
    const passes = this.filtered ? filter(this.search.value, columns) : () => true;
    const rows = this.rows.filter(passes);
    const by = columns.find((column) => column.key === this.by);
    if (by) rows.sort((a, b) => {
      const [left, right] = [by.value(a) ?? null, by.value(b) ?? null];
      const is = compare(left, right);
      return this.down && left !== null && right !== null ? -is : is;
    });
    columns.forEach((column, place) => {
      const cell = this.head.cells[place];
      if (column === by) cell.setAttribute("aria-sort", this.down ? "descending" : "ascending");
      else cell.removeAttribute("aria-sort");
    });
    const active = document.activeElement, kept = this.body.contains(active) ? active.dataset.kept : null;
    this.body.replaceChildren(...rows.slice(0, this.most).map((row) => make("tr", {}, ...columns.map((column) => {
      const value = column.value(row), shown = column.show ? column.show(row) : `${value ?? ""}`;
      return make("td", { className: column.words ? "words" : typeof value === "number" ? "number" : "" }, shown);
    }))));
    if (kept) [...this.body.querySelectorAll("[data-kept]")].find((e) => e.dataset.kept === kept)?.focus();
    this.more.hidden = rows.length <= this.most;
    this.more.textContent = `Show all ${rows.length.toLocaleString("en-US")} rows`;
    this.count.textContent = `${rows.length.toLocaleString("en-US")} of ${this.rows.length.toLocaleString("en-US")}`;
  }
}

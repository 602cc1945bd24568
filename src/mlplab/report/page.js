"use strict";
// Each figure is a drawing until it comes near the screen; then Vega makes the live picture of it.
(() => {
  const NARROW = 560;
  const coarse = matchMedia("(pointer: coarse)").matches;
  const specifications = new Map(
    [...document.querySelectorAll("script[data-specification]")].map((element) => [
      element.dataset.specification,
      element,
    ]),
  );
  const live = new WeakMap();

  // The width of a figure follows the page; its panels stand below one another where it is narrow.
  function fitted(specification, available) {
    const fit = structuredClone(specification);
    const panels = fit.hconcat;
    if (panels) {
      const across = available < NARROW ? 1 : panels.length;
      const width = Math.floor((available - 40 * (across - 1)) / across) - 64;
      for (const panel of panels) {
        panel.width = Math.max(160, Math.min(width, 380));
        panel.height = Math.min(panel.height, panel.width);
      }
      if (across === 1) {
        fit.vconcat = panels;
        delete fit.hconcat;
      }
    } else if (fit.facet) {
      const across = Math.max(1, Math.min(fit.columns || 1, Math.floor(available / 210)));
      fit.columns = across;
      fit.spec.width = Math.max(110, Math.floor((available - 34) / across) - 44);
    } else {
      const given = fit.width;
      if (typeof given === "number" && given >= 500) {
        fit.autosize = { type: "fit-x", contains: "padding" };
        fit.width = Math.max(240, Math.min(available, 864));
      }
    }
    if (coarse && fit.params) fit.params = fit.params.filter((p) => !/^zoom/.test(p.name));
    return fit;
  }

  function start(figure) {
    const picture = figure.querySelector(".picture");
    const width = picture.clientWidth;
    const source = specifications.get(figure.dataset.figure);
    if (!source || width < 50) return;
    const before = live.get(figure);
    if (before && Math.abs(before.width - width) < 24) return;
    const specification = fitted(JSON.parse(source.textContent), width);
    const place = document.createElement("div");
    const starting = { width, axes: zoomSignals(specification) };
    live.set(figure, starting);
    vegaEmbed(place, specification, {
      renderer: "svg",
      actions: false,
      defaultStyle: false,
      logLevel: 1,
      tooltip: showTip,
    })
      .then(({ view }) => {
        starting.view = view;
        if (hasSignal(view, "hidden")) view.signal("hidden", hiddenSeries(figure));
        return view.runAsync();
      })
      .then(() => {
        before?.view?.finalize();
        picture.replaceChildren(place);
        figure.dataset.live = "yes";
      })
      .catch((error) => console.error(figure.dataset.figure, error)); // the drawing stays
  }

  function hasSignal(view, name) {
    try {
      view.signal(name);
      return true;
    } catch {
      return false;
    }
  }

  const hiddenSeries = (figure) =>
    [...figure.querySelectorAll(".keys input:not(:checked)")].map((box) => box.dataset.series);

  document.addEventListener("change", (event) => {
    const box = event.target.closest(".keys input");
    if (!box) return;
    const figure = box.closest("figure");
    start(figure);
    const shown = live.get(figure);
    if (shown?.view && hasSignal(shown.view, "hidden")) {
      shown.view.signal("hidden", hiddenSeries(figure)).runAsync();
    }
  });

  // A double click leaves one series alone, or brings all back.
  document.addEventListener("dblclick", (event) => {
    const label = event.target.closest(".keys label");
    if (!label) return;
    event.preventDefault();
    const boxes = [...label.closest(".keys").querySelectorAll("input")];
    const own = label.querySelector("input");
    const alone = boxes.every((box) => box === own || !box.checked);
    for (const box of boxes) box.checked = alone || box === own;
    own.dispatchEvent(new Event("change", { bubbles: true }));
  });

  // Keys on a focused picture: + and − zoom, arrows move, 0 goes back.
  document.addEventListener("keydown", (event) => {
    const picture = event.target.closest?.(".picture");
    if (!picture || event.target !== picture || event.ctrlKey || event.metaKey) return;
    const figure = picture.closest("figure");
    const shown = live.get(figure);
    if (!shown?.view) return;
    const factor = { "+": 0.8, "=": 0.8, "-": 1.25 }[event.key];
    const move = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[
      event.key
    ];
    if (!factor && !move && event.key !== "0") return;
    const axes = shown.axes;
    if (!axes.length) return;
    event.preventDefault();
    for (const { signal, scale, axis } of axes) {
      if (event.key === "0") {
        shown.view.signal(signal, null);
        continue;
      }
      const [low, high] = shown.view.scale(scale).domain();
      const middle = (low + high) / 2;
      const half = ((high - low) / 2) * (factor || 1);
      const shift = move ? move[axis === "x" ? 0 : 1] * 0.15 * (high - low) : 0;
      shown.view.signal(signal, [middle - half + shift, middle + half + shift]);
    }
    shown.view.runAsync();
  });

  // The signals that hold the domains of a figure's axes, where it can be zoomed.
  function zoomSignals(specification) {
    const panels = specification.hconcat || specification.vconcat || [specification];
    return panels.flatMap((panel, place) =>
      [panel, ...(panel.layer || [])].flatMap((part) =>
        (part.params || [])
          .filter((param) => param.bind === "scales")
          .flatMap((param) =>
            ["x", "y"].map((axis) => ({
              axis,
              signal: `${param.name}_${(part.encoding?.[axis] || panel.encoding[axis]).field}`,
              scale: panels.length > 1 ? `concat_${place}_${axis}` : axis,
            })),
          ),
      ),
    );
  }

  const tip = document.createElement("div");
  tip.id = "tip";
  tip.hidden = true;
  document.body.append(tip);

  function showTip(handler, event, item, value) {
    if (value === null || value === undefined || value === "") {
      tip.hidden = true;
      return;
    }
    const list = document.createElement("dl");
    const entries = typeof value === "object" ? Object.entries(value) : [["", String(value)]];
    for (const [name, text] of entries) {
      if (text === null || text === "null" || text === "NaN") continue;
      const term = document.createElement("dt");
      const detail = document.createElement("dd");
      term.textContent = name;
      detail.textContent = text;
      list.append(term, detail);
    }
    tip.replaceChildren(list);
    tip.hidden = false;
    const box = tip.getBoundingClientRect();
    const right = event.clientX + 16 + box.width > innerWidth;
    tip.style.left = `${scrollX + event.clientX + (right ? -box.width - 12 : 16)}px`;
    tip.style.top = `${scrollY + Math.max(8, Math.min(event.clientY + 14, innerHeight - box.height - 8))}px`;
  }

  // Tables whose columns can be put in order.
  for (const table of document.querySelectorAll("table.sortable")) {
    [...table.tHead.rows[0].cells].forEach((cell, column) => {
      const button = document.createElement("button");
      button.type = "button";
      button.title = "Sort by this column";
      button.append(...cell.childNodes);
      cell.append(button);
      button.addEventListener("click", () => sort(table, column));
    });
  }

  function sort(table, column) {
    const head = table.tHead.rows[0].cells;
    const down = head[column].getAttribute("aria-sort") === "ascending";
    for (const cell of head) cell.removeAttribute("aria-sort");
    head[column].setAttribute("aria-sort", down ? "descending" : "ascending");
    const body = table.tBodies[0];
    const order = new Intl.Collator(undefined, { numeric: true });
    const text = (row) => row.cells[column].textContent;
    const sizes = { k: 1e3, M: 1e6, G: 1e9, T: 1e12, P: 1e15 };
    const number = (row) => {
      const value = parseFloat(text(row).replaceAll(",", "").replace("\u2212", "-"));
      const [, prefix] = text(row).match(/ ([kMGTP])FLOP/) ?? [];
      return value * (sizes[prefix] ?? 1);
    };
    const rows = [...body.rows].sort((a, b) => {
      const difference = number(a) - number(b);
      const by = Number.isNaN(difference) ? order.compare(text(a), text(b)) : difference;
      return down ? -by : by;
    });
    body.append(...rows);
  }

  const figures = [...document.querySelectorAll("figure[data-figure]")];
  const near = new IntersectionObserver(
    (entries) => entries.forEach((entry) => entry.isIntersecting && start(entry.target)),
    { rootMargin: "500px" },
  );
  figures.forEach((figure) => near.observe(figure));
  let pause;
  addEventListener("resize", () => {
    clearTimeout(pause);
    pause = setTimeout(() => figures.filter((f) => live.has(f)).forEach(start), 200);
  });

  // On paper everything is unfolded.
  addEventListener("beforeprint", () => {
    for (const element of document.querySelectorAll("details:not([open])")) {
      element.open = true;
      element.dataset.folded = "yes";
    }
  });
  addEventListener("afterprint", () => {
    for (const element of document.querySelectorAll("details[data-folded]")) element.open = false;
  });

  const links = new Map(
    [...document.querySelectorAll("nav a")].map((link) => [link.hash.slice(1), link]),
  );
  const reading = new IntersectionObserver(
    (entries) => {
      for (const entry of entries) {
        if (!entry.isIntersecting) continue;
        links.forEach((link) => link.removeAttribute("aria-current"));
        links.get(entry.target.id)?.setAttribute("aria-current", "true");
      }
    },
    { rootMargin: "-20% 0px -75% 0px" },
  );
  document.querySelectorAll("main > section").forEach((section) => reading.observe(section));
})();

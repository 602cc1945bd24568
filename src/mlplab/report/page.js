"use strict";
// Vega draws each figure when it comes near the screen.
(() => {
  const NARROW = 560;
  const LEAST_DRAWN = 140;
  const coarse = matchMedia("(pointer: coarse)").matches;
  const specifications = new Map(
    [...document.querySelectorAll("script[data-specification]")].map((element) => [
      element.dataset.specification,
      element,
    ]),
  );
  const live = new WeakMap();

  // A figure follows the width of the page; its panels stand below one another where it is narrow.
  function fitted(specification, available) {
    const fit = structuredClone(specification);
    const side = fit.hconcat ? "hconcat" : fit.concat ? "concat" : null;
    if (side) {
      const panels = fit[side];
      const most = Math.min(fit.columns || panels.length, panels.length);
      const across = available < NARROW ? 1 : Math.max(1, Math.min(most, Math.floor(available / 240)));
      const width = Math.max(160, Math.floor((available - 30 * (across - 1)) / across) - 64);
      for (const panel of panels) {
        const square = panel.width === panel.height;
        if (typeof panel.width !== "number" || panel.mark?.type === "rect" || isCells(panel)) continue;
        panel.width = Math.min(width, Math.max(panel.width, 380));
        if (square) panel.height = panel.width;
      }
      delete fit[side];
      delete fit.columns;
      if (across === panels.length) fit.hconcat = panels;
      else {
        // Rows of their own: Vega draws a concat that wraps at a size of 0.
        const rows = Array.from({ length: Math.ceil(panels.length / across) }, (_, row) =>
          panels.slice(row * across, (row + 1) * across),
        );
        fit.vconcat = across === 1 ? panels : rows.map((row) => ({ hconcat: row }));
        if (typeof fit.spacing === "object") fit.spacing = fit.spacing.row;
      }
    } else if (fit.facet) {
      const across = Math.max(1, Math.min(fit.columns || 1, Math.floor(available / 210)));
      fit.columns = across;
      fit.spec.width = Math.max(110, Math.floor((available - 34) / across) - 44);
    } else if (typeof fit.width === "number" && fit.width >= 400 && !hasImages(fit)) {
      fit.autosize = { type: "fit-x", contains: "padding" };
      fit.width = Math.max(240, Math.min(available - 8, fit.width >= 500 ? 864 : fit.width + 90));
    }
    if (coarse && fit.params) fit.params = fit.params.filter((p) => !/^zoom/.test(p.name));
    return fit;
  }

  const marks = (part) => [part, ...(part.layer || [])].map((layer) => layer.mark?.type);
  const hasImages = (part) => marks(part).includes("image");
  const isCells = (part) => marks(part)[1] === "rect" && marks(part).includes("text");

  function start(figure) {
    const picture = figure.querySelector(".picture");
    const width = picture.clientWidth;
    const source = specifications.get(figure.dataset.figure);
    if (!source || width < 50) return;
    const before = live.get(figure);
    if (before && Math.abs(before.width - width) < 24) return;
    const specification = fitted(JSON.parse(source.textContent), width);
    const place = document.createElement("div");
    const drawn = { width, axes: zoomSignals(specification) };
    live.set(figure, drawn);
    // No data are loaded, so all is done before the next task: on paper, too, it is there in time.
    embedded(place, specification)
      .then(({ view }) => {
        drawn.view = view;
        if (hasSignal(view, "hidden")) view.signal("hidden", hiddenSeries(figure));
        return view.runAsync();
      })
      .then(() => {
        before?.view?.finalize();
        picture.replaceChildren(place);
        roomForLabels(place.querySelector("svg"), width);
        figure.dataset.live = "yes";
      })
      .catch((error) => {
        console.error(figure.dataset.figure, error);
        figure.dataset.live = "no";
        if (!picture.hasChildNodes()) picture.append("This figure could not be drawn here.");
      });
  }

  // Where labels leave hardly room for what is drawn, it keeps some and the figure is scrolled.
  async function embedded(place, specification) {
    const options = { renderer: "svg", actions: false, defaultStyle: false, logLevel: 1, tooltip: showTip };
    const found = await vegaEmbed(place, specification, options);
    if (specification.autosize?.type !== "fit-x" || found.view.width() >= LEAST_DRAWN) return found;
    found.view.finalize();
    specification.autosize = "pad";
    specification.width = LEAST_DRAWN;
    return vegaEmbed(place, specification, options);
  }

  // A browser's font may be wider than labels were given room for: no label is cut. A picture that
  // would have to shrink below three quarters is scrolled instead.
  function roomForLabels(svg, available) {
    if (!svg) return;
    const [x, y, width, height] = svg.getAttribute("viewBox").split(" ").map(Number);
    const scale = svg.getBoundingClientRect().width / width || 1;
    const frame = svg.getBoundingClientRect();
    let [left, right] = [0, width];
    for (const text of svg.querySelectorAll("text")) {
      const box = text.getBoundingClientRect();
      if (!box.width) continue;
      left = Math.min(left, (box.left - frame.left) / scale - 2);
      right = Math.max(right, (box.right - frame.left) / scale + 2);
    }
    if (left < 0 || right > width) {
      svg.setAttribute("viewBox", `${x + left} ${y} ${right - left} ${height}`);
      svg.setAttribute("width", right - left);
    }
    if (right - left > available / 0.75) svg.style.minWidth = `${0.75 * (right - left)}px`;
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

  // What is open is what is printed; a button opens everything.
  addEventListener("beforeprint", () => figures.forEach(start));
  const unfold = document.querySelector(".unfold");
  const button = unfold.querySelector("button");
  unfold.hidden = !document.querySelector("details");
  button.addEventListener("click", () => {
    const open = button.getAttribute("aria-pressed") !== "true";
    for (const element of document.querySelectorAll("details")) element.open = open;
    button.setAttribute("aria-pressed", open);
    button.textContent = open ? "Fold it again" : "Open everything";
  });

  // A link to a folded chapter, or to a figure in it, opens it.
  function unfoldTarget() {
    let element = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    const own = element?.querySelector(":scope > details.chapter");
    if (own) own.open = true;
    const target = element;
    while ((element = element?.parentElement?.closest("details"))) element.open = true;
    target?.scrollIntoView();
  }
  addEventListener("hashchange", unfoldTarget);
  if (location.hash) unfoldTarget();

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

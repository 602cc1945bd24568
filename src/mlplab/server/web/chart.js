// Curves on a canvas: of each group the mean over its seeds, and a band from the lowest to the highest.

import { make, order } from "./table.js";

export const MOST_COLOURED = 8;
const MOST_KEYS = 50;
const MARGIN = { left: 58, right: 12, top: 10, bottom: 30 };

// Mean, lowest and highest of runs at every step that any of them has.
export function grouped(runs) {
  const at = new Map();
  for (const { steps, values } of runs) {
    steps.forEach((step, place) => {
      const value = values[place];
      if (typeof value !== "number" || !Number.isFinite(value)) return;
      const sum = at.get(step);
      if (!sum) at.set(step, [value, 1, value, value]);
      else { sum[0] += value; sum[1] += 1; sum[2] = Math.min(sum[2], value); sum[3] = Math.max(sum[3], value); }
    });
  }
  return [...at].sort((a, b) => a[0] - b[0])
    .map(([step, [sum, n, low, high]]) => ({ step, mean: sum / n, low, high, n }));
}

function ticks(low, high, most) {
  const rough = (high - low) / Math.max(1, most);
  const power = 10 ** Math.floor(Math.log10(rough || 1));
  const unit = [1, 2, 5, 10].find((times) => times * power >= rough) * power;
  const found = [];
  for (let i = Math.ceil(low / unit); i * unit <= high + unit * 1e-9; i++) found.push(i * unit);
  return found;
}

export const short = (value) => {
  if (!Number.isFinite(value)) return "";
  const size = Math.abs(value);
  if (size >= 1e6 || (size && size < 1e-3)) return value.toExponential(1);
  return `${+value.toPrecision(4)}`;
};

export class Chart {
  constructor(label) {
    this.groups = []; this.log = false; this.label = label; this.place = null;
    this.canvas = make("canvas", { tabIndex: 0, role: "img" });
    this.caption = make("figcaption", { role: "status" });
    this.keys = make("fieldset", { className: "keys" });
    this.element = make("figure", { className: "chart" }, this.canvas, this.caption, this.keys);
    this.chosen = null; // names of coloured groups, where the user has chosen
    new ResizeObserver(() => this.draw()).observe(this.canvas);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.draw());
    this.canvas.addEventListener("pointermove", (event) => this.#point(event));
    this.canvas.addEventListener("pointerleave", () => { this.place = null; this.draw(); });
    this.canvas.addEventListener("keydown", (event) => this.#key(event));
  }

  // groups: [{name, points}], as `grouped` gives them; better first.
  show(groups, { log = false, title = "" } = {}) {
    this.groups = groups.filter((group) => group.points.length);
    this.log = log; this.title = title;
    this.#tellKeys();
    this.draw();
  }

  get coloured() {
    const names = this.chosen ?? new Set(this.groups.slice(0, MOST_COLOURED).map((g) => g.name));
    return this.groups.filter((group) => names.has(group.name)).slice(0, MOST_COLOURED);
  }

  #tellKeys() {
    // Each coloured group keeps its hue while others come and go.
    const coloured = this.coloured;
    this.hues ??= new Map();
    for (const name of this.hues.keys()) if (!coloured.some((g) => g.name === name)) this.hues.delete(name);
    for (const { name } of coloured) {
      if (!this.hues.has(name)) {
        const used = new Set(this.hues.values());
        this.hues.set(name, [...Array(MOST_COLOURED).keys()].find((hue) => !used.has(hue)));
      }
    }
    // In an order that stays while values change.
    const byName = (a, b) => order.compare(a.name, b.name);
    const others = this.groups.filter((group) => !this.hues.has(group.name)).sort(byName);
    const told = [...coloured.toSorted(byName), ...others.slice(0, MOST_KEYS)];
    const text = told.map((g) => `${g.name}\n${this.hues.get(g.name)}`).join("\n");
    if (text === this.told) return;
    this.told = text;
    const active = this.keys.contains(document.activeElement) ? document.activeElement.dataset.name : null;
    this.keys.replaceChildren(make("legend", {}, this.groups.length > MOST_COLOURED
      ? `${MOST_COLOURED} of ${this.groups.length} in colour` : "In colour"),
    ...told.map(({ name }) => {
      const box = make("input", { type: "checkbox", checked: this.hues.has(name) });
      box.dataset.name = name;
      box.addEventListener("change", () => {
        const names = new Set(this.coloured.map((g) => g.name));
        if (box.checked && names.size >= MOST_COLOURED) names.delete([...names].at(-1));
        if (box.checked) names.add(name); else names.delete(name);
        this.chosen = names;
        this.#tellKeys(); this.draw();
      });
      const swatch = make("span", { className: "swatch" });
      if (this.hues.has(name)) swatch.style.background = `var(--hue-${this.hues.get(name)})`;
      return make("label", {}, box, swatch, name);
    }));
    if (active) [...this.keys.querySelectorAll("input")].find((b) => b.dataset.name === active)?.focus();
  }

  draw() {
    if (this.due) return;
    this.due = requestAnimationFrame(() => { this.due = 0; this.#paint(); });
  }

  #scale() {
    let low = Infinity, high = -Infinity, first = Infinity, last = -Infinity;
    const coloured = new Set(this.coloured);
    for (const group of this.groups) {
      const band = coloured.has(group);
      for (const point of group.points) {
        const bottom = band ? point.low : point.mean, top = band ? point.high : point.mean;
        if (this.log ? bottom > 0 : true) low = Math.min(low, bottom);
        high = Math.max(high, top);
      }
      first = Math.min(first, group.points[0].step);
      last = Math.max(last, group.points.at(-1).step);
    }
    if (!(high >= low)) return null;
    const map = this.log ? (value) => Math.log10(Math.max(value, low)) : (value) => value;
    let [from, to] = [map(low), map(high)];
    const space = (to - from) * 0.04 || Math.abs(to) * 0.05 || 0.5;
    from -= space; to += space;
    if (last === first) first = 0;
    const width = this.canvas.clientWidth, height = this.canvas.clientHeight;
    const x = (step) => MARGIN.left + ((step - first) / (last - first || 1)) * (width - MARGIN.left - MARGIN.right);
    const y = (value) => height - MARGIN.bottom - ((map(value) - from) / (to - from)) * (height - MARGIN.top - MARGIN.bottom);
    return { x, y, first, last, from, to, width, height };
  }

  #paint() {
    const { canvas } = this, ratio = devicePixelRatio || 1;
    const width = Math.round(canvas.clientWidth * ratio), height = Math.round(canvas.clientHeight * ratio);
    if (!width) return;
    if (canvas.width !== width || canvas.height !== height) { canvas.width = width; canvas.height = height; }
    const context = canvas.getContext("2d"), style = getComputedStyle(canvas);
    const colour = (name) => style.getPropertyValue(`--${name}`).trim();
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, width, height);
    context.font = `11px ${style.fontFamily}`;
    const scale = (this.scale = this.#scale());
    canvas.setAttribute("aria-label", `${this.label}: ${this.title}, ${this.groups.length} networks. Arrow keys read values.`);
    if (!scale) {
      context.fillStyle = colour("quiet");
      context.fillText("Nothing has been measured yet.", MARGIN.left, 40);
      return;
    }
    this.#axes(context, scale, colour);
    const coloured = this.coloured, own = new Set(coloured);
    context.lineJoin = "round";
    // All others at once: one path, however many they are.
    context.beginPath();
    for (const group of this.groups) if (!own.has(group)) this.#line(context, scale, group.points);
    context.strokeStyle = colour("others"); context.lineWidth = 0.7;
    context.globalAlpha = this.groups.length > 100 ? 0.35 : 0.7;
    context.stroke();
    for (const group of coloured.toReversed()) {
      context.strokeStyle = context.fillStyle = colour(`hue-${this.hues.get(group.name) ?? 0}`);
      context.globalAlpha = 0.14;
      context.beginPath();
      group.points.forEach((p, i) => context[i ? "lineTo" : "moveTo"](scale.x(p.step), scale.y(p.high)));
      for (const p of group.points.toReversed()) context.lineTo(scale.x(p.step), scale.y(p.low));
      context.fill();
      context.globalAlpha = 1;
      context.beginPath();
      this.#line(context, scale, group.points);
      context.lineWidth = 1.8;
      context.stroke();
      const last = group.points.at(-1);
      context.beginPath();
      context.arc(scale.x(last.step), scale.y(last.mean), 2.4, 0, 7);
      context.fill();
    }
    context.globalAlpha = 1;
    this.#cursor(context, scale, colour);
  }

  #line(context, scale, points) {
    const stride = Math.max(1, Math.floor(points.length / 800));
    for (let i = 0; i < points.length; i += stride) {
      const p = points[i];
      context[i ? "lineTo" : "moveTo"](scale.x(p.step), scale.y(p.mean));
    }
  }

  #axes(context, scale, colour) {
    const { x, y, width, height, from, to } = scale;
    context.lineWidth = 1;
    context.textAlign = "right"; context.textBaseline = "middle";
    const whole = this.log && to - from > 2;
    const marks = this.log
      ? ticks(from, to, 5).filter((t) => !whole || Number.isInteger(t)).map((t) => 10 ** t) : ticks(from, to, 6);
    for (const value of marks) {
      context.strokeStyle = colour("faint");
      context.beginPath(); context.moveTo(MARGIN.left, y(value)); context.lineTo(width - MARGIN.right, y(value)); context.stroke();
      context.fillStyle = colour("quiet");
      context.fillText(short(value), MARGIN.left - 6, y(value));
    }
    context.textAlign = "center"; context.textBaseline = "top";
    for (const step of ticks(scale.first, scale.last, width / 110)) {
      if (Number.isInteger(step)) context.fillText(step.toLocaleString("en-US"), x(step), height - MARGIN.bottom + 6);
    }
  }

  #cursor(context, scale, colour) {
    if (!this.place) { this.caption.textContent = ""; return; }
    const group = this.groups.find((g) => g.name === this.place.name);
    const point = group?.points.reduce((a, b) => Math.abs(b.step - this.place.step) < Math.abs(a.step - this.place.step) ? b : a);
    if (!point) return;
    context.strokeStyle = colour("ink"); context.lineWidth = 2;
    context.beginPath(); this.#line(context, scale, group.points); context.stroke();
    context.beginPath(); context.arc(scale.x(point.step), scale.y(point.mean), 4, 0, 7); context.stroke();
    const range = point.n > 1 ? `, ${point.n} seeds from ${short(point.low)} to ${short(point.high)}` : "";
    this.caption.textContent = `${group.name}, step ${point.step.toLocaleString("en-US")}: ${short(point.mean)}${range}`;
  }

  #point(event) {
    if (!this.scale) return;
    const box = this.canvas.getBoundingClientRect(), { x, y } = this.scale;
    const [left, top] = [event.clientX - box.left, event.clientY - box.top];
    let best = null, nearest = 40 ** 2;
    for (const { name, points } of this.groups) {
      const steps = points.length - 1;
      // Points lie evenly, or nearly so: look around where this one should be.
      const guess = Math.round(((left - x(points[0].step)) / (x(points[steps].step) - x(points[0].step) || 1)) * steps);
      for (let i = Math.max(0, guess - 2); i <= Math.min(steps, guess + 2); i++) {
        const far = (x(points[i].step) - left) ** 2 + (y(points[i].mean) - top) ** 2;
        if (far < nearest) { nearest = far; best = { name, step: points[i].step }; }
      }
    }
    this.place = best;
    this.draw();
  }

  #key(event) {
    const across = { ArrowLeft: -1, ArrowRight: 1 }[event.key], down = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    if (event.key === "Escape") { this.place = null; this.draw(); return; }
    if ((!across && !down) || !this.groups.length) return;
    event.preventDefault();
    const shown = [...this.coloured, ...this.groups.filter((g) => !this.coloured.includes(g))];
    let index = Math.max(0, shown.findIndex((g) => g.name === this.place?.name));
    if (down && this.place) index = (index + down + shown.length) % shown.length;
    const { name, points } = shown[index];
    let at = this.place ? points.findIndex((p) => p.step >= this.place.step) : points.length - 1;
    if (at < 0) at = points.length - 1;
    if (across && this.place) at = Math.min(points.length - 1, Math.max(0, at + across));
    this.place = { name, step: points[at].step };
    this.draw();
  }
}

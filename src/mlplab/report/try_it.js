// A network within the page: what is drawn or filled in goes through it here, without a server.
(() => {
  "use strict";

  const make = (tag, properties = {}, ...children) => {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(properties)) {
      if (name in element) element[name] = value;
      else element.setAttribute(name, value);
    }
    element.append(...children);
    return element;
  };
  const percent = (p) => `${(100 * p).toFixed(p > 0.0995 && p < 0.9995 ? 0 : 1)}%`;
  const short = (value) => (Math.abs(value) >= 1e5 || (value && Math.abs(value) < 1e-3) ? value.toExponential(2) : `${+value.toPrecision(4)}`);

  // What `packed` in reduced.py wrote.
  async function unpacked(text, Kind) {
    const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
    return new Kind(await new Response(stream).arrayBuffer());
  }

  // Of erf to 1.2e-7: Press et al., Numerical Recipes, 2007, 6.2.2.
  function erf(x) {
    const t = 1 / (1 + 0.5 * Math.abs(x));
    const c = [0.17087277, -0.82215223, 1.48851587, -1.13520398, 0.27886807, -0.18628806, 0.09678418, 0.37409196, 1.00002368, -1.26551223];
    const tau = t * Math.exp(c.reduce((sum, one) => sum * t + one, 0) - x * x);
    return x >= 0 ? 1 - tau : tau - 1;
  }
  const ACTIVATIONS = {
    relu: (x) => (x > 0 ? x : 0),
    leaky_relu: (x) => (x > 0 ? x : 0.01 * x),
    tanh: Math.tanh,
    sigmoid: (x) => 1 / (1 + Math.exp(-x)),
    gelu: (x) => 0.5 * x * (1 + erf(x / Math.SQRT2)),
    identity: (x) => x,
  };

  async function networkOf(data) {
    const layers = [];
    for (const layer of data.layers) {
      const factor = await unpacked(layer.factor, Float32Array);
      const bits = await unpacked(layer.kernel, Uint8Array);
      const whole = bits.length === layer.inputs * layer.outputs ? new Int8Array(bits.buffer) : new Int16Array(bits.buffer);
      const kernel = Float32Array.from(whole, (value, i) => value * factor[i % layer.outputs]);
      layers.push({ ...layer, kernel, bias: await unpacked(layer.bias, Float32Array) });
    }
    return new Network(layers, ACTIVATIONS[data.activation], data);
  }

  class Network {
    constructor(layers, activation, data) { Object.assign(this, { layers, activation, data }); }

    // Sums of the first layer, before its activation: they change little when few inputs do.
    first(inputs) {
      const [{ bias }] = this.layers, sums = Float64Array.from(bias);
      inputs.forEach((value, i) => this.add(sums, i, value));
      return sums;
    }

    add(sums, input, value) {
      if (!value) return;
      const [{ kernel, outputs }] = this.layers, start = input * outputs;
      for (let j = 0; j < outputs; j++) sums[j] += value * kernel[start + j];
    }

    rest(sums) {
      let values = sums, hidden = null;
      for (const { kernel, bias, outputs } of this.layers.slice(1)) {
        hidden = values.map(this.activation);
        values = Float64Array.from(bias);
        for (let i = 0; i < hidden.length; i++) {
          const value = hidden[i], start = i * outputs;
          if (value) for (let j = 0; j < outputs; j++) values[j] += value * kernel[start + j];
        }
      }
      return { hidden, logits: values.slice(0, this.data.classes.length) };
    }

    answer(inputs) {
      const found = this.rest(this.first(inputs));
      return { inputs, ...found, hidden: found.hidden ?? inputs, ...this.said(found.logits) };
    }

    said(logits) {
      const { task, mean, std } = this.data;
      if (task === "regression") return { value: logits[0] * std + mean };
      const largest = Math.max(...logits), powers = logits.map((z) => Math.exp(z - largest));
      const sum = powers.reduce((a, b) => a + b, 0);
      return { probabilities: powers.map((p) => p / sum), logSum: largest + Math.log(sum) };
    }
  }

  // Inverse of the normal distribution (Acklam), and scikit-learn's way from quantiles to it.
  function normalQuantile(p) {
    const a = [-39.69683028665376, 220.9460984245205, -275.9285104469687, 138.357751867269, -30.66479806614716, 2.506628277459239];
    const b = [-54.47609879822406, 161.5858368580409, -155.6989798598866, 66.80131188771972, -13.28068155288572, 1];
    const c = [-0.007784894002430293, -0.3223964580411365, -2.400758277161838, -2.549732539343734, 4.374664141464968, 2.938163982698783];
    const d = [0.007784695709041462, 0.3224671290700398, 2.445134137142996, 3.754408661907416, 1];
    const of = (list, x) => list.reduce((sum, one) => sum * x + one, 0);
    if (p < 0.02425) { const q = Math.sqrt(-2 * Math.log(p)); return of(c, q) / of(d, q); }
    if (p > 1 - 0.02425) return -normalQuantile(1 - p);
    const q = p - 0.5, r = q * q;
    return (of(a, r) * q) / of(b, r);
  }
  function interpolated(x, xs, at) { // of ascending xs; at(i) is the value at xs[i]
    if (x <= xs[0]) return at(0);
    if (x >= xs[xs.length - 1]) return at(xs.length - 1);
    let low = 0, high = xs.length - 1;
    while (high - low > 1) { const middle = (low + high) >> 1; if (xs[middle] <= x) low = middle; else high = middle; }
    const share = xs[high] > xs[low] ? (x - xs[low]) / (xs[high] - xs[low]) : 0;
    return at(low) + share * (at(high) - at(low));
  }
  const FARTHEST = 5.1993375826; // where scikit-learn cuts
  function byQuantiles(x, quantiles) {
    const n = quantiles.length, backward = quantiles.map((q) => -q).reverse();
    if (x - 1e-7 < quantiles[0]) return -FARTHEST;
    if (x + 1e-7 > quantiles[n - 1]) return FARTHEST;
    const up = interpolated(x, quantiles, (i) => i / (n - 1));
    const down = interpolated(-x, backward, (i) => -(n - 1 - i) / (n - 1));
    const share = 0.5 * (up - down);
    return Math.max(-FARTHEST, Math.min(FARTHEST, normalQuantile(share)));
  }

  async function scalingOf({ shift, divisor, drawn_in: drawn, quantiles }) {
    const shifts = await unpacked(shift, Float64Array), divisors = await unpacked(divisor, Float64Array);
    const all = quantiles ? await unpacked(quantiles, Float64Array) : null;
    return (features) => Float64Array.from(features, (value, i) => {
      let scaled = (value - shifts[i % shifts.length]) / divisors[i % divisors.length];
      if (drawn?.[i % drawn.length]) scaled /= Math.sqrt(1 + (scaled / 3) ** 2);
      if (all) {
        const each = all.length / features.length, own = all.subarray(i * each, (i + 1) * each);
        if (!Number.isNaN(own[0])) scaled = byQuantiles(value, own);
      }
      return Math.fround(scaled);
    });
  }

  // Images ------------------------------------------------------------------------------------

  const SIDE = 280;
  const PENS = { mnist: 20, digits: 32, plain: 20 }; // as thick as the strokes of the set, once prepared

  // A part of an image made smaller: each pixel is the mean of the area that it covers.
  function resized(image, width, { left, top, right, bottom }, wide, high) {
    const small = new Float64Array(wide * high), across = (right - left) / wide, down = (bottom - top) / high;
    for (let y = 0; y < high; y++) for (let x = 0; x < wide; x++) {
      const x0 = left + x * across, x1 = x0 + across, y0 = top + y * down, y1 = y0 + down;
      let sum = 0;
      for (let v = Math.floor(y0); v < y1; v++) for (let u = Math.floor(x0); u < x1; u++) {
        const share = (Math.min(u + 1, x1) - Math.max(u, x0)) * (Math.min(v + 1, y1) - Math.max(v, y0));
        if (share > 0) sum += share * (image[v * width + u] ?? 0);
      }
      small[y * wide + x] = sum / (across * down);
    }
    return small;
  }

  function boundsOf(ink, width, height) {
    const found = { left: width, top: height, right: 0, bottom: 0 };
    for (let y = 0; y < height; y++) for (let x = 0; x < width; x++) if (ink[y * width + x] > 20) {
      found.left = Math.min(found.left, x); found.right = Math.max(found.right, x + 1);
      found.top = Math.min(found.top, y); found.bottom = Math.max(found.bottom, y + 1);
    }
    return found.right ? found : null;
  }

  const PREPARATIONS = {
    // LeCun et al.: 20×20 preserving the aspect ratio, centre of mass in the middle of 28×28.
    mnist(ink, width, bounds) {
      const w = bounds.right - bounds.left, h = bounds.bottom - bounds.top, scale = 20 / Math.max(w, h);
      const wide = Math.max(1, Math.round(w * scale)), high = Math.max(1, Math.round(h * scale));
      const small = resized(ink, width, bounds, wide, high), image = new Float64Array(784);
      let mass = 0, x = 0, y = 0;
      small.forEach((value, i) => { mass += value; x += value * (i % wide); y += value * Math.floor(i / wide); });
      const within = (start, size) => Math.min(28 - size, Math.max(0, start));
      const left = within(Math.round(13.5 - x / mass), wide), top = within(Math.round(13.5 - y / mass), high);
      small.forEach((value, i) => { image[(top + Math.floor(i / wide)) * 28 + left + (i % wide)] = Math.round(value); });
      return image;
    },
    // Alpaydin and Kaynak: a bitmap of 32×32 that the digit fills, its dark pixels counted in blocks of 4×4.
    digits(ink, width, bounds) {
      const w = bounds.right - bounds.left, h = bounds.bottom - bounds.top, half = Math.max(w, h) / 2;
      const x = (bounds.left + bounds.right) / 2, y = (bounds.top + bounds.bottom) / 2;
      const all = { left: x - half, right: x + half, top: y - half, bottom: y + half };
      const bitmap = resized(padded(ink, width), width * 3, shifted(all, width), 32, 32), image = new Float64Array(64);
      bitmap.forEach((value, i) => { if (value > 127) image[Math.floor(i / 128) * 8 + Math.floor((i % 32) / 4)] += 1; });
      return image;
    },
    plain(ink, width, bounds, { height: high, width: wide, largest, bright }) {
      const whole = { left: 0, top: 0, right: width, bottom: ink.length / width };
      return resized(ink, width, whole, wide, high).map((value) => Math.round(((bright ? 255 - value : value) * largest) / 255));
    },
  };
  // A drawing with room around it, so that a box about it may reach beyond the paper.
  function padded(ink, width) {
    const large = new Float64Array(ink.length * 9), height = ink.length / width;
    for (let y = 0; y < height; y++) large.set(ink.subarray(y * width, (y + 1) * width), (y + height) * width * 3 + width);
    return large;
  }
  const shifted = ({ left, right, top, bottom }, by) => ({ left: left + by, right: right + by, top: top + by, bottom: bottom + by });

  const DETECTORS = {
    softmax: (a) => a.logSum - Math.max(...a.logits),
    "max logit": (a) => -Math.max(...a.logits),
    energy: (a, { temperature: t }) => {
      const largest = Math.max(...a.logits);
      return -(largest + t * Math.log(a.logits.reduce((sum, z) => sum + Math.exp((z - largest) / t), 0)));
    },
    entropy: (a) => -a.probabilities.reduce((sum, p) => sum + (p > 0 ? p * Math.log(p) : 0), 0),
    "nearest neighbours": (a, { k }, near) => near[k - 1].distance,
  };

  async function images(block, network, scaled) {
    const { image, examples, unknown } = network.data, { height, width, largest } = image, PEN = PENS[image.preparation];
    const paperHeight = Math.round((SIDE * height) / width);
    const paper = make("canvas", { className: "paper", width: SIDE, height: paperHeight, tabIndex: 0, role: "application",
      "aria-label": "Paper. Draw with a pointer; or with the arrow keys, the space bar lowers and lifts the pen, Backspace takes back a stroke, Delete clears." });
    const answer = make("p", { className: "answer", role: "status" }), classes = make("div", { className: "classes" });
    const undo = make("button", { type: "button" }, "Take back a stroke"), clear = make("button", { type: "button" }, "Clear");
    const seen = make("div", { className: "seen" });
    const hint = make("p", { className: "quiet" }, "Mouse, touch or keyboard: arrow keys move the pen, the space bar lowers and lifts it.");
    block.append(make("div", { className: "board" }, make("div", {}, paper, undo, clear, hint), make("div", {}, answer, classes, seen)));
    const hiddenInk = make("canvas", { width: SIDE, height: paperHeight });
    const inkContext = hiddenInk.getContext("2d", { willReadFrequently: true });
    const strokes = [], pen = { x: SIDE / 2, y: paperHeight / 2, down: false, shown: false };
    let stroke = null, later = 0, due = 0;

    const pictures = await unpacked(examples.images, Uint8Array), size = height * width;
    const raw = examples.classes.map((_, i) => pictures.subarray(i * size, (i + 1) * size));
    const space = unknown?.name === "nearest neighbours" ? unknown.space : "inputs", normalise = unknown?.normalise ?? false;
    const placed = (a) => {
      const values = a[space], length = normalise ? Math.hypot(...values) || 1 : 1;
      return normalise ? values.map((value) => value / length) : values;
    };
    let remembered = null;
    function nearest(a, most) {
      remembered ??= raw.map((one) => placed(space === "inputs" ? { inputs: scaled(one) } : network.answer(scaled(one))));
      const own = placed(a);
      return remembered.map((other, index) => {
        let sum = 0;
        for (let i = 0; i < own.length; i++) sum += (own[i] - other[i]) ** 2;
        return { index, distance: Math.sqrt(sum) };
      }).sort((one, other) => one.distance - other.distance).slice(0, most);
    }

    function draw(context, colour, blank) {
      context.fillStyle = blank; context.fillRect(0, 0, SIDE, paperHeight);
      context.strokeStyle = context.fillStyle = colour;
      context.lineWidth = PEN; context.lineCap = context.lineJoin = "round";
      for (const points of strokes) {
        context.beginPath();
        points.forEach(([x, y], i) => context[i ? "lineTo" : "moveTo"](x, y));
        if (points.length === 1) context.lineTo(points[0][0] + 0.01, points[0][1]);
        context.stroke();
      }
    }

    function prepared() {
      draw(inkContext, "#fff", "#000");
      const pixels = inkContext.getImageData(0, 0, SIDE, paperHeight).data;
      const ink = Float64Array.from({ length: SIDE * paperHeight }, (_, i) => pixels[4 * i]);
      const bounds = boundsOf(ink, SIDE, paperHeight);
      return bounds && PREPARATIONS[image.preparation](ink, SIDE, bounds, image);
    }

    function show() {
      due = 0;
      const style = getComputedStyle(paper), context = paper.getContext("2d");
      draw(context, style.color, style.backgroundColor);
      if (pen.shown) {
        context.strokeStyle = style.getPropertyValue("--accent"); context.lineWidth = pen.down ? 4 : 1.5;
        context.beginPath(); context.arc(pen.x, pen.y, PEN / 2, 0, 7); context.stroke();
      }
      const pixels = prepared();
      if (!pixels) { answer.textContent = ""; classes.replaceChildren(); seen.replaceChildren(); block.trial.last = null; return; }
      const found = look(pixels);
      const order = [...found.probabilities.keys()].sort((a, b) => found.probabilities[b] - found.probabilities[a]);
      const name = network.data.classes[order[0]], likely = percent(found.probabilities[order[0]]);
      answer.textContent = found.refused ? `Unknown. Of the classes it would be ${name}, ${likely}.` : `${name}, ${likely}`;
      block.classList.toggle("refused", found.refused);
      const shown = order.length > 12 ? order.slice(0, 10) : order.toSorted((a, b) => a - b);
      classes.replaceChildren(...shown.flatMap((c) => {
        const bar = make("div", { className: "bar" });
        bar.style.width = `${100 * found.probabilities[c]}%`;
        return [make("span", { className: "name" }, network.data.classes[c]), make("div", {}, bar), make("span", {}, percent(found.probabilities[c]))];
      }));
      clearTimeout(later);
      later = setTimeout(() => explain(pixels, found, order[0]), 120);
    }

    function look(pixels) {
      const found = network.answer(scaled(pixels));
      const near = nearest(found, Math.max(5, unknown?.k ?? 0));
      const score = unknown ? DETECTORS[unknown.name](found, unknown, near) : null;
      return { ...found, near, score, refused: unknown ? score > unknown.threshold : false };
    }

    function picture(pixels, caption, overlay) {
      const canvas = make("canvas", { width, height, role: "img", "aria-label": caption }), context = canvas.getContext("2d");
      const data = context.createImageData(width, height);
      for (let i = 0; i < size; i++) {
        const grey = (255 * pixels[i]) / largest, weight = overlay?.[i] ?? 0, strength = Math.min(1, Math.abs(weight));
        const [r, g, b] = weight >= 0 ? [60, 150, 255] : [255, 130, 30];
        data.data.set([r, g, b].map((c) => grey * (1 - strength) + c * strength).concat(255), 4 * i);
      }
      context.putImageData(data, 0, 0);
      return make("figure", { className: overlay ? "large" : "" }, canvas, make("figcaption", {}, caption));
    }

    // Which strokes mattered: 3×3 pixels at a time are taken away, and the class's log-odds may fall.
    function explain(pixels, found, winner) {
      const inputs = found.inputs, sums = network.first(inputs), blank = scaled(new Float64Array(size).fill(image.bright ? largest : 0));
      const odds = (logits) => { const { probabilities: p } = network.said(logits); return Math.log(Math.max(p[winner], 1e-12)) - Math.log(Math.max(1 - p[winner], 1e-12)); };
      const before = odds(found.logits), fall = new Float64Array(size);
      for (let y = 0; y < height; y++) for (let x = 0; x < width; x++) {
        if (inputs[y * width + x] === blank[y * width + x]) continue;
        const own = sums.slice();
        for (let v = Math.max(0, y - 1); v <= Math.min(height - 1, y + 1); v++) for (let u = Math.max(0, x - 1); u <= Math.min(width - 1, x + 1); u++) {
          const i = v * width + u;
          network.add(own, i, blank[i] - inputs[i]);
        }
        fall[y * width + x] = before - odds(network.rest(own).logits);
      }
      const most = fall.reduce((largestFall, one) => Math.max(largestFall, Math.abs(one)), 1e-9);
      const name = network.data.classes[winner];
      seen.replaceChildren(
        picture(pixels, `As the network sees it. Blue speaks for ${name}, orange against it.`, fall.map((one) => (0.85 * one) / most)),
        ...found.near.slice(0, 5).map(({ index, distance }, i) =>
          picture(raw[index], `${i ? "" : "Nearest: "}${network.data.classes[examples.classes[index]]}, ${short(distance)} away`)));
    }

    const soon = () => { due ||= requestAnimationFrame(show); };
    const at = (event) => {
      const box = paper.getBoundingClientRect();
      return [((event.clientX - box.left) * SIDE) / box.width, ((event.clientY - box.top) * paperHeight) / box.height];
    };
    paper.addEventListener("pointerdown", (event) => {
      if (event.button) return;
      paper.setPointerCapture(event.pointerId);
      pen.shown = pen.down = false;
      strokes.push((stroke = [at(event)]));
      soon();
    });
    paper.addEventListener("pointermove", (event) => {
      if (!stroke) return;
      for (const one of event.getCoalescedEvents?.() ?? []) stroke.push(at(one));
      stroke.push(at(event));
      soon();
    });
    for (const end of ["pointerup", "pointercancel"]) paper.addEventListener(end, () => { stroke = null; });
    paper.addEventListener("keydown", (event) => {
      const step = event.shiftKey ? 3 : 8;
      const [x, y] = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step] }[event.key] ?? [0, 0];
      if (x || y) {
        pen.x = Math.min(SIDE, Math.max(0, pen.x + x)); pen.y = Math.min(paperHeight, Math.max(0, pen.y + y));
        if (pen.down) strokes.at(-1).push([pen.x, pen.y]);
      } else if (event.key === " ") {
        pen.down = !pen.down;
        if (pen.down) strokes.push([[pen.x, pen.y]]);
      } else if (event.key === "Backspace") { strokes.pop(); pen.down = false;
      } else if (event.key === "Delete") { strokes.length = 0; pen.down = false;
      } else return;
      event.preventDefault();
      pen.shown = true;
      soon();
    });
    paper.addEventListener("blur", () => { pen.shown = pen.down = false; soon(); });
    undo.addEventListener("click", () => { strokes.pop(); soon(); });
    clear.addEventListener("click", () => { strokes.length = 0; soon(); });
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", soon);
    block.trial = { network, look, prepared };
    soon();
  }

  // Tables ------------------------------------------------------------------------------------

  function dateParts(text, { has_day: day, has_time: time }) {
    const [, date, hour = 0, minute = 0, second = 0] = text.match(/^(\d{4}-\d\d-\d\d)?T?(?:(\d\d):(\d\d)(?::(\d\d))?)?$/) ?? [];
    const inDay = (hour * 3600 + minute * 60 + +second) / 86400, circle = (share) => [Math.sin(2 * Math.PI * share), Math.cos(2 * Math.PI * share)];
    const parts = [];
    if (day) {
      if (!date) return null;
      const days = Date.parse(`${date}T00:00Z`) / 864e5, first = Date.parse(`${date.slice(0, 4)}-01-01T00:00Z`) / 864e5;
      parts.push(days + inDay, ...circle((days - first + inDay) / 365.25), ...circle((((days + 3) % 7 + 7) % 7 + inDay) / 7));
    }
    return time ? [...parts, ...circle(inDay)] : parts;
  }

  // The features of a field, as `Expansion.apply` has them.
  function featuresOf(field, value) {
    const numbers = value === null ? field.parts.map(() => NaN) : field.kind === "date" ? dateParts(value, field) ?? field.parts.map(() => NaN) : [value];
    return field.parts.flatMap(({ fill, indicated, categories }, i) => {
      const missing = Number.isNaN(numbers[i]);
      if (categories) return categories.map((one) => +(one === null ? missing : one === numbers[i]));
      return [missing ? fill : numbers[i], ...(indicated ? [+missing] : [])];
    });
  }

  const dateText = (days, { has_day: day, has_time: time }) => new Date(days * 864e5).toISOString().slice(day ? 0 : 11, time ? 16 : 10);

  function table(block, network, scaled) {
    const { fields, classes, task } = network.data;
    const answer = make("p", { className: "answer", role: "status" }), bars = make("div", { className: "classes" });
    const ask = (values) => network.answer(scaled(fields.flatMap((field, i) => featuresOf(field, values[i]))));
    const controls = fields.map((field) => {
      const isDate = field.kind === "date";
      const control = field.options
        ? make("select", {}, ...field.options.map((option, i) => make("option", { value: i }, option)), ...(field.missing ? [make("option", { value: "" }, "missing")] : []))
        : make("input", isDate ? { type: field.has_day ? (field.has_time ? "datetime-local" : "date") : "time" } : { type: "number", step: "any" });
      control.value = field.begin === null ? "" : isDate && field.has_day ? dateText(field.begin, field) : isDate ? "12:00" : field.begin;
      const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg"), moves = make("div", { className: "moves" });
      svg.setAttribute("viewBox", "0 0 100 40"); svg.setAttribute("preserveAspectRatio", "none"); svg.setAttribute("aria-hidden", "true");
      control.addEventListener("input", () => soon());
      return { field, control, svg, moves };
    });
    const valueOf = ({ field, control }) => (control.value === "" ? null : field.kind === "date" ? control.value : +control.value);
    block.append(answer, bars, make("div", { className: "fields" }, ...controls.map(({ field, control, svg, moves }) => make("div", {}, make("label", {}, field.name, control), svg, moves))));
    let due = 0;
    const soon = () => { due ||= requestAnimationFrame(show); };

    function show() {
      due = 0;
      const values = controls.map(valueOf), found = ask(values);
      let told, one;
      if (task === "regression") {
        one = (a) => a.value; told = short;
        answer.textContent = `${classes[0]}: ${short(found.value)}`;
      } else {
        const order = [...found.probabilities.keys()].sort((a, b) => found.probabilities[b] - found.probabilities[a]);
        const target = classes.length === 2 ? 1 : order[0];
        one = (a) => a.probabilities[target]; told = percent;
        answer.textContent = `${classes[order[0]]}, ${percent(found.probabilities[order[0]])}. Below each input: how the probability of ${classes[target]} moves with it.`;
        bars.replaceChildren(...order.slice(0, 10).flatMap((c) => {
          const bar = make("div", { className: "bar" });
          bar.style.width = `${100 * found.probabilities[c]}%`;
          return [make("span", { className: "name" }, classes[c]), make("div", {}, bar), make("span", {}, percent(found.probabilities[c]))];
        }));
      }
      const swept = controls.map(({ field }, place) => tried(field).map((value) => ({ value, y: one(ask(values.with(place, value))) })));
      const all = swept.flat().map(({ y }) => y).concat(one(found));
      const low = task === "regression" ? Math.min(...all) : 0, high = task === "regression" ? Math.max(...all) : 1;
      controls.forEach((control, place) => sketch(control, swept[place], values[place], one(found), low, high, told));
    }

    function tried(field) {
      if (field.options) return field.options.map((_, i) => i);
      if (field.kind === "date" && !field.has_day) return Array.from({ length: 24 }, (_, i) => `${i}`.padStart(2, "0") + ":00");
      const points = Array.from({ length: 25 }, (_, i) => field.low + ((field.high - field.low) * i) / 24);
      return field.kind === "date" ? points.map((days) => dateText(days, field)) : points;
    }

    function sketch({ field, svg, moves }, points, now, own, low, high, told) {
      const y = (value) => 38 - (36 * (value - low)) / (high - low || 1);
      const shape = (tag, attributes) => {
        const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
        for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
        return element;
      };
      if (field.options) {
        svg.replaceChildren(...points.map((p, i) => shape("rect", {
          x: (100 * i) / points.length + 0.5, width: Math.max(0.5, 100 / points.length - 1), y: y(p.y), height: Math.max(0.5, 40 - y(p.y)), class: i === now ? "now" : "",
        })));
      } else {
        const line = shape("polyline", { points: points.map((p, i) => `${(100 * i) / (points.length - 1)},${y(p.y)}`).join(" ") });
        const where = field.kind === "number" || field.kind === "boolean" ? (100 * (now - field.low)) / (field.high - field.low || 1) : -1;
        svg.replaceChildren(line, ...(now !== null && where >= 0 && where <= 100 ? [shape("rect", { class: "now", x: where - 0.6, y: y(own) - 3, width: 1.2, height: 6 })] : []));
      }
      const found = points.map((p) => p.y), ends = field.options ? "" : field.kind === "date" ? "" : ` between ${short(field.low)} and ${short(field.high)}`;
      moves.textContent = points.length ? `${told(Math.min(...found))} to ${told(Math.max(...found))}${ends}` : "";
    }

    block.trial = { network, ask };
    show();
  }

  async function start(block) {
    const data = JSON.parse(block.nextElementSibling.textContent);
    if (!("DecompressionStream" in window)) { block.textContent = "This browser is too old for the network in this page."; return; }
    const network = await networkOf(data), scaled = await scalingOf(data.scaling);
    await (data.kind === "image" ? images : table)(block, network, scaled);
    block.dataset.ready = "yes";
  }

  const near = new IntersectionObserver((entries) => {
    for (const { isIntersecting, target } of entries) if (isIntersecting) { near.unobserve(target); start(target); }
  }, { rootMargin: "300px" });
  document.querySelectorAll(".trial").forEach((block) => near.observe(block));
})();

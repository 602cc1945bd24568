// The page: which view is shown, and what the server tells it.

import { Chart, grouped, short } from "./chart.js";
import { duration, Live, memberOf } from "./live.js";
import { make, Table } from "./table.js";

const main = document.querySelector("main");
const connection = document.getElementById("connection");
const studies = new Map(); // name → state, as the server tells it
let mayStop = false, view = null, source = null, cursor = "";

const url = (path, parameters) => `${path}?${new URLSearchParams(parameters)}`;
const count = (n, one) => `${n.toLocaleString("en-US")} ${one}${n === 1 ? "" : "s"}`;
const toStudy = (name) => make("a", { href: `#/study/${encodeURIComponent(name)}` }, name);
const keep = (element, id) => { element.dataset.kept = id; return element; };

async function ask(path, parameters = {}) {
  const answer = await fetch(url(path, parameters));
  if (!answer.ok) return { problem: await answer.text() };
  return answer.json();
}

// At most once in so many milliseconds, and always a last time.
function paced(milliseconds, act) {
  let due = 0, last = 0;
  return () => {
    if (due) return;
    due = setTimeout(() => { due = 0; last = Date.now(); act(); }, Math.max(0, last + milliseconds - Date.now()));
  };
}

function listen() {
  source?.close();
  const parameters = view?.study ? { study: view.study, after: cursor } : {};
  source = new EventSource(url("/api/events", parameters));
  const own = source;
  source.onopen = () => { connection.textContent = ""; };
  source.onerror = () => {
    connection.textContent = "No connection to mlplab serve; trying again.";
    // An answer other than a stream ends the attempts of the browser's own.
    if (own.readyState === EventSource.CLOSED) setTimeout(() => own === source && !document.hidden && listen(), 2000);
  };
  source.addEventListener("hello", (event) => { mayStop = JSON.parse(event.data).may_stop; view?.changed(); });
  source.addEventListener("studies", (event) => {
    const { states, gone, all } = JSON.parse(event.data);
    if (all) studies.clear();
    for (const state of states) studies.set(state.name, state);
    for (const name of gone) studies.delete(name);
    view?.changed();
  });
  source.addEventListener("lines", (event) => {
    cursor = event.lastEventId;
    view?.hear?.(JSON.parse(event.data));
  });
}

function statusOf(state) {
  const told = { damaged: "caution", running: "good" }[state.status] ?? "";
  const badge = make("span", { className: told }, state.status === "running" ? "● running" : state.status);
  return state.total && state.finished < state.total
    ? make("span", {}, make("progress", { max: state.total, value: state.finished, "aria-label": "finished" }), badge) : badge;
}

class StudiesView {
  title = "Studies";
  outcomes = new Map(); // name → {live, answer}

  constructor() {
    this.table = new Table([
      { key: "name", title: "study", value: (s) => s.name, show: (s) => keep(toStudy(s.name), s.name) },
      { key: "status", title: "status", value: (s) => s.status, show: statusOf },
      { key: "finished", title: "finished", value: (s) => s.finished, show: (s) => s.total ? `${s.finished} of ${s.total}` : "" },
      { key: "diverged", title: "diverged", value: (s) => s.diverged || null },
      { key: "failed", title: "failed", value: (s) => s.failed || null },
      { key: "chosen", title: "best network", words: true, value: (s) => this.#outcome(s)?.chosen, show: (s) => s.problem ?? this.#best(s) },
      { key: "verdicts", title: "verdicts", words: true, value: (s) => this.#verdicts(s), show: (s) => this.#verdicts(s) ?? "" },
      { key: "changed", title: "recorded", value: (s) => s.changed, show: (s) => s.changed ? new Date(s.changed * 1000).toLocaleString() : "" },
    ], { caption: "Studies", filtered: true });
    this.none = make("p", { hidden: true }, "There is no results folder here yet. ", make("code", {}, "mlplab run"), " makes one, and it then appears here.");
    main.replaceChildren(make("h1", {}, "Studies"), this.none, this.table.element);
    this.changed();
  }

  #outcome(state) { return this.outcomes.get(state.name)?.answer; }

  #best(state) {
    const outcome = this.#outcome(state);
    return outcome ? outcome.problem ?? outcome.chosen ?? "not settled" : "";
  }

  #verdicts(state) {
    const answers = this.#outcome(state)?.answers ?? [];
    const counts = {};
    for (const { verdict } of answers) counts[verdict] = (counts[verdict] ?? 0) + 1;
    return Object.entries(counts).map(([verdict, n]) => `${n} ${verdict}`).join(", ") || null;
  }

  changed() {
    this.none.hidden = studies.size > 0;
    this.table.show([...studies.values()]);
    this.#ask();
  }

  async #ask() { // one after the other: answers take a moment to compute
    if (this.asking) return;
    this.asking = true;
    for (const state of [...studies.values()]) {
      const known = this.outcomes.get(state.name);
      if (view !== this || !state.finished || state.status === "running" || state.status === "damaged" || known?.changed === state.changed) continue;
      const answer = await ask("/api/outcome", { study: state.name });
      this.outcomes.set(state.name, { changed: state.changed, answer });
      this.table.show([...studies.values()]);
    }
    this.asking = false;
  }
}

// Columns of a table of networks: sizes and values first, then every setting in which they differ.
function networkColumns(rows, first) {
  const finals = [...new Set(rows.flatMap((row) => Object.keys(row.values ?? {})))];
  const rank = (name) => ["test_accuracy", "test_rmse", "validation_accuracy", "validation_rmse", "test_loss"].indexOf(name) + 1 || 9;
  finals.sort((a, b) => rank(a) - rank(b));
  const kinds = new Map();
  for (const row of rows) for (const [path, value] of Object.entries(row.settings)) {
    if (!kinds.has(path)) kinds.set(path, new Map());
    kinds.get(path).set(value, (kinds.get(path).get(value) ?? 0) + 1);
  }
  const differ = [...kinds].filter(([path, values]) => path === "hidden" || values.size > 1 || [...values.values()][0] < rows.length);
  const plain = (key, title = key) => ({ key, title, value: (row) => row[key] || null });
  return [
    ...first,
    { key: "seeds", title: "seeds", value: (row) => row.finished + row.diverged, show: (row) => `${row.finished + row.diverged} of ${row.seeds}` },
    plain("diverged"), plain("failed"),
    ...finals.map((name) => ({
      key: name, title: name.replaceAll("_", " "), value: (row) => row.values?.[name]?.[0] ?? null,
      show: (row) => {
        const [mean, half] = row.values?.[name] ?? [];
        if (mean === undefined || mean === null) return "";
        const digits = half > 0 ? Math.min(6, Math.max(0, 1 - Math.floor(Math.log10(half)))) : 4;
        return half === null ? short(mean) : `${mean.toFixed(digits)} ± ${half.toFixed(digits)}`;
      },
    })),
    { key: "parameters", title: "parameters", value: (row) => row.parameters, show: (row) => row.parameters?.toLocaleString("en-US") ?? "" },
    { key: "seconds", title: "seconds", value: (row) => row.seconds, show: (row) => row.seconds === null ? "" : short(row.seconds) },
    ...differ.map(([path]) => ({ key: path, title: path.replaceAll("_", " "), value: (row) => row.settings[path] ?? null, words: path === "hidden" })),
  ];
}

const isBetterLow = (metric) => !metric.endsWith("accuracy") && !metric.endsWith("r2");

function bestFirst(groups, metric) {
  const last = (group) => group.points.at(-1)?.mean ?? NaN;
  const sign = isBetterLow(metric) ? 1 : -1;
  return groups.sort((a, b) => sign * (last(a) - last(b)) || 0);
}

const preferred = (metrics) => ["test_accuracy", "test_rmse", "validation_accuracy", "test_loss"].find((m) => metrics.includes(m)) ?? metrics[0];

class StudyView {
  snapshot = null; live = new Live(""); recorded = new Map(); groups = new Map(); dirty = new Set();

  constructor(study) {
    this.study = this.title = study;
    this.status = make("dl", { className: "facts" });
    this.progress = make("progress", { max: 1, "aria-label": "Progress of the run" });
    this.note = make("p", { className: "caution", role: "status" });
    this.stop = make("button", { type: "button" }, "Stop the run…");
    this.stop.addEventListener("click", () => this.dialog.showModal());
    this.report = make("a", { href: url("/report", { study }), target: "_blank", rel: "noopener" }, "Open its report");
    this.metric = make("select", { "aria-label": "Curve" });
    this.metric.addEventListener("change", () => this.#chooseMetric());
    this.logarithmic = make("input", { type: "checkbox" });
    this.logarithmic.addEventListener("change", () => this.#drawCurves());
    this.chart = new Chart("Curves");
    this.ofNetwork = make("select", { "aria-label": "Network" });
    this.ofNetwork.addEventListener("change", () => this.#chooseGradients());
    this.gradients = new Chart("Gradient sizes by layer");
    this.gradientPart = make("section", { hidden: true }, make("h2", {}, "Gradient size by layer"), make("p", { className: "tools" }, this.ofNetwork), this.gradients.element);
    this.diverged = make("div", { hidden: true });
    this.outcome = make("section", { hidden: true });
    this.table = new Table([], { caption: "Settings and results", filtered: true });
    this.log = make("pre", { className: "log", tabIndex: 0, role: "log", "aria-label": "Log" });
    this.dialog = make("dialog", { "aria-label": "Stop the run" }, make("p", {}, "Stop this run? Networks that are finished are kept, and the same command goes on from there."));
    const sure = make("button", { type: "button" }, "Stop it"), not = make("button", { type: "button", autofocus: true }, "Let it go on");
    not.addEventListener("click", () => this.dialog.close());
    sure.addEventListener("click", () => this.#stop());
    this.dialog.append(make("p", {}, sure, not));
    main.replaceChildren(make("h1", {}, study), this.status, this.progress, this.note,
      make("p", { className: "tools" }, this.stop, this.report), this.outcome,
      make("h2", {}, "Curves"),
      make("p", { className: "quiet" }, "The mean over seeds of every network, with a band from the lowest to the highest seed."),
      make("p", { className: "tools" }, this.metric, make("label", {}, this.logarithmic, " logarithmic")), this.chart.element,
      this.gradientPart, this.diverged, make("h2", {}, "Settings and results"), this.table.element, make("h2", {}, "Log"), this.log, this.dialog);
    this.drawSoon = paced(200, () => this.#draw());
    this.loadSoon = paced(700, () => this.#load());
    this.tableSoon = paced(1000, () => view === this && this.table.show(this.snapshot?.networks ?? []));
    this.clock = setInterval(() => view === this ? this.#tellStatus() : clearInterval(this.clock), 1000);
    this.#load();
  }

  get state() { return studies.get(this.study) ?? {}; }
  get isRunning() { return this.state.status === "running"; }

  changed() {
    if (this.state.changed !== this.seen || this.state.status !== this.was) { this.seen = this.state.changed; this.was = this.state.status; this.loadSoon(); }
    this.drawSoon();
  }

  hear({ file, lines }) {
    if (file !== this.live.file) {
      if (this.live.file) this.loadSoon();
      this.live = new Live(file);
      this.dirtyAll = true;
    }
    for (const event of lines) {
      if (this.live.see(event)) this.loadSoon();
      for (const [name] of event?.members ?? []) this.dirty.add(name);
    }
    this.drawSoon();
  }

  async #load() {
    const there = studies.has(this.study);
    const snapshot = there ? await ask("/api/study", { study: this.study }) : { problem: "There is no results folder of this name here, or not yet." };
    if (view !== this) return;
    this.snapshot = snapshot.problem ? { problem: snapshot.problem, networks: [], curves: [], diverged: [], failures: [] } : snapshot;
    this.recorded.clear();
    this.table.columns = networkColumns(this.snapshot.networks, [
      { key: "name", title: "network", value: (row) => row.name, words: true },
      { key: "latest", title: "latest", value: (row) => this.groups.get(row.name)?.at(-1)?.mean ?? null, show: (row) => short(this.groups.get(row.name)?.at(-1)?.mean ?? NaN) },
    ]);
    this.metricNames = "";
    this.#tellMetrics();
    await this.#chooseMetric();
    this.#chooseGradients();
    if (view === this && !this.isRunning && this.snapshot.networks.length) this.#tellOutcome(await ask("/api/outcome", { study: this.study }));
    else this.outcome.hidden = true;
  }

  async #curves(metric) { // member → {steps, values}, of what is recorded
    if (!this.snapshot?.curves.includes(metric)) return new Map();
    if (!this.recorded.has(metric)) {
      const { steps = [], curves = [] } = await ask("/api/curves", { study: this.study, name: metric });
      this.recorded.set(metric, new Map(curves.map(([name, seed, place, values]) => [memberOf(name, seed), { name, seed, steps: steps[place], values }])));
    }
    return this.recorded.get(metric);
  }

  #tellMetrics() {
    const all = [...new Set([...(this.snapshot?.curves ?? []), ...this.live.metrics])].sort();
    const metrics = all.filter((m) => !m.includes("_layer_"));
    this.layers = all.filter((m) => m.includes("gradient_size_layer_")).sort((a, b) => parseInt(a.split("_").at(-1)) - parseInt(b.split("_").at(-1)));
    const names = all.join();
    if (names === this.metricNames) return;
    this.metricNames = names;
    const chosen = metrics.includes(this.metric.value) ? this.metric.value : preferred(metrics);
    this.metric.replaceChildren(...metrics.map((m) => make("option", { value: m }, m.replaceAll("_", " "))));
    if (chosen) this.metric.value = chosen;
    this.gradientPart.hidden = !this.layers.length;
    const network = this.ofNetwork.value;
    this.ofNetwork.replaceChildren(...(this.snapshot?.networks ?? []).map(({ name }) => make("option", { value: name }, name)));
    if (network) this.ofNetwork.value = network;
  }

  async #chooseMetric() {
    await this.#curves(this.metric.value);
    this.dirtyAll = true;
    this.drawSoon();
  }

  async #chooseGradients() {
    if (this.gradientPart.hidden) return;
    for (const layer of this.layers) await this.#curves(layer);
    this.drawSoon();
  }

  // The runs of networks by one metric: recorded ones, and of the others what the live file says.
  #runs(metric, wanted) {
    const runs = new Map(), recorded = this.recorded.get(metric) ?? new Map();
    const add = ({ name, steps, values }) => { if (wanted(name)) (runs.get(name) ?? runs.set(name, []).get(name)).push({ steps, values }); };
    for (const run of recorded.values()) add(run);
    for (const [member, { name, steps, values }] of this.live.curves) {
      if (!recorded.has(member)) add({ name, steps, values: values[metric] ?? [] });
    }
    return runs;
  }

  #drawCurves() {
    const metric = this.metric.value;
    const wanted = this.dirtyAll ? () => true : (name) => this.dirty.has(name);
    if (this.dirtyAll) this.groups.clear();
    for (const [name, runs] of this.#runs(metric, wanted)) this.groups.set(name, grouped(runs));
    this.dirtyAll = false; this.dirty.clear();
    const groups = [...this.groups].map(([name, points]) => ({ name, points }));
    this.chart.show(bestFirst(groups, metric), { log: this.logarithmic.checked, title: metric.replaceAll("_", " ") });
  }

  #draw() {
    if (view !== this) return;
    const { live } = this;
    this.#tellMetrics();
    this.#drawCurves();
    if (!this.gradientPart.hidden) {
      const network = this.ofNetwork.value;
      this.gradients.show(this.layers.map((layer) => ({
        name: `layer ${layer.split("_").at(-1)}`, points: grouped(this.#runs(layer, (name) => name === network).get(network) ?? []),
      })), { log: true, title: network });
    }
    this.#tellDiverged();
    this.tableSoon();
    const atEnd = this.log.scrollTop + this.log.clientHeight > this.log.scrollHeight - 30;
    const text = this.live.log.join("\n") || "Nothing is told of a run here.";
    if (text !== this.told) { this.log.textContent = this.told = text; if (atEnd) this.log.scrollTop = this.log.scrollHeight; }
    this.#tellStatus();
    main.dataset.shown = live.now; // until when the page shows what was told
  }

  #tellDiverged() {
    const all = new Map((this.snapshot?.diverged ?? []).map(([name, seed, step]) => [memberOf(name, seed), { name, seed, step }]));
    for (const [member, one] of this.live.diverged) if (!all.has(member) || one.step) all.set(member, one);
    const failures = this.snapshot?.failures ?? [];
    this.diverged.hidden = !all.size && !failures.length;
    const told = [...all.values()].slice(0, 100).map(({ name, seed, step }) => `${name}, seed ${seed}, diverged${step ? ` at step ${step.toLocaleString("en-US")}` : ""}`);
    if (all.size > 100) told.push(`and ${all.size - 100} more`);
    told.push(...failures.slice(0, 50).map(([name, seed, reason]) => `${name}, seed ${seed}, failed: ${reason}`));
    if (told.join("\n") === this.toldDiverged) return;
    this.toldDiverged = told.join("\n");
    this.diverged.replaceChildren(make("h2", {}, "Diverged or failed"), make("ul", {}, ...told.map((line) => make("li", {}, line))));
    this.divergedCount = all.size;
  }

  #tellOutcome({ problem, choice, answers }) {
    this.outcome.hidden = !problem && !choice;
    this.outcome.replaceChildren(make("h2", {}, "What came out"), make("p", {}, problem ?? `${choice}.`),
      make("ul", {}, ...(answers ?? []).map(({ verdict, sentence }) => make("li", {}, make("b", {}, `${verdict}: `), sentence))));
  }

  #tellStatus() {
    const { state, live, isRunning } = this;
    const left = isRunning ? live.secondsLeft : null;
    const facts = [["status", state.status ?? "unknown"], ["networks × seeds", state.total ? `${state.finished} of ${state.total}` : ""],
      ["in training", isRunning ? count(live.training.size, "stack") : ""], ["time left", left === null ? "" : left < 1 ? duration(left) : `about ${duration(left)}`],
      ["diverged", `${this.divergedCount ?? state.diverged ?? 0}`]].filter(([, value]) => value);
    const told = JSON.stringify(facts);
    if (told !== this.toldFacts) {
      this.toldFacts = told;
      this.status.replaceChildren(...facts.map(([label, value]) => make("div", {}, make("dt", {}, label), make("dd", {}, value))));
    }
    this.progress.hidden = !isRunning;
    this.progress.value = live.fraction;
    this.note.textContent = state.problem ?? (isRunning ? live.phase : this.snapshot?.problem ?? "");
    this.stop.hidden = !isRunning;
    this.stop.disabled = !mayStop || this.asked;
    this.stop.title = mayStop ? "" : "Open the address that mlplab serve printed: it has the token.";
    this.stop.textContent = this.asked ? "Asked to stop" : mayStop ? "Stop the run…" : "Stop the run (needs the token)";
    if (!isRunning) this.asked = false;
    this.report.hidden = !this.snapshot?.report;
  }

  async #stop() {
    this.dialog.close();
    const answer = await fetch(url("/api/stop", { study: this.study }), { method: "POST" });
    this.asked = answer.ok;
    this.note.textContent = await answer.text();
    this.#tellStatus();
  }
}

class NetworksView {
  title = "Compare networks";
  rows = []; drawn = new Map(); loaded = new Map();

  constructor() {
    this.metric = make("select", { "aria-label": "Curve" });
    this.metric.addEventListener("change", () => this.#drawAll());
    this.chart = new Chart("Curves of chosen networks");
    this.table = new Table([], { caption: "Networks of all studies", filtered: true });
    this.note = make("p", { className: "quiet", role: "status" });
    main.replaceChildren(make("h1", {}, "Compare networks"),
      make("p", {}, "Every network of every study. Choose some to lay their curves over each other; filter by words, or by conditions such as ", make("code", {}, "hidden=128"), " and ", make("code", {}, "accuracy>0.97"), "."),
      make("p", { className: "tools" }, this.metric), this.chart.element, this.note, this.table.element);
    this.changed();
  }

  changed() { this.#load(); }

  async #load() {
    if (this.loading) return;
    this.loading = true;
    for (const state of [...studies.values()]) {
      const mark = `${state.changed} ${state.status}`;
      if (view !== this || state.status === "damaged" || this.loaded.get(state.name)?.mark === mark) continue;
      this.note.textContent = `Reading ${state.name}`;
      this.loaded.set(state.name, { mark, snapshot: await ask("/api/study", { study: state.name }) });
    }
    this.loading = false;
    if (view !== this) return;
    this.note.textContent = "";
    const known = [...this.loaded].filter(([name, { snapshot }]) => studies.has(name) && !snapshot.problem);
    this.rows = known.flatMap(([study, { snapshot }]) => snapshot.networks.map((row) => ({ ...row, study, id: `${study}: ${row.name}` })));
    const metrics = [...new Set(known.flatMap(([, { snapshot }]) => snapshot.curves))].filter((m) => !m.includes("_layer_")).sort();
    const chosen = this.metric.value || preferred(metrics);
    this.metric.replaceChildren(...metrics.map((m) => make("option", { value: m }, m.replaceAll("_", " "))));
    if (chosen) this.metric.value = chosen;
    this.table.columns = networkColumns(this.rows, [
      { key: "drawn", title: "draw", value: (row) => (this.drawn.has(row.id) ? 0 : 1), show: (row) => this.#box(row) },
      { key: "study", title: "study", value: (row) => row.study, show: (row) => toStudy(row.study) },
      { key: "name", title: "network", value: (row) => row.name, words: true },
    ]);
    this.table.show(this.rows);
  }

  #box(row) {
    const box = keep(make("input", { type: "checkbox", checked: this.drawn.has(row.id), "aria-label": `Draw ${row.id}` }), row.id);
    box.addEventListener("change", () => {
      if (box.checked) this.drawn.set(row.id, row); else this.drawn.delete(row.id);
      this.#drawAll();
    });
    return box;
  }

  async #drawAll() {
    const metric = this.metric.value, groups = [];
    for (const { id, study, name } of this.drawn.values()) {
      const { steps = [], curves = [] } = await ask("/api/curves", { study, name: metric });
      const runs = curves.filter(([network]) => network === name).map(([, , place, values]) => ({ steps: steps[place], values }));
      groups.push({ name: id, points: grouped(runs) });
    }
    this.chart.show(groups, { title: metric.replaceAll("_", " ") });
  }
}

function route() {
  const [, kind, name] = location.hash.match(/^#\/(study|networks)?\/?(.*)$/) ?? [];
  cursor = "";
  view = null;
  view = kind === "study" ? new StudyView(decodeURIComponent(name)) : kind === "networks" ? new NetworksView() : new StudiesView();
  document.title = `${view.title} · mlplab`;
  for (const link of document.querySelectorAll("header nav a")) {
    if (link.hash === (location.hash || "#/")) link.setAttribute("aria-current", "page"); else link.removeAttribute("aria-current");
  }
  listen();
}

addEventListener("hashchange", (event) => { if (/#\/|#$|^[^#]*$/.test(event.newURL)) route(); });
// Browsers open six connections to a server: a page that nobody sees needs none.
addEventListener("visibilitychange", () => { if (document.hidden) source?.close(); else listen(); });
document.querySelector(".skip").addEventListener("click", (event) => { event.preventDefault(); main.focus(); });
route();

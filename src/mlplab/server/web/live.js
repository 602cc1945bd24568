// What a run tells while it goes on: events to curves, progress and words.

export const memberOf = (name, seed) => `${seed}\u0000${name}`;
const number = (value) => value.toLocaleString("en-US");

export function duration(seconds) {
  if (seconds < 1) return "less than a second";
  if (seconds < 100) return `${Math.round(seconds)} s`;
  if (seconds < 6000) return `${Math.round(seconds / 60)} min`;
  return `${(seconds / 3600).toFixed(1)} h`;
}

function inShort(members) {
  const names = [...new Set(members.map(([name]) => name))];
  const told = names.slice(0, 3).join(", ") + (names.length > 3 ? ` and ${names.length - 3} more` : "");
  const seeds = [...new Set(members.map(([, seed]) => seed))];
  return seeds.length > 4 ? `${told} (${seeds.length} seeds)` : `${told} (seed ${seeds.join(", ")})`;
}

function inWords(event) {
  switch (event.event) {
    case "waiting": return "another run is at work in this folder; this one goes on when it has ended";
    case "phase_started": return event.name;
    case "data_announced": return event.text;
    case "rerun": return `${event.network}, seed ${event.seed}, must be run again: ${event.reason}`;
    case "run_planned": return `${number(event.total - event.already)} of ${number(event.total)} networks × seeds to train, in ${number(event.stacks)} stacks`;
    case "stack_finished": return `${inShort(event.members)} finished in ${event.seconds.toFixed(1)} s of training`;
    case "stack_failed": return `${inShort(event.members)} could not be trained: ${event.reason}${event.tried_again ? "; tried again in smaller stacks" : ""}`;
    case "unknowns_tested": return `testing on unknown classes: ${event.done} of ${event.of}`;
    case "run_ended": return event.interrupted ? "the run was stopped" : `training ended: ${number(event.finished)} finished, ${number(event.missing)} missing`;
    default: return null;
  }
}

export class Live {
  // One run's live file, line by line.
  curves = new Map(); // member → {name, seed, steps, values: metric → numbers}
  diverged = new Map(); // member → step
  log = [];
  metrics = new Set();
  total = 0; finished = 0; flops = 0; flopsDone = 0; began = 0; now = 0;
  ended = null; phase = "";
  training = new Map(); // stack → {flops, steps, step}

  constructor(file) { this.file = file; }

  see(event) { // true where what the records say may have changed
    if (typeof event?.event !== "string") return false;
    if (event.at) { this.now = event.at; this.heard = performance.now(); }
    if (event.event !== "stack_progressed") {
      this.phase = event.event === "phase_started" ? event.name : "";
      const words = inWords(event);
      if (event.event === "unknowns_tested" && this.last === event.event) this.log.pop();
      this.last = event.event;
      if (words) this.log.push(`${new Date(event.at * 1000).toLocaleTimeString()}  ${words}`);
      if (this.log.length > 400) this.log.shift();
    }
    switch (event.event) {
      case "run_planned":
        this.total = event.total; this.finished = event.already; this.flops = event.flops;
        this.flopsDone = 0; this.began = event.at; this.ended = null;
        return true;
      case "stack_started":
        this.training.set(event.stack, { flops: event.flops, steps: event.steps, step: 0 });
        for (const [name, seed] of event.members) this.curves.delete(memberOf(name, seed));
        return false;
      case "stack_progressed": this.#progress(event); return false;
      case "stack_finished":
        this.#over(event.stack); this.finished += event.members.length;
        for (const [name, seed] of event.diverged) this.#diverge(name, seed);
        return false;
      case "stack_failed": this.#over(event.stack, !event.tried_again); return false;
      case "run_ended": this.ended = event; return true;
    }
    return false;
  }

  #progress(event) {
    const stack = this.training.get(event.stack);
    if (stack) stack.step = event.step;
    event.members.forEach(([name, seed], place) => {
      const member = memberOf(name, seed);
      let curve = this.curves.get(member);
      if (!curve) this.curves.set(member, (curve = { name, seed, steps: [], values: {} }));
      curve.steps.push(event.step);
      for (const [metric, values] of Object.entries(event.values)) {
        this.metrics.add(metric);
        (curve.values[metric] ??= [])[curve.steps.length - 1] = values[place];
      }
    });
    for (const [name, seed] of event.diverged) this.#diverge(name, seed, event.step);
  }

  #diverge(name, seed, step) {
    const member = memberOf(name, seed);
    if (!this.diverged.has(member)) this.diverged.set(member, { name, seed, step });
  }

  #over(stack, counts = true) {
    if (counts) this.flopsDone += this.training.get(stack)?.flops ?? 0;
    this.training.delete(stack);
  }

  get fraction() {
    let done = this.flopsDone;
    for (const { flops, step, steps } of this.training.values()) done += (flops * step) / steps;
    return this.flops ? Math.min(1, done / this.flops) : 0;
  }

  get secondsLeft() {
    const done = this.fraction;
    const now = this.now + (performance.now() - this.heard) / 1000;
    return done > 0 && done < 1 ? ((now - this.began) * (1 - done)) / done : null;
  }
}

/** Builds small deterministic automata from sequences, alternatives and repetitions of bytes. */

/** A state of an automaton. Two spellings that begin with the same bytes share their first states. */
export interface SpellingState {
  /** unique among all states of the process */
  readonly id: number;
  /** whether the bytes up to this state are a complete spelling */
  readonly isEnd: boolean;
  /** the bytes that can follow */
  readonly bytes: ReadonlySet<number>;
  /** returns the state after one more byte */
  step(byte: number): SpellingState | undefined;
}

/** Adds states between `from` and `to`. */
export type Spelling = (graph: Graph, from: number, to: number) => void;

interface Graph {
  readonly steps: { readonly byte: number; readonly to: number }[][];
  readonly jumps: number[][];
}

const addState = (graph: Graph): number => {
  graph.jumps.push([]);
  return graph.steps.push([]) - 1;
};

/** Matches the bytes of the text, each of which a string holds as one Latin-1 character. */
export const bytesOf =
  (latin1: string): Spelling =>
  (graph, from, to) => {
    let at = from;
    for (let i = 0; i < latin1.length; i++) {
      const next = i === latin1.length - 1 ? to : addState(graph);
      graph.steps[at]?.push({ byte: latin1.charCodeAt(i), to: next });
      at = next;
    }
    if (latin1 === '') graph.jumps[from]?.push(to);
  };

/** Matches the text, with its letters in either case: for digits of hexadecimal numbers. */
export const anyCase = (text: string): Spelling =>
  sequence(
    ...Array.from(text, (c) =>
      c.toLowerCase() === c.toUpperCase()
        ? bytesOf(c)
        : oneOf(bytesOf(c.toLowerCase()), bytesOf(c.toUpperCase())),
    ),
  );

export const sequence =
  (...parts: readonly Spelling[]): Spelling =>
  (graph, from, to) => {
    let at = from;
    for (const [i, part] of parts.entries()) {
      const next = i === parts.length - 1 ? to : addState(graph);
      part(graph, at, next);
      at = next;
    }
    if (parts.length === 0) graph.jumps[from]?.push(to);
  };

export const oneOf =
  (...parts: readonly Spelling[]): Spelling =>
  (graph, from, to) => {
    for (const part of parts) part(graph, from, to);
  };

/** Matches the part any number of times, or not at all. */
export const many =
  (part: Spelling): Spelling =>
  (graph, from, to) => {
    // A state of its own: without it, a loop would also repeat what else leads to `from` or leaves `to`.
    const loop = addState(graph);
    graph.jumps[from]?.push(loop);
    part(graph, loop, loop);
    graph.jumps[loop]?.push(to);
  };

export const optional = (part: Spelling): Spelling => oneOf(part, bytesOf(''));

let states = 0;

/** The automaton of one spelling. Its states are made when a text leads to them: few ever do. */
class Automaton {
  readonly graph: Graph = { steps: [], jumps: [] };
  readonly last: number;
  readonly #known = new Map<string, State>();

  constructor(spelling: Spelling) {
    addState(this.graph);
    this.last = addState(this.graph);
    spelling(this.graph, 0, this.last);
  }

  /** Returns the state that stands for all states of the graph that the same bytes lead to. */
  stateOf(reached: Iterable<number>): State {
    const all = new Set(reached);
    for (const member of all) for (const jump of this.graph.jumps[member] ?? []) all.add(jump);
    const members = [...all].sort((a, b) => a - b);
    const key = members.join();
    const found = this.#known.get(key) ?? new State(this, members);
    this.#known.set(key, found);
    return found;
  }
}

class State implements SpellingState {
  readonly id = states++;
  readonly isEnd: boolean;
  readonly #automaton: Automaton;
  readonly #targets = new Map<number, number[]>();
  readonly #next = new Map<number, State>();

  constructor(automaton: Automaton, members: readonly number[]) {
    this.#automaton = automaton;
    this.isEnd = members.includes(automaton.last);
    for (const member of members) {
      for (const { byte, to } of automaton.graph.steps[member] ?? []) {
        const list = this.#targets.get(byte);
        if (list === undefined) this.#targets.set(byte, [to]);
        else list.push(to);
      }
    }
  }

  get bytes(): ReadonlySet<number> {
    return new Set(this.#targets.keys());
  }

  step(byte: number): State | undefined {
    const known = this.#next.get(byte);
    if (known !== undefined) return known;
    const targets = this.#targets.get(byte);
    if (targets === undefined) return undefined;
    const next = this.#automaton.stateOf(targets);
    this.#next.set(byte, next);
    return next;
  }
}

/** Makes the automaton of a spelling. Returns its first state. */
export const compileSpelling = (spelling: Spelling): SpellingState => new Automaton(spelling).stateOf([0]);

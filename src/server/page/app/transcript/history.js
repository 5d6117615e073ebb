// Undo and redo of immutable values. Pure apart from its own state.

const kMostSteps = 500;

export class History {
  #past = [];
  #future = [];

  constructor(value) {
    this.value = value;
  }

  // `label` says what was done, as in "Undo: rename speaker".
  push(value, label) {
    if (value === this.value) return;
    this.#past.push({ value: this.value, label });
    if (this.#past.length > kMostSteps) this.#past.shift();
    this.#future = [];
    this.value = value;
  }

  // What would be undone or redone; null for nothing.
  get undoLabel() { return this.#past.at(-1)?.label ?? null; }
  get redoLabel() { return this.#future.at(-1)?.label ?? null; }

  // Both return the label of what they did, or null.
  undo() { return this.#move(this.#past, this.#future); }
  redo() { return this.#move(this.#future, this.#past); }

  #move(from, to) {
    const step = from.pop();
    if (step === undefined) return null;
    to.push({ value: this.value, label: step.label });
    this.value = step.value;
    return step.label;
  }
}

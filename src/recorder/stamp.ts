// Our own notes on the program's objects, where the program cannot see them: a private field is in no list of
// properties, in no util.inspect, and costs a property's read, less than a WeakMap's.

/** The fields of a class that extends it are put on the object that its constructor is given. */
export class Given {
  constructor(object: object) {
    // biome-ignore lint/correctness/noConstructorReturn: the point of it
    return object;
  }
}

/** A kind of note: `get` answers undefined for an object without one. */
export interface Stamp<T> {
  get(object: object): T | undefined;
  set(object: object, note: T): void;
}

export function newStamp<T>(): Stamp<T> {
  class Note extends Given {
    #note: T;

    constructor(object: object, note: T) {
      super(object);
      this.#note = note;
    }

    static get(object: object): T | undefined {
      return #note in object ? object.#note : undefined;
    }

    static set(object: object, note: T): void {
      if (#note in object) object.#note = note;
      else new Note(object, note);
    }
  }
  return Note;
}

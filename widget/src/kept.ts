// A value that is worked out anew only when something that it depends on is another.

export class Kept<Value> {
  #from: readonly unknown[] | undefined;
  #value: Value | undefined;

  of(from: readonly unknown[], workOut: () => Value): Value {
    const isSame =
      this.#from?.length === from.length && from.every((one, index) => one === this.#from?.[index]);
    if (!isSame) this.#value = workOut();
    this.#from = from;
    return this.#value as Value;
  }
}

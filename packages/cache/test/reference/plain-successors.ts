/** A successor for each key, with two bits of confidence, as one writes it down. */
export class PlainSuccessors {
  readonly #next = new Map<string, { key: string; confidence: number }>()

  find(key: string): { readonly key: string; readonly confidence: number } | undefined {
    return this.#next.get(key)
  }

  learn(key: string, next: string): void {
    const known = this.#next.get(key)
    if (known === undefined) this.#next.set(key, { key: next, confidence: 1 })
    else if (known.key === next) known.confidence = Math.min(3, known.confidence + 1)
    else if (known.confidence > 0) known.confidence -= 1
    else this.#next.set(key, { key: next, confidence: 1 })
  }
}

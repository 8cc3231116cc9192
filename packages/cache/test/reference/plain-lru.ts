import { takeOut, type PlainPolicy } from './plain-policy.ts'

export class PlainLru implements PlainPolicy {
  readonly #capacity: number
  #keys: string[] = []

  constructor(capacity: number) {
    this.#capacity = capacity
  }

  resident(): readonly string[] {
    return this.#keys
  }

  request(key: string): boolean {
    const hit = takeOut(this.#keys, key)
    this.#keys = [key, ...this.#keys].slice(0, this.#capacity)
    return hit
  }

  remove(key: string): void {
    takeOut(this.#keys, key)
  }
}

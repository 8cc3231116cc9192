/** LIRS with a tenth HIR and three ghosts for four entries. The front of a list is its most recent end. */
import { takeOut, type PlainPolicy } from './plain-policy.ts'

export class PlainLirs implements PlainPolicy {
  readonly #capacity: number
  /** LIR entries, and HIR entries and ghosts that were asked for after the oldest of them. */
  readonly #stack: string[] = []
  readonly #queue: string[] = []
  readonly #lir = new Set<string>()
  /** Newest first. */
  readonly #ghosts: string[] = []
  #filling = true

  constructor(capacity: number) {
    this.#capacity = capacity
  }

  resident(): readonly string[] {
    return [...this.#lir, ...this.#queue]
  }

  request(key: string): boolean {
    if (this.#lir.has(key)) {
      this.#toTop(key)
      this.#prune()
      return true
    }
    if (this.#queue.includes(key)) {
      takeOut(this.#queue, key)
      if (this.#stack.includes(key)) this.#makeLir(key)
      else {
        this.#queue.unshift(key)
        this.#toTop(key)
      }
      return true
    }
    const wasGhost = takeOut(this.#ghosts, key)
    if (wasGhost) takeOut(this.#stack, key)
    if (this.resident().length >= this.#capacity) this.#evict()
    const entries = this.resident().length + 1
    if (wasGhost || (this.#filling && this.#lir.size < this.#most(entries))) this.#makeLir(key)
    else {
      this.#queue.unshift(key)
      this.#toTop(key)
    }
    return false
  }

  remove(key: string): void {
    takeOut(this.#queue, key)
    takeOut(this.#stack, key)
    this.#lir.delete(key)
    this.#prune()
    this.#balance()
  }

  #evict(): void {
    this.#filling = false
    const key = this.#queue.pop()!
    if (this.#stack.includes(key)) {
      while (this.#ghosts.length > 0 && this.#ghosts.length >= Math.ceil(this.resident().length * 0.75))
        takeOut(this.#stack, this.#ghosts.pop()!)
      this.#ghosts.unshift(key)
    }
    this.#balance()
  }

  #makeLir(key: string): void {
    this.#lir.add(key)
    this.#toTop(key)
    this.#balance()
    this.#prune()
  }

  #toTop(key: string): void {
    takeOut(this.#stack, key)
    this.#stack.unshift(key)
  }

  #most(entries: number): number {
    return entries - Math.max(1, Math.round(entries * 0.1))
  }

  #balance(): void {
    while (this.#lir.size > Math.max(0, this.#most(this.resident().length))) {
      this.#prune()
      const key = this.#stack.pop()!
      this.#lir.delete(key)
      this.#queue.unshift(key)
      this.#prune()
    }
  }

  #prune(): void {
    while (this.#stack.length > 0 && !this.#lir.has(this.#stack.at(-1)!)) {
      takeOut(this.#ghosts, this.#stack.pop()!)
    }
  }
}

/**
 * LIRS with a tenth HIR, three ghosts for four entries, and the LIR entries in a clock. The front of a list is its newest end.
 * Times count the requests for what is not LIR; a LIR entry has that at which the clock passed it.
 */
import { takeOut, type PlainPolicy } from './plain-policy.ts'

export class PlainLirs implements PlainPolicy {
  readonly #capacity: number
  readonly #lir: string[] = []
  readonly #hir: string[] = []
  readonly #ghosts: string[] = []
  readonly #times = new Map<string, number>()
  /** LIR entries that were asked for since they got their place. */
  readonly #asked = new Set<string>()
  #now = 0
  #filling = true

  constructor(capacity: number) {
    this.#capacity = capacity
  }

  resident(): readonly string[] {
    return [...this.#lir, ...this.#hir]
  }

  request(key: string): boolean {
    const former = this.#times.get(key)
    if (this.#lir.includes(key)) {
      this.#asked.add(key)
      return true
    }
    if (takeOut(this.#hir, key)) {
      this.#times.set(key, (this.#now += 1))
      if (this.#isNewer(former!)) this.#makeLir(key)
      else this.#hir.unshift(key)
      return true
    }
    const isRecent = takeOut(this.#ghosts, key) && this.#isNewer(former!)
    if (this.resident().length >= this.#capacity) this.#evict()
    this.#times.set(key, (this.#now += 1))
    const isRoom = this.#filling && this.#lir.length < this.#most(this.resident().length + 1)
    if (isRecent || isRoom) this.#makeLir(key)
    else this.#hir.unshift(key)
    return false
  }

  remove(key: string): void {
    takeOut(this.#hir, key)
    takeOut(this.#lir, key)
    this.#asked.delete(key)
    this.#balance()
  }

  #evict(): void {
    this.#filling = false
    const key = this.#hir.pop()!
    const isRecent = this.#isNewer(this.#times.get(key)!)
    this.#balance()
    if (!isRecent) return
    while (this.#ghosts.length > 0 && this.#ghosts.length >= Math.ceil(this.resident().length * 0.75))
      this.#ghosts.pop()
    this.#ghosts.unshift(key)
  }

  #isNewer(time: number): boolean {
    const oldest = this.#oldestLir()
    return oldest === undefined || time > this.#times.get(oldest)!
  }

  #oldestLir(): string | undefined {
    for (;;) {
      const key = this.#lir.at(-1)
      if (key === undefined || !this.#asked.delete(key)) return key
      this.#times.set(key, this.#now)
      this.#lir.unshift(this.#lir.pop()!)
    }
  }

  #makeLir(key: string): void {
    this.#asked.delete(key)
    this.#lir.unshift(key)
    this.#balance()
  }

  #most(entries: number): number {
    return entries - Math.max(1, Math.round(entries * 0.1))
  }

  #balance(): void {
    while (this.#lir.length > 0 && this.#lir.length > this.#most(this.resident().length)) {
      const key = this.#oldestLir()!
      takeOut(this.#lir, key)
      this.#hir.unshift(key)
    }
  }
}

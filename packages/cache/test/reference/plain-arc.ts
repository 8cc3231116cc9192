/** ARC after figure 4 of the FAST '03 paper, case by case. The front of a list is its most recent end. */
import { takeOut, type PlainPolicy } from './plain-policy.ts'

export class PlainArc implements PlainPolicy {
  readonly #c: number
  p = 0
  readonly t1: string[] = []
  readonly t2: string[] = []
  readonly b1: string[] = []
  readonly b2: string[] = []

  constructor(capacity: number) {
    this.#c = capacity
  }

  resident(): readonly string[] {
    return [...this.t1, ...this.t2]
  }

  request(key: string): boolean {
    const { t1, t2, b1, b2 } = this
    if (takeOut(t1, key) || takeOut(t2, key)) {
      t2.unshift(key)
      return true
    }
    if (b1.includes(key)) {
      this.p = Math.min(this.#c, this.p + Math.max(1, b2.length / b1.length))
      this.#replace(false)
      takeOut(b1, key)
      t2.unshift(key)
      return false
    }
    if (b2.includes(key)) {
      this.p = Math.max(0, this.p - Math.max(1, b1.length / b2.length))
      this.#replace(true)
      takeOut(b2, key)
      t2.unshift(key)
      return false
    }
    if (t1.length + b1.length === this.#c) {
      if (t1.length < this.#c) {
        b1.pop()
        this.#replace(false)
      } else t1.pop()
    } else if (t1.length + t2.length + b1.length + b2.length >= this.#c) {
      if (t1.length + t2.length + b1.length + b2.length === 2 * this.#c) b2.pop()
      this.#replace(false)
    }
    t1.unshift(key)
    return false
  }

  remove(key: string): void {
    if (!takeOut(this.t1, key)) takeOut(this.t2, key)
  }

  /** With deletions, which the paper does not have, there may be room already. */
  #replace(isInB2: boolean): void {
    const { t1, t2, b1, b2 } = this
    if (t1.length + t2.length < this.#c) return
    if (t2.length === 0 || (t1.length > 0 && (t1.length > this.p || (isInB2 && t1.length === this.p))))
      b1.unshift(t1.pop()!)
    else b2.unshift(t2.pop()!)
  }
}

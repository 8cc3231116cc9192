/** The reading order of a DAG, as far as its links are known: what a reader that goes in order asks for next. */

/** How a read fits what was known: the next in order; further with the same stride; down into a node; to another place. */
export type Step = 'next' | 'stride' | 'descent' | 'jump' | 'unknown'

/** A read, seen against what was known. */
export interface Visit {
  readonly step: Step
  /** Places from the one before, if both are links of one node, or positions. */
  readonly distance: number
  /** Whether it is the first that was asked for of what a node links to. */
  readonly isFirstBelow: boolean
}

/** A read of which nothing was known. */
export const unknown: Visit = { step: 'unknown', distance: Number.POSITIVE_INFINITY, isFirstBelow: false }

/** Links kept of one node, and nodes kept around each other: more only makes the view shorter. */
const maxLinks = 8192
const maxNodes = 32
/** Blocks whose links are known before the reader comes to them, and links of all of these. */
const maxKnown = 4096
const maxKnownLinks = 65_536

/** A node that was read, and which of its links was asked for last. */
interface Frame {
  readonly links: readonly string[]
  /** -1 before the first. */
  last: number
  /** From the last but one to the last, and how often it was the same. */
  stride: number
  repeats: number
  /** Whether there are nodes among what it links to, as far as that was seen. */
  hasNodes: boolean
  /** Places of links, made when a read is not where it is looked for first. */
  places: Map<string, number> | undefined
}

/** The path of nodes from the root to where the reader is. */
export class DagPlan {
  readonly #frames: Frame[] = []
  readonly #known = new Map<string, readonly string[]>()
  #knownLinks = 0
  /** What was read last; its links may not be known yet. */
  #current: string | undefined
  #isOpen = false

  /** A block is read. Says how that fits. */
  visit(key: string): Visit {
    const came = this.#find(key)
    this.#current = key
    this.#isOpen = false
    const links = this.#known.get(key)
    if (links !== undefined) {
      this.#unlearn(key, links)
      this.#open(links)
    }
    return came
  }

  /** The links of a block are known: of what was read last, or of what the reader has not come to. */
  expand(key: string, links: readonly string[]): void {
    const kept = links.slice(0, maxLinks)
    if (key === this.#current) {
      if (!this.#isOpen) this.#open(kept)
      return
    }
    const former = this.#known.get(key)
    if (former !== undefined) this.#unlearn(key, former)
    this.#known.set(key, kept)
    this.#knownLinks += kept.length
    while (this.#known.size > maxKnown || this.#knownLinks > maxKnownLinks) {
      for (const [oldest, its] of this.#known) {
        this.#unlearn(oldest, its)
        break
      }
    }
  }

  /**
   * Up to `limit` keys that come next, in the order of the DAG: nodes before what is below them. Behind a node whose links are
   * not known nothing is: what comes next is below it.
   */
  inOrder(limit: number): string[] {
    const keys = new Set<string>()
    for (let at = this.#frames.length - 1; at >= 0 && keys.size < limit; at -= 1) {
      const { links, last, hasNodes } = this.#frames[at]!
      if (!this.#below(links, last + 1, hasNodes, limit, keys, 0)) break
    }
    keys.delete(this.#current!)
    return [...keys]
  }

  /** The stride of the node that is being read, from its second repetition on; `undefined` if it goes in order. */
  strided(limit: number): { readonly keys: string[]; readonly repeats: number } | undefined {
    const frame = this.#frames.at(-1)
    if (frame === undefined || frame.repeats < 2 || frame.stride === 1) return undefined
    const keys = new Set<string>()
    const { links, stride } = frame
    for (let at = frame.last + stride; keys.size < limit; at += stride) {
      const key = links[at]
      if (key === undefined) break
      keys.add(key)
    }
    keys.delete(this.#current!)
    return keys.size === 0 ? undefined : { keys: [...keys], repeats: frame.repeats }
  }

  #find(key: string): Visit {
    const frames = this.#frames
    let open = frames.length - 1
    while (open >= 0 && isRead(frames[open]!)) open -= 1
    const next = frames[open]
    if (next !== undefined && next.links[next.last + 1] === key) {
      const isFirstBelow = next.last === -1
      const step = next.stride !== 1 && next.repeats >= 2 ? 'jump' : 'next'
      this.#move(open, next.last + 1)
      return { step, distance: 1, isFirstBelow }
    }
    const top = frames.at(-1)
    if (top !== undefined && top.repeats >= 1 && top.links[top.last + top.stride] === key) {
      const distance = Math.abs(top.stride)
      this.#move(frames.length - 1, top.last + top.stride)
      return { step: 'stride', distance, isFirstBelow: false }
    }
    for (let at = frames.length - 1; at >= 0; at -= 1) {
      const frame = frames[at]!
      frame.places ??= new Map(frame.links.map((link, place) => [link, place]))
      const place = frame.places.get(key)
      if (place === undefined) continue
      const isTop = at === frames.length - 1
      const isFirstBelow = isTop && frame.last === -1
      // Close by are only links of one node: those of nodes above are far from each other.
      const distance = isTop ? Math.abs(place - frame.last) : Number.POSITIVE_INFINITY
      this.#move(at, place)
      return { step: isFirstBelow ? 'descent' : 'jump', distance, isFirstBelow }
    }
    frames.length = 0
    return next === undefined ? unknown : { ...unknown, step: 'jump' }
  }

  /** The reader is at a link of a node, and has left those below it. */
  #move(at: number, place: number): void {
    const frame = this.#frames[at]!
    const stride = place - frame.last
    // The same one again is no stride.
    if (frame.last >= 0 && stride !== 0) {
      frame.repeats = stride === frame.stride ? frame.repeats + 1 : 1
      frame.stride = stride
    }
    frame.last = place
    this.#frames.length = at + 1
  }

  #open(links: readonly string[]): void {
    this.#isOpen = true
    if (links.length === 0) return
    const parent = this.#frames.at(-1)
    if (parent !== undefined) parent.hasNodes = true
    this.#frames.push({ links, last: -1, stride: 0, repeats: 0, hasNodes: false, places: undefined })
    // Nodes inside each other for ever: the outermost are given up.
    if (this.#frames.length > maxNodes) this.#frames.shift()
  }

  #unlearn(key: string, links: readonly string[]): void {
    this.#known.delete(key)
    this.#knownLinks -= links.length
  }

  /** Adds what comes next from a place of a list on. False if that is not known any further, or enough. */
  #below(
    links: readonly string[],
    from: number,
    amongNodes: boolean,
    limit: number,
    keys: Set<string>,
    depth: number,
  ): boolean {
    let hasNodes = amongNodes
    // Links to what is there already, or to itself, are steps too: no more of them than of keys that are wanted, twice.
    const end = Math.min(links.length, from + 2 * limit)
    for (let at = from; at < end; at += 1) {
      if (keys.size >= limit) return false
      const key = links[at]!
      if (keys.has(key)) continue
      keys.add(key)
      const below = this.#known.get(key)
      if (below === undefined) {
        if (hasNodes) return false
      } else if (below.length > 0) {
        hasNodes = true
        if (depth < maxNodes && !this.#below(below, 0, false, limit, keys, depth + 1)) return false
      }
    }
    return end === links.length
  }
}

/** Whether its last link was read. */
function isRead({ links, last }: Frame): boolean {
  return last + 1 >= links.length
}

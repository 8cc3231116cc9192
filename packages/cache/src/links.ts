/** Doubly linked lists over two typed arrays: nodes are numbers, and the head of a list is a node of its own. */

/** Lists that share one set of nodes. A node is in one of them, or in none. */
export class Links {
  #previous: Int32Array
  #next: Int32Array

  constructor(nodes: number) {
    this.#previous = new Int32Array(nodes)
    this.#next = new Int32Array(nodes)
  }

  /** Makes a node the head of an empty list. */
  makeHead(head: number): void {
    this.#previous[head] = head
    this.#next[head] = head
  }

  /** Whether a list has no nodes. */
  isEmpty(head: number): boolean {
    return this.#next[head] === head
  }

  /** The node at the front, or the head itself. */
  front(head: number): number {
    return this.#next[head]!
  }

  /** The node at the back, or the head itself. */
  back(head: number): number {
    return this.#previous[head]!
  }

  pushFront(head: number, node: number): void {
    const next = this.#next
    const previous = this.#previous
    const first = next[head]!
    next[node] = first
    previous[node] = head
    previous[first] = node
    next[head] = node
  }

  pushBack(head: number, node: number): void {
    const next = this.#next
    const previous = this.#previous
    const last = previous[head]!
    previous[node] = last
    next[node] = head
    next[last] = node
    previous[head] = node
  }

  unlink(node: number): void {
    const before = this.#previous[node]!
    const after = this.#next[node]!
    this.#next[before] = after
    this.#previous[after] = before
  }

  /** Puts a node in the place of another, which is in no list from then on. */
  substitute(node: number, other: number): void {
    const before = this.#previous[node]!
    const after = this.#next[node]!
    this.#previous[other] = before
    this.#next[other] = after
    this.#next[before] = other
    this.#previous[after] = other
  }

  /** The nodes of a list, front to back. */
  nodesOf(head: number): number[] {
    const nodes: number[] = []
    for (let node = this.front(head); node !== head; node = this.#next[node]!) nodes.push(node)
    return nodes
  }

  /** Makes room for more nodes. */
  grow(nodes: number): void {
    this.#previous = grown(this.#previous, nodes)
    this.#next = grown(this.#next, nodes)
  }

  /** Makes room for `count` nodes at a number: the nodes from there on get higher ones. */
  open(at: number, count: number): void {
    this.#previous = opened(this.#previous, at, count)
    this.#next = opened(this.#next, at, count)
  }
}

/** A longer array that begins with the same numbers. */
export function grown<T extends Int32Array | Uint32Array | Uint8Array | Float64Array>(
  array: T,
  length: number,
): T {
  const longer = new (array.constructor as new (length: number) => T)(length)
  longer.set(array)
  return longer
}

function opened(links: Int32Array, at: number, count: number): Int32Array {
  const wider = new Int32Array(links.length + count)
  for (let node = 0; node < links.length; node += 1) {
    const other = links[node]!
    wider[node < at ? node : node + count] = other < at ? other : other + count
  }
  return wider
}

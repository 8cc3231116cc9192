/** Doubly linked lists over a typed array: nodes are numbers, and the head of a list is a node of its own. */

/** Lists that share one set of nodes. A node is in one of them, or in none. */
export class Links {
  /**
   * Of each node the one behind it and the one before it, side by side: they are read together. In 16 bits as long as these are
   * enough.
   */
  #links: Uint16Array | Int32Array

  constructor(nodes: number) {
    this.#links = new Uint16Array(2 * nodes)
  }

  /** Makes a node the head of an empty list. */
  makeHead(head: number): void {
    this.#links[2 * head] = head
    this.#links[2 * head + 1] = head
  }

  /** The node at the back, or the head itself. */
  back(head: number): number {
    return this.#links[2 * head + 1]!
  }

  pushFront(head: number, node: number): void {
    const links = this.#links
    const first = links[2 * head]!
    links[2 * node] = first
    links[2 * node + 1] = head
    links[2 * first + 1] = node
    links[2 * head] = node
  }

  unlink(node: number): void {
    const links = this.#links
    const behind = links[2 * node]!
    const before = links[2 * node + 1]!
    links[2 * before] = behind
    links[2 * behind + 1] = before
  }

  /** Takes a node of any list to the front of one. */
  moveFront(head: number, node: number): void {
    const links = this.#links
    const behind = links[2 * node]!
    const before = links[2 * node + 1]!
    links[2 * before] = behind
    links[2 * behind + 1] = before
    const first = links[2 * head]!
    links[2 * node] = first
    links[2 * node + 1] = head
    links[2 * first + 1] = node
    links[2 * head] = node
  }

  /** The nodes of a list, front to back. */
  nodesOf(head: number): number[] {
    const nodes: number[] = []
    for (let node = this.#links[2 * head]!; node !== head; node = this.#links[2 * node]!) nodes.push(node)
    return nodes
  }

  /** Makes room for more nodes. */
  grow(nodes: number): void {
    const longer = nodes > 2 ** 16 ? new Int32Array(2 * nodes) : new Uint16Array(2 * nodes)
    longer.set(this.#links)
    this.#links = longer
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

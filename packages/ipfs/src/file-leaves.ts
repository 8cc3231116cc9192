/**
 * The leaves of a file in their order, gathered from the nodes above them, without a read of the leaves themselves. Of dag-pb
 * leaves the first is read, to know how deep they lie: what lies as deep elsewhere is taken for a leaf. In a tree that is not
 * balanced it may be a part with parts of its own, which does as well, and is opened only when its bytes are asked for.
 */
import type { CID } from 'multiformats/cid'
import { isLeaf } from './codecs.ts'
import { describeNode } from './describe-node.ts'
import { IpfsError } from './errors.ts'
import type { FilePart } from './file-layout.ts'
import { contradiction, fileNode, openFile, type GetBlock, type UnixfsNode } from './file-reader.ts'
import { createPause } from './pause.ts'

/** Leaves of a file that can be changed, at most: 4 TiB in leaves of 1 MiB. */
export const mostLeaves = 4_194_304
/** Levels of nodes above its leaves, at most. */
const mostLevels = 64

/** A leaf whose bytes were read. */
export interface ReadLeaf {
  /** Where it starts in the file. */
  readonly start: number
  readonly bytes: Uint8Array
}

/** Bytes that lie in a node of the file, and are no leaf yet. */
interface Inline {
  readonly bytes: number
  readonly inline: Uint8Array
}

type Part = FilePart | Inline

/** The parts of a file in the order of its bytes, none of them empty. */
export class FileLeaves {
  /** The file itself. */
  readonly whole: FilePart
  /** Its UnixFS data; absent if it is raw bytes. */
  readonly data: Uint8Array | undefined
  readonly #get: GetBlock
  readonly #store: (bytes: Uint8Array) => Promise<FilePart>
  #parts: Part[] = []
  /** Where each part starts. */
  #starts: number[] = []

  private constructor(
    whole: FilePart,
    data: Uint8Array | undefined,
    get: GetBlock,
    store: (bytes: Uint8Array) => Promise<FilePart>,
  ) {
    this.whole = whole
    this.data = data
    this.#get = get
    this.#store = store
  }

  /**
   * Gathers them.
   *
   * @param store - makes a leaf of bytes that lie in a node with links, or in one that carries what a leaf does not
   * @throws IpfsError what `get` and `store` throw; IPFS_NOT_A_FILE, IPFS_INVALID_NODE; IPFS_DAG_TOO_LARGE for more than
   * 4,194,304 leaves or 64 levels
   */
  static async open(
    base: CID,
    get: GetBlock,
    store: (bytes: Uint8Array) => Promise<FilePart>,
  ): Promise<FileLeaves> {
    const block = await get(base)
    const file = openFile(base, block)
    if (file === undefined) throw new IpfsError('IPFS_NOT_A_FILE', `${base} is not a file`)
    const { dagBytes } = describeNode(base, block)
    const data = file.root instanceof Uint8Array ? undefined : file.root.node.Data
    const leaves = new FileLeaves({ cid: base, bytes: file.size, dagBytes }, data, get, store)
    leaves.#replace(0, 0, await leaves.#gather(leaves.whole, block))
    return leaves
  }

  /** Bytes of the file. */
  get size(): number {
    return this.whole.bytes
  }

  /** Where the last one starts, and how many bytes it has; nothing of an empty file. */
  get last(): { readonly start: number; readonly bytes: number } | undefined {
    const part = this.#parts.at(-1)
    return part === undefined ? undefined : { start: this.#starts.at(-1)!, bytes: part.bytes }
  }

  /** Those that end at a place or before it, where one of them ends. */
  upTo(end: number): AsyncGenerator<FilePart, void, undefined> {
    return this.#stored(this.#parts.slice(0, end < this.size ? this.#indexAt(end) : this.#parts.length))
  }

  /** Those that start at a place or behind it, where one of them starts. */
  from(start: number): AsyncGenerator<FilePart, void, undefined> {
    return this.#stored(start < this.size ? this.#parts.slice(this.#indexAt(start)) : [])
  }

  async *#stored(parts: readonly Part[]): AsyncGenerator<FilePart, void, undefined> {
    for (const part of parts) yield 'inline' in part ? await this.#store(part.inline) : part
  }

  /** Where the part starts that has a byte. */
  startOf(at: number): number {
    return this.#starts[this.#indexAt(at)]!
  }

  /** Reads the leaf that has a byte. @throws IpfsError what `get` throws, IPFS_INVALID_NODE */
  async read(at: number): Promise<ReadLeaf> {
    for (;;) {
      const index = this.#indexAt(at)
      const part = this.#parts[index]!
      const start = this.#starts[index]!
      if ('inline' in part) return { start, bytes: part.inline }
      const block = await this.#get(part.cid)
      const node = isLeaf(part.cid) ? undefined : fileNode({ cid: part.cid, size: part.bytes }, block)
      if (node !== undefined && node.node.Links.length > 0) {
        this.#replace(index, 1, await this.#gather(part, block))
        continue
      }
      const bytes = node === undefined ? block : (node.unixfs.data ?? new Uint8Array())
      if (bytes.byteLength !== part.bytes) throw contradiction(part.cid)
      return { start, bytes }
    }
  }

  /** The part that has a byte, which is in the file. */
  #indexAt(at: number): number {
    let low = 0
    let high = this.#starts.length - 1
    while (low < high) {
      const middle = Math.ceil((low + high) / 2)
      if (this.#starts[middle]! <= at) low = middle
      else high = middle - 1
    }
    return low
  }

  #replace(index: number, count: number, parts: readonly Part[]): void {
    this.#parts = [...this.#parts.slice(0, index), ...parts, ...this.#parts.slice(index + count)]
    if (this.#parts.length > mostLeaves) throw tooLarge(this.whole.cid)
    let start = 0
    this.#starts = this.#parts.map(({ bytes }) => {
      start += bytes
      return start - bytes
    })
  }

  /** The leaves of a part whose block was read. */
  async #gather(part: FilePart, block: Uint8Array): Promise<Part[]> {
    if (isLeaf(part.cid)) return nonEmpty([{ ...part, dagBytes: block.byteLength }])
    const root = fileNode({ cid: part.cid, size: part.bytes }, block)
    if (root.node.Links.length === 0) return inlineOf(root)
    const pause = createPause()
    // A file may have a node many times, such as one of zeros; one that is a bomb has little else.
    const known = new Map<string, readonly Part[]>()
    const below = async (child: FilePart, level: number): Promise<readonly Part[]> => {
      if (level === 0 || isLeaf(child.cid)) return [child]
      const key = `${level} ${child.bytes} ${child.cid}`
      let leaves = known.get(key)
      if (leaves === undefined) {
        const inner = await this.#inner(child)
        leaves = inner === undefined ? [child] : await ofNode(inner, child.cid, level)
        known.set(key, leaves)
        await pause()
      }
      return leaves
    }
    const ofNode = async (node: UnixfsNode, cid: CID, level: number): Promise<Part[]> => {
      const leaves = inlineOf(node)
      for (const child of childrenOf(cid, node)) {
        for (const leaf of await below(child, level - 1)) leaves.push(leaf)
        if (leaves.length > mostLeaves) throw tooLarge(part.cid)
      }
      return leaves
    }
    return ofNode(root, part.cid, await this.#levelsBelow(root, part.cid))
  }

  /** How many levels of links there are down to the first leaf. */
  async #levelsBelow(root: UnixfsNode, cid: CID): Promise<number> {
    let [first] = childrenOf(cid, root)
    for (let levels = 1; levels <= mostLevels; levels += 1) {
      const inner = first === undefined || isLeaf(first.cid) ? undefined : await this.#inner(first)
      if (first === undefined || inner === undefined) return levels
      first = childrenOf(first.cid, inner)[0]
    }
    throw tooLarge(cid)
  }

  /** The node of a part, if it has parts of its own. */
  async #inner({ cid, bytes }: FilePart): Promise<UnixfsNode | undefined> {
    const node = fileNode({ cid, size: bytes }, await this.#get(cid))
    return node.node.Links.length === 0 ? undefined : node
  }
}

/** The parts of a node. What claims to be empty is not looked into, and left out. */
function childrenOf(cid: CID, { node, unixfs }: UnixfsNode): FilePart[] {
  if (node.Links.length !== unixfs.blockSizes.length) throw contradiction(cid)
  return nonEmpty(
    node.Links.map((link, at): FilePart => {
      const bytes = Number(unixfs.blockSizes[at])
      return { cid: link.Hash, bytes, dagBytes: link.Tsize ?? bytes }
    }),
  )
}

/** The bytes in a node itself. */
function inlineOf({ unixfs: { data } }: UnixfsNode): Part[] {
  return data === undefined ? [] : nonEmpty([{ bytes: data.byteLength, inline: data }])
}

function nonEmpty<P extends Part>(parts: readonly P[]): P[] {
  return parts.filter(({ bytes }) => bytes > 0)
}

export function tooLarge(cid: CID): IpfsError {
  return new IpfsError(
    'IPFS_DAG_TOO_LARGE',
    `The file ${cid} would have more than ${mostLeaves} leaves or ${mostLevels} levels`,
  )
}

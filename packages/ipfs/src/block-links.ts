/**
 * The links of a dag-pb block where they lie in it. The library makes several objects of each link: of a folder that has thousands,
 * in which one name is looked for, that costs a thousand times what the one link does.
 */
import { isUtf8 } from 'node:buffer'
import type { PBNode } from '@ipld/dag-pb'
import { CID } from 'multiformats/cid'
import { decodeBlock, passingCid } from './codecs.ts'
import type { FolderLink } from './folder-link.ts'

/** A dag-pb block: its data and its links, in their order. */
export interface BlockLinks {
  /** Absent where it has none. */
  readonly data: Uint8Array | undefined
  readonly count: number
  name(at: number): string
  /** The number that so many digits are with which a name begins, upper-case hexadecimal; nothing where they are none. */
  hexOf(at: number, digits: number): number | undefined
  link(at: number): FolderLink
  /** What the link states, without the object. */
  dagBytes(at: number): number
  /** These links up to the last one, not included, as they lie in the block; nothing where it has another form than a new one has. */
  records(from: number, to: number): Uint8Array | undefined
  /** Number of the link with a name; −1 where there is none. */
  find(name: string): number
}

/** Opens a block. @throws IpfsError IPFS_INVALID_NODE when it does not decode */
export function blockLinks(cid: CID, bytes: Uint8Array): BlockLinks {
  const packed = PackedLinks.of(bytes)
  return packed ?? new DecodedLinks(decodeBlock(cid, bytes) as PBNode)
}

/** The entries of a folder, in the order of its block. */
export function* entriesIn(links: BlockLinks): Generator<readonly [string, FolderLink], void, undefined> {
  for (let at = 0; at < links.count; at += 1) yield [links.name(at), links.link(at)]
}

/** A CID of version 1 with a codec below 128 and a sha2-256. */
const plainCidV1Bytes = 36

/** The CID of a link, for who reads what it leads to and forgets it. */
export function passingCidOf(link: FolderLink): CID {
  return link instanceof PackedLink ? link.passingCid : link.cid
}

/** The bytes of the CID of a link. */
export function cidBytesOf(link: FolderLink): Uint8Array {
  return link instanceof PackedLink ? link.cidBytes : link.cid.bytes
}

/** A link whose CID is made when somebody wants the object. */
class PackedLink implements FolderLink {
  readonly cidBytes: Uint8Array
  readonly dagBytes: number

  constructor(cidBytes: Uint8Array, dagBytes: number) {
    this.cidBytes = cidBytes
    this.dagBytes = dagBytes
  }

  /** Of bytes of its own: whoever keeps it does not keep the block. */
  get cid(): CID {
    return CID.decode(new Uint8Array(this.cidBytes))
  }

  /** The same on the bytes of the block, for who reads what it leads to and forgets it: that takes a fifth of the time. */
  get passingCid(): CID {
    const { cidBytes: bytes } = this
    if (bytes[0] !== 1 || bytes.length !== plainCidV1Bytes) return CID.decode(bytes)
    return passingCid(bytes, 1, bytes[1]!)
  }
}

/** As everybody writes it: links of a CID with a sha2-256, a name and a size, in this order, and then the data. Numbers are exact. */
class PackedLinks implements BlockLinks {
  readonly data: Uint8Array
  readonly #block: Buffer
  /** Where the fields of each link begin. */
  readonly #starts: Uint32Array
  /** Where each link begins, and where all of them end. */
  readonly #records: Uint32Array
  /** By the bytes of the names, none twice; nothing as long as nobody has looked. */
  #isSorted: boolean | undefined

  private constructor(block: Buffer, records: Uint32Array, starts: Uint32Array, data: Uint8Array) {
    this.#block = block
    this.#records = records
    this.#starts = starts
    this.data = data
  }

  /** Nothing for a block that has another form: the library tells what is wrong with it, if anything is. */
  static of(bytes: Uint8Array): PackedLinks | undefined {
    const block = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    const records: number[] = []
    const starts: number[] = []
    const varint = { value: 0, next: 0 }
    let at = 0
    while (block[at] === tags.link) {
      if (!readVarint(block, at + 1, varint)) return undefined
      const end = varint.next + varint.value
      const cid = varint.next + 2
      const cidBytes = block[varint.next + 1]!
      if (end > block.length || block[varint.next] !== tags.cid || !isPlainCid(block, cid, cidBytes))
        return undefined
      records.push(at)
      starts.push(varint.next)
      if (block[cid + cidBytes] !== tags.name || !readVarint(block, cid + cidBytes + 1, varint))
        return undefined
      const name = varint.next
      const nameEnd = name + varint.value
      if (block[nameEnd] !== tags.size || !isText(block, name, nameEnd)) return undefined
      if (!readVarint(block, nameEnd + 1, varint) || varint.next !== end) return undefined
      at = end
    }
    if (block[at] !== tags.data || !readVarint(block, at + 1, varint)) return undefined
    if (varint.next + varint.value !== block.length) return undefined
    records.push(at)
    return new PackedLinks(
      block,
      new Uint32Array(records),
      new Uint32Array(starts),
      block.subarray(varint.next),
    )
  }

  get count(): number {
    return this.#starts.length
  }

  name(at: number): string {
    const { from, to } = this.#nameAt(at)
    return this.#block.toString('utf8', from, to)
  }

  hexOf(at: number, digits: number): number | undefined {
    const { from, to } = this.#nameAt(at)
    if (to - from < digits) return undefined
    let number = 0
    for (let digit = from; digit < from + digits; digit += 1) {
      const value = hexDigit(this.#block[digit]!)
      if (value === undefined) return undefined
      number = number * 16 + value
    }
    return number
  }

  link(at: number): FolderLink {
    const cid = this.#starts[at]! + 2
    return new PackedLink(this.#block.subarray(cid, cid + this.#block[cid - 1]!), this.dagBytes(at))
  }

  dagBytes(at: number): number {
    const size = { value: 0, next: 0 }
    readVarint(this.#block, this.#nameAt(at).to + 1, size)
    return size.value
  }

  records(from: number, to: number): Uint8Array {
    return this.#block.subarray(this.#records[from], this.#records[to])
  }

  find(name: string): number {
    const wanted = Buffer.from(name)
    this.#isSorted ??= this.#looksSorted()
    if (!this.#isSorted) return this.#starts.findIndex((_, at) => this.#compare(at, wanted) === 0)
    let [low, high] = [0, this.count]
    while (low < high) {
      const middle = (low + high) >>> 1
      const order = this.#compare(middle, wanted)
      if (order === 0) return middle
      if (order < 0) low = middle + 1
      else high = middle
    }
    return -1
  }

  #looksSorted(): boolean {
    for (let at = 1; at < this.count; at += 1) {
      const [before, name] = [this.#nameAt(at - 1), this.#nameAt(at)]
      if (this.#block.compare(this.#block, name.from, name.to, before.from, before.to) >= 0) return false
    }
    return true
  }

  #compare(at: number, wanted: Buffer): number {
    const { from, to } = this.#nameAt(at)
    return this.#block.compare(wanted, 0, wanted.length, from, to)
  }

  #nameAt(at: number): { readonly from: number; readonly to: number } {
    const cid = this.#starts[at]! + 2
    const length = { value: 0, next: 0 }
    readVarint(this.#block, cid + this.#block[cid - 1]! + 1, length)
    return { from: length.next, to: length.next + length.value }
  }
}

/** A block of another form, as the library has decoded it. */
class DecodedLinks implements BlockLinks {
  readonly #node: PBNode

  constructor(node: PBNode) {
    this.#node = node
  }

  get data(): Uint8Array | undefined {
    return this.#node.Data
  }

  get count(): number {
    return this.#node.Links.length
  }

  name(at: number): string {
    return this.#node.Links[at]!.Name ?? ''
  }

  hexOf(at: number, digits: number): number | undefined {
    const prefix = this.name(at).slice(0, digits)
    return prefix.length === digits && /^[0-9A-F]+$/.test(prefix) ? Number.parseInt(prefix, 16) : undefined
  }

  /** What it states is cut to what a number can hold. */
  link(at: number): FolderLink {
    const { Hash: cid, Tsize = 0 } = this.#node.Links[at]!
    return { cid, dagBytes: Math.min(Tsize, Number.MAX_SAFE_INTEGER) }
  }

  dagBytes(at: number): number {
    return this.link(at).dagBytes
  }

  records(): undefined {
    return undefined
  }

  find(name: string): number {
    return this.#node.Links.findIndex((link) => (link.Name ?? '') === name)
  }
}

/** Fields of a node: 1 its data, 2 a link; of a link: 1 the CID, 2 the name, 3 the size of the DAG. */
const tags = { data: 0x0a, link: 0x12, cid: 0x0a, name: 0x12, size: 0x18 } as const

function hexDigit(code: number): number | undefined {
  if (code >= 0x30 && code <= 0x39) return code - 0x30
  return code >= 0x41 && code <= 0x46 ? code - 0x41 + 10 : undefined
}

/** Reads a number of at most 49 bits in as few bytes as there can be; another one is for the library. */
function readVarint(block: Buffer, from: number, into: { value: number; next: number }): boolean {
  let value = 0
  for (let at = from, factor = 1; at < from + 7 && at < block.length; at += 1, factor *= 128) {
    const byte = block[at]!
    value += (byte & 0x7f) * factor
    if (byte >= 0x80) continue
    if (byte === 0 && at > from) return false
    into.value = value
    into.next = at + 1
    return true
  }
  return false
}

/** Whether a name is the one that its bytes are: of wrong ones the library makes others. */
function isText(block: Buffer, from: number, to: number): boolean {
  for (let at = from; at < to; at += 1) if (block[at]! >= 0x80) return isUtf8(block.subarray(from, to))
  return true
}

/** A CID of version 0, or of version 1 with a codec of one byte, whose hash is a sha2-256. */
function isPlainCid(block: Buffer, at: number, bytes: number): boolean {
  const hash = bytes === 34 ? at : at + 2
  if (bytes === 36 ? block[at] !== 1 || block[at + 1]! >= 0x80 : bytes !== 34) return false
  return block[hash] === 0x12 && block[hash + 1] === 0x20
}

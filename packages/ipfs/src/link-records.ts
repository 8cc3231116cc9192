/** The links of a dag-pb block and what they add up to, written byte by byte. */
import { varint } from 'multiformats'

/** A link that is to be written. */
interface NewLink {
  readonly name: string
  readonly nameBytes: number
  readonly cid: Uint8Array
  readonly dagBytes: number
  readonly fieldBytes: number
}

/** A block that is put together: its links in their order, and then its data. */
export class LinkRecords {
  readonly #pieces: (Uint8Array | NewLink)[] = []
  #bytes = 0
  #dagBytes = 0

  /** Adds a link. `dagBytes` are those of the whole DAG that it leads to. */
  add(name: string, cid: Uint8Array, dagBytes: number): void {
    const nameBytes = Buffer.byteLength(name)
    const fieldBytes =
      3 + varintBytes(cid.length) + cid.length + varintBytes(nameBytes) + nameBytes + varintBytes(dagBytes)
    this.#pieces.push({ name, nameBytes, cid, dagBytes, fieldBytes })
    this.#bytes += 1 + varintBytes(fieldBytes) + fieldBytes
    this.#dagBytes += dagBytes
  }

  /** Adds links as another block has them. `dagBytes` are those of all that they lead to. */
  copy(records: Uint8Array, dagBytes: number): void {
    this.#pieces.push(records)
    this.#bytes += records.length
    this.#dagBytes += dagBytes
  }

  /** The block with these UnixFS data, and the bytes of all blocks of its DAG. */
  end(data: Uint8Array): { readonly block: Uint8Array; readonly dagBytes: number } {
    const dataBytes = 1 + varintBytes(data.length) + data.length
    const block = Buffer.allocUnsafe(this.#bytes + dataBytes)
    let at = 0
    for (const piece of this.#pieces) {
      if (piece instanceof Uint8Array) {
        block.set(piece, at)
        at += piece.length
      } else at = writeLink(block, at, piece)
    }
    // Field 1 of a node is its data.
    block.set(data, writeVarint(block, at, 0x0a, data.length))
    return { block, dagBytes: Math.min(this.#dagBytes + block.length, Number.MAX_SAFE_INTEGER) }
  }
}

/** Field 2 of a node is a link; its fields are 1 the CID, 2 the name, 3 the size of the DAG. Gives where it ends. */
function writeLink(
  block: Buffer,
  from: number,
  { name, cid, nameBytes, dagBytes, fieldBytes }: NewLink,
): number {
  let at = writeVarint(block, from, 0x12, fieldBytes)
  at = writeVarint(block, at, 0x0a, cid.length)
  block.set(cid, at)
  at = writeVarint(block, at + cid.length, 0x12, nameBytes)
  at += block.write(name, at)
  return writeVarint(block, at, 0x18, dagBytes)
}

function writeVarint(block: Buffer, at: number, tag: number, value: number): number {
  block[at] = tag
  if (value < 0x80) {
    block[at + 1] = value
    return at + 2
  }
  varint.encodeTo(value, block, at + 1)
  return at + 1 + varint.encodingLength(value)
}

function varintBytes(value: number): number {
  return value < 0x80 ? 1 : varint.encodingLength(value)
}

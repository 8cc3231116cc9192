/** What the catalogue keeps of content, and the bytes of it, in memory and in the log: see FORMAT.md. */
import { varint } from 'multiformats'
import type { Content, Copy } from '../policy.ts'

/** Content, and the copies that are known. */
export interface Row {
  /** `cid` is not here, but beside it as bytes. */
  readonly content: Omit<Content, 'cid'>
  readonly copies: readonly Copy[]
  /** Goes up by one with each change. */
  readonly revision: number
}

/** What a record says of a CID. */
export const recordKinds = { row: 1, forgotten: 2 } as const

const states = ['ok', 'lost', 'damaged'] as const

/** The bytes of a row, or of there being none any more. */
export function encodeRow(cid: Uint8Array, row: Row | undefined): Uint8Array {
  const writer = new Writer()
  writer.byte(row === undefined ? recordKinds.forgotten : recordKinds.row)
  writer.bytes(cid)
  if (row !== undefined) {
    const { content, copies, revision } = row
    writer.whole(revision)
    writer.whole(content.bytes)
    writer.whole(content.addedMs)
    writer.double(content.heat)
    writer.text(content.type)
    writer.text(content.name)
    writer.whole(copies.length)
    for (const { backend, state, verifiedMs } of copies) {
      writer.text(backend)
      writer.byte(states.indexOf(state))
      writer.whole(verifiedMs)
    }
  }
  return writer.taken()
}

/** The CID of a record that begins at a position. */
export function cidIn(from: Uint8Array, at: number): Uint8Array {
  return new Reader(from, at + 1).bytes()
}

/** A row that begins at a position; `undefined` if it says that there is none any more. Throws RangeError if it is neither. */
export function decodeRow(from: Uint8Array, at: number): Row | undefined {
  const reader = new Reader(from, at)
  const kind = reader.byte()
  reader.bytes()
  if (kind === recordKinds.forgotten) return undefined
  if (kind !== recordKinds.row) throw new RangeError(`There is no record of kind ${kind}`)
  const revision = reader.whole()
  const content = {
    bytes: reader.whole(),
    addedMs: reader.whole(),
    heat: reader.double(),
    type: reader.text(),
    name: reader.text(),
  }
  const copies = Array.from({ length: reader.whole() }, () => ({
    backend: reader.text(),
    state: reader.state(),
    verifiedMs: reader.whole(),
  }))
  return { content, copies, revision }
}

/** Where records are made: what is taken is copied out of it. */
let room = Buffer.alloc(4096)

class Writer {
  #at = 0

  byte(value: number): void {
    room[this.#take(1)] = value
  }

  whole(value: number): void {
    const length = varint.encodingLength(value)
    varint.encodeTo(value, room, this.#take(length))
  }

  double(value: number): void {
    room.writeDoubleLE(value, this.#take(8))
  }

  bytes(value: Uint8Array): void {
    this.whole(value.length)
    room.set(value, this.#take(value.length))
  }

  text(value: string): void {
    const length = Buffer.byteLength(value)
    this.whole(length)
    room.write(value, this.#take(length))
  }

  taken(): Uint8Array {
    return Uint8Array.prototype.slice.call(room, 0, this.#at)
  }

  #take(bytes: number): number {
    const at = this.#at
    this.#at += bytes
    if (this.#at > room.length) {
      const larger = Buffer.alloc(2 * this.#at)
      larger.set(room)
      room = larger
    }
    return at
  }
}

class Reader {
  readonly #from: Buffer
  #at: number

  constructor(from: Uint8Array, at: number) {
    this.#from = Buffer.from(from.buffer, from.byteOffset, from.length)
    this.#at = at
  }

  byte(): number {
    return this.#from.readUInt8(this.#pass(1))
  }

  whole(): number {
    const [value, length] = varint.decode(this.#from, this.#at)
    this.#at += length
    return value
  }

  double(): number {
    return this.#from.readDoubleLE(this.#pass(8))
  }

  bytes(): Uint8Array {
    const length = this.whole()
    const at = this.#pass(length)
    return this.#from.subarray(at, at + length)
  }

  text(): string {
    const length = this.whole()
    const at = this.#pass(length)
    return this.#from.toString('utf8', at, at + length)
  }

  state(): Copy['state'] {
    const state = states[this.byte()]
    if (state === undefined) throw new RangeError('A copy is in no state that there is')
    return state
  }

  #pass(bytes: number): number {
    const at = this.#at
    this.#at += bytes
    if (this.#at > this.#from.length) throw new RangeError('A record is cut short')
    return at
  }
}

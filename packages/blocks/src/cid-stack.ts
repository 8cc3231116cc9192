/**
 * CIDs that wait to be visited, as their bytes: a decoded CID would keep the whole block in memory that it was found in.
 * About 40 bytes a CID.
 */
import { CID } from 'multiformats/cid'

const firstBytes = 1024
/** Each CID is followed by its length. */
const lengthBytes = 4

/** A stack of CIDs. */
export interface CidStack {
  readonly size: number
  push(cid: CID): void
  /** The CID that was pushed last; `undefined` when it is empty. */
  pop(): CID | undefined
}

/** An empty stack. */
export function createCidStack(): CidStack {
  return new ByteStack()
}

class ByteStack implements CidStack {
  #data = new Uint8Array(firstBytes)
  #view = new DataView(this.#data.buffer)
  #end = 0
  #size = 0

  get size(): number {
    return this.#size
  }

  push(cid: CID): void {
    const { bytes } = cid
    const end = this.#end + bytes.length + lengthBytes
    if (end > this.#data.length) this.#grow(end)
    this.#data.set(bytes, this.#end)
    this.#view.setUint32(end - lengthBytes, bytes.length)
    this.#end = end
    this.#size += 1
  }

  pop(): CID | undefined {
    if (this.#size === 0) return undefined
    const end = this.#end - lengthBytes
    this.#end = end - this.#view.getUint32(end)
    this.#size -= 1
    return CID.decode(this.#data.slice(this.#end, end))
  }

  #grow(bytes: number): void {
    const data = new Uint8Array(Math.max(bytes, this.#data.length * 2))
    data.set(this.#data.subarray(0, this.#end))
    this.#data = data
    this.#view = new DataView(data.buffer)
  }
}

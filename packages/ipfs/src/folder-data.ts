/** The UnixFS data of folders and of the shards of HAMT folders, with mode and time. */
import { UnixFS, type Mtime } from 'ipfs-unixfs'

/** What a folder carries besides its entries. */
export interface FolderMetadata {
  /** Permission bits. 0755 is what a folder has that carries none, and is not written. */
  readonly mode?: number
  /** Seconds since the epoch, negative before it, and nanoseconds from 0 to 999,999,999. */
  readonly mtime?: Readonly<Mtime>
}

/** The data of a folder. Where it follows another one, bits of the mode that nobody knows yet stay as they are, as UnixFS wants it. */
export class FolderData {
  readonly #unixfs: UnixFS
  readonly #mtime: Readonly<Mtime> | undefined

  /**
   * @param before - the data of a folder whose metadata it has where others are not given
   * @throws RangeError for metadata that UnixFS cannot hold
   */
  constructor(before: Uint8Array | undefined, { mode, mtime }: FolderMetadata) {
    check(mode, mtime)
    this.#unixfs = before === undefined ? new UnixFS({ type: 'directory' }) : UnixFS.unmarshal(before)
    if (mode !== undefined) this.#unixfs.mode = mode
    this.#mtime = mtime ?? this.#unixfs.mtime
    delete this.#unixfs.mtime
  }

  /** That of a plain folder. */
  plain(): Uint8Array {
    this.#unixfs.type = 'directory'
    delete this.#unixfs.data
    delete this.#unixfs.fanout
    delete this.#unixfs.hashType
    return this.#marshal()
  }

  /** That of the root of a HAMT whose links are at these positions, in their order. */
  shard(positions: readonly number[]): Uint8Array {
    Object.assign(this.#unixfs, shardFields(positions))
    return this.#marshal()
  }

  /**
   * The time is the last field, and is written here: `ipfs-unixfs` (13.1.1) writes from 2^31 to below 2^32 seconds, the years
   * 2038 to 2106, as another time.
   */
  #marshal(): Uint8Array {
    const fields = this.#unixfs.marshal()
    if (this.#mtime === undefined) return fields
    const { secs, nsecs } = this.#mtime
    // UnixFS: field 8 `mtime`; of it field 1 `Seconds`, an int64, and field 2 `FractionalNanoseconds`, a fixed32.
    const time = [0x08, ...int64(secs), ...(nsecs === undefined ? [] : [0x15, ...fixed32(nsecs)])]
    return Uint8Array.from([...fields, 0x42, time.length, ...time])
  }
}

/** The data of a shard that is not the root. */
export function shardData(positions: readonly number[]): Uint8Array {
  return new UnixFS(shardFields(positions)).marshal()
}

/** Whether data are those of a shard with the fanout 256 and nothing else, as {@link shardData} writes them. */
export function isBareShard(data: Uint8Array): boolean {
  // Field 1, its type; 2, the bits of the positions, 32 bytes at most; 5, the hash; 6, the fanout.
  const at = 4 + data[3]!
  return (
    data[0] === 0x08 &&
    data[1] === 0x05 &&
    data[2] === 0x12 &&
    data[3]! <= fanout / 8 &&
    data.length === at + 5 &&
    [0x28, Number(murmur3), 0x30, 0x80, 0x02].every((byte, nth) => data[at + nth] === byte)
  )
}

function check(mode: number | undefined, mtime: Readonly<Mtime> | undefined): void {
  if (mode !== undefined && (!Number.isInteger(mode) || mode < 0 || mode > 0o7777)) {
    throw new RangeError(`mode is a whole number from 0 to 07777 (octal), not ${mode}`)
  }
  if (mtime === undefined) return
  const { secs, nsecs = 0 } = mtime
  if (BigInt.asIntN(64, secs) !== secs) throw new RangeError(`mtime.secs has at most 64 bits, not ${secs}`)
  if (!Number.isInteger(nsecs) || nsecs < 0 || nsecs > 999_999_999) {
    throw new RangeError(`mtime.nsecs is a whole number from 0 to 999,999,999, not ${nsecs}`)
  }
}

/** Entries of a shard; a byte of the hash of a name tells its place. */
export const fanout = 256
/** The multihash code of murmur3-x64-64. */
const murmur3 = 0x22n

function shardFields(positions: readonly number[]) {
  return {
    type: 'hamt-sharded-directory' as const,
    data: bitfield(positions),
    fanout: BigInt(fanout),
    hashType: murmur3,
  }
}

/** A number whose bits are the positions taken, its most significant byte first. */
function bitfield(positions: readonly number[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(Math.floor((positions.at(-1) ?? 0) / 8) + 1)
  for (const position of positions) {
    const at = bytes.length - 1 - Math.floor(position / 8)
    bytes[at] = bytes[at]! | (1 << (position % 8))
  }
  return bytes
}

function int64(value: bigint): number[] {
  const bytes: number[] = []
  let rest = BigInt.asUintN(64, value)
  for (; rest >= 0x80n; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80)
  return [...bytes, Number(rest)]
}

function fixed32(value: number): number[] {
  return Array.from({ length: 4 }, (_, at) => (value >>> (8 * at)) & 0xff)
}

/** The UnixFS data of folders and of the shards of HAMT folders, with mode and time. */
import { UnixFS, type Mtime } from 'ipfs-unixfs'
import { changedTime, changeMode, checkMetadata, timeField, type MetadataChange } from './metadata.ts'

/** The data of a folder. */
export class FolderData {
  readonly #unixfs: UnixFS
  readonly #mtime: Readonly<Mtime> | undefined

  /**
   * @param before - the data of a folder whose metadata it has where others are not given
   * @throws RangeError for metadata that UnixFS cannot hold
   */
  constructor(before: Uint8Array | undefined, change: MetadataChange) {
    checkMetadata(change)
    this.#unixfs = before === undefined ? new UnixFS({ type: 'directory' }) : UnixFS.unmarshal(before)
    changeMode(this.#unixfs, change)
    this.#mtime = changedTime(this.#unixfs, change)
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
  shard(positions: Positions): Uint8Array {
    Object.assign(this.#unixfs, shardFields(positions))
    return this.#marshal()
  }

  #marshal(): Uint8Array {
    return Buffer.concat([this.#unixfs.marshal(), timeField(this.#mtime)])
  }
}

/** The data of a shard that is not the root. Written byte by byte: a large HAMT has tens of thousands of small shards. */
export function shardData(positions: Positions): Uint8Array {
  const bits = bitfield(positions)
  return Uint8Array.of(...shardType, 0x12, bits.length, ...bits, ...shardHash)
}

/** Whether data are those of a shard with the fanout 256 and nothing else, as {@link shardData} writes them. */
export function isBareShard(data: Uint8Array): boolean {
  const bits = data[3]!
  const hash = 4 + bits
  return (
    shardType.every((byte, at) => data[at] === byte) &&
    data[2] === 0x12 &&
    bits <= fanout / 8 &&
    data.length === hash + shardHash.length &&
    shardHash.every((byte, at) => data[hash + at] === byte)
  )
}

/** Entries of a shard; a byte of the hash of a name tells its place. */
export const fanout = 256
/** The multihash code of murmur3-x64-64. */
const murmur3 = 0x22n
/** UnixFS: field 1, the type, 5 `HAMTShard`; then 2, the positions; then 5, the hash, and 6, the fanout. */
const shardType = [0x08, 0x05]
const shardHash = [0x28, Number(murmur3), 0x30, 0x80, 0x02]

/** Taken positions of a shard, in their order. */
type Positions = readonly number[] | Uint16Array

function shardFields(positions: Positions) {
  return {
    type: 'hamt-sharded-directory' as const,
    data: bitfield(positions),
    fanout: BigInt(fanout),
    hashType: murmur3,
  }
}

/** A number whose bits are the positions taken, its most significant byte first. */
function bitfield(positions: Positions): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(Math.floor((positions.at(-1) ?? 0) / 8) + 1)
  for (const position of positions) {
    const at = bytes.length - 1 - Math.floor(position / 8)
    bytes[at] = bytes[at]! | (1 << (position % 8))
  }
  return bytes
}

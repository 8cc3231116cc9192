/** The head of a value: one record that says all of it, and has its bytes if they are few. See FORMAT.md. */

/** What a head says. */
export interface Head {
  /** Names this value and none other, ever: its parts have it in their names. ASCII. */
  readonly generation: string
  readonly size: number
  /** Bytes of each part but the last one; 0 if the value is in the head. */
  readonly partBytes: number
  readonly storedAt: number
  /** Infinity: never. */
  readonly expiresAt: number
  readonly mediaType: string
  /** JSON of an object of texts; empty for none. */
  readonly metadata: string
}

/** A head that was read, with the value if that is in it. */
export interface ReadHead extends Head {
  readonly value: Uint8Array | undefined
}

const version = 1
const fixedBytes = 36

export function encodeHead(head: Head, value: Uint8Array | undefined): Buffer {
  const generation = Buffer.from(head.generation, 'latin1')
  const mediaType = Buffer.from(head.mediaType, 'latin1')
  const metadata = Buffer.from(head.metadata)
  const fixed = Buffer.alloc(fixedBytes)
  fixed[0] = version
  fixed[1] = generation.length
  fixed.writeUInt16LE(mediaType.length, 2)
  fixed.writeUInt32LE(metadata.length, 4)
  fixed.writeUInt32LE(head.partBytes, 8)
  fixed.writeDoubleLE(head.size, 12)
  fixed.writeDoubleLE(head.storedAt, 20)
  fixed.writeDoubleLE(head.expiresAt, 28)
  return Buffer.concat([fixed, generation, mediaType, metadata, value ?? Buffer.alloc(0)])
}

/** Undefined for what is no head that this version makes. */
export function decodeHead(record: Uint8Array): ReadHead | undefined {
  const bytes = Buffer.from(record.buffer, record.byteOffset, record.byteLength)
  if (bytes.length < fixedBytes || bytes[0] !== version) return undefined
  const typeAt = fixedBytes + bytes[1]!
  const metadataAt = typeAt + bytes.readUInt16LE(2)
  const valueAt = metadataAt + bytes.readUInt32LE(4)
  const partBytes = bytes.readUInt32LE(8)
  const size = bytes.readDoubleLE(12)
  const isWhole = bytes.length === valueAt + (partBytes === 0 ? size : 0)
  if (!isWhole || !Number.isSafeInteger(size) || size < 0 || (partBytes > 0 && size === 0)) return undefined
  return {
    generation: bytes.toString('latin1', fixedBytes, typeAt),
    size,
    partBytes,
    storedAt: bytes.readDoubleLE(20),
    expiresAt: bytes.readDoubleLE(28),
    mediaType: bytes.toString('latin1', typeAt, metadataAt),
    metadata: bytes.toString('utf8', metadataAt, valueAt),
    value: partBytes === 0 ? bytes.subarray(valueAt) : undefined,
  }
}

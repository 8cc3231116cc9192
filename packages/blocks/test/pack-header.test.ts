import { expect, it } from 'vitest'
import { crc32 } from 'node:zlib'
import { decodePackHeader, encodePackHeader, maxPackId, packHeaderBytes } from '../src/pack-header.ts'
import { header } from './packs.ts'

const path = '/store/kept-00000007.pack'
const bytes = encodePackHeader(header)

it('gives back what was encoded, in 64 bytes', () => {
  expect(bytes).toHaveLength(packHeaderBytes)
  expect(decodePackHeader(bytes, path)).toEqual(header)
  const other = { stream: 'cache', id: maxPackId, salt: 2 ** 32 - 1, storeId: Buffer.alloc(8, 0xff) } as const
  expect(decodePackHeader(encodePackHeader(other), path)).toEqual(other)
})

it('survives any single damaged bit, and is never too new by it', () => {
  for (let bit = 0; bit < packHeaderBytes * 8; bit++) {
    const damaged = Buffer.from(bytes)
    damaged[bit >> 3]! ^= 1 << (bit & 7)
    expect(decodePackHeader(damaged, path), `bit ${bit}`).toEqual(header)
  }
})

it('is damaged, not too new, when the versions of both halves are changed', () => {
  const damaged = Buffer.from(bytes)
  damaged[8] = 2
  damaged[40] = 2
  expect(decodePackHeader(damaged, path)).toBeUndefined()
})

it('is undefined for bytes that end before it does, zeros, and anything else', () => {
  for (let length = 0; length < packHeaderBytes; length++) {
    expect(decodePackHeader(bytes.subarray(0, length), path)).toBeUndefined()
  }
  expect(decodePackHeader(Buffer.alloc(64), path)).toBeUndefined()
  expect(decodePackHeader(Buffer.alloc(64, 'IPFSPACK'), path)).toBeUndefined()
})

/** A header with other bytes and a CRC that fits. */
function changed(change: (half: Buffer) => void): Buffer {
  const half = Buffer.from(bytes.subarray(0, 32))
  change(half)
  half.writeUInt32LE(crc32(half.subarray(0, 28)), 28)
  return Buffer.concat([half, half])
}

it('refuses a newer version by file and number, whatever else that version has', () => {
  const newer = changed((half) => half.fill(0xee, 10, 28).writeUInt16LE(513, 8))
  expect(() => decodePackHeader(newer, path)).toThrow(
    expect.objectContaining({
      code: 'BLOCKS_FORMAT_TOO_NEW',
      message: `${path} is a pack of version 513; this is version 1`,
    }),
  )
})

it('is undefined for a version 0, a stream or a number that there cannot be', () => {
  expect(
    decodePackHeader(
      changed((half) => half.writeUInt16LE(0, 8)),
      path,
    ),
  ).toBeUndefined()
  for (const stream of [0, 3, 255]) {
    expect(
      decodePackHeader(
        changed((half) => half.writeUInt8(stream, 10)),
        path,
      ),
    ).toBeUndefined()
  }
  expect(
    decodePackHeader(
      changed((half) => half.writeUInt32LE(0, 12)),
      path,
    ),
  ).toBeUndefined()
})

it('refuses to encode numbers and store ids that do not fit', () => {
  for (const id of [0, -1, 1.5, Number.NaN, maxPackId + 1]) {
    expect(() => encodePackHeader({ ...header, id })).toThrow(RangeError)
  }
  expect(() => encodePackHeader({ ...header, storeId: Buffer.alloc(7) })).toThrow(RangeError)
})

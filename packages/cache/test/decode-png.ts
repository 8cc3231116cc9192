/** The pixels of a PNG as the specification says how to read it: of 8 bits in each of four channels, in one pass. */
import { crc32, inflateSync } from 'node:zlib'
import { expect } from 'vitest'

export interface Pixels {
  readonly width: number
  readonly height: number
  /** The colour of a pixel as `#rrggbb`. */
  at(x: number, y: number): string
}

export function decodePng(file: Buffer): Pixels {
  expect(file.subarray(0, 8).toString('latin1')).toBe('\x89PNG\r\n\x1a\n')
  const chunks: { readonly type: string; readonly data: Buffer }[] = []
  for (let at = 8; at < file.length;) {
    const length = file.readUInt32BE(at)
    const named = file.subarray(at + 4, at + 8 + length)
    expect(file.readUInt32BE(at + 8 + length)).toBe(crc32(named))
    chunks.push({ type: named.toString('latin1', 0, 4), data: named.subarray(4) })
    at += 12 + length
  }
  expect([chunks[0]!.type, chunks.at(-1)!.type]).toEqual(['IHDR', 'IEND'])
  const header = chunks[0]!.data
  expect([...header.subarray(8)]).toEqual([8, 6, 0, 0, 0])
  const [width, height] = [header.readUInt32BE(0), header.readUInt32BE(4)]
  const data = inflateSync(
    Buffer.concat(chunks.filter(({ type }) => type === 'IDAT').map((chunk) => chunk.data)),
  )
  const row = 4 * width
  expect(data).toHaveLength(height * (1 + row))
  const pixels = new Uint8Array(height * row)
  for (let y = 0; y < height; y += 1) {
    const filter = data[y * (1 + row)]!
    for (let x = 0; x < row; x += 1) {
      const here = y * row + x
      const left = x < 4 ? 0 : pixels[here - 4]!
      const above = y === 0 ? 0 : pixels[here - row]!
      const aboveLeft = x < 4 || y === 0 ? 0 : pixels[here - row - 4]!
      const predicted = [0, left, above, (left + above) >> 1, paeth(left, above, aboveLeft)][filter]!
      pixels[here] = data[y * (1 + row) + 1 + x]! + predicted
    }
  }
  return {
    width,
    height,
    at(x, y) {
      const from = y * row + 4 * x
      return `#${Buffer.from(pixels.subarray(from, from + 3)).toString('hex')}`
    },
  }
}

function paeth(left: number, above: number, aboveLeft: number): number {
  const [toLeft, toAbove, toAboveLeft] = [left, above, aboveLeft].map((one) =>
    Math.abs(left + above - aboveLeft - one),
  ) as [number, number, number]
  if (toLeft <= toAbove && toLeft <= toAboveLeft) return left
  return toAbove <= toAboveLeft ? above : aboveLeft
}

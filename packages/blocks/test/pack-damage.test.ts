import { expect, it } from 'vitest'
import { readFooter } from '../src/footer.ts'
import { checkKeys } from '../src/footer-keys.ts'
import { decodePackHeader, packHeaderBytes } from '../src/pack-header.ts'
import { buildPack, expected, fileOf, header, scanAll, smallBlocks } from './packs.ts'

const pack = await buildPack(smallBlocks())
const { sealed, data, frames: built } = pack

it('finds every whole frame of a pack that is cut at any byte, and no footer', async () => {
  const file = await fileOf(sealed)
  for (let length = sealed.length - 1; length >= 0; length--) {
    await file.truncate(length)
    expect(await readFooter(file, length, header)).toBeUndefined()
    const whole = built.filter(({ end }) => end <= length)
    const { frames, scan } = await scanAll(file, length)
    expect(frames).toEqual(expected(whole))
    expect(scan.end).toBe(whole.at(-1)?.end ?? packHeaderBytes)
    expect(scan.damages).toEqual([])
  }
})

it('finds every undamaged frame of a pack in which any byte is flipped, and nothing wrong', async () => {
  const file = await fileOf(sealed)
  for (let at = 0; at < sealed.length; at++) {
    const flip = 1 << (at % 8)
    await file.write([Buffer.from([sealed[at]! ^ flip])], at)
    const head = Buffer.alloc(packHeaderBytes)
    await file.read(head, 0)
    expect(decodePackHeader(head, 'a.pack'), `header, byte ${at}`).toEqual(header)

    const found = await readFooter(file, sealed.length, header)
    const keysAt = data.length + pack.rows.count * 16
    const inKeys = at >= keysAt && at < sealed.length - 64
    expect(found !== undefined, `footer, byte ${at}`).toBe(at < data.length || inKeys)
    if (found !== undefined) {
      expect(found.rows).toEqual(pack.rows)
      expect(await checkKeys(file, found.footer)).toBe(!inKeys)
    }

    const { frames, scan } = await scanAll(file, sealed.length)
    const intact = built.filter(({ offset, contentEnd }) => at < offset || at >= contentEnd)
    expect(frames, `frames, byte ${at}`).toEqual(expected(intact))
    expect(scan.end).toBe(intact.at(-1)!.end)
    const hit = built.find((frame) => !intact.includes(frame))
    const inside = hit !== undefined && hit !== built.at(-1)
    expect(scan.damages.map(({ offset, bytes }) => [offset, bytes])).toEqual(
      inside ? [[hit.offset, hit.end - hit.offset]] : [],
    )
    await file.write([sealed.subarray(at, at + 1)], at)
  }
})

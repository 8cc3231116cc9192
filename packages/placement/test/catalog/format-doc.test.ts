import { readFile } from 'node:fs/promises'
import { CID } from 'multiformats/cid'
import { expect, test } from 'vitest'
import { decodeRow, encodeRow } from '../../src/catalog/row.ts'

const row = {
  content: { bytes: 3, addedMs: 5, heat: 0, type: '', name: 'foo' },
  copies: [{ backend: 'a', state: 'ok' as const, verifiedMs: 0 }],
  revision: 1,
}
const cid = CID.parse('bafkreibme22gw2h7y2h7tg2fhqotaqjucnbc24deqo72b6mkl2egezxhvy')

test('the example of FORMAT.md is what is written', async () => {
  const page = await readFile(new URL('../../FORMAT.md', import.meta.url), 'utf8')
  const [, hex] = /```\n([0-9a-f\s]+)```/.exec(page)!
  const bytes = Buffer.from(hex!.replaceAll(/\s/g, ''), 'hex')
  expect(Buffer.from(encodeRow(cid.bytes, row)).toString('hex')).toBe(bytes.toString('hex'))
  expect(decodeRow(bytes, 0)).toEqual(row)
})

test('a record that is cut short at any byte, or of a kind that there is not, is refused', () => {
  const bytes = encodeRow(cid.bytes, row)
  for (let length = 0; length < bytes.length; length += 1) {
    expect(() => decodeRow(bytes.slice(0, length), 0)).toThrow(RangeError)
  }
  expect(() => decodeRow(Uint8Array.of(3, ...bytes.subarray(1)), 0)).toThrow('kind 3')
})

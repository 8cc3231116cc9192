import { expect, it } from 'vitest'
import { readFile } from 'node:fs/promises'
import { storeIdOf } from '../src/store-file.ts'
import { example, hexDump } from './format-example.ts'
import { seed, tagOf } from './packs.ts'

const doc = await readFile(new URL('../FORMAT.md', import.meta.url), 'utf8')

it('shows the bytes that the code writes', async () => {
  const fences = [...doc.matchAll(/```text\n([^`]*)\n```/g)].map(([, text]) => text)
  expect(fences).toContain(hexDump((await example()).sealed))
})

it('names the offsets, tags and ids of the example', async () => {
  const { frames, data, sealed } = await example()
  for (const offset of [...frames.map((frame) => frame.offset), data.length, sealed.length - 64]) {
    expect(doc).toContain(`| ${offset.toString(16).padStart(4, '0')} |`)
  }
  for (const frame of frames) {
    const { high, low } = tagOf(frame)
    for (const half of [high, low]) expect(doc).toContain(half.toString(16).padStart(8, '0'))
  }
  expect(doc).toContain(Buffer.from(storeIdOf(seed)).toString('hex'))
})

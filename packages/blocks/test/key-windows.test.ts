import { expect, it } from 'vitest'
import type { Listed } from '../src/blocks.ts'
import { KeyWindows } from '../src/key-windows.ts'
import { blockOf } from './blocks-of.ts'

const all = Array.from({ length: 9000 }, (_, number) => blockOf(number).cid)
const keys = all.map((cid) => cid.toString())
const sorted = keys.toSorted()

function windowsOver(counts: { looks: number }, windowKeys: number): KeyWindows {
  return new KeyWindows(async function* (): AsyncGenerator<Listed> {
    counts.looks += 1
    for (const cid of all) yield { cid, size: 1, stream: 'cache' }
  }, windowKeys)
}

async function paged(windows: KeyWindows, prefix: string, limit: number): Promise<string[]> {
  const found: string[] = []
  for (let more = true; more;) {
    const page = await windows.page(prefix, found.at(-1), limit, {})
    found.push(...page.entries.map(({ key }) => key))
    more = page.more && page.entries.length > 0
  }
  return found
}

it('gives all keys in order though only some are in memory at once', async () => {
  const counts = { looks: 0 }
  expect(await paged(windowsOver(counts, 2000), '', 300)).toEqual(sorted)
  expect(counts.looks).toBe(Math.ceil(9000 / 2000))
})

it('gives those with a prefix', async () => {
  const counts = { looks: 0 }
  const prefix = sorted[4500]!.slice(0, 8)
  const expected = sorted.filter((key) => key.startsWith(prefix))
  expect(expected.length).toBeGreaterThan(100)
  expect(await paged(windowsOver(counts, 100), prefix, 50)).toEqual(expected)
})

it('looks again for a page without a position', async () => {
  const counts = { looks: 0 }
  const windows = windowsOver(counts, 100)
  await windows.page('', undefined, 10, {})
  await windows.page('', undefined, 10, {})
  expect(counts.looks).toBe(2)
})

it('takes in what is put while it looks, once', async () => {
  const late = blockOf(100_000).cid
  const windows: KeyWindows = new KeyWindows(async function* (): AsyncGenerator<Listed> {
    for (const [at, cid] of all.slice(0, 50).entries()) {
      if (at === 20) windows.added({ key: late.toString(), size: 1 })
      yield { cid, size: 1, stream: 'cache' }
    }
    yield { cid: late, size: 1, stream: 'cache' }
  })
  const page = await windows.page('', undefined, 1000, {})
  expect(page.entries.map(({ key }) => key)).toEqual([...keys.slice(0, 50), late.toString()].sort())
})

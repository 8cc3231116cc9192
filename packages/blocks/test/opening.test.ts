import { type Blocks, openBlocks } from '@ipfs-kit/blocks'
import { type Disk, simDisk } from '@ipfs-kit/disk'
import { beforeAll, describe, expect, it } from 'vitest'
import { blockOf } from './blocks-of.ts'
import { numbersFrom } from './footers.ts'

const records = 8000
const blocks = 2000
const path = '/store'
const nameOf = (number: number) => `n${number}`

/** What the store should answer: the value of each record, and which blocks are there. */
interface Known {
  readonly values: Map<string, string>
  readonly blocks: Set<number>
}

function open(disk: Disk, maxIndexedEntries = 1_000_000): Promise<Blocks> {
  return openBlocks({ path, disk, maxBytes: 64 * 1024 * 1024, packBytes: 262_144, maxIndexedEntries })
}

/** Packs of up to 8,192 rows: values that were put again, moved to the other stream, or deleted in other packs. */
async function filled(): Promise<{ readonly disk: Disk; readonly known: Known }> {
  const disk = simDisk({ seed: 1 })
  const known: Known = { values: new Map(), blocks: new Set() }
  const next = numbersFrom(3)
  await using store = await open(disk)
  for (let step = 0; step < 40_000; step++) {
    const number = next() % records
    const name = nameOf(number)
    const choice = next() % 10
    if (choice < 7) {
      const value = String(step % 1000)
      known.values.set(name, value)
      await store.unverified.put(name, Buffer.from(value))
    } else if (choice < 8) {
      known.values.delete(name)
      await store.unverified.delete(name)
    } else {
      const { cid, bytes } = blockOf(number % blocks, 30)
      if (next() % 4 === 0) {
        known.blocks.delete(number % blocks)
        await store.delete(cid)
      } else {
        known.blocks.add(number % blocks)
        // A lease that goes on would keep its blocks from being deleted.
        using lease = store.lease()
        await (choice === 8 ? store.put(cid, bytes) : lease.put(cid, bytes))
      }
    }
  }
  return { disk, known }
}

async function compare(store: Blocks, { values, blocks: there }: Known): Promise<void> {
  expect(store.stats().entries).toBe(values.size + there.size)
  const wrong: string[] = []
  for (let number = 0; number < records; number++) {
    const name = nameOf(number)
    const value = await store.unverified.get(name)
    if ((value === undefined ? undefined : Buffer.from(value).toString()) !== values.get(name))
      wrong.push(name)
  }
  for (let number = 0; number < blocks; number++) {
    if ((await store.has(blockOf(number, 30).cid)) !== there.has(number)) wrong.push(`block ${number}`)
  }
  expect(wrong).toEqual([])
}

describe('a store of packs with many rows opens with the newest value of each key, and without what was deleted,', () => {
  let disk: Disk
  let known: Known
  let packs: string[]

  beforeAll(async () => {
    ;({ disk, known } = await filled())
    packs = (await disk.list(path)).map(({ name }) => name).filter((name) => name.endsWith('.pack'))
    packs.sort()
  })

  it('from the footers of all packs', async () => {
    expect(packs.length).toBeGreaterThan(4)
    await using store = await open(disk)
    await compare(store, known)
  })

  it('when only some of the packs fit into memory', async () => {
    for (const limit of [1, 20_000]) {
      await using store = await open(disk, limit)
      await compare(store, known)
    }
  })

  it('when packs between the others have no valid footer', async () => {
    for (const name of [packs[1]!, packs.at(-2)!]) {
      const file = await disk.open(`${path}/${name}`, 'write')
      const last = Buffer.alloc(1)
      const at = (await file.size()) - 30
      await file.read(last, at)
      last[0]! ^= 1
      await file.write([last], at)
      await file.close()
    }
    await using store = await open(disk, 20_000)
    await compare(store, known)
  })
})

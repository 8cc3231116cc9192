import { createHash } from 'node:crypto'
import { type SimDisk, simDisk } from '@ipfs-kit/disk'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Blocks } from '../src/blocks.ts'
import { openWith } from '../src/open-blocks.ts'
import type { Tagger } from '../src/tags.ts'
import { fixedBytes, folder } from './crash/open-store.ts'
import { keyOf, linksOf, numbered } from './crash/made-blocks.ts'

/** Only eight different tags, for blocks and records together. */
function weakTagger(): Tagger {
  const tagger = {
    high: 0,
    low: 0,
    block: (bytes: Uint8Array) => tag(bytes),
    record: (bytes: Uint8Array) => tag(bytes),
  }
  const tag = (bytes: Uint8Array): void => {
    const byte = createHash('sha256').update(bytes).digest()[0]!
    tagger.high = (byte & 1) * 0x8000_0000
    tagger.low = (byte >> 1) & 3
  }
  return tagger
}

type Step =
  | { readonly kind: 'put' | 'keep' | 'hold' | 'delete' | 'get'; readonly number: number }
  | { readonly kind: 'record' | 'forget'; readonly number: number; readonly value: number }
  | { readonly kind: 'reopen' | 'compact' | 'crash' }

const number = fc.nat(24)
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constantFrom('put' as const, 'keep' as const), number }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constantFrom('delete' as const, 'get' as const), number }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('hold' as const), number }) },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constantFrom('record' as const, 'forget' as const),
      number: fc.nat(6),
      value: fc.nat(99),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constantFrom('reopen' as const, 'compact' as const, 'crash' as const) }),
  },
)

const blockOf = (at: number): ReturnType<typeof numbered> => numbered(at, 3000 + at * 100)
const valueOf = (value: number): Buffer => Buffer.alloc(50 + value, value)

for (const maxIndexedEntries of [1_000_000, 5]) {
  test(`keys that share their tags are told apart, with at most ${maxIndexedEntries} entries in memory`, async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
        let disk: SimDisk = simDisk({ seed: 1, faults: { shortWrites: 0 } })
        const open = (): Promise<Blocks> =>
          openWith(
            {
              path: folder,
              disk,
              maxBytes: 4_194_304,
              packBytes: 65_536,
              minFreeBytes: 0,
              maxIndexedEntries,
              claims: () => [...blocks].map((at) => ({ cid: blockOf(at).cid })),
              links: linksOf,
            },
            { makeTagger: weakTagger, randomBytes: fixedBytes() },
          )
        const blocks = new Set<number>()
        const records = new Map<string, number>()
        let store = await open()
        for (const one of steps) {
          if ('value' in one) {
            const key = `key ${one.number}`
            if (one.kind === 'record') await store.unverified.put(key, valueOf(one.value))
            else expect(await store.unverified.delete(key)).toBe(records.has(key))
            if (one.kind === 'record') records.set(key, one.value)
            else records.delete(key)
          } else if ('number' in one) {
            const { cid, bytes } = blockOf(one.number)
            if (one.kind === 'put') await store.put(cid, bytes)
            if (one.kind === 'keep') {
              using lease = store.lease()
              await lease.put(cid, bytes)
              await lease.flush()
            }
            if (one.kind === 'hold') {
              // Whether it says so is by the tag alone; what it moves is by the key.
              using lease = store.lease()
              const held = await lease.hold(cid)
              if (blocks.has(one.number)) expect(held).toBe(true)
              await lease.flush()
            }
            if (one.kind === 'delete') expect(await store.delete(cid)).toBe(blocks.has(one.number))
            if (one.kind === 'delete') blocks.delete(one.number)
            if (one.kind === 'put' || one.kind === 'keep') blocks.add(one.number)
            const found = await store.get(cid)
            expect(found && Buffer.from(found)).toEqual(
              blocks.has(one.number) ? Buffer.from(bytes) : undefined,
            )
          } else if (one.kind === 'compact') await store.compact({ minDeadShare: 0.01 })
          else {
            if (one.kind === 'reopen') await store.close()
            disk = disk.kill()
            if (one.kind === 'crash') await store.close().catch(() => undefined)
            store = await open()
          }
        }
        for (let at = 0; at < 25; at += 1) {
          const found = await store.get(blockOf(at).cid)
          expect(found && Buffer.from(found)).toEqual(
            blocks.has(at) ? Buffer.from(blockOf(at).bytes) : undefined,
          )
        }
        for (const [key, value] of records)
          expect(Buffer.from((await store.unverified.get(key))!)).toEqual(valueOf(value))
        const listed = new Set<string>()
        for await (const { cid } of store.list()) listed.add(keyOf(cid))
        expect(listed).toEqual(new Set([...blocks].map((at) => keyOf(blockOf(at).cid))))
        expect(store.stats().entries).toBe(blocks.size + records.size)
        await store.close()
      }),
      { numRuns: 150, seed: 1 },
    )
  })
}

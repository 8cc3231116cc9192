import { forEachBackend } from '@ipfs-kit/concurrency/testing'
import { createMemoryBackend, type StorageBackend } from '@ipfs-kit/storage'
import { delegate, limited } from '@ipfs-kit/storage/testing'
import {
  backendEnd,
  migrate,
  readManifest,
  verify,
  verifyManifest,
  writeManifest,
  type ItemOutcome,
} from '@ipfs-kit/transfer'
import { CID } from 'multiformats/cid'
import * as json from 'multiformats/codecs/json'
import { sha256 } from 'multiformats/hashes/sha2'
import { expect, test } from 'vitest'
import {
  bytesOf,
  collect,
  contents,
  digests,
  fill,
  memory,
  rejection,
  sha256Of,
  telling,
  told,
  watched,
} from './ground.ts'

const onBoth = forEachBackend(test, { seeds: 20 })
const code = (expected: string) =>
  expect.objectContaining({ name: 'TransferError', code: expected }) as unknown
const objects = { a: bytesOf(1, 3000), 'b/c': bytesOf(2, 100_000), z: new Uint8Array() }

async function manifestIn(backend: StorageBackend): Promise<Buffer> {
  return await collect((await backend.get('manifest.json'))!.body)
}

onBoth(
  'a verification reads both sides whatever they tell, and says of each object what is wrong',
  async () => {
    const [from, good] = [memory('from'), memory('to')]
    const to = telling(good)
    await fill(from, { ...objects, missing: bytesOf(3, 5), other: bytesOf(4, 500) })
    await fill(to, { ...objects, extra: bytesOf(5, 5), other: bytesOf(4, 500) })
    // The bytes rot below what the target tells.
    await good.put('other', bytesOf(44, 500))
    const { backend, puts, gets } = watched(to)
    const outcomes: ItemOutcome[] = []
    const report = await verify(backendEnd(from, ''), backendEnd(backend, ''), {
      onItem: (one) => outcomes.push(one),
    })
    expect(told(outcomes)).toEqual([
      'a same',
      'b/c same',
      'extra failed TRANSFER_EXTRA',
      'missing failed TRANSFER_MISSING',
      'other failed TRANSFER_NOT_EQUAL',
      'z same',
    ])
    expect(report).toMatchObject({ items: 6, same: 3, failed: 3 })
    expect(gets.sort()).toEqual(['a', 'b/c', 'other', 'z'])
    expect(puts).toEqual([])
  },
)

onBoth('a migration proves all, writes a manifest, and deletes the source only if asked', async () => {
  for (const originals of ['keep', 'remove'] as const) {
    const [from, to, records] = [memory('from'), memory('to'), memory('records')]
    await fill(from, objects)
    await fill(to, { extra: bytesOf(9, 9) })
    const report = await migrate(backendEnd(from, ''), backendEnd(to, ''), {
      manifest: backendEnd(records, 'manifest.json'),
      originals,
    })
    expect(report).toMatchObject({ items: 3, sent: 3, failed: 0, removed: originals === 'keep' ? 0 : 3 })
    const bytes = await manifestIn(records)
    const { copies, entries } = readManifest(bytes, report.manifest!.cid)
    expect(entries).toEqual(
      Object.entries(objects).map(([path, one]) => ({ path, size: one.length, sha256: sha256Of(one) })),
    )
    expect(copies.map(({ address }) => address)).toEqual(originals === 'keep' ? ['from:', 'to:'] : ['to:'])
    expect(report.manifest).toMatchObject({ address: 'records:manifest.json', entries: 3 })
    expect(await contents(from)).toEqual(originals === 'keep' ? digests(objects) : {})
    expect(await contents(to)).toEqual(digests({ ...objects, extra: bytesOf(9, 9) }))
  }
})

onBoth('a migration in which an object fails deletes nothing and writes no manifest', async () => {
  const [from, records] = [memory('from'), memory('records')]
  await fill(from, objects)
  const options = { manifest: backendEnd(records, 'manifest.json'), originals: 'remove' } as const
  const full = createMemoryBackend({ maxBytes: 5000 })
  expect(await migrate(backendEnd(from, ''), backendEnd(full, ''), options)).toMatchObject({
    failed: 1,
    removed: 0,
  })
  // It takes all, says what it ought to say, and has something else.
  const to = telling(memory('to'))
  const rotting = delegate(to, {
    async get(key, call) {
      const object = await to.get(key, call)
      return (
        object && {
          ...object,
          body: (async function* () {
            yield bytesOf(7, object.size)
          })(),
        }
      )
    },
  })
  const report = await migrate(backendEnd(from, ''), backendEnd(rotting, ''), options)
  expect(report).toMatchObject({ sent: 3, failed: 2, removed: 0 })
  expect(report.manifest).toBe(undefined)
  expect(await contents(from)).toEqual(digests(objects))
  expect(await contents(records)).toEqual({})
})

onBoth('a migration is refused before bytes move if its manifest or its deletions cannot be', async () => {
  const [from, to] = [memory('from'), watched(memory('to'))]
  await fill(from, objects)
  const ends = [backendEnd(from, ''), backendEnd(to.backend, 'in/')] as const
  const migrating = (manifest: string, backend = to.backend) =>
    rejection(migrate(...ends, { manifest: backendEnd(backend, manifest) }))
  expect(await migrating('in/manifest.json')).toEqual(code('TRANSFER_OVERLAP'))
  expect(await migrating('manifest.json', from)).toEqual(code('TRANSFER_OVERLAP'))
  expect(await migrating('manifests/')).toEqual(code('TRANSFER_SHAPE'))
  const readOnly = backendEnd(limited(memory('records'), { write: false }), 'm')
  expect(await rejection(migrate(...ends, { manifest: readOnly }))).toEqual(code('TRANSFER_NOT_SUPPORTED'))
  const kept = backendEnd(limited(from, { delete: false }), '')
  const removing = { manifest: backendEnd(to.backend, 'm'), originals: 'remove' } as const
  expect(await rejection(migrate(kept, ends[1], removing))).toEqual(code('TRANSFER_NOT_SUPPORTED'))
  expect(to.puts).toEqual([])
})

onBoth('a place is held against a manifest', async () => {
  const to = memory('to')
  await fill(to, { ...objects, extra: bytesOf(5, 5) })
  const entries = Object.entries({ ...objects, missing: bytesOf(6, 6) }).map(([path, one]) => ({
    path,
    size: one.length,
    sha256: sha256Of(one),
  }))
  await fill(to, { a: bytesOf(11, 3000) })
  const outcomes: ItemOutcome[] = []
  await verifyManifest({ copies: [], entries }, backendEnd(to, ''), { onItem: (one) => outcomes.push(one) })
  expect(told(outcomes)).toEqual([
    'a failed TRANSFER_NOT_EQUAL',
    'b/c same',
    'extra failed TRANSFER_EXTRA',
    'missing failed TRANSFER_MISSING',
    'z same',
  ])
  const one = { copies: [], entries: [{ path: '', size: 100_000, sha256: sha256Of(objects['b/c']) }] }
  expect(await verifyManifest(one, backendEnd(to, 'b/c'))).toMatchObject({ same: 1, failed: 0 })
})

test('a manifest has one form, and the CID of its bytes', async () => {
  const entries = [
    { path: '\u{1f600}', size: 1, sha256: 'ab'.repeat(32) },
    { path: '\uffee', size: 2, sha256: 'cd'.repeat(32), cid: 'bafy' },
    { path: 'a', size: 0, sha256: '00'.repeat(32) },
  ]
  const copies = [{ address: 's3://p/b/', failureDomain: 's3:eu' }]
  const { cid, bytes } = writeManifest({ copies, entries })
  expect(writeManifest({ copies, entries: [...entries].reverse() })).toEqual({ cid, bytes })
  expect(cid).toBe(CID.createV1(json.code, await sha256.digest(bytes)).toString())
  expect(readManifest(bytes, cid)).toEqual({ copies, entries: [entries[2], entries[1], entries[0]] })
  const text = new TextDecoder().decode(bytes)
  expect(text).toContain(`{"cid":"bafy","path":"\uffee","sha256":"${'cd'.repeat(32)}","size":2}`)
  const refused = [
    text.replace('"version":1', '"version":2'),
    text.replace('"size":0', '"size":-1'),
    text.replace(',"format"', ', "format"'),
    text.replace('"path":"a"', '"path":"\u{1f601}"'),
    text.replace('"path":"a"', '"path":"a","more":1'),
    text.slice(0, -1),
    '',
  ]
  for (const wrong of refused) {
    expect(() => readManifest(new TextEncoder().encode(wrong))).toThrow(
      code('TRANSFER_BAD_MANIFEST') as Error,
    )
  }
  expect(() => readManifest(Uint8Array.of(0xff))).toThrow(code('TRANSFER_BAD_MANIFEST') as Error)
  expect(() => readManifest(bytes, writeManifest({ copies: [], entries }).cid)).toThrow('and not')
  expect(() => writeManifest({ copies, entries: [entries[0]!, entries[0]!] })).toThrow('two entries')
})

import { randomBytes } from 'node:crypto'
import { type Kit, openKit } from '@ipfs-kit/kit'
import { CID } from 'multiformats/cid'
import { create } from 'multiformats/hashes/digest'
import { expect, test } from 'vitest'
import { collect } from './collect.ts'
import { jobOf } from './jobs-of.ts'
import { addFile, openTemporaryKit } from './open-kit.ts'
import { temporaryHome } from './temporary-home.ts'

const server = { role: 'server', config: { blocks: { maxBytes: 6_000_000, minFreeBytes: 0 } } } as const

/** Adds files without a pin, so that their blocks lie in cache packs. The CID of the folder. */
async function addCached(kit: Kit): Promise<string> {
  const body = Array.from({ length: 20 }, (_, at) => ({ path: `folder/${at}`, content: randomBytes(20_000) }))
  const lines = await collect(await kit.call('files.add', { pin: false }, { body }))
  return lines.flatMap((line) => ('items' in line ? [line.cid!] : []))[0]!
}

/** Detached jobs that take all the turns that there are, and go on for ever. */
async function takeAllTurns(kit: Kit): Promise<number[]> {
  await addFile(kit, 'large', Buffer.alloc(500_000, 7))
  const jobs: number[] = []
  for (let turn = 0; turn < 4; turn += 1) {
    const line = (await collect(await kit.call('store.verify', { bytesPerSecond: 1, detach: true })))[0]!
    jobs.push((line as { job: number }).job)
  }
  for (const job of jobs) await jobOf(kit, ({ id, state }) => id === job && state === 'running')
  return jobs
}

/** Adds folders between others, and goes on until the store has looked for what is retained and dropped something. */
async function fill(kit: Kit, between: (cid: string) => Promise<void> = async () => {}) {
  for (let at = 0; at < 10; at += 1) await kit.ipfs.blocks.put(randomBytes(100_000))
  const added = [await addCached(kit), await addCached(kit)] as const
  await between(added[0])
  while ((await kit.call('store.stat', {})).evictedPacks === 0)
    await kit.ipfs.blocks.put(randomBytes(100_000))
  for (const cid of added) expect(await kit.call('store.explain', { cid })).toMatchObject({ state: 'cache' })
  return added
}

/** Puts twice as much as the store holds, and goes on until blocks that are retained have left their cache packs. */
async function press(kit: Kit, retained: readonly string[] = []): Promise<void> {
  const before = (await kit.call('store.stat', {})).evictedPacks
  for (let at = 0; at < 120; at += 1) await kit.ipfs.blocks.put(randomBytes(100_000))
  const { evictedPacks, packBytes, maxBytes } = await kit.call('store.stat', {})
  expect(evictedPacks).toBeGreaterThan(before + 10)
  expect(packBytes).toBeLessThanOrEqual(maxBytes)
  // Younger packs are dropped while they move.
  for (const cid of retained)
    while ((await kit.call('store.explain', { cid })).state === 'cache')
      await kit.ipfs.blocks.put(randomBytes(100_000))
}

test('what a queued job works on stays while the quota drops the rest, and the job succeeds', async () => {
  const kit = await openTemporaryKit(server)
  const turns = await takeAllTurns(kit)
  const [wanted, free] = await fill(kit)
  const answer = await kit.call('pins.add', { cid: wanted, detach: true })
  const { job } = answer as { job: number }
  await press(kit)
  expect(await kit.call('jobs.show', { id: job })).toMatchObject({ state: 'queued' })
  expect(await kit.call('store.explain', { cid: free })).toMatchObject({ state: 'absent' })
  for (const id of turns) await kit.call('jobs.cancel', { id })
  expect(await kit.call('jobs.wait', { id: job })).toMatchObject({ state: 'completed', items: 21 })
  expect(await collect(await kit.call('pins.ls', {}))).toHaveLength(2)
})

test('the same after the process has ended and another one has opened the home', async () => {
  const home = await temporaryHome()
  const first = await openKit({ ...server, home })
  const turns = await takeAllTurns(first)
  const wanted = await addCached(first)
  const { job } = (await first.call('pins.add', { cid: wanted, detach: true })) as { job: number }
  await first.close()
  const second = await openTemporaryKit({ ...server, home })
  await press(second)
  expect(await second.call('jobs.show', { id: job })).toMatchObject({ state: 'queued' })
  for (const id of turns) await second.call('jobs.cancel', { id })
  expect(await second.call('jobs.wait', { id: job })).toMatchObject({ state: 'completed' })
})

test('what a job works on that is tried again stays as well, until the job has ended', async () => {
  const kit = await openTemporaryKit(server)
  const turns = await takeAllTurns(kit)
  let job = 0
  const [wanted] = await fill(kit, async (cid) => {
    const answer = await kit.call('pins.add', { cid, detach: true })
    job = (answer as { job: number }).job
    await kit.call('jobs.cancel', { id: job })
  })
  await kit.call('jobs.retry', { id: job })
  await press(kit, [wanted])
  expect(await kit.call('store.explain', { cid: wanted })).toMatchObject({ state: 'kept' })
  await kit.call('jobs.cancel', { id: job })
  for (const id of turns) await kit.call('jobs.cancel', { id })
  await kit.call('repo.gc', {})
  expect(await kit.call('store.explain', { cid: wanted })).toMatchObject({ state: 'absent' })
})

test('what an operation needs that was appended by its type stays as well', async () => {
  const kit = await openTemporaryKit(server)
  const params = (cid: string): string => JSON.stringify({ cid })
  const notBefore = '3000-01-01T00:00:00Z'
  await expect(
    kit.call('wal.append', { type: 'pin', params: params('nonsense'), notBefore }),
  ).rejects.toMatchObject({ code: 'IPFS_INVALID_CID' })
  const ids: number[] = []
  const [wanted, also] = await fill(kit, async (cid) => {
    const made = await kit.call('wal.append', { type: 'pin', params: params(`/ipfs/${cid}/0`), notBefore })
    expect(made.operation.cids).toEqual([cid])
    ids.push(made.operation.id)
  })
  // A payload, as of a type whose parameters do not name it.
  const gc = await kit.call('wal.append', { type: 'custom:gc', cids: also, notBefore })
  ids.push(gc.operation.id)
  await press(kit, [wanted, also])
  for (const cid of [wanted, also])
    expect(await kit.call('store.explain', { cid })).toMatchObject({ state: 'kept' })
  for (const id of ids) await kit.call('jobs.cancel', { id })
  await kit.call('repo.gc', {})
  expect(await kit.call('store.explain', { cid: wanted })).toMatchObject({ state: 'absent' })
})

test('roots of any codec and hash are retained, and break neither eviction nor collection', async () => {
  const kit = await openTemporaryKit(server)
  const cids = [
    'QmdfTbBqBPQ7VNxZEYEj14VmRuZBkqFbiwReogJgS1zR1n',
    'bafkqabtimvwgy3yk',
    // A codec, and a hash, that nobody knows.
    CID.createV1(0x3fff, create(0x12, randomBytes(32))).toString(),
    CID.createV1(0x70, create(0x3fff, randomBytes(200))).toString(),
    CID.createV1(0x55, create(0x12, new Uint8Array())).toString(),
    'k51qzi5uqu5dlvj2baxnqndepeb86cbk3ng7n3i46uzyxzyqj2xjonzllnv0v8',
  ]
  await kit.wal.append({ type: 'custom:gc', params: {}, cids, notBefore: Date.parse('3000-01-01T00:00:00Z') })
  await press(kit)
  await kit.call('repo.gc', {})
})

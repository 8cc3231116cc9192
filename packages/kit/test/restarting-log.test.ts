import { randomBytes } from 'node:crypto'
import { type Kit, type Parts, openKit } from '@ipfs-kit/kit'
import { openLog } from '@ipfs-kit/wal'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { collect } from './collect.ts'
import { openTemporaryKit } from './open-kit.ts'
import { temporaryHome } from './temporary-home.ts'

/** A small store, and a restart that waits for what uses the part as long as the test does. */
const server = {
  role: 'server',
  graceMs: 600_000,
  config: { blocks: { maxBytes: 6_000_000, minFreeBytes: 0 } },
} as const
const never = Date.parse('3000-01-01T00:00:00Z')

/** Resolves when the store asks what the log retains and has to wait. */
function asked(parts: Parts): Promise<'asked'> {
  const borrow = parts.borrowSettled.bind(parts)
  return new Promise((resolve) => {
    parts.borrowSettled = (names) => {
      resolve('asked')
      return borrow(names)
    }
  })
}

/** Begins a restart of the log, which waits until what is returned is called. */
function heldRestart({ parts }: Kit) {
  const borrowed = parts.borrow(['wal'])
  const goOn = (): void => borrowed.release()
  // Before the kit is closed, which waits for it too.
  onTestFinished(goOn)
  return { restarted: parts.restart('wal'), goOn }
}

/** Adds a file that nothing keeps. */
async function addCached(kit: Kit): Promise<string> {
  const body = [{ path: 'file', content: randomBytes(200_000) }]
  const lines = await collect(await kit.call('files.add', { pin: false }, { body }))
  return lines.flatMap((line) => ('items' in line ? [line.cid!] : []))[0]!
}

/** Puts twice as much as the store holds. */
async function press(kit: Kit): Promise<void> {
  for (let at = 0; at < 120; at += 1) await kit.ipfs.blocks.put(randomBytes(100_000))
}

test('writers wait for room while the log restarts, and what its jobs need stays', async () => {
  const kit = await openTemporaryKit(server)
  const [wanted, free] = [await addCached(kit), await addCached(kit)]
  await kit.wal.append({ type: 'pin', params: { cid: wanted }, notBefore: never })
  const { restarted, goOn } = heldRestart(kit)
  const waiting = asked(kit.parts)
  const pressed = press(kit)
  expect(await Promise.race([waiting, pressed])).toBe('asked')
  goOn()
  expect(await restarted).toMatchObject({ state: 'running', restarts: 1 })
  await pressed
  expect(await kit.call('store.explain', { cid: wanted })).toMatchObject({ state: 'kept' })
  expect(await kit.call('store.explain', { cid: free })).toMatchObject({ state: 'absent' })
})

test('a collection that is a job, and asks what the log retains, does not hold up its restart', async () => {
  const kit = await openTemporaryKit(server)
  await addCached(kit)
  const { wal } = kit
  const { restarted, goOn } = heldRestart(kit)
  const waiting = asked(kit.parts)
  const { operation } = await wal.append({ type: 'custom:gc', params: {} })
  const changes = wal.follow({
    id: operation.id,
    from: operation.id,
    states: ['retrying', 'completed', 'failed'],
  })
  expect(await Promise.race([waiting, changes.next()])).toBe('asked')
  goOn()
  expect(await restarted).toMatchObject({ state: 'running', restarts: 1, abandonedCalls: 0 })
  expect(await kit.call('jobs.wait', { id: operation.id })).toMatchObject({ state: 'completed' })
})

test('a log that could not be opened again refuses what needs room, until it is there', async () => {
  const kit = await openTemporaryKit(server)
  await kit.wal.append({ type: 'pin', params: { cid: await addCached(kit) }, notBefore: never })
  await kit.wal.close()
  // Whoever has it open keeps the part out.
  await using log = await openLog({ path: kit.home.log })
  expect(await kit.parts.restart('wal')).toMatchObject({ state: 'failed', error: { code: 'WAL_LOCKED' } })
  await expect(press(kit)).rejects.toMatchObject({ code: 'KIT_PART_UNAVAILABLE' })
  await log.close()
  await kit.parts.restart('wal')
  await press(kit)
})

test('a log of an older version that names what is no CID stops neither eviction nor collection', async () => {
  const home = await temporaryHome()
  const before = await openKit({ ...server, home })
  const wanted = await addCached(before)
  await before.close()
  const log = await openLog({ path: join(home, 'log') })
  const promised = {
    ...{ kind: 'add', type: 'pin', params: { cid: wanted }, priority: 5, after: [], timeoutMs: 1000 },
    ...{ maxAttempts: 1, onInterrupted: 'retry', createdAt: Date.now(), notBefore: never },
  }
  const id = await log.append(Buffer.from(JSON.stringify({ ...promised, cids: ['nonsense', wanted] })))
  await log.close()

  const kit = await openTemporaryKit({ ...server, home })
  await press(kit)
  await kit.call('repo.gc', {})
  expect(await kit.call('store.explain', { cid: wanted })).toMatchObject({ state: 'kept' })
  expect(kit.wal.findings).toMatchObject([
    { kind: 'cid', message: expect.stringContaining('"nonsense"') as string },
  ])
  expect(await kit.call('wal.health', {})).toMatchObject({ state: 'degraded' })
  await kit.call('jobs.cancel', { id })
  await kit.call('jobs.retry', { id })
  await kit.call('jobs.cancel', { id })
  await kit.call('repo.gc', {})
  expect(await kit.call('store.explain', { cid: wanted })).toMatchObject({ state: 'absent' })
})

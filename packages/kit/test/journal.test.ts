import { randomBytes } from 'node:crypto'
import { type Kit, openKit } from '@ipfs-kit/kit'
import { openLog } from '@ipfs-kit/wal'
import { expect, onTestFinished, test } from 'vitest'
import { collect } from './collect.ts'
import { addFile, openTemporaryKit } from './open-kit.ts'
import { temporaryHome } from './temporary-home.ts'

const small = { config: { blocks: { maxBytes: 6_000_000, minFreeBytes: 0 } } } as const
const server = { ...small, role: 'server' } as const

/** Writes files of 20 kB into the tree; what they are to have, by their paths. */
async function writeSome(kit: Kit): Promise<Map<string, Buffer>> {
  const files = new Map<string, Buffer>()
  for (let at = 0; at < 20; at += 1) {
    const [path, content] = [`/d/${at % 3}/${at}`, randomBytes(20_000)] as const
    await kit.call('fs.write', { path, parents: true }, { body: content })
    files.set(path, content)
  }
  return files
}

/** Looks whether the files are there, byte by byte. */
async function expectAll(kit: Kit, files: ReadonlyMap<string, Buffer>): Promise<void> {
  for (const [path, content] of files) {
    const { body } = await kit.call('fs.read', { path })
    expect(Buffer.concat(await collect(body)).equals(content)).toBe(true)
  }
}

/** Puts twice as much as a small store holds. */
async function press(kit: Kit): Promise<void> {
  for (let at = 0; at < 120; at += 1) await kit.ipfs.blocks.put(randomBytes(100_000))
}

async function partsOf(kit: Kit) {
  return (await kit.call('node.status', {})).parts
}

test('the tree is there again when the home is opened again, and nobody opens it who needs it not', async () => {
  const home = await temporaryHome()
  const first = await openKit({ home, role: 'server' })
  expect((await partsOf(first)).map(({ name }) => name)).toEqual(['ipfs', 'wal'])
  expect(() => first.journal).toThrow(/journal/)
  const files = await writeSome(first)
  expect(await partsOf(first)).toContainEqual({ name: 'journal', state: 'running' })
  await first.close()
  const server = await openKit({ home, role: 'server' })
  expect(await partsOf(server)).toContainEqual({ name: 'journal', state: 'running' })
  await server.close()
  const second = await openTemporaryKit({ home })
  expect(await partsOf(second)).toEqual([{ name: 'ipfs', state: 'running' }])
  await expectAll(second, files)
  expect(await partsOf(second)).toContainEqual({ name: 'journal', state: 'running' })
  expect(second.journal.stats().sequence).toBe(20)
})

test('what is in the tree is neither collected nor evicted, and goes when it is removed', async () => {
  const config = { ...small.config, journal: { keepCheckpoints: 1 } }
  const kit = await openTemporaryKit({ ...server, config })
  const files = await writeSome(kit)
  const { cid } = await kit.call('fs.stat', { path: '/d/0/0' })
  await press(kit)
  await kit.call('repo.gc', {})
  await expectAll(kit, files)
  await kit.call('journal.checkpoint', {})
  await kit.call('repo.gc', {})
  await expectAll(kit, files)
  await kit.call('fs.rm', { path: '/d/0', recursive: true })
  await kit.call('journal.checkpoint', {})
  await kit.call('repo.gc', {})
  expect(await kit.call('store.explain', { cid: cid! })).toMatchObject({ state: 'absent' })
})

test('a command that collects, or makes room, opens it before', async () => {
  const home = await temporaryHome()
  const first = await openKit({ ...server, home })
  const files = await writeSome(first)
  await first.close()
  const collecting = await openKit({ ...small, role: 'command', home })
  await collecting.call('repo.gc', {})
  await collecting.close()
  const pressing = await openKit({ ...small, role: 'command', home })
  await press(pressing)
  await pressing.close()
  await expectAll(await openTemporaryKit({ ...server, home }), files)
})

test('a home whose store is full is opened, and its tree with it', async () => {
  const home = await temporaryHome()
  const first = await openKit({ ...server, home })
  const files = await writeSome(first)
  await press(first)
  await first.close()
  // Half of what there was: blocks have to go before anything else.
  const config = { blocks: { maxBytes: 3_000_000, minFreeBytes: 0 } }
  const second = await openTemporaryKit({ role: 'server', home, config })
  await press(second)
  await expectAll(second, files)
})

test('restarts, as the node under it does, and calls that use it meanwhile are told so', async () => {
  const kit = await openTemporaryKit(server)
  const files = await writeSome(kit)
  for (const part of ['journal', 'ipfs']) {
    const reached = Promise.withResolvers<void>()
    const endless = async function* () {
      for (;;) {
        yield randomBytes(1000)
        reached.resolve()
        await new Promise((resolve) => setImmediate(resolve))
      }
    }
    const writing = kit.call('fs.write', { path: '/endless' }, { body: endless() })
    const refused = expect(writing).rejects.toMatchObject({
      kind: 'temporary',
      code: 'KIT_PART_UNAVAILABLE',
    })
    await reached.promise
    expect(await kit.call('node.restart', { part })).toMatchObject({
      ...{ name: part, state: 'running', restarts: 1, abandonedCalls: 0 },
    })
    await refused
    await expectAll(kit, files)
    await kit.call('fs.write', { path: `/after-${part}` }, { body: Buffer.from(part) })
    await kit.call('journal.checkpoint', {})
  }
  expect((await kit.call('fs.ls', {})).entries.map(({ name }) => name)).toEqual([
    ...['after-ipfs', 'after-journal', 'd'],
  ])
})

test('while it restarts, and when it cannot be opened again, what it has is known and kept', async () => {
  const kit = await openTemporaryKit(server)
  const files = await writeSome(kit)
  const borrowed = kit.parts.borrow(['journal'])
  onTestFinished(() => borrowed.release())
  const restarting = kit.parts.restart('journal')
  await press(kit)
  await kit.call('repo.gc', {})
  borrowed.release()
  await restarting
  await expectAll(kit, files)

  await kit.journal.close()
  // Whoever has it open keeps the part out.
  await using log = await openLog({ path: kit.home.journal, segmentBytes: 4 * 1024 * 1024 })
  expect(await kit.parts.restart('journal')).toMatchObject({
    state: 'failed',
    error: { code: 'JOURNAL_LOCKED' },
  })
  await press(kit)
  await kit.call('repo.gc', {})
  await expect(kit.call('fs.ls', {})).rejects.toMatchObject({ code: 'KIT_PART_UNAVAILABLE' })
  await log.close()
  await kit.parts.restart('journal')
  await expectAll(kit, files)
})

test('a tree that could not be opened yet refuses what needs room, until it is there', async () => {
  const home = await temporaryHome()
  const first = await openKit({ ...server, home })
  const files = await writeSome(first)
  await first.close()
  await using log = await openLog({ path: first.home.journal, segmentBytes: 4 * 1024 * 1024 })
  const kit = await openTemporaryKit({ ...server, home })
  expect(await partsOf(kit)).toContainEqual({ name: 'journal', state: 'failed' })
  await expect(kit.call('repo.gc', {})).rejects.toMatchObject({ code: 'KIT_PART_UNAVAILABLE' })
  await expect(press(kit)).rejects.toMatchObject({ code: 'KIT_PART_UNAVAILABLE' })
  // What needs no room is done.
  await addFile(kit, 'f', 'f')
  await log.close()
  await kit.parts.restart('journal')
  await press(kit)
  await kit.call('repo.gc', {})
  await expectAll(kit, files)
})

test('its settings come from the section journal', async () => {
  const kit = await openTemporaryKit({
    config: { journal: { checkpointChanges: 3, transactionMs: 86_400_000 } },
  })
  for (const path of ['/a', '/b', '/c']) await kit.call('fs.mkdir', { path })
  await expect
    .poll(async () => (await kit.call('journal.status', {})).checkpoint, { interval: 5, timeout: 60_000 })
    .toMatchObject({ sequence: 3 })
})

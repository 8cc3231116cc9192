import { randomBytes } from 'node:crypto'
import { type Kit, openKit } from '@ipfs-kit/kit'
import { CID } from 'multiformats/cid'
import { expect, test } from 'vitest'
import { collect } from './collect.ts'
import { openTemporaryKit } from './open-kit.ts'
import { temporaryHome } from './temporary-home.ts'

const server = {
  role: 'server',
  config: {
    blocks: { maxBytes: 20_000_000, minFreeBytes: 0 },
    journal: { checkpointChanges: 25, keepCheckpoints: 2 },
  },
} as const
const rounds = 60
const writers = 4

async function read(kit: Kit, path: string): Promise<Buffer> {
  return Buffer.concat(await collect((await kit.call('fs.read', { path })).body))
}

/** Writes, changes, moves, copies and removes files of one folder; what it is to have, by paths. */
async function change(kit: Kit, folder: string): Promise<Map<string, Buffer>> {
  const files = new Map<string, Buffer>()
  await kit.call('fs.mkdir', { path: folder })
  for (let round = 0; round < rounds; round += 1) {
    const path = `${folder}/${round}`
    const content = randomBytes(1000 + (round % 7) * 3000)
    await kit.call('fs.write', { path }, { body: content })
    files.set(path, content)
    const before = `${folder}/${round - 1}`
    const old = files.get(before)
    if (old === undefined) continue
    if (round % 4 === 1) {
      await kit.call('fs.write', { path: before, append: true }, { body: Buffer.from('more') })
      files.set(before, Buffer.concat([old, Buffer.from('more')]))
    } else if (round % 4 === 2) {
      await kit.call('fs.cp', { from: before, to: `${before}-copy` })
      files.set(`${before}-copy`, old)
      await kit.call('fs.rm', { path: before })
      files.delete(before)
    } else if (round % 4 === 3) {
      const { id } = await kit.call('journal.begin', {})
      await kit.call('fs.mv', { from: before, to: `${before}-moved`, transaction: id })
      await kit.call('fs.write', { path: `${before}-new`, transaction: id }, { body: content })
      await kit.call('journal.commit', { id })
      files.delete(before)
      files.set(`${before}-moved`, old)
      files.set(`${before}-new`, content)
    }
  }
  return files
}

/** Collects, and fills the store, until there is nothing more to do beside. */
async function collectBeside(kit: Kit, signal: AbortSignal): Promise<number> {
  let collections = 0
  for (; !signal.aborted; collections += 1) {
    for (let at = 0; at < 20; at += 1) await kit.ipfs.blocks.put(randomBytes(50_000))
    await kit.call('repo.gc', {})
  }
  return collections
}

test('collections and evictions beside changes take nothing of the tree, of its snapshots and of its checkpoints', async () => {
  const home = await temporaryHome()
  const kit = await openKit({ ...server, home })
  const ending = new AbortController()
  const collecting = collectBeside(kit, ending.signal)
  const folders = Array.from({ length: writers }, (_, at) => `/w${at}`)
  const first = await Promise.all(folders.map((folder) => change(kit, folder)))
  const { cid: snapshot } = await kit.call('fs.snapshot', { name: 'first' })
  const then = new Map(first.flatMap((files) => [...files]))
  for (const folder of folders) await kit.call('fs.rm', { path: folder, recursive: true })
  const second = await Promise.all(folders.map((folder) => change(kit, folder)))
  ending.abort()
  expect(await collecting).toBeGreaterThan(3)
  await kit.call('repo.gc', {})
  const now = new Map(second.flatMap((files) => [...files]))
  for (const [path, content] of now) expect((await read(kit, path)).equals(content)).toBe(true)
  await kit.close()

  const again = await openTemporaryKit({ ...server, home })
  for (const [path, content] of now) expect((await read(again, path)).equals(content)).toBe(true)
  for (const [path, content] of then) {
    const { body } = await again.call('files.cat', { cid: `${snapshot}${path}` })
    expect(Buffer.concat(await collect(body)).equals(content)).toBe(true)
  }
  for (const { cid } of (await again.call('journal.checkpoints', {})).checkpoints) {
    expect(await collect(again.ipfs.pins.add(CID.parse(cid)))).not.toEqual([])
  }
})

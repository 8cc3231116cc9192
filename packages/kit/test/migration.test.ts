import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { homeFormat, openHome, openKit, takeLock } from '@ipfs-kit/kit'
import { expect, test } from 'vitest'
import { collect } from './collect.ts'
import { oldFolders, oldHome } from './old-home.ts'
import { openTemporaryKit } from './open-kit.ts'

const files = { 'a.txt': 'one', 'b/c.txt': 'two', 'b/d.txt': 'three' }

test('a home of format 1 is raised to 2 and its blocks move into packs; status tells how far', async () => {
  const { home, cid } = await oldHome(files)
  const kit = await openTemporaryKit({ home })
  expect(await readFile(join(home, 'format'), 'utf8')).toBe(`${homeFormat}\n`)
  const { migration } = await kit.call('node.status', {})
  expect(migration).toMatchObject({ blocks: expect.any(Number), damaged: 0 })
  const { keptBlocks } = await kit.call('repo.gc', {})
  const status = await kit.call('node.status', {})
  expect(status.migration).toMatchObject({ state: 'done', blocks: keptBlocks, ofBlocks: keptBlocks })
  const entry = kit.operations.find(({ name }) => name === 'node.status')!
  expect((entry.text as (answer: unknown) => string)(status)).toContain(
    `blocks   move into packs done: ${keptBlocks} of`,
  )
  expect(await oldFolders(home)).toEqual([])
  const { body } = await kit.call('files.cat', { cid: `${cid}/b/d.txt` })
  expect(Buffer.concat(await collect(body)).toString()).toBe('three')
  const pins = await collect(await kit.call('pins.ls', {}))
  expect(pins.map((pin) => pin.cid)).toEqual([cid])
})

test('what is about to move can be put into the tree, and stays when it is not pinned any more', async () => {
  const { home, cid } = await oldHome(files)
  const kit = await openTemporaryKit({ home })
  await kit.call('fs.put', { path: '/put', cid })
  await kit.call('pins.rm', { cid })
  await kit.call('repo.gc', {})
  expect(await oldFolders(home)).toEqual([])
  const { body } = await kit.call('fs.read', { path: '/put/b/d.txt' })
  expect(Buffer.concat(await collect(body)).toString()).toBe('three')
})

test('the second opening knows nothing of it any more', async () => {
  const { home } = await oldHome(files)
  const first = await openKit({ home, role: 'command' })
  await first.call('repo.gc', {})
  await first.close()
  const kit = await openTemporaryKit({ home })
  expect(await kit.call('node.status', {})).not.toHaveProperty('migration')
})

test('the format is raised by the holder of the lock only, and after the settings were read', async () => {
  const { home } = await oldHome(files)
  const holder = await takeLock({ home: await openHome({ path: home }), role: 'server' })
  await expect(openKit({ home, role: 'command' })).rejects.toMatchObject({ code: 'KIT_HOME_LOCKED' })
  expect(await readFile(join(home, 'format'), 'utf8')).toBe('1\n')
  await holder.close()
  await writeFile(join(home, 'config.toml'), 'oops = 1')
  await expect(openKit({ home, role: 'command' })).rejects.toMatchObject({ code: 'KIT_CONFIG_INVALID' })
  expect(await readFile(join(home, 'format'), 'utf8')).toBe('1\n')
  await rm(join(home, 'config.toml'))
  await (await openKit({ home, role: 'command' })).close()
  expect(await readFile(join(home, 'format'), 'utf8')).toBe('2\n')
})

test('a newer version that held the home meanwhile is noticed behind the lock', async () => {
  const { home } = await oldHome(files)
  const holder = await takeLock({ home: await openHome({ path: home }), role: 'command' })
  const opening = openKit({ home, role: 'command', waitMs: 100_000 })
  const outcome = expect(opening).rejects.toMatchObject({ code: 'KIT_HOME_TOO_NEW' })
  // It has looked at the format by the time that it waits for the lock.
  await openHome({ path: home })
  await writeFile(join(home, 'format'), '3\n')
  await holder.close()
  await outcome
  expect(await oldFolders(home)).not.toEqual([])
})

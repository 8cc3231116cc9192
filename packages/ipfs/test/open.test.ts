import { existsSync } from 'node:fs'
import { spawnSync } from 'node:child_process'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { IpfsError, openIpfs } from '@ipfs-kit/ipfs'
import Database from 'better-sqlite3'
import { describe, expect, it } from 'vitest'
import { addFile, folder, opened, read, rejection } from './opened.ts'

it('makes the folder and finds everything again when it is opened again', async () => {
  const path = join(await folder(), 'a', 'b')
  const first = await opened({ path })
  const cid = await addFile(first.ipfs, 'kept')
  await first.ipfs.close()
  const { ipfs } = await opened({ path })
  expect((await read(ipfs, cid)).toString()).toBe('kept')
  expect((await readdir(path)).filter((name) => !name.startsWith('pins.sqlite-')).toSorted()).toEqual([
    'blocks',
    'pins.sqlite',
  ])
})

it('refuses a folder that another node has open, and leaves that one alone', async () => {
  const { ipfs, path } = await opened()
  expect(await rejection(openIpfs({ path }))).toMatchObject({
    code: 'IPFS_STORE_FAILED',
    message: expect.stringContaining('another process') as string,
  })
  expect((await read(ipfs, await addFile(ipfs, 'still open'))).toString()).toBe('still open')
})

it.each<[what: string, options: unknown, error: typeof Error]>([
  ['no path', {}, TypeError],
  ['an empty path', { path: '' }, TypeError],
  ['an unknown option', { path: 'x', maxBlockByte: 1 }, TypeError],
  ['a block size of 0', { path: 'x', maxBlockBytes: 0 }, RangeError],
  ['a block size of NaN', { path: 'x', maxBlockBytes: Number.NaN }, RangeError],
  ['a block size beyond 16 MiB', { path: 'x', maxBlockBytes: 16_777_217 }, RangeError],
  ['a limit below 1 MiB', { path: 'x', maxBytes: 1_048_575 }, RangeError],
  ['room to leave of less than nothing', { path: 'x', minFreeBytes: -1 }, RangeError],
])('refuses %s', async (_what, options, error) => {
  expect(await rejection(openIpfs(options as { path: string }))).toBeInstanceOf(error)
  expect(existsSync('x')).toBe(false)
})

describe('a folder that cannot be used is refused', () => {
  it('below a file', async () => {
    const path = join(await folder(), 'file')
    await writeFile(path, 'not a folder')
    const error = await rejection(openIpfs({ path: join(path, 'home') }))
    expect(error).toBeInstanceOf(IpfsError)
    expect(error).toMatchObject({ code: 'IPFS_STORE_FAILED', kind: 'internal' })
  })

  it('with a file where the blocks should be', async () => {
    const path = await folder()
    await writeFile(join(path, 'blocks'), 'not a folder')
    expect(await rejection(openIpfs({ path }))).toMatchObject({ code: 'IPFS_STORE_FAILED' })
  })
})

describe('pins', () => {
  it('of a newer format are refused and left as they are', async () => {
    const path = await folder()
    const file = join(path, 'pins.sqlite')
    const database = new Database(file)
    database.exec('CREATE TABLE newer (a); PRAGMA user_version = 3')
    database.close()
    const before = await readFile(file)
    expect(await rejection(openIpfs({ path }))).toMatchObject({
      code: 'IPFS_STORE_FAILED',
      message: expect.stringContaining('format 3'),
    })
    expect(await readFile(file)).toEqual(before)
    expect((await readdir(path)).toSorted()).toEqual(['pins.sqlite'])
  })

  it.each([
    ['no database at all', Buffer.from('this is no database, but long enough to look at'.repeat(50))],
    ['a folder', undefined],
  ])('in a file that is %s are refused', async (_what, content) => {
    const path = await folder()
    if (content === undefined) await mkdir(join(path, 'pins.sqlite'))
    else await writeFile(join(path, 'pins.sqlite'), content)
    const error = await rejection(openIpfs({ path }))
    expect(error).toBeInstanceOf(IpfsError)
    expect(error).toMatchObject({ code: 'IPFS_STORE_FAILED' })
  })
})

it('leaves files alone that are not its own', async () => {
  const first = await opened()
  const cid = await addFile(first.ipfs, 'kept')
  await first.ipfs.close()
  await writeFile(join(first.path, 'blocks', 'README'), 'mine')
  await writeFile(join(first.path, 'blocks', 'kept-notes.pack'), 'mine')
  const { ipfs } = await opened({ path: first.path })
  expect((await ipfs.repo.stat()).blocks).toBe(1)
  expect((await read(ipfs, cid)).toString()).toBe('kept')
  expect((await ipfs.repo.gc()).removedBlocks).toBe(0)
  for (const name of ['README', 'kept-notes.pack']) {
    expect(await readFile(join(first.path, 'blocks', name), 'utf8')).toBe('mine')
  }
})

it('loads no network and no Helia', () => {
  const script = `await import('@ipfs-kit/ipfs')`
  const run = spawnSync(
    process.execPath,
    [
      '--conditions=@ipfs-kit/source',
      '--import',
      'data:text/javascript,' + encodeURIComponent(refusing),
      '-e',
      script,
    ],
    { cwd: import.meta.dirname, encoding: 'utf8' },
  )
  expect([run.status, run.stderr]).toEqual([0, ''])
})

/** Hooks that refuse what must not be loaded. */
const refusing = `
import { registerHooks } from 'node:module'
registerHooks({
  resolve(specifier, context, next) {
    const found = next(specifier, context)
    if (/node_modules\\/(helia|libp2p|@helia)\\//.test(found.url)) throw new Error('loaded ' + found.url)
    return found
  },
})`

import { execFile, spawnSync } from 'node:child_process'
import { mkdir, readdir, readFile, readlink, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { type AddEntry } from '@ipfs-kit/ipfs'
import type { CID } from 'multiformats/cid'
import { extract, type Header } from 'tar-stream'
import { describe, expect, it } from 'vitest'
import { absent, chainOfDoubleLinks, putNode, type NodeShape } from './nodes.ts'
import { added, addFile, bytesOf, concat, folder, opened, pattern, rejection } from './opened.ts'

/** Entries of an archive, in its order. */
async function unpacked(archive: Uint8Array): Promise<{ header: Header; body: Buffer }[]> {
  const parser = extract()
  const entries: { header: Header; body: Buffer }[] = []
  parser.end(archive)
  for await (const entry of parser) {
    const chunks: Uint8Array[] = []
    for await (const chunk of entry) chunks.push(chunk as Uint8Array)
    entries.push({ header: entry.header, body: Buffer.concat(chunks) })
  }
  return entries
}

const long = 'a rather long name that does not fit into the hundred bytes of an old header, '
  .repeat(3)
  .trimEnd()
const deep = Array.from({ length: 60 }, (_, level) => `level-${level}`).join('/')

const tree: AddEntry[] = [
  { path: 'top/a.txt', content: bytesOf('a') },
  { path: 'top/empty.txt', content: new Uint8Array() },
  { path: 'top/empty folder' },
  { path: `top/${long}/${long}.txt`, content: bytesOf('long') },
  { path: `top/${deep}/leaf`, content: bytesOf('deep') },
  { path: 'top/ünï 日本語 🙂', content: bytesOf('unicode') },
  { path: 'top/chunks', content: pattern(300_000) },
  { path: 'top/-rf', content: bytesOf('not an option') },
  { path: 'top/exactly-512', content: pattern(512) },
]

it('holds every file and folder of a tree, each folder before what is in it', async () => {
  const { ipfs } = await opened()
  const { cid } = await added(ipfs, tree, { chunkBytes: 65_536 })
  const entries = await unpacked(await concat(await ipfs.files.tar(cid.toString())))
  const files = new Map(
    entries.filter((entry) => entry.header.type === 'file').map((entry) => [entry.header.name, entry.body]),
  )
  for (const { path, content } of tree) {
    const name = path.replace('top', cid.toString())
    if (content !== undefined) expect(files.get(name)).toEqual(Buffer.from(content as Uint8Array))
    else expect(entries.map((entry) => entry.header.name)).toContain(`${name}/`)
  }
  expect(files.size).toBe(8)
  const seen = new Set([''])
  for (const { header } of entries) {
    const name = header.name.replace(/\/$/, '')
    expect(seen).toContain(name.slice(0, Math.max(name.lastIndexOf('/'), 0)))
    if (header.type === 'directory') seen.add(name)
    expect(header.mode).toBe(header.type === 'directory' ? 0o755 : 0o644)
  }
})

it('gives the same bytes for the same DAG', async () => {
  const { ipfs } = await opened()
  const { cid } = await added(ipfs, tree)
  const [one, two] = [await ipfs.files.tar(cid.toString()), await ipfs.files.tar(cid.toString())]
  expect((await concat(one)).equals(await concat(two))).toBe(true)
})

it('is unpacked by the tar of the system into the same tree', async (context) => {
  if (spawnSync('tar', ['--version']).error !== undefined)
    context.skip('needs the program tar, which is not here')
  const { ipfs } = await opened()
  const { cid } = await added(ipfs, tree)
  const target = await folder()
  await writeFile(join(target, 'x.tar'), await concat(await ipfs.files.tar(cid.toString())))
  await mkdir(join(target, 'out'))
  await promisify(execFile)('tar', ['-xf', join(target, 'x.tar'), '-C', join(target, 'out')])
  const root = join(target, 'out', cid.toString())
  for (const { path, content } of tree) {
    const file = join(root, path.slice('top/'.length))
    if (content !== undefined) expect(await readFile(file)).toEqual(Buffer.from(content as Uint8Array))
    else expect(await readdir(file)).toEqual([])
  }
})

it('names a single file by the last name of its path, or by its CID', async () => {
  const { ipfs } = await opened()
  const { cid } = await added(ipfs, [{ path: 'd/a.txt', content: bytesOf('a') }])
  const [named] = await unpacked(await concat(await ipfs.files.tar(`${cid}/a.txt`)))
  expect(named?.header.name).toBe('a.txt')
  const file = await addFile(ipfs, 'a')
  const [unnamed] = await unpacked(await concat(await ipfs.files.tar(file.toString())))
  expect([unnamed?.header.name, unnamed?.body.toString()]).toEqual([file.toString(), 'a'])
})

it('keeps mode, time and symbolic links', async () => {
  const { ipfs } = await opened()
  const file = await putNode(ipfs, { data: bytesOf('x'), mode: 0o700, mtime: { secs: 1_000_000n } })
  const link = await putNode(ipfs, { type: 'symlink', data: bytesOf('file') })
  const cid = await putNode(ipfs, {
    type: 'directory',
    links: [
      { cid: file, name: 'file' },
      { cid: link, name: 'link' },
    ],
  })
  const entries = await unpacked(await concat(await ipfs.files.tar(cid.toString())))
  const by = new Map(entries.map(({ header }) => [header.name.split('/')[1], header]))
  expect(by.get('file')).toMatchObject({ mode: 0o700, mtime: new Date(1_000_000_000) })
  expect(by.get('link')).toMatchObject({ type: 'symlink', linkname: 'file' })
  const target = await folder()
  await writeFile(join(target, 'x.tar'), await concat(await ipfs.files.tar(cid.toString())))
  if (spawnSync('tar', ['-xf', join(target, 'x.tar'), '-C', target]).status === 0) {
    expect(await readlink(join(target, cid.toString(), 'link'))).toBe('file')
    expect((await stat(join(target, cid.toString(), 'file'))).mode & 0o777).toBe(0o700)
  }
})

it.each(['..', '.', '', '../evil', '/etc/passwd', 'a/b', 'a\0b'])(
  'refuses a folder with an entry named %j',
  async (name) => {
    const { ipfs } = await opened()
    const file = await addFile(ipfs, 'evil')
    const cid = await putNode(ipfs, { type: 'directory', links: [{ cid: file, name }] })
    expect(await rejection(ipfs.files.tar(cid.toString()).then(concat))).toMatchObject({
      code: 'IPFS_INVALID_NODE',
    })
  },
)

it('tells the size of a file that is larger than an old header can say', async () => {
  const { ipfs } = await opened()
  let cid = await addFile(ipfs, '0123456789')
  let size = 10
  for (let level = 0; level < 10; level += 1) {
    cid = await putNode(ipfs, { blockSizes: Array(8).fill(size), links: Array(8).fill({ cid }) })
    size *= 8
  }
  expect(size).toBeGreaterThan(8 ** 11)
  const parser = extract()
  const header = new Promise<Header>((resolve) => parser.once('entry', resolve))
  for await (const piece of await ipfs.files.tar(cid.toString())) {
    parser.write(piece)
    break
  }
  expect((await header).size).toBe(size)
  parser.destroy()
})

describe('an archive that cannot be finished', () => {
  it('rejects for content that is not here before there are any bytes', async () => {
    const { ipfs } = await opened()
    expect(await rejection(ipfs.files.tar(absent.toString()))).toMatchObject({ code: 'IPFS_BLOCK_NOT_FOUND' })
  })

  it.each<[what: string, code: string]>([
    ['missing', 'IPFS_BLOCK_NOT_FOUND'],
    ['half missing', 'IPFS_BLOCK_NOT_FOUND'],
    ['node', 'IPFS_NOT_A_FILE'],
    ['lying', 'IPFS_INVALID_NODE'],
  ])('rejects in the middle at an entry that is %s', async (what, code) => {
    const { ipfs } = await opened()
    const good = await addFile(ipfs, pattern(100_000))
    const leaf = await addFile(ipfs, pattern(100_000, 2))
    const bad = {
      missing: absent,
      'half missing': await putNode(ipfs, {
        blockSizes: [100_000, 5],
        links: [{ cid: leaf }, { cid: absent }],
      }),
      node: await ipfs.dag.put({ a: 1 }),
      lying: await putNode(ipfs, { blockSizes: [100_000, 5], links: [{ cid: leaf }, { cid: leaf }] }),
    }[what]!
    const cid = await putNode(ipfs, {
      type: 'directory',
      links: [
        { cid: good, name: 'a' },
        { cid: bad, name: 'b' },
        { cid: good, name: 'c' },
      ],
    })
    const got: Uint8Array[] = []
    const reading = async () => {
      for await (const chunk of await ipfs.files.tar(cid.toString())) got.push(chunk)
    }
    expect(await rejection(reading())).toMatchObject({ code })
    expect(Buffer.concat(got).length).toBeGreaterThan(0)
  })
})

describe('a reader that leaves', () => {
  it.each([0, 1, 2, 5, 20])('after %i pieces leaves no work behind', async (pieces) => {
    const { ipfs } = await opened()
    const files = Array.from({ length: 20 }, (_, at) => ({
      path: `d/${at}`,
      content: pattern(200_000, at + 1),
    }))
    const { cid } = await added(ipfs, files, { chunkBytes: 50_000 })
    const archive = (await ipfs.files.tar(cid.toString()))[Symbol.asyncIterator]()
    for (let at = 0; at < pieces; at += 1) await archive.next()
    await archive.return?.()
    const { blocksRead } = ipfs.stats()
    for (let turn = 0; turn < 50; turn += 1) await new Promise(setImmediate)
    expect(ipfs.stats().blocksRead).toBe(blocksRead)
    expect(blocksRead).toBeLessThan(20 * 5)
  })

  it('that is slow is waited for: the archive does not run ahead', async () => {
    const { ipfs } = await opened()
    const cid = await addFile(ipfs, pattern(4_000_000), { chunkBytes: 100_000 })
    const archive = (await ipfs.files.tar(cid.toString()))[Symbol.asyncIterator]()
    await archive.next()
    for (let turn = 0; turn < 200; turn += 1) await new Promise(setImmediate)
    expect(ipfs.stats().blocksRead).toBeLessThan(15)
    await archive.return?.()
  })

  it('of an endless tree gets as much of it as it takes', async () => {
    const { ipfs } = await opened()
    const leaf = await addFile(ipfs, 'leaf')
    const shape = (cid: CID): NodeShape => ({
      type: 'directory',
      links: [
        { cid, name: 'left' },
        { cid, name: 'right' },
      ],
    })
    const bomb = await chainOfDoubleLinks(ipfs, 40, shape, leaf)
    let bytes = 0
    for await (const chunk of await ipfs.files.tar(bomb.toString())) {
      bytes += chunk.length
      if (bytes > 500_000) break
    }
    expect(bytes).toBeGreaterThan(500_000)
  })

  it('by an abort gets the reason, untouched', async () => {
    const { ipfs } = await opened()
    const cid = await addFile(ipfs, pattern(2_000_000), { chunkBytes: 50_000 })
    const abort = new AbortController()
    const reason = new Error('enough')
    const reading = async () => {
      for await (const _ of await ipfs.files.tar(cid.toString(), { signal: abort.signal }))
        abort.abort(reason)
    }
    expect(await rejection(reading())).toBe(reason)
  })
})

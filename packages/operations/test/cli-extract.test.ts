import {
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Header, pack } from 'tar-stream'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { all, jsonLines, run } from './cli-fixture.ts'

type Item = Partial<Header> & { readonly name: string; readonly content?: string | Buffer }

let outside: string
let cwd: string

beforeEach(() => {
  outside = mkdtempSync(join(tmpdir(), 'extract-'))
  cwd = join(outside, 'cwd')
  mkdirSync(cwd)
})

afterEach(() => {
  rmSync(outside, { recursive: true, force: true })
})

const tree: Item[] = [
  { name: 'top/', type: 'directory' },
  { name: 'top/a.txt', content: 'aaa' },
  { name: 'top/deep/', type: 'directory' },
  { name: 'top/deep/b.txt', content: 'bb' },
  { name: 'top/empty/', type: 'directory' },
  { name: 'top/link', type: 'symlink', linkname: 'deep/b.txt' },
]

const written = [
  'top/',
  'top/a.txt=aaa',
  'top/deep/',
  'top/deep/b.txt=bb',
  'top/empty/',
  'top/link->deep/b.txt',
]

describe('an archive', () => {
  test('is unpacked under its own name', async () => {
    const { code, stdout, stderr } = await get(await archive(tree))
    expect({ code, stdout }).toEqual({ code: 0, stdout: '' })
    expect(stderr).toBe(`wrote ${join(cwd, 'top')}: 6 items, 5 B\n`)
    expect(list(cwd)).toEqual(written)
  })

  test('is unpacked under the name that is given', async () => {
    expect(await get(await archive(tree), '--output', '../other')).toMatchObject({ code: 0 })
    expect(list(cwd)).toEqual([])
    expect(list(outside).filter((path) => path.startsWith('other'))).toEqual(
      written.map((path) => path.replace(/^top/, 'other')),
    )
  })

  test('of one file is that file', async () => {
    const { code, stdout } = await get(
      await archive([{ name: 'photo', content: 'jpeg' }]),
      '-o',
      'p.jpg',
      '--json',
    )
    expect(code).toBe(0)
    expect(jsonLines(stdout)).toEqual([{ output: join(cwd, 'p.jpg'), bytes: 4, items: 1, failed: 0 }])
    expect(list(cwd)).toEqual(['p.jpg=jpeg'])
  })

  test('may have long names, names of UTF-8 and large files', async () => {
    const large = Buffer.alloc(3_000_000, 'l')
    const name = `top/${'n'.repeat(200)}/${'ö'.repeat(100)}`
    await get(
      await archive([
        { name: 'top/large', content: large },
        { name, content: 'x' },
      ]),
    )
    expect(readFileSync(join(cwd, 'top/large')).equals(large)).toBe(true)
    expect(readFileSync(join(cwd, name), 'utf8')).toBe('x')
  })

  test('may lack entries for its folders, and start with ./', async () => {
    await get(await archive([{ name: './top/deep/b.txt', content: 'bb' }]))
    expect(list(cwd)).toEqual(['top/', 'top/deep/', 'top/deep/b.txt=bb'])
  })

  test('gives its files the modes that the system gives', async () => {
    await get(await archive([{ name: 'top', content: 'x', mode: 0o6777 }]))
    writeFileSync(join(cwd, 'plain'), '')
    expect(lstatSync(join(cwd, 'top')).mode).toBe(lstatSync(join(cwd, 'plain')).mode)
  })

  test('goes to standard output with -, unless that is a terminal', async () => {
    const bytes = await archive(tree)
    const raw = await get(bytes, '--output', '-')
    expect(raw.code).toBe(0)
    expect(raw.bytes.equals(bytes)).toBe(true)
    const events: string[] = []
    const refused = await run(['things', 'get', '--output', '-'], {
      cwd,
      parts: { archive: () => pieces(bytes) },
      terminals: ['stdout'],
      events,
    })
    expect(refused).toMatchObject({ code: 2, stdout: '' })
    expect(events.slice(1)).toEqual(['release', 'close'])
    expect(list(cwd)).toEqual([])
  })
})

describe('a target that is there', () => {
  test('is refused', async () => {
    mkdirSync(join(cwd, 'top'))
    writeFileSync(join(cwd, 'file'), 'old')
    symlinkSync('nothing', join(cwd, 'dangling'))
    for (const output of ['top', 'file', 'dangling']) {
      const { code, stderr } = await get(await archive(tree), '--output', output)
      expect(code).toBe(1)
      expect(stderr).toContain('COMMAND_OUTPUT_EXISTS')
    }
    expect(list(cwd)).toEqual(['dangling->nothing', 'file=old', 'top/'])
  })

  test('is filled with --force, what the archive does not have stays', async () => {
    mkdirSync(join(cwd, 'top/deep'), { recursive: true })
    writeFileSync(join(cwd, 'top/a.txt'), 'old')
    writeFileSync(join(cwd, 'top/own.txt'), 'own')
    symlinkSync('own.txt', join(cwd, 'top/link'))
    expect(await get(await archive(tree), '--force')).toMatchObject({ code: 0 })
    expect(list(cwd)).toEqual([...written, 'top/own.txt=own'].sort())
  })

  test('with --force a link in it leads nowhere, and a folder is not replaced by a file', async () => {
    mkdirSync(join(outside, 'private'))
    mkdirSync(join(cwd, 'top/a.txt'), { recursive: true })
    symlinkSync('../../private', join(cwd, 'top/deep'))
    const { code, stdout } = await get(await archive(tree), '--force', '--json')
    expect(code).toBe(6)
    expect(jsonLines(stdout)).toMatchObject([
      { path: 'top/a.txt', failed: { code: 'EXTRACT_IN_THE_WAY' } },
      { path: 'top/deep/', failed: { code: 'EXTRACT_THROUGH_LINK' } },
      { path: 'top/deep/b.txt', failed: { code: 'EXTRACT_THROUGH_LINK' } },
      { items: 3, failed: 3 },
    ])
    expect(list(join(outside, 'private'))).toEqual([])
  })
})

describe('what would leave its place is left out, and the rest goes on', () => {
  test.each<[string, Item[], string]>([
    ['..', [{ name: 'top/../../evil', content: 'x' }], 'EXTRACT_NAME'],
    ['.. alone', [{ name: '..', type: 'directory' }], 'EXTRACT_NAME'],
    ['an absolute name', [{ name: '/tmp/evil', content: 'x' }], 'EXTRACT_NAME'],
    ['NUL', [{ name: 'top/e\0vil', content: 'x', pax: { path: 'top/e\0vil' } }], 'EXTRACT_NAME'],
    ['a name beside the top', [{ name: 'other/evil', content: 'x' }], 'EXTRACT_NAME'],
    [
      'a name that is too long for the system',
      [{ name: `top/${'n'.repeat(300)}`, content: 'x' }],
      'EXTRACT_NAME',
    ],
    ['an absolute link', [{ name: 'top/evil', type: 'symlink', linkname: '/etc' }], 'EXTRACT_LINK'],
    [
      'a link that climbs out',
      [{ name: 'top/deep/evil', type: 'symlink', linkname: '../../..' }],
      'EXTRACT_LINK',
    ],
    [
      'a link that climbs after a name',
      [{ name: 'top/evil', type: 'symlink', linkname: 'deep/../..' }],
      'EXTRACT_LINK',
    ],
    ['a hard link', [{ name: 'top/evil', type: 'link', linkname: '/etc/passwd' }], 'EXTRACT_TYPE'],
    ['a device', [{ name: 'top/evil', type: 'character-device' }], 'EXTRACT_TYPE'],
    ['a pipe', [{ name: 'top/evil', type: 'fifo' }], 'EXTRACT_TYPE'],
    ['a name a second time', [{ name: 'top/a.txt', content: 'other' }], 'EXTRACT_IN_THE_WAY'],
    ['a file as a folder', [{ name: 'top/a.txt/evil', content: 'x' }], 'EXTRACT_IN_THE_WAY'],
    ['a name through a link', [{ name: 'top/link/evil', content: 'x' }], 'EXTRACT_THROUGH_LINK'],
  ])('%s', async (_title, items, failure) => {
    const { code, stdout } = await get(
      await archive([...tree, ...items, { name: 'top/z-last', content: 'z' }]),
      '--json',
    )
    expect(code).toBe(6)
    expect(jsonLines(stdout)).toMatchObject([
      { path: items[0]?.name, failed: { code: failure } },
      { output: join(cwd, 'top'), items: 7, failed: 1 },
    ])
    expect(list(outside)).toEqual(['cwd/', ...[...written, 'top/z-last=z'].map((path) => `cwd/${path}`)])
  })

  test('with nothing left the command fails and writes nothing', async () => {
    const { code, stderr } = await get(await archive([{ name: '../evil', content: 'x' }]))
    expect(code).toBe(1)
    expect(stderr).toBe('left out "../evil": Its name is absolute, empty, or has .. or NUL (EXTRACT_NAME)\n')
    expect(list(outside)).toEqual(['cwd/'])
  })
})

describe('an archive that is not whole leaves nothing behind', () => {
  test('cut off at any block', async () => {
    const bytes = await archive(tree.slice(0, 4))
    for (let end = 0; end < bytes.length - 512; end += 512) {
      const { code, stderr } = await get(bytes.subarray(0, end))
      expect(code, `cut at ${end}`).toBe(8)
      expect(stderr).toContain('COMMAND_ARCHIVE_INVALID')
      expect(list(cwd)).toEqual([])
    }
  })

  test('cut off inside a block', async () => {
    const bytes = await archive(tree)
    expect(await get(bytes.subarray(0, 1_100))).toMatchObject({ code: 8 })
    expect(list(cwd)).toEqual([])
  })

  test('something else than an archive', async () => {
    const { code, stderr } = await get(Buffer.alloc(4_096, 'not a tar archive'))
    expect(code).toBe(8)
    expect(stderr).toContain('COMMAND_ARCHIVE_INVALID')
  })

  test('an empty archive', async () => {
    const { code, stderr } = await get(await archive([]))
    expect(code).toBe(8)
    expect(stderr).toContain('it is empty')
  })

  test('a fault of the sender half-way is told as it is', async () => {
    const bytes = await archive(tree)
    const fault = Object.assign(new Error('A block is gone'), {
      code: 'GONE',
      kind: 'not-found',
      next: 'Find it.',
    })
    const body = async function* () {
      yield bytes.subarray(0, 2_100)
      throw fault
    }
    const { code, stderr } = await run(['things', 'get'], { cwd, parts: { archive: body } })
    expect({ code, stderr }).toEqual({ code: 3, stderr: 'error: A block is gone\n  GONE — Find it.\n' })
    expect(list(cwd)).toEqual([])
  })

  test('a cancelled command', async () => {
    const bytes = await archive(tree)
    const cancel = new AbortController()
    const body = async function* () {
      yield bytes.subarray(0, 2_100)
      cancel.abort()
      yield bytes.subarray(2_100)
    }
    const { code } = await run(['things', 'get'], { cwd, parts: { archive: body }, signal: cancel.signal })
    expect(code).toBe(130)
    expect(list(cwd)).toEqual([])
  })
})

async function archive(items: readonly Item[]): Promise<Buffer> {
  const tar = pack()
  for (const { content, ...header } of items) {
    if (content === undefined) tar.entry(header)
    else tar.entry({ ...header, size: Buffer.byteLength(content) }, content)
  }
  tar.finalize()
  return Buffer.concat((await all(tar)) as Buffer[])
}

async function* pieces(bytes: Buffer): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += 700) yield bytes.subarray(at, at + 700)
}

function get(bytes: Buffer, ...options: string[]) {
  return run(['things', 'get', ...options], { cwd, parts: { archive: () => pieces(bytes) } })
}

/** `name=content` for files, `name/` for folders, `name->target` for links. */
function list(folder: string, under = ''): string[] {
  return readdirSync(join(folder, under), { withFileTypes: true })
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => {
      const path = under + entry.name
      if (entry.isSymbolicLink()) return [`${path}->${readlinkSync(join(folder, path))}`]
      if (entry.isDirectory()) return [`${path}/`, ...list(folder, `${path}/`)]
      return [`${path}=${readFileSync(join(folder, path), 'utf8')}`]
    })
}

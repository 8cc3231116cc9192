import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import {
  mkdirSync,
  mkdtempSync,
  realpathSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { EntryReadError, type FileEntry } from '@ipfs-kit/operations'
import { CommandError, walkFailures, walkFiles } from '@ipfs-kit/operations/cli'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { all } from './cli-fixture.ts'

let folder: string

beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'walk-')))
})

afterEach(() => {
  rmSync(folder, { recursive: true, force: true })
})

describe('walking', () => {
  test('a folder comes before its entries, and these in the byte order of their names', async () => {
    make('top/b.txt', 'bb')
    make('top/a/deep.txt', 'deep')
    make('top/Z.txt', '')
    make('top/ä.txt', 'ä')
    mkdirSync(join(folder, 'top/empty'))
    expect(await walk(['top'])).toEqual([
      'top/',
      'top/Z.txt=',
      'top/a/',
      'top/a/deep.txt=deep',
      'top/b.txt=bb',
      'top/empty/',
      'top/ä.txt=ä',
    ])
  })

  test('a tree of 1,500 levels needs no deep stack', async () => {
    const deep = Array.from({ length: 1500 }, () => 'd').join('/')
    make(`${deep}/leaf`, 'x')
    const paths = await walk(['d'])
    expect(paths).toHaveLength(1501)
    expect(paths.at(-1)).toBe(`${deep}/leaf=x`)
  })

  test('paths keep their order and have their own names', async () => {
    make('one/x', '1')
    make('two/y', '2')
    expect(await walk(['two/y', join(folder, 'one') + '/'])).toEqual(['y=2', 'one/', 'one/x=1'])
  })

  test('the folder . has its real name, also through a link', async () => {
    make('real/x', '1')
    symlinkSync('real', join(folder, 'link'))
    expect(await walk(['.'], join(folder, 'link'))).toEqual(['real/', 'real/x=1'])
    expect(await walk(['link'])).toEqual(['link/', 'link/x=1'])
    expect(await walk(['../real/..'], join(folder, 'real'))).toContain(`${folder.split('/').at(-1)}/real/x=1`)
  })

  test('two paths of one name are refused at once', () => {
    expect(() => walkFiles(['a/x', 'b/x'], { cwd: folder })).toThrow(CommandError)
    expect(() => walkFiles(['x', './x'], { cwd: folder })).toThrow('"x"')
    expect(() => walkFiles(['/'], { cwd: folder })).toThrow('no name')
  })

  test('- reads standard input as one file', async () => {
    const stdin = (async function* () {
      yield Buffer.from('typed ')
      yield Buffer.from('in')
    })()
    const [entry, ...rest] = await all(walkFiles(['-'], { stdin }))
    expect(rest).toEqual([])
    expect(entry?.path).toBe('stdin')
    expect(await text(entry as FileEntry)).toBe('typed in')
    expect(() => walkFiles(['-'])).toThrow(CommandError)
  })

  test('links to files and folders are followed, also twice to the same', async () => {
    make('target/x', '1')
    mkdirSync(join(folder, 'top'))
    symlinkSync('../target', join(folder, 'top/first'))
    symlinkSync('../target', join(folder, 'top/second'))
    symlinkSync('../target/x', join(folder, 'top/third'))
    expect(await walk(['top'])).toEqual([
      'top/',
      'top/first/',
      'top/first/x=1',
      'top/second/',
      'top/second/x=1',
      'top/third=1',
    ])
  })

  test('hundreds of small files come complete and in order', async () => {
    const names = Array.from({ length: 500 }, (_, index) => `file-${String(index).padStart(3, '0')}`)
    for (const name of names) make(`many/${name}`, name)
    expect(await walk(['many'])).toEqual(['many/', ...names.map((name) => `many/${name}=${name}`)])
  })

  test('a file of 1 MiB comes as bytes, a larger one as pieces of at most 1 MiB', async () => {
    const whole = Buffer.alloc(1_048_576, 'w')
    const large = Buffer.concat([Buffer.alloc(2_097_152, 'l'), Buffer.from('end')])
    make('whole', whole)
    make('large', large)
    const [first, second] = await all(walkFiles(['whole', 'large'], { cwd: folder }))
    expect(first?.content).toBeInstanceOf(Uint8Array)
    expect(whole.equals(first?.content as Uint8Array)).toBe(true)
    const pieces = await all(second?.content as AsyncIterable<Uint8Array>)
    expect(pieces.map((piece) => piece.length)).toEqual([1_048_576, 1_048_576, 3])
    expect(Buffer.concat(pieces).equals(large)).toBe(true)
  })

  test('a reader who leaves early ends the walk, and a cancelled one gets the reason', async () => {
    for (let index = 0; index < 50; index++) make(`many/${index}`, 'x')
    for await (const entry of walkFiles(['many'], { cwd: folder })) {
      expect(entry.path).toBe('many')
      break
    }
    const cancel = new AbortController()
    const seen: string[] = []
    await expect(async () => {
      for await (const entry of walkFiles(['many'], { cwd: folder, signal: cancel.signal })) {
        seen.push(entry.path)
        cancel.abort(new Error('enough'))
      }
    }).rejects.toThrow('enough')
    expect(seen).toEqual(['many'])
  })
})

describe('what cannot be sent is a failed item and the rest goes on', () => {
  test('a path that does not exist', async () => {
    make('there', '1')
    expect(await walk(['gone', 'there'])).toEqual(['gone!WALK_MISSING', 'there=1'])
  })

  test('a link to nothing, and a link to itself', async () => {
    make('top/z', '1')
    symlinkSync('nothing', join(folder, 'top/dangling'))
    symlinkSync('self', join(folder, 'top/self'))
    expect(await walk(['top'])).toEqual([
      'top/',
      'top/dangling!WALK_DANGLING',
      'top/self!WALK_LOOP',
      'top/z=1',
    ])
    expect(await walk(['top/dangling'])).toEqual(['dangling!WALK_DANGLING'])
  })

  test('the home of the node, wherever it turns up', async () => {
    make('top/data/tokens/default', 'secret')
    make('top/x', '1')
    symlinkSync('data', join(folder, 'top/link'))
    symlinkSync('data/tokens', join(folder, 'top/tokens'))
    symlinkSync('data/tokens/default', join(folder, 'top/token'))
    const home = join(folder, 'top/data')
    const seen: string[] = []
    for await (const { path, failed } of walkFiles(['top'], { cwd: folder, home })) {
      seen.push(failed === undefined ? path : `${path}!${failed.code}`)
    }
    expect(seen).toEqual([
      'top',
      'top/data!WALK_HOME',
      'top/link!WALK_HOME',
      'top/token!WALK_HOME',
      'top/tokens!WALK_HOME',
      'top/x',
    ])
    for (const inside of ['top/data', 'top/data/tokens', 'top/link/tokens/default']) {
      for await (const { failed } of walkFiles([inside], { cwd: folder, home }))
        expect(failed?.code).toBe('WALK_HOME')
    }
  })

  test('a link back to a folder that it lies in', async () => {
    make('top/a/x', '1')
    symlinkSync('..', join(folder, 'top/a/up'))
    symlinkSync('.', join(folder, 'top/here'))
    expect(await walk(['top'])).toEqual([
      'top/',
      'top/a/',
      'top/a/up!WALK_LOOP',
      'top/a/x=1',
      'top/here!WALK_LOOP',
    ])
  })

  test('two links that lead into each other', async () => {
    mkdirSync(join(folder, 'a'))
    mkdirSync(join(folder, 'b'))
    symlinkSync('../b', join(folder, 'a/to-b'))
    symlinkSync('../a', join(folder, 'b/to-a'))
    expect(await walk(['a'])).toEqual(['a/', 'a/to-b/', 'a/to-b/to-a!WALK_LOOP'])
  })

  test('a socket, a pipe and a device', async () => {
    make('top/x', '1')
    const server = createServer().listen(join(folder, 'top/socket'))
    await once(server, 'listening')
    expect(spawnSync('mkfifo', [join(folder, 'top/pipe')]).status).toBe(0)
    symlinkSync('/dev/null', join(folder, 'top/device'))
    try {
      expect(await walk(['top'])).toEqual([
        'top/',
        'top/device!WALK_NOT_A_FILE',
        'top/pipe!WALK_NOT_A_FILE',
        'top/socket!WALK_NOT_A_FILE',
        'top/x=1',
      ])
    } finally {
      server.close()
    }
  })

  test('a name that is not UTF-8, and one that ends with a backslash', async () => {
    make('top/x', '1')
    writeFileSync(Buffer.concat([Buffer.from(`${folder}/top/caf`), Buffer.from([0xe9])]), 'x')
    writeFileSync(`${folder}/top/back\\`, 'x')
    expect(await walk(['top'])).toEqual(['top/', 'top/back%5C!WALK_NAME', 'top/caf%E9!WALK_NAME', 'top/x=1'])
    expect(await walk(['top/back\\'])).toEqual(['back%5C!WALK_NAME'])
  })

  test('a file and a folder without permission', async () => {
    make('top/open', '1')
    make('top/secret', '2')
    make('top/vault/x', '3')
    make('top/large', Buffer.alloc(1_048_577))
    const run = spawn(
      process.execPath,
      ['--conditions=@ipfs-kit/source', join(import.meta.dirname, 'cli-walk-child.ts'), folder],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    )
    const output = await all(run.stdout as AsyncIterable<Buffer>)
    expect(JSON.parse(Buffer.concat(output).toString())).toEqual([
      'top/',
      'top/large!WALK_UNREADABLE',
      'top/open',
      'top/secret!WALK_UNREADABLE',
      'top/vault!WALK_UNREADABLE',
    ])
  })

  test('a file that vanishes, shrinks, grows or is written again after it was listed', async () => {
    for (const name of ['vanishes', 'shrinks', 'grows', 'stays'])
      make(`top/${name}`, Buffer.alloc(3_000_000, 'x'))
    const outcome: string[] = []
    for await (const entry of walkFiles(['top'], { cwd: folder })) {
      if (entry.content === undefined || entry.content instanceof Uint8Array) continue
      const path = join(folder, entry.path)
      let bytes = 0
      if (entry.path === 'top/vanishes') rmSync(path)
      try {
        for await (const piece of entry.content) {
          if (bytes === 0 && entry.path === 'top/shrinks') truncateSync(path, 1_500_000)
          if (bytes === 0 && entry.path === 'top/grows') writeFileSync(path, 'more', { flag: 'a' })
          bytes += piece.length
        }
        outcome.push(`${entry.path} ${bytes}`)
      } catch (error) {
        expect(error).toBeInstanceOf(EntryReadError)
        outcome.push(`${entry.path} ${(error as EntryReadError).code}`)
      }
    }
    expect(outcome).toEqual([
      'top/grows WALK_CHANGED',
      'top/shrinks WALK_CHANGED',
      'top/stays 3000000',
      'top/vanishes WALK_VANISHED',
    ])
  })

  test('a file that became a pipe does not stop the walk', async () => {
    make('top', Buffer.alloc(2_000_000))
    const [entry] = await all(walkFiles(['top'], { cwd: folder }))
    rmSync(join(folder, 'top'))
    spawnSync('mkfifo', [join(folder, 'top')])
    await expect(all(entry?.content as AsyncIterable<Uint8Array>)).rejects.toMatchObject({
      code: 'WALK_NOT_A_FILE',
    })
  })

  test('a path that is too long is cut in the report', async () => {
    const cwd = process.cwd()
    try {
      process.chdir(folder)
      // Made step by step: a single path of this length is refused by the system.
      for (let depth = 0; depth < 21; depth++) {
        mkdirSync('d'.repeat(200))
        process.chdir('d'.repeat(200))
      }
    } finally {
      process.chdir(cwd)
    }
    const entries = await all(walkFiles(['d'.repeat(200)], { cwd: folder }))
    const last = entries.at(-1)
    expect(['WALK_UNREADABLE', 'WALK_NAME']).toContain(last?.failed?.code)
    for (const { path } of entries) expect(path.length).toBeLessThanOrEqual(4_096)
  })
})

test('every code of a failed item has a description', () => {
  expect(Object.keys(walkFailures).every((code) => /^WALK_[A-Z_]+$/.test(code))).toBe(true)
})

function make(path: string, content: string | Buffer): void {
  mkdirSync(join(folder, path, '..'), { recursive: true })
  writeFileSync(join(folder, path), content)
}

/** `name=content` for files, `name/` for folders, `name!CODE` for what failed. */
async function walk(paths: readonly string[], cwd = folder): Promise<string[]> {
  const shown: string[] = []
  for await (const entry of walkFiles(paths, { cwd })) {
    if (entry.failed !== undefined) shown.push(`${entry.path}!${entry.failed.code}`)
    else shown.push(entry.content === undefined ? `${entry.path}/` : `${entry.path}=${await text(entry)}`)
  }
  return shown
}

async function text({ content }: FileEntry): Promise<string> {
  if (content instanceof Uint8Array) return Buffer.from(content).toString()
  return Buffer.concat(await all(content as AsyncIterable<Uint8Array>)).toString()
}

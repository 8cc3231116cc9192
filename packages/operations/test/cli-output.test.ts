import { spawnSync } from 'node:child_process'
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { jsonLines, run } from './cli-fixture.ts'

let cwd: string

beforeEach(() => {
  cwd = mkdtempSync(join(tmpdir(), 'output-'))
})

afterEach(() => {
  rmSync(cwd, { recursive: true, force: true })
})

describe('bytes', () => {
  test('go to standard output unless an output is named, nothing added', async () => {
    for (const output of [[], ['--output', '-']]) {
      const { code, bytes, stderr } = await run(['things', 'cat', '200000', ...output], { cwd })
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
      expect(bytes.equals(Buffer.alloc(200_000, 'x'))).toBe(true)
    }
    expect(readdirSync(cwd)).toEqual([])
  })

  test('go into the file that is named, relative to the folder of the user', async () => {
    const { code, stdout, stderr } = await run(['things', 'cat', '200000', '--output', 'x.bin'], { cwd })
    expect({ code, stdout, stderr }).toEqual({
      code: 0,
      stdout: '',
      stderr: `wrote ${join(cwd, 'x.bin')}: 1 item, 195 KiB\n`,
    })
    expect(readFileSync(join(cwd, 'x.bin')).equals(Buffer.alloc(200_000, 'x'))).toBe(true)
    expect(readdirSync(cwd)).toEqual(['x.bin'])
  })

  test('with --json a line says what was written', async () => {
    const { stdout, stderr } = await run(['things', 'cat', '5', '-o', 'x.bin', '--json'], { cwd })
    expect(stderr).toBe('')
    expect(jsonLines(stdout)).toEqual([{ output: join(cwd, 'x.bin'), bytes: 5, items: 1, failed: 0 }])
  })

  test('a file that is there is refused, and replaced with --force, also behind a link', async () => {
    writeFileSync(join(cwd, 'x.bin'), 'old')
    symlinkSync('x.bin', join(cwd, 'link'))
    for (const output of ['x.bin', 'link']) {
      const events: string[] = []
      const { code, stderr } = await run(['things', 'cat', '5', '--output', output], { cwd, events })
      expect(code).toBe(1)
      expect(stderr).toContain('COMMAND_OUTPUT_EXISTS')
      expect(events.slice(1)).toEqual(['release', 'close'])
    }
    expect(readFileSync(join(cwd, 'x.bin'), 'utf8')).toBe('old')
    expect(await run(['things', 'cat', '5', '--output', 'link', '--force'], { cwd })).toMatchObject({
      code: 0,
    })
    expect(readFileSync(join(cwd, 'x.bin'), 'utf8')).toBe('xxxxx')
    expect(readdirSync(cwd)).toEqual(['link', 'x.bin'])
  })

  test('a folder is refused, also with --force', async () => {
    mkdirSync(join(cwd, 'folder'))
    expect(await run(['things', 'cat', '5', '--output', 'folder', '--force'], { cwd })).toMatchObject({
      code: 1,
    })
    expect(readdirSync(cwd)).toEqual(['folder'])
  })

  test('a device is written into', async () => {
    expect(await run(['things', 'cat', '5', '--output', '/dev/null'], { cwd })).toMatchObject({ code: 0 })
    expect(spawnSync('test', ['-c', '/dev/null']).status).toBe(0)
  })

  test('a body that breaks leaves no file, and the old one as it was', async () => {
    writeFileSync(join(cwd, 'old.bin'), 'old')
    const broken = ['things', 'cat', '200000', '--break-at', '100000', '--force', '--output']
    for (const output of ['new.bin', 'old.bin']) {
      expect(await run([...broken, output], { cwd })).toMatchObject({
        code: 8,
        stderr: 'error: It broke\n  THING_BROKEN — Repair it.\n',
      })
    }
    expect(readdirSync(cwd)).toEqual(['old.bin'])
    expect(readFileSync(join(cwd, 'old.bin'), 'utf8')).toBe('old')
  })

  test('a cancelled command leaves no file', async () => {
    const cancel = new AbortController()
    const clock = () => {
      cancel.abort()
      return 0
    }
    const { code } = await run(['things', 'cat', '900000', '--output', 'x.bin'], {
      cwd,
      signal: cancel.signal,
      clock,
    })
    expect(code).toBe(130)
    expect(readdirSync(cwd)).toEqual([])
  })

  test('a folder that does not exist is named', async () => {
    const { code, stderr } = await run(['things', 'cat', '5', '--output', 'no/x.bin'], { cwd })
    expect(code).toBe(1)
    expect(stderr).toContain(`Cannot write ${join(cwd, 'no/x.bin')}: no such file or directory (ENOENT)`)
    expect(stderr).toContain('COMMAND_OUTPUT_FAILED')
  })

  test('a full disk is a limit that was reached', async () => {
    const { code, stderr } = await run(['things', 'cat', '5', '--output', '/dev/full'], { cwd })
    expect(code).toBe(7)
    expect(stderr).toContain('COMMAND_OUTPUT_FULL')
  })
})

describe('a file as body', () => {
  test('is found relative to the folder of the user', async () => {
    writeFileSync(join(cwd, 'x.bin'), Buffer.alloc(3_000_000))
    expect((await run(['things', 'put', 'x.bin', '--json'], { cwd })).stdout).toBe('{"bytes":3000000}\n')
  })

  test('that does not exist is known before anything is connected', async () => {
    const events: string[] = []
    const { code, stderr } = await run(['things', 'put', 'x.bin'], { cwd, events })
    expect({ code, events }).toEqual({ code: 3, events: [] })
    expect(stderr).toContain('Cannot read x.bin: no such file or directory (ENOENT)\n  COMMAND_INPUT_MISSING')
  })

  test('that is a folder cannot be read', async () => {
    const { code, stderr } = await run(['things', 'put', '.'], { cwd })
    expect(code).toBe(4)
    expect(stderr).toContain('COMMAND_INPUT_UNREADABLE')
  })
})

describe('files as body', () => {
  test('all sent: 0; some failed: 6; all failed: 1', async () => {
    mkdirSync(join(cwd, 'top'))
    writeFileSync(join(cwd, 'top/a'), 'aa')
    expect(await run(['add', 'top'], { cwd })).toMatchObject({ code: 0 })
    symlinkSync('nothing', join(cwd, 'top/b'))
    const partial = await run(['add', 'top', 'gone', '--json'], { cwd })
    expect(partial.code).toBe(6)
    expect(partial.stderr).toBe('')
    expect(jsonLines(partial.stdout)).toEqual([
      { path: 'top', bytes: 0 },
      { path: 'top/a', bytes: 2 },
      { path: 'top/b', failed: { code: 'WALK_DANGLING', message: 'The link leads to nothing' } },
      { path: 'gone', failed: { code: 'WALK_MISSING', message: 'There is no such file or folder' } },
      { bytes: 2, items: 2, failed: 2 },
    ])
    expect(await run(['add', 'gone', 'lost'], { cwd })).toMatchObject({ code: 1 })
  })

  test('two of one name are refused before anything is connected', async () => {
    const events: string[] = []
    const { code, stderr } = await run(['add', 'a/x', 'b/x'], { cwd, events })
    expect({ code, events }).toEqual({ code: 2, events: [] })
    expect(stderr).toContain('Two of the paths are called "x"')
  })

  test('- is one file from standard input', async () => {
    const { code, stdout } = await run(['add', '-', '--json'], { cwd, stdin: 'typed' })
    expect(code).toBe(0)
    expect(jsonLines(stdout)[0]).toEqual({ path: 'stdin', bytes: 5 })
  })

  test('no path at all is a wrong command line', async () => {
    expect(await run(['add'], { cwd })).toMatchObject({ code: 2 })
  })
})

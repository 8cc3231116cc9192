import { type ChildProcess, spawn, type SpawnOptions } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { all, jsonLines } from './cli-fixture.ts'

describe('a process', () => {
  test('ends by itself with the exit code of the command', async () => {
    expect((await finished(start(['two', 'a', '3']))).code).toBe(0)
    expect(await finished(start(['things', 'fail', 'not-found']))).toEqual({
      code: 3,
      stdout: '',
      stderr: 'error: This is not-found\n  THING_FAILED — Do that.\n',
    })
    expect((await finished(start(['nothing']))).code).toBe(2)
    expect((await finished(start(['--help']))).code).toBe(0)
  })

  test('reads standard input and writes bytes whole through pipes', async () => {
    const put = start(['things', 'put', '--json'])
    put.stdin?.end(Buffer.alloc(5_000_000))
    expect((await finished(put)).stdout).toBe('{"bytes":5000000}\n')
    const cat = start(['things', 'cat', '5000000'])
    const pieces = (await all(cat.stdout as AsyncIterable<Buffer>)).map((piece) => piece.length)
    expect(pieces.reduce((sum, length) => sum + length, 0)).toBe(5_000_000)
  })

  test.each([
    ['bytes', ['things', 'cat', '500000000']],
    ['lines', ['things', 'list', '100000000', '--json']],
  ])('whose reader leaves ends quietly: %s', async (_title, args) => {
    const child = start(args)
    const closed = once(child, 'close')
    await once(child.stdout as NodeJS.ReadableStream, 'data')
    child.stdout?.destroy()
    const errors = await all(child.stderr as AsyncIterable<Buffer>)
    const [code] = (await closed) as [number]
    expect({ code, stderr: Buffer.concat(errors).toString() }).toEqual({ code: 0, stderr: '' })
  })

  test('that writes goes on to its end though its reader leaves', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'process-'))
    try {
      for (let index = 0; index < 2000; index++) writeFileSync(join(folder, `${index}`), 'x')
      // Only who comes to the last entry can know that it failed.
      symlinkSync('nothing', join(folder, 'z'))
      const child = start(['add', folder, '--json'])
      const closed = once(child, 'close')
      await once(child.stdout as NodeJS.ReadableStream, 'data')
      child.stdout?.destroy()
      child.stderr?.resume()
      expect(await closed).toEqual([6, null])
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  })

  test('whose standard error is closed still does its work', async () => {
    const child = start(['things', 'fail', 'temporary'])
    child.stderr?.destroy()
    const [code] = (await once(child, 'close')) as [number]
    expect(code).toBe(5)
  })

  test.each(['SIGINT', 'SIGTERM'] as const)('that is sent %s ends with 130', async (signal) => {
    const child = start(['things', 'cat', '1000000000000'])
    child.stdout?.once('data', () => child.kill(signal))
    child.stdout?.resume()
    expect(await once(child, 'close')).toEqual([130, null])
  })

  test('shows the version of its package', async () => {
    const manifest = readFileSync(join(import.meta.dirname, '../package.json'), 'utf8')
    const { version } = JSON.parse(manifest) as { version: string }
    expect(await finished(start(['--version']))).toEqual({ code: 0, stdout: `${version}\n`, stderr: '' })
  })

  test('whose output has no room tells it', async () => {
    const full = openSync('/dev/full', 'w')
    try {
      const child = start(['things', 'cat', '1000000'], { stdio: ['ignore', full, 'pipe'] })
      const errors = await all(child.stderr as AsyncIterable<Buffer>)
      expect(Buffer.concat(errors).toString()).toContain('COMMAND_OUTPUT_FULL')
      expect(child.exitCode ?? ((await once(child, 'close')) as [number])[0]).toBe(7)
    } finally {
      closeSync(full)
    }
  })

  test('finds relative paths in its working directory and takes a pipe as file', async () => {
    const cwd = mkdtempSync(join(tmpdir(), 'process-'))
    try {
      writeFileSync(join(cwd, 'x'), '123')
      const added = await finished(start(['add', 'x', '--json'], { cwd }))
      expect(jsonLines(added.stdout)).toEqual([
        { path: 'x', bytes: 3 },
        { bytes: 3, items: 1, failed: 0 },
      ])
      // The shell makes a real pipe; a socket, as spawn makes it, has no path.
      const piped = ['sh', process.execPath, ...nodeArgs, 'things', 'put', '/dev/stdin', '--json']
      const put = spawn('sh', ['-c', 'printf 1234 | "$@"', ...piped], { cwd })
      expect((await finished(put)).stdout).toBe('{"bytes":4}\n')
    } finally {
      rmSync(cwd, { recursive: true, force: true })
    }
  })
})

const nodeArgs = ['--conditions=@ipfs-kit/source', join(import.meta.dirname, 'cli-child.ts')]

function start(args: readonly string[], options: SpawnOptions = {}): ChildProcess {
  return spawn(process.execPath, [...nodeArgs, ...args], options)
}

async function finished(child: ChildProcess) {
  const closed = once(child, 'close')
  const [stdout, stderr] = await Promise.all([textOf(child.stdout), textOf(child.stderr)])
  const [code] = (await closed) as [number]
  return { code, stdout, stderr }
}

async function textOf(stream: AsyncIterable<Buffer> | null): Promise<string> {
  return Buffer.concat(stream === null ? [] : await all(stream)).toString()
}

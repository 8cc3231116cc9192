/** The command as a real process, and the optimum that it shows. */
import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { beladyHits } from '../src/replay/belady.ts'
import { usualSizes } from '../src/replay/replay.ts'

const script = fileURLToPath(new URL('../src/cli.ts', import.meta.url))
let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cache-replay-'))
})

afterAll(() => rm(folder, { recursive: true }))

function command(...args: string[]) {
  return new Promise<{ code: number; stdout: string; stderr: string }>((resolve) => {
    const child = execFile(
      process.execPath,
      ['--conditions=@ipfs-kit/source', script, ...args],
      { cwd: folder },
      (_error, stdout, stderr) => resolve({ code: child.exitCode ?? -1, stdout, stderr }),
    )
  })
}

/** A loop over keys, with one that is asked for between all of them. */
const loop = Array.from({ length: 2000 }, (_, at) => (at % 2 === 0 ? 'often' : `key-${((at - 1) / 2) % 50}`))

test('replays a trace: a table, the optimum, and a plot', async () => {
  await writeFile(join(folder, 'loop.txt.gz'), gzipSync(`# a comment\n${loop.join('\n')}\n`))
  const { code, stdout, stderr } = await command(
    'replay',
    'loop.txt.gz',
    '--entries',
    '10,40',
    '--policy',
    'lirs,arc',
  )
  expect([code, stderr]).toEqual([0, ''])
  const lines = stdout.trimEnd().split('\n')
  expect(lines[0]!.trim().split(/\s+/)).toEqual(['entries', 'lru', 'lirs', 'arc', 'min'])
  expect(lines.slice(1, 3).map((line) => line.trim().split(/\s+/)[0])).toEqual(['10', '40'])
  // Of a loop that does not fit LRU has nothing but what is asked for in between.
  expect(lines[1]!.trim().split(/\s+/)[1]).toBe('49.95')
  expect(lines[3]).toBe(`plotted in ${join(folder, 'loop.svg')}`)
  const plot = await readFile(join(folder, 'loop.svg'), 'utf8')
  expect(plot.match(/<polyline /g)).toHaveLength(4)
  for (const label of [
    'LIRS',
    'ARC',
    'LRU',
    'MIN (Belady)',
    'entries of the cache',
    '2000 requests, 51 keys',
  ])
    expect(plot).toContain(label)
})

test('with --json it gives the points, and with bytes it counts the sizes of the trace', async () => {
  await writeFile(
    join(folder, 'sized.txt'),
    loop.map((key, at) => `${key}\t${key === 'often' ? 10 : 100 + (at % 2)}`).join('\n'),
  )
  const { code, stdout } = await command(
    'replay',
    'sized.txt',
    '--bytes',
    '1000,6000',
    '--json',
    '--plot',
    'plots.svg',
  )
  expect(code).toBe(0)
  const result = JSON.parse(stdout)
  expect(result).toMatchObject({ requests: 2000, keys: 51, unit: 'bytes', plot: join(folder, 'plots.svg') })
  expect(new Set(result.points.map(({ policy }: { policy: string }) => policy))).toEqual(
    new Set(['lru', 'lirs', 'arc', 's3-fifo']),
  )
  // All of it fits.
  for (const point of result.points)
    if (point.size === 6000) expect(point.hitRatio).toBeCloseTo((2000 - 51) / 2000)
})

test.each([
  [['replay', 'nothing.txt'], 'nothing.txt cannot be read'],
  [['replay', 'bad.txt'], 'bad.txt, line 2'],
  [['replay', 'mixed.txt'], 'mixed.txt, line 2'],
  [['replay', 'empty.txt'], 'has no requests'],
  [['replay', 'bad.txt.gz'], 'bad.txt.gz cannot be read'],
  [['replay', 'good.txt', '--policy', 'fifo'], 'no policy "fifo"'],
  [['replay', 'good.txt', '--bytes', '100'], 'says no bytes'],
  [['replay', 'good.txt', '--entries', '0'], 'a list like'],
  [['replay', 'good.txt', '--entries', '4194305'], 'at most 4194304 entries'],
  [['replay', 'good.txt', '--entries', '1', '--bytes', '1'], 'not in both'],
])('%j is refused with the reason', async (args, reason) => {
  await Promise.all([
    writeFile(join(folder, 'good.txt'), 'a\nb\n'),
    writeFile(join(folder, 'bad.txt'), 'a\na b c\n'),
    writeFile(join(folder, 'mixed.txt'), 'a 5\nb\n'),
    writeFile(join(folder, 'empty.txt'), '# nothing\n\n'),
    writeFile(join(folder, 'bad.txt.gz'), 'not packed'),
  ])
  const { code, stderr, stdout } = await command(...args)
  expect(stdout).toBe('')
  expect(code).not.toBe(0)
  expect(stderr).toContain(reason)
})

test('the sizes that nobody says are those that a cache can have', () => {
  const trace = { requests: new Int32Array(1), keys: 10_000_000 }
  expect(usualSizes(trace, 'entries')).toEqual([
    100_000, 200_000, 400_000, 800_000, 1_600_000, 3_200_000, 4_194_304,
  ])
})

test("Belady's optimum is what trying every eviction finds", () => {
  const best = (trace: readonly number[], capacity: number, kept: readonly number[] = []): number => {
    const [key, ...rest] = trace
    if (key === undefined) return 0
    if (kept.includes(key)) return 1 + best(rest, capacity, kept)
    if (kept.length < capacity) return best(rest, capacity, [...kept, key])
    return Math.max(...kept.map((_, at) => best(rest, capacity, [...kept.toSpliced(at, 1), key])))
  }
  fc.assert(
    fc.property(fc.array(fc.nat(5), { maxLength: 11 }), fc.integer({ min: 1, max: 3 }), (trace, capacity) => {
      expect(beladyHits(Int32Array.from(trace), capacity)).toBe(best(trace, capacity))
    }),
  )
})

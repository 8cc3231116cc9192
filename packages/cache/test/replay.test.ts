/** The command as a real process, and the optimum that it shows. */
import { execFile } from 'node:child_process'
import { link, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { cancelScope } from '@ipfs-kit/concurrency'
import { beladyHits } from '../src/replay/belady.ts'
import { usualSizes } from '../src/replay/replay.ts'
import { parseTrace, readTrace, traceLimits } from '../src/replay/trace.ts'
import { decodePng, type Pixels } from './decode-png.ts'

const script = fileURLToPath(new URL('../src/cli.ts', import.meta.url))
let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cache-replay-'))
})

afterAll(() => rm(folder, { recursive: true }))

function command(cwd: string, ...args: string[]) {
  return run(cwd, '--conditions=@ipfs-kit/source', script, ...args)
}

function run(cwd: string, ...args: string[]) {
  return new Promise<{ code: number; stdout: string; stderr: string }>((resolve) => {
    const child = execFile(process.execPath, args, { cwd }, (_error, stdout, stderr) =>
      resolve({ code: child.exitCode ?? -1, stdout, stderr }),
    )
  })
}

/** The colours within some pixels of a place. */
function coloursAround(picture: Pixels, x: number, y: number, within: number): Set<string> {
  const colours = new Set<string>()
  for (let down = -within; down <= within; down += 1)
    for (let across = -within; across <= within; across += 1)
      colours.add(picture.at(Math.round(x) + across, Math.round(y) + down))
  return colours
}

/** How many pixels of an area are dark. */
function darkIn(picture: Pixels, left: number, top: number, width: number, height: number): number {
  let count = 0
  for (let y = top; y < top + height; y += 1)
    for (let x = left; x < left + width; x += 1)
      if (Number.parseInt(picture.at(x, y).slice(1, 3), 16) < 0x90) count += 1
  return count
}

/** A loop over keys, with one that is asked for between all of them. */
const loop = Array.from({ length: 2000 }, (_, at) => (at % 2 === 0 ? 'often' : `key-${((at - 1) / 2) % 50}`))

test('replays a trace: a table, the optimum, and a plot as SVG and PNG', async () => {
  await writeFile(join(folder, 'loop.txt.gz'), gzipSync(`# a comment\n${loop.join('\n')}\n`))
  const { code, stdout, stderr } = await command(
    folder,
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
  expect(lines[3]).toBe(`plotted in ${join(folder, 'loop.svg')} and ${join(folder, 'loop.png')}`)
  const plot = await readFile(join(folder, 'loop.svg'), 'utf8')
  const picture = decodePng(await readFile(join(folder, 'loop.png')))
  expect([picture.width, picture.height]).toEqual([1600, 1000])
  const curves = [...plot.matchAll(/<polyline points="([^"]+)" fill="none" stroke="([^"]+)"/g)]
  expect(curves).toHaveLength(4)
  for (const [, points, colour] of curves) {
    for (const point of points!.split(' ')) {
      const [x, y] = point.split(',').map(Number)
      // Below all dots of its place there is the line, and around them nothing.
      expect(coloursAround(picture, 2 * x!, 2 * y!, 14)).toContain(colour)
    }
  }
  expect(picture.at(1000, 60)).toBe('#ffffff')
  // The texts are drawn: the title, the labels of both axes, the names of the curves.
  for (const [x, y, width, height] of [
    [140, 30, 200, 30],
    [140, 80, 400, 20],
    [60, 130, 64, 20],
    [130, 900, 40, 24],
    [1400, 140, 190, 740],
    [26, 400, 20, 200],
  ] as const)
    expect(darkIn(picture, x, y, width, height)).toBeGreaterThan(50)
  for (const label of [
    'LIRS',
    'ARC',
    'LRU',
    'MIN (Belady)',
    'entries of the cache',
    '2,000 requests, 51 keys',
  ])
    expect(plot).toContain(label)
})

test('with --json it gives the points, and with bytes it counts the sizes of the trace', async () => {
  await writeFile(
    join(folder, 'sized.txt'),
    loop.map((key, at) => `${key}\t${key === 'often' ? 10 : 100 + (at % 2)}`).join('\n'),
  )
  const { code, stdout } = await command(
    folder,
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
  expect(result).toMatchObject({
    requests: 2000,
    keys: 51,
    unit: 'bytes',
    svg: join(folder, 'plots.svg'),
    png: join(folder, 'plots.png'),
  })
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
  [['replay', 'good.txt', '--plot', 'nowhere/plot.svg'], 'no folder'],
  [['replay', 'good.txt', '--plot', 'folder'], 'folder.svg cannot be written'],
  [['replay', 'latin.txt'], 'latin.txt cannot be read: it is no text in UTF-8'],
])('%j is refused with the reason', async (args, reason) => {
  await Promise.all([
    writeFile(join(folder, 'good.txt'), 'a\nb\n'),
    writeFile(join(folder, 'bad.txt'), 'a\na b c\n'),
    writeFile(join(folder, 'mixed.txt'), 'a 5\nb\n'),
    writeFile(join(folder, 'empty.txt'), '# nothing\n\n'),
    writeFile(join(folder, 'bad.txt.gz'), 'not packed'),
    writeFile(join(folder, 'latin.txt'), Buffer.from('gr\xfcn\ngr\xf6n\n', 'latin1')),
    mkdir(join(folder, 'folder.svg'), { recursive: true }),
  ])
  const { code, stderr, stdout } = await command(folder, ...args)
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

test.each(['own.svg', 'own.png'])('the trace %s is not overwritten by its own plot', async (name) => {
  const own = await mkdtemp(join(folder, 'own-'))
  await writeFile(join(own, name), 'a\nb\n')
  await symlink(name, join(own, 'soft.png'))
  await link(join(own, name), join(own, 'hard.svg'))
  const before = await readdir(own)
  for (const args of [
    [],
    ['--plot', join(own, 'own')],
    ['--plot', join(own, 'soft.svg')],
    ['--plot', join(own, 'hard.png')],
  ]) {
    const { code, stdout, stderr } = await command(own, 'replay', name, ...args)
    expect([code === 0, stdout]).toEqual([false, ''])
    expect(stderr).toContain('over the trace')
  }
  expect(await readdir(own)).toEqual(before)
  expect(await readFile(join(own, name), 'utf8')).toBe('a\nb\n')
  expect((await command(own, 'replay', name, '--plot', 'other')).code).toBe(0)
  expect((await readdir(own)).filter((file) => file.startsWith('other'))).toEqual(['other.png', 'other.svg'])
})

test('of bytes they alone are the limit, however many values they have room for', async () => {
  const keys = Array.from({ length: 3000 }, (_, at) => `key-${at} 4`)
  await writeFile(join(folder, 'small.txt'), [...keys, ...keys].join('\n'))
  const { stdout } = await command(folder, 'replay', 'small.txt', '--bytes', '12000,12000', '--json')
  const { points } = JSON.parse(stdout)
  expect(points.map(({ hitRatio }: { hitRatio: number }) => hitRatio)).toEqual([0.5, 0.5, 0.5, 0.5])
})

test('a trace is refused beyond what it may have, with the number', async () => {
  const read = (lines: readonly string[], limits: Partial<typeof traceLimits>) =>
    parseTrace([lines.slice(0, 2), lines.slice(2)], 'trace', { ...traceLimits, ...limits })
  for (const [limits, reason] of [
    [{ requests: 3 }, 'trace has more than 3 requests'],
    [{ keys: 2 }, 'trace has more than 2 keys'],
    [{ keyCharacters: 11 }, 'trace has more than 11 characters in its keys'],
  ] as const) {
    await expect(read(['four', 'fives', 'four', 'six'], limits)).rejects.toMatchObject({
      code: 'CACHE_BAD_REPLAY',
      message: expect.stringContaining(reason),
    })
  }
  const limits = { requests: 4, keys: 3, keyCharacters: 12 }
  expect(await read(['four', 'fives', 'four', 'six'], limits)).toMatchObject({ keys: 3 })
})

test('reading a trace and computing the optimum can be cancelled', async () => {
  const path = join(folder, 'long.txt')
  await writeFile(path, loop.join('\n'))
  await expect(readTrace(path, AbortSignal.abort('enough'))).rejects.toBe('enough')
  const trace = { requests: Int32Array.from({ length: 100_000 }, (_, at) => at % 1000), keys: 1000 }
  let hits = -1
  await cancelScope(async (scope) => {
    scope.cancel()
    hits = await beladyHits(trace, 10)
  })
  expect(hits).toBe(-1)
})

test('the optimum of many requests takes no heap for each of them', async () => {
  const script = `
    import { beladyHits } from ${JSON.stringify(new URL('../src/replay/belady.ts', import.meta.url).href)}
    const requests = new Int32Array(3_000_000)
    for (const at of requests.keys()) requests[at] = at % 3000
    console.log(await beladyHits({ requests, keys: 3000 }, 1000))`
  const { stdout } = await run(
    folder,
    '--max-old-space-size=32',
    '--conditions=@ipfs-kit/source',
    '--input-type=module',
    '--eval',
    script,
  )
  // Of a loop it keeps all but one of its entries.
  expect(Number(stdout) / 3_000_000).toBeCloseTo(999 / 2999, 2)
})

test("Belady's optimum is what trying every eviction finds", async () => {
  const best = (trace: readonly number[], capacity: number, kept: readonly number[] = []): number => {
    const [key, ...rest] = trace
    if (key === undefined) return 0
    if (kept.includes(key)) return 1 + best(rest, capacity, kept)
    if (kept.length < capacity) return best(rest, capacity, [...kept, key])
    return Math.max(...kept.map((_, at) => best(rest, capacity, [...kept.toSpliced(at, 1), key])))
  }
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.nat(5), { maxLength: 11 }),
      fc.integer({ min: 1, max: 3 }),
      async (trace, capacity) => {
        const hits = await beladyHits({ requests: Int32Array.from(trace), keys: 6 }, capacity)
        expect(hits).toBe(best(trace, capacity))
      },
    ),
  )
})

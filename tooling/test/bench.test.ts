import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { BenchReport } from '../bench/bench.ts'
import { benchCommand } from '../bench/main.ts'
import { folderOf, type Files } from './fixture.ts'

const ratio = `{ id: 'M-1.file', measure: 'add', value: 0.81, unit: 'ratio', bar: '>= 0.8', samples: [0.8, 0.81, 0.9], detail: { bytes: 5 } }`
const tree = `{ id: 'M-1.tree', measure: 'add a tree', value: 0.6, unit: 'ratio', bar: '>= 0.7' }`
const idle = `{ id: 'M-3.idle', measure: 'memory', value: null, unit: 'MiB', bar: '<= 180', why: 'no /proc here' }`
const free = `{ id: 'M-4', measure: 'files', value: 1234.5, unit: 'files/s' }`

/** A bench file with these results. */
function bench(area: string, ids: string[], results: string): string {
  return `export default {
  area: '${area}',
  ids: ${JSON.stringify(ids)},
  async run({ quick, only, log }) {
    log('quick ' + quick + ', only ' + (only === undefined ? 'all' : [...only]))
    return [${results}].filter((one) => only === undefined || only.has(one.id))
  },
}
`
}

const benchWithOptions = `export default {
  area: 'add',
  ids: ['A-1'],
  options: { traces: 'a folder' },
  async run({ given, log }) {
    log('given ' + JSON.stringify(given))
    return [{ id: 'A-1', measure: 'add', value: 1, unit: 's' }]
  },
}
`

const all = ['M-1.file', 'M-1.tree', 'M-3.idle', 'M-4']
const workspace: Files = {
  'apps/cli/bench/main-job.ts': bench('main-job', all, [tree, ratio, idle, free].join(', ')),
  'packages/ipfs/bench/walk.ts': bench(
    'walk',
    ['W-1'],
    `{ id: 'W-1', measure: 'walk', value: 2, unit: 's' }`,
  ),
  'packages/ipfs/bench/add.ts': bench('add', ['A-1'], `{ id: 'A-1', measure: 'add', value: 1, unit: 's' }`),
  'packages/ipfs/bench/peer/helia.ts': 'export const peer = 1\n',
  'packages/storage/package.json': {},
}

/** Runs the command in a fixture; `cwd` is a folder in it. */
async function run(args: string[], files: Files = workspace, cwd = '') {
  const root = folderOf(files)
  let out = ''
  const log: string[] = []
  const place = {
    root,
    cwd: join(root, cwd),
    out: (text: string) => void (out += text),
    log: (line: string) => void log.push(line),
  }
  return { code: await benchCommand(args, place), out, log }
}

test('--json prints one object with machine, values and verdicts, in the order of the ids', async () => {
  const { code, out } = await run(['main-job', '--json'])
  expect(code).toBe(0)
  const report = JSON.parse(out) as BenchReport
  expect(report).toEqual({
    area: 'main-job',
    quick: false,
    machine: {
      node: process.version,
      cpus: expect.any(Number),
      model: expect.any(String),
      memory: expect.any(Number),
      platform: `${process.platform}-${process.arch}`,
    },
    results: [
      {
        id: 'M-1.file',
        measure: 'add',
        value: 0.81,
        unit: 'ratio',
        bar: '>= 0.8',
        samples: [0.8, 0.81, 0.9],
        detail: { bytes: 5 },
        holds: true,
      },
      { id: 'M-1.tree', measure: 'add a tree', value: 0.6, unit: 'ratio', bar: '>= 0.7', holds: false },
      {
        id: 'M-3.idle',
        measure: 'memory',
        value: null,
        unit: 'MiB',
        bar: '<= 180',
        why: 'no /proc here',
        holds: false,
      },
      { id: 'M-4', measure: 'files', value: 1234.5, unit: 'files/s', holds: null },
    ],
  })
})

test('without --json a table shows each result and why one was not measured', async () => {
  const { code, out } = await run(['main-job'])
  expect(code).toBe(0)
  expect(out.split('\n').slice(2)).toEqual([
    '',
    'id        measure     value         bar     holds',
    'M-1.file  add         0.81 ratio    >= 0.8  yes',
    'M-1.tree  add a tree  0.6 ratio     >= 0.7  NO',
    'M-3.idle  memory      not measured  <= 180  NO',
    'M-4       files       1235 files/s',
    'M-3.idle was not measured: no /proc here',
    '',
  ])
})

test.each([
  ['>= 2', 2, true],
  ['>= 2', 1.9, false],
  ['<= 2', 2, true],
  ['<= 2', 2.1, false],
  ['> 2', 2, false],
  ['> -1.5', -1, true],
  ['< 2', 2, false],
  ['< 2', 1, true],
  ['== 0', 0, true],
  ['== 0', 1, false],
])('the bar "%s" for %d holds: %s', async (bar, value, holds) => {
  const result = `{ id: 'X', measure: 'm', value: ${value}, unit: 's', bar: '${bar}' }`
  const { out } = await run(['x', '--json'], { 'packages/a/bench/x.ts': bench('x', ['X'], result) })
  expect((JSON.parse(out) as BenchReport).results[0]?.holds).toBe(holds)
})

describe('choosing', () => {
  test('--quick reaches the bench and is said in both forms', async () => {
    const json = await run(['walk', '--quick', '--json'])
    expect(json.log).toEqual(['quick true, only all'])
    expect((JSON.parse(json.out) as BenchReport).quick).toBe(true)
    expect((await run(['walk', '--quick'])).out).toContain('walk (--quick: lower counts')
  })

  test('an option of the area reaches it', async () => {
    const { code, log } = await run(['add', '--traces', 'here', '--quick'], {
      'packages/ipfs/bench/add.ts': benchWithOptions,
    })
    expect([code, log]).toEqual([0, ['given {"traces":"here"}']])
  })

  test('--only picks ids, and a row id stands for its suffixes', async () => {
    const { log, out } = await run(['main-job', '--json', '--only', 'M-4, M-1'])
    expect(log).toEqual(['quick false, only M-1.file,M-1.tree,M-4'])
    expect((JSON.parse(out) as BenchReport).results.map(({ id }) => id)).toEqual([
      'M-1.file',
      'M-1.tree',
      'M-4',
    ])
  })

  test('--only with an unknown id is refused before anything runs', async () => {
    expect(await run(['main-job', '--only', 'M-4,M-9'])).toEqual({
      code: 2,
      out: '',
      log: ['main-job has no "M-9". Ids: M-1.file, M-1.tree, M-3.idle, M-4.'],
    })
  })

  test('an unknown area lists the known ones', async () => {
    expect(await run(['wal'])).toEqual({
      code: 2,
      out: '',
      log: ['There is no area "wal". Areas: add, main-job, walk.'],
    })
  })

  test('no area at the root lists the known ones', async () => {
    expect(await run([])).toMatchObject({
      code: 2,
      log: ['Name an area: pnpm bench <area>. Areas: add, main-job, walk.'],
    })
    expect(await run([], {})).toMatchObject({ code: 2, log: [expect.stringContaining('Areas: none yet.')] })
  })

  test('an option of another area is refused, and one without a text', async () => {
    const files = { 'packages/ipfs/bench/add.ts': benchWithOptions }
    expect(await run(['add', '--folder', 'here'], files)).toMatchObject({
      code: 2,
      log: [expect.stringContaining('--traces')],
    })
    expect(await run(['add', '--traces'], files)).toMatchObject({ code: 2 })
  })

  test('two areas and an unknown option are refused', async () => {
    expect(await run(['add', 'walk'])).toMatchObject({ code: 2 })
    expect(await run(['add', '--fast'])).toMatchObject({ code: 2, log: [expect.stringContaining('--fast')] })
  })

  test('no area in a package runs all of its areas', async () => {
    const { code, out } = await run([], workspace, 'packages/ipfs')
    expect(code).toBe(0)
    expect(out).toMatch(/^add\n[^]*^walk\n/m)
  })

  test('--json with several areas is refused', async () => {
    expect(await run(['--json'], workspace, 'packages/ipfs')).toEqual({
      code: 2,
      out: '',
      log: ['--json and --only take one area: add, walk'],
    })
  })

  test('a package without a bench says so and exits 0', async () => {
    expect(await run([], workspace, 'packages/storage')).toEqual({
      code: 0,
      out: '',
      log: ['This package has no bench.'],
    })
  })
})

describe('malformed benches are refused', () => {
  test.each([
    ['no default export', 'export const a = 1\n', 'is not an object'],
    ['another area', bench('y', ['X'], ''), 'has the area "y"'],
    ['no run', `export default { area: 'x', ids: ['X'] }\n`, 'has no function run'],
    ['no ids', `export default { area: 'x', run() {} }\n`, 'has no ids'],
    ['an id twice', bench('x', ['X', 'X'], ''), 'names an id twice'],
  ])('%s', async (_, source, message) => {
    await expect(run(['x'], { 'packages/a/bench/x.ts': source })).rejects.toThrow(message)
  })

  test('an area in two packages', async () => {
    const one = bench('x', ['X'], '')
    await expect(run(['x'], { 'packages/a/bench/x.ts': one, 'packages/b/bench/x.ts': one })).rejects.toThrow(
      'packages/a and packages/b both have the area "x"',
    )
  })

  const good = `id: 'X', measure: 'm', value: 1, unit: 's'`
  test.each([
    ['no result', '', 'result X is missing'],
    ['an id that was not asked for', `{ ${good} }, { ${good}, id: 'Y' }`, 'result Y was not asked for'],
    ['the same id twice', `{ ${good} }, { ${good} }`, 'result X was given twice'],
    ['no unit', `{ ${good}, unit: '' }`, 'unit is not a text'],
    ['not a number', `{ ${good}, value: NaN }`, 'value is not a finite number'],
    ['null without a reason', `{ ${good}, value: null }`, 'value is null and why does not say the reason'],
    ['a value with a reason', `{ ${good}, why: 'x' }`, 'has a value and a reason'],
    ['a bar in words', `{ ${good}, bar: 'at least 3' }`, 'bar "at least 3" is not like'],
    ['its own verdict', `{ ${good}, holds: true }`, 'unknown field holds'],
    ['samples of text', `{ ${good}, samples: ['1'] }`, 'samples are not finite numbers'],
    ['detail as a list', `{ ${good}, detail: [] }`, 'detail is not an object'],
    ['text', `'fast'`, 'a result is not an object'],
  ])('%s', async (_, results, message) => {
    const source = `export default { area: 'x', ids: ['X'], run: async () => [${results}] }\n`
    await expect(run(['x'], { 'packages/a/bench/x.ts': source })).rejects.toThrow(message)
  })
})

test('the program keeps what a bench prints off stdout', () => {
  const noisy = bench('x', ['X'], `{ id: 'X', measure: 'm', value: 1, unit: 's' }`).replace(
    'log(',
    `console.log('noise'); log(`,
  )
  const root = folderOf({ 'packages/a/bench/x.ts': noisy, 'tooling/package.json': { type: 'module' } })
  const own = join(import.meta.dirname, '..')
  mkdirSync(join(root, 'tooling'), { recursive: true })
  for (const name of ['bench', 'workspace.ts']) {
    cpSync(join(own, name), join(root, 'tooling', name), { recursive: true })
  }
  const args = [join(root, 'tooling/bench/main.ts'), 'x', '--json']
  const result = spawnSync(process.execPath, args, { cwd: root, encoding: 'utf8' })
  expect(result.status).toBe(0)
  expect((JSON.parse(result.stdout) as BenchReport).results).toHaveLength(1)
  expect(result.stderr).toContain('noise')
})

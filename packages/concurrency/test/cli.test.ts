import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { parseCommandLine } from '../src/cli/arguments.ts'
import { compiled } from './runtime.ts'

const cli = fileURLToPath(new URL('../src/cli.ts', import.meta.url))
const folder = fileURLToPath(new URL('.', import.meta.url))

interface Ended {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

/** Runs the executable in a process of its own, in the folder of the tests. */
async function run(args: readonly string[], environment: Record<string, string> = {}): Promise<Ended> {
  const child = spawn(process.execPath, ['--conditions=@ipfs-kit/source', cli, ...args], {
    cwd: folder,
    env: { ...compiled, IPFS_KIT_SEED: '', ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let [out, err] = ['', '']
  child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (err += text))
  const [code] = (await once(child, 'close')) as [number | null]
  return { code, out, err }
}

const lines = (out: string) =>
  out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>)

test.concurrent('a scenario that passes under every seed exits 0', async () => {
  expect(await run(['simulate', 'scenarios/lucky.ts'])).toEqual({
    code: 0,
    out: '100 runs, 0 failed\n',
    err: '',
  })
})

test.concurrent('a scenario that fails exits 1, with the seed, the error, and a command that finds it again', async () => {
  const { code, out } = await run(['simulate', 'scenarios/unlucky.ts', '--seeds', '5..60'])
  expect(code).toBe(1)
  const [, seed] = /^seed (\d+) failed: AssertionError.*: an increment was lost\n/.exec(out) ?? []
  expect(seed).toBeDefined()
  expect(out).toContain('unlucky.ts:')
  expect(out).toMatch(/\n56 runs, \d+ failed\n$/)
  const [, again] = /to run it again: ipfs-kit-concurrency (.*)\n/.exec(out) ?? []
  expect(again).toBe(`simulate scenarios/unlucky.ts --seed ${seed}`)
  const second = await run(again!.split(' '))
  expect(second.code).toBe(1)
  expect(second.out).toContain(`seed ${seed} failed: AssertionError`)
  expect(second.out).toContain('1 run, 1 failed')
})

test.concurrent('--pct chooses by priorities, and is in the command to run again', async () => {
  const { code, out } = await run(['simulate', 'scenarios/unlucky.ts', '--seeds', '1..200', '--pct'])
  expect(code).toBe(1)
  expect(out).toMatch(
    /to run it again: ipfs-kit-concurrency simulate scenarios\/unlucky.ts --seed \d+ --pct\n/,
  )
})

test.concurrent('--trace prints each step', async () => {
  const args = ['simulate', 'scenarios/lucky.ts', '--seed', '3', '--trace']
  const { out } = await run(args)
  expect(out).toMatch(/^1 0 .* begin\n2 0 /)
  expect(out).toMatch(/\n1 run, 0 failed\n$/)
})

test.concurrent('--json prints one object a line', async () => {
  const { code, out } = await run(['simulate', 'scenarios/unlucky.ts', '--seeds', '1..50', '--json'])
  expect(code).toBe(1)
  const all = lines(out)
  const failed = all.filter(({ type }) => type === 'failed')
  expect(failed.length).toBeGreaterThan(0)
  expect(failed[0]).toMatchObject({
    mode: 'uniform',
    error: {
      name: 'AssertionError',
      code: 'ERR_ASSERTION',
      message: expect.stringContaining('an increment was lost') as string,
    },
    again: `ipfs-kit-concurrency simulate scenarios/unlucky.ts --seed ${String(failed[0]!['seed'])}`,
  })
  expect(all.at(-1)).toEqual({ type: 'summary', runs: 50, failed: failed.length })
  const traced = await run(['simulate', 'scenarios/lucky.ts', '--seed', '4', '--trace', '--json'])
  expect(lines(traced.out)[0]).toMatchObject({ type: 'step', seed: 4 })
})

test.concurrent('shows what a group failed of, with the line that threw', async () => {
  const args = ['simulate', 'scenarios/task-throws.ts', '--seeds', '1..2']
  const { code, out } = await run(args)
  expect(code).toBe(1)
  expect(out).toMatch(/^seed 1 failed: TaskGroupError: /)
  expect(out).toMatch(/\n {2}cause: RangeError: fast ran ahead\n {6}at ranAhead \(.*task-throws\.ts:16:9\)\n/)
  expect(out).toContain('\n  cause: a bad start\n')
  expect(out.match(/cause: RangeError/g)).toHaveLength(1)
  const [failed] = lines((await run([...args, '--json'])).out)
  const [inner, thrown, start, ...more] = failed!['causes'] as Record<string, string>[]
  expect(failed!['error']).toMatchObject({ name: 'TaskGroupError' })
  expect(inner).toMatchObject({ name: 'TaskGroupError' })
  expect(thrown).toMatchObject({ name: 'RangeError', message: 'fast ran ahead' })
  expect(thrown!['stack']).toContain('task-throws.ts:16:9')
  expect(start).toEqual({ message: 'a bad start' })
  expect(more).toEqual([])
})

test.concurrent('--backend native runs it once on the real clock', async () => {
  const { code, out } = await run(['simulate', 'scenarios/unlucky.ts', '--backend', 'native'])
  expect(code).toBe(1)
  expect(out).toContain('the native run failed: AssertionError')
  expect(out).toContain('simulate scenarios/unlucky.ts --backend native\n')
})

test.concurrent('IPFS_KIT_SEED names the seed where no option does', async () => {
  const one = await run(['simulate', 'scenarios/lucky.ts'], { IPFS_KIT_SEED: '9' })
  expect(one.out).toBe('1 run, 0 failed\n')
})

test.concurrent('ends although the scenario left real work behind', async () => {
  const { code, out } = await run(['simulate', 'scenarios/foreign.ts', '--seeds', '1..2'])
  expect(code).toBe(1)
  expect(out).toContain('began real work (Timeout)')
  expect(out).toContain('foreign.ts:')
})

test.concurrent('names the seed of what nobody can catch', async () => {
  const { code, out } = await run(['simulate', 'scenarios/throws-in-a-tick.ts'])
  expect(code).toBe(1)
  const [, seed] = /^seed (\d+) failed: Error: out of reach\n/.exec(out) ?? []
  expect(out).toContain(`simulate scenarios/throws-in-a-tick.ts --seed ${seed}\n${seed} runs, 1 failed\n`)
})

describe.concurrent('exits 2 for', () => {
  const wrong: [what: string, args: string[], message: string][] = [
    ['no command', [], 'no command'],
    ['an unknown option', ['simulate', 'a.ts', '--sed', '1'], "'--sed'"],
    ['a file that is not there', ['simulate', 'scenarios/none.ts'], 'cannot be run'],
    [
      'a module without a function',
      ['simulate', 'scenarios/no-function.ts'],
      'its default export is no function',
    ],
  ]
  test.each(wrong)('%s', async (_what, args, message) => {
    const { code, out, err } = await run(args)
    expect({ code, out }).toEqual({ code: 2, out: '' })
    expect(err).toContain(message)
  })
})

describe('refuses', () => {
  const wrong: [what: string, args: string[], message: string][] = [
    ['another command', ['run', 'x.ts'], 'unknown command "run"'],
    ['no scenario', ['simulate'], 'no scenario'],
    ['two scenarios', ['simulate', 'a.ts', 'b.ts'], 'not also "b.ts"'],
    ['a seed that is none', ['simulate', 'a.ts', '--seed', '1.5'], '--seed is "1.5"'],
    ['a negative seed', ['simulate', 'a.ts', '--seed=-1'], '--seed is "-1"'],
    ['a seed that is too large', ['simulate', 'a.ts', '--seed', '9'.repeat(20)], 'not a whole number'],
    ['seeds that are no range', ['simulate', 'a.ts', '--seeds', '5'], 'not as in 1..100'],
    ['seeds in the wrong order', ['simulate', 'a.ts', '--seeds', '5..4'], 'the last is before the first'],
    ['a seed and seeds', ['simulate', 'a.ts', '--seed', '1', '--seeds', '1..2'], 'not both'],
    ['an unknown backend', ['simulate', 'a.ts', '--backend', 'trio'], '--backend is "trio"'],
    [
      'a seed on the native backend',
      ['simulate', 'a.ts', '--backend', 'native', '--seed', '1'],
      'of the simulator',
    ],
    ['a trace of many seeds', ['simulate', 'a.ts', '--trace'], '--trace needs --seed'],
  ]
  test.each(wrong)('%s', (_what, args, message) => {
    expect(() => parseCommandLine(args, {})).toThrow(message)
  })

  test('a seed of the environment that is none', () => {
    expect(() => parseCommandLine(['simulate', 'a.ts'], { IPFS_KIT_SEED: 'x' })).toThrow(
      'IPFS_KIT_SEED is "x"',
    )
  })
})

test.concurrent('--help and --version exit 0', async () => {
  const help = await run(['--help'])
  expect(help).toMatchObject({ code: 0, err: '' })
  expect(help.out).toContain('Usage: ipfs-kit-concurrency simulate <scenario>')
  expect((await run(['--version'])).out).toMatch(/^\d+\.\d+\.\d+\n$/)
})

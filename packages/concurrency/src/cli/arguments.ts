/** What the command line says. */
import { parseArgs } from 'node:util'
import { seedVariable } from '../testing/seed-variable.ts'

export const usage = `Usage: ipfs-kit-concurrency simulate <scenario> [options]

Runs the function that <scenario> (a module, TypeScript or JavaScript) exports as default, simulated, under many seeds.

  --seed <n>       this seed alone
  --seeds <a..b>   the seeds from a to b; default 1..100, or the one of ${seedVariable}
  --pct            choose by random priorities with few changes, not each of the ready alike
  --backend <b>    sim (default), or native: one run on the real clock
  --trace          print each step; with one seed
  --json           print JSON, one object a line
  --help, --version

Exit code: 0 if every run passed, 1 if one failed, 2 if the command or the scenario cannot be used.`

/** The command that runs a scenario. */
export interface SimulateCommand {
  readonly name: 'simulate'
  /** The path of the scenario, as given. */
  readonly file: string
  readonly backend: 'native' | 'sim'
  readonly from: number
  readonly to: number
  readonly mode: 'uniform' | 'pct'
  readonly trace: boolean
  readonly json: boolean
}

/** What is asked for. */
export type Command = SimulateCommand | { readonly name: 'help' } | { readonly name: 'version' }

/**
 * Reads the arguments, without node and script.
 *
 * @throws TypeError that says what is wrong with them
 */
export function parseCommandLine(
  args: readonly string[],
  environment: Record<string, string | undefined>,
): Command {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      seed: { type: 'string' },
      seeds: { type: 'string' },
      pct: { type: 'boolean', default: false },
      backend: { type: 'string', default: 'sim' },
      trace: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
      version: { type: 'boolean', default: false },
    },
  })
  if (values.help) return { name: 'help' }
  if (values.version) return { name: 'version' }
  const [command, file, ...more] = positionals
  if (command !== 'simulate')
    throw new TypeError(command === undefined ? 'no command' : `unknown command "${command}"`)
  if (file === undefined) throw new TypeError('no scenario')
  if (more.length > 0) throw new TypeError(`one scenario at a time, not also "${more.join('", "')}"`)
  const { backend, pct, trace, json } = values
  if (backend !== 'sim' && backend !== 'native')
    throw new TypeError(`--backend is "${backend}", not sim or native`)
  const given = values.seed !== undefined || values.seeds !== undefined
  if (backend === 'native' && (given || pct || trace)) {
    throw new TypeError('--seed, --seeds, --pct and --trace are of the simulator, not of --backend native')
  }
  const [from, to] = seedRange(values.seed, values.seeds, environment)
  if (trace && from !== to) throw new TypeError('--trace needs --seed')
  return { name: 'simulate', file, backend, from, to, mode: pct ? 'pct' : 'uniform', trace, json }
}

function seedRange(
  seed: string | undefined,
  seeds: string | undefined,
  environment: Record<string, string | undefined>,
): readonly [number, number] {
  if (seed !== undefined && seeds !== undefined) throw new TypeError('--seed or --seeds, not both')
  if (seed !== undefined) return [wholeNumber(seed, '--seed'), wholeNumber(seed, '--seed')]
  if (seeds !== undefined) {
    const [, first, last] = /^(\d+)\.\.(\d+)$/.exec(seeds) ?? []
    if (first === undefined || last === undefined)
      throw new TypeError(`--seeds is "${seeds}", not as in 1..100`)
    const range = [wholeNumber(first, '--seeds'), wholeNumber(last, '--seeds')] as const
    if (range[1] < range[0]) throw new TypeError(`--seeds is "${seeds}": the last is before the first`)
    return range
  }
  const one = environment[seedVariable] ?? ''
  return one === '' ? [1, 100] : [wholeNumber(one, seedVariable), wholeNumber(one, seedVariable)]
}

function wholeNumber(text: string, what: string): number {
  const number = Number(text)
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(number)) {
    throw new TypeError(`${what} is "${text}", not a whole number from 0 up`)
  }
  return number
}

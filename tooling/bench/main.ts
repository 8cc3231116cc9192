/**
 * `pnpm bench AREA [--json] [--only ID,…] [--quick]`: runs `bench/AREA.ts` of the package that has it, with what options
 * it has of its own. In a package folder and without an area (a package's own `bench` script) it runs all areas of that package.
 *
 * Prints a table, or with `--json` exactly one object on stdout. Exit code 0 whatever the bars say, 1 if a bench failed
 * or gave malformed results, 2 if the command line is wrong.
 */
import { Console } from 'node:console'
import { availableParallelism, cpus, totalmem } from 'node:os'
import { relative, sep } from 'node:path'
import { parseArgs } from 'node:util'
import { workspaceRoot } from '../workspace.ts'
import { findAreas, loadBench, type Area } from './areas.ts'
import type { Bench, BenchReport } from './bench.ts'
import { judge } from './shape.ts'
import { formatReport } from './table.ts'

/** Where the runner stands and where it writes. */
export interface BenchPlace {
  /** Root of the workspace. */
  readonly root: string
  /** Folder in which the command was given. */
  readonly cwd: string
  /** Writes to stdout. */
  readonly out: (text: string) => void
  /** Writes to stderr. */
  readonly log: (line: string) => void
}

/** Runs the command line and gives the exit code. Rejects if a bench does. */
export async function benchCommand(args: readonly string[], place: BenchPlace): Promise<number> {
  const usage = (message: string) => {
    place.log(message)
    return 2
  }
  let parsed: ReturnType<typeof parse>
  try {
    parsed = parse(args)
  } catch (error) {
    return usage(error instanceof Error ? error.message : String(error))
  }
  const { json, only, quick, ...given } = parsed.values
  const all = findAreas(place.root)
  const chosen = choose(all, parsed.positionals, place)
  if (typeof chosen === 'string') return usage(chosen)
  if (chosen.length > 1 && (json || only !== undefined)) {
    return usage(`--json and --only take one area: ${chosen.map(({ area }) => area).join(', ')}`)
  }
  if (chosen.length === 0) place.log('This package has no bench.')
  for (const one of chosen) {
    const bench = await loadBench(one)
    const ids = only === undefined ? bench.ids : pick(bench, only)
    if (typeof ids === 'string') return usage(ids)
    const own = Object.keys(bench.options ?? {})
    const foreign = Object.keys(given).find((key) => !own.includes(key))
    if (foreign !== undefined) return usage(`${bench.area} has no option --${foreign}${listed(own)}`)
    const results = judge(
      await bench.run({
        quick,
        ...(only === undefined ? {} : { only: new Set(ids) }),
        given: given as Readonly<Record<string, string>>,
        log: place.log,
      }),
      ids,
    )
    const report: BenchReport = { area: one.area, quick, machine: machine(), results }
    place.out(json ? JSON.stringify(report) + '\n' : formatReport(report))
  }
  return 0
}

/** Whose options of its own an area has is looked at later: here they are any that have a text behind them. */
function parse(args: readonly string[]) {
  const own = args.flatMap((arg) => /^--([a-z][a-z-]*)/.exec(arg)?.[1] ?? [])
  return parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      ...Object.fromEntries(own.map((name) => [name, { type: 'string' }] as const)),
      json: { type: 'boolean', default: false },
      quick: { type: 'boolean', default: false },
      only: { type: 'string' },
    },
  })
}

function listed(names: readonly string[]): string {
  return names.length === 0 ? '' : `; it has ${names.map((name) => `--${name}`).join(', ')}`
}

/** The areas to run, or a message. */
function choose(all: readonly Area[], named: readonly string[], place: BenchPlace): Area[] | string {
  const known = `Areas: ${all.map(({ area }) => area).join(', ') || 'none yet'}.`
  const [name, more] = named
  if (more !== undefined) return `One area at a time, not ${named.join(' ')}. ${known}`
  if (name !== undefined) {
    const found = all.filter(({ area }) => area === name)
    return found.length > 0 ? found : `There is no area "${name}". ${known}`
  }
  const folder = relative(place.root, place.cwd).split(sep).slice(0, 2).join('/')
  if (!/^(packages|apps)\/./.test(folder)) return `Name an area: pnpm bench <area>. ${known}`
  return all.filter((one) => one.folder === folder)
}

/** The ids that `--only` asks for, or a message. `M-1` stands for `M-1.file` and `M-1.tree`. */
function pick(bench: Bench, only: string): string[] | string {
  const asked = only.split(',').map((id) => id.trim())
  const matches = (id: string, one: string) => id === one || id.startsWith(`${one}.`)
  const unknown = asked.filter((one) => !bench.ids.some((id) => matches(id, one)))
  return unknown.length === 0
    ? bench.ids.filter((id) => asked.some((one) => matches(id, one)))
    : `${bench.area} has no ${unknown.map((id) => `"${id}"`).join(', ')}. Ids: ${bench.ids.join(', ')}.`
}

function machine(): BenchReport['machine'] {
  return {
    node: process.version,
    cpus: availableParallelism(),
    model: cpus()[0]?.model.trim() ?? 'unknown',
    memory: totalmem(),
    platform: `${process.platform}-${process.arch}`,
  }
}

if (import.meta.main) {
  // Whatever a bench or a library prints goes to stderr: stdout has the report alone.
  globalThis.console = new Console(process.stderr, process.stderr)
  process.exitCode = await benchCommand(process.argv.slice(2), {
    root: workspaceRoot(),
    cwd: process.cwd(),
    out: (text) => process.stdout.write(text),
    log: (line) => process.stderr.write(`${line}\n`),
  })
}

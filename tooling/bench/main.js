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
import { findAreas, loadBench } from './areas.ts'
import { judge } from './shape.ts'
import { formatReport } from './table.ts'
/** Runs the command line and gives the exit code. Rejects if a bench does. */
export async function benchCommand(args, place) {
  const usage = (message) => {
    place.log(message)
    return 2
  }
  let parsed
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
        given: given,
        log: place.log,
      }),
      ids,
    )
    const report = { area: one.area, quick, machine: machine(), results }
    place.out(json ? JSON.stringify(report) + '\n' : formatReport(report))
  }
  return 0
}
/** Whose options of its own an area has is looked at later: here they are any that have a text behind them. */
function parse(args) {
  const own = args.flatMap((arg) => /^--([a-z][a-z-]*)/.exec(arg)?.[1] ?? [])
  return parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      ...Object.fromEntries(own.map((name) => [name, { type: 'string' }])),
      json: { type: 'boolean', default: false },
      quick: { type: 'boolean', default: false },
      only: { type: 'string' },
    },
  })
}
function listed(names) {
  return names.length === 0 ? '' : `; it has ${names.map((name) => `--${name}`).join(', ')}`
}
/** The areas to run, or a message. */
function choose(all, named, place) {
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
function pick(bench, only) {
  const asked = only.split(',').map((id) => id.trim())
  const matches = (id, one) => id === one || id.startsWith(`${one}.`)
  const unknown = asked.filter((one) => !bench.ids.some((id) => matches(id, one)))
  return unknown.length === 0
    ? bench.ids.filter((id) => asked.some((one) => matches(id, one)))
    : `${bench.area} has no ${unknown.map((id) => `"${id}"`).join(', ')}. Ids: ${bench.ids.join(', ')}.`
}
function machine() {
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
//# sourceMappingURL=main.js.map

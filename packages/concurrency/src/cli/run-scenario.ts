/** Running a scenario from a file, and saying what came of it. */
import { createRequire } from 'node:module'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { SimulateCommand } from './arguments.ts'
import { causesOf, plain } from './causes.ts'

/** A failed run, as it is reported. */
interface Failure {
  /** Undefined on the native backend. */
  readonly seed: number | undefined
  readonly error: unknown
}

/** The entries of the package that run it: those of the copy that the scenario imports. */
type Library = Pick<typeof import('../index.ts'), 'nativeBackend' | 'withBackend'> &
  Pick<typeof import('../testing.ts'), 'simulate'>

/**
 * Runs what the command asks for, and says it line by line.
 *
 * @returns whether every run passed
 * @throws what prevents the scenario from being loaded
 */
export async function runScenario(command: SimulateCommand, say: (line: string) => void): Promise<boolean> {
  const file = resolve(command.file)
  const scenario = await load(file)
  const library = await libraryOf(file)
  const failures: Failure[] = []
  let runs = 0
  let seed: number | undefined
  const report = (error: unknown) => {
    failures.push({ seed, error })
    describe(command, failures.at(-1)!, failures.length === 1, say)
  }
  // What is thrown where nobody can catch it: in a callback of the host.
  process.on('uncaughtException', (error) => {
    report(error)
    summarise(command, runs, failures, say)
    process.stdout.write('', () => process.exit(1))
  })
  if (command.backend === 'native') {
    runs = 1
    await library.withBackend(scenario, { backend: library.nativeBackend }).catch(report)
  } else {
    const { mode, trace, json } = command
    const step = (line: string) => say(json ? JSON.stringify({ type: 'step', seed, line }) : line)
    for (seed = command.from; seed <= command.to; seed++) {
      runs += 1
      const { failed } = await library.simulate(scenario, {
        seeds: [seed, seed],
        mode,
        trace: trace ? step : undefined,
      })
      for (const { error } of failed) report(error.cause)
    }
  }
  summarise(command, runs, failures, say)
  return failures.length === 0
}

async function load(file: string): Promise<() => unknown> {
  const module = (await import(pathToFileURL(file).href)) as { default?: unknown }
  if (typeof module.default !== 'function') throw new TypeError('its default export is no function')
  return module.default as () => unknown
}

/** The copy of this package that the scenario sees: another copy would not know of the simulated run. */
async function libraryOf(file: string): Promise<Library> {
  const { resolve: find } = createRequire(file)
  let main: string
  let testing: string
  try {
    main = find('@ipfs-kit/concurrency')
    testing = find('@ipfs-kit/concurrency/testing')
  } catch (error) {
    if (!isNotFound(error)) throw error
    const [core, own] = await Promise.all([import('../index.ts'), import('../testing.ts')])
    return { ...core, ...own }
  }
  const [core, other] = (await Promise.all([
    import(pathToFileURL(main).href),
    import(pathToFileURL(testing).href),
  ])) as [typeof import('../index.ts'), typeof import('../testing.ts')]
  return { ...core, ...other }
}

function isNotFound(error: unknown): boolean {
  return (error as { code?: unknown }).code === 'MODULE_NOT_FOUND'
}

function describe(
  command: SimulateCommand,
  { seed, error }: Failure,
  first: boolean,
  say: (line: string) => void,
): void {
  const { causes, left } = causesOf(error)
  if (command.json) {
    say(
      JSON.stringify({
        type: 'failed',
        seed,
        mode: command.mode,
        again: again(command, seed),
        error: plain(error),
        causes: causes.map(plain),
      }),
    )
    return
  }
  const who = seed === undefined ? 'the native run' : `seed ${seed}`
  if (!first) {
    // The first in full; of the others a line.
    say(`${who} failed: ${plain(error).message.split('\n')[0]}`)
    return
  }
  const inFull = (thrown: unknown) => plain(thrown).stack ?? plain(thrown).message
  say(`${who} failed: ${inFull(error)}`)
  for (const cause of causes) say(`  cause: ${inFull(cause).replaceAll('\n', '\n  ')}`)
  if (left > 0) say(`  and ${left} more causes`)
}

function summarise(
  command: SimulateCommand,
  runs: number,
  failures: readonly Failure[],
  say: (line: string) => void,
): void {
  const failed = failures.length
  if (command.json) say(JSON.stringify({ type: 'summary', runs, failed }))
  else {
    if (failed > 0) say(`to run it again: ${again(command, failures[0]!.seed)}`)
    say(`${runs} ${runs === 1 ? 'run' : 'runs'}, ${failed} failed`)
  }
}

/** The command that runs the failed run alone. */
function again({ file, mode }: SimulateCommand, seed: number | undefined): string {
  const path = /^[\w./@+-]+$/.test(file) ? file : `'${file.replaceAll("'", String.raw`'\''`)}'`
  const how = seed === undefined ? ' --backend native' : ` --seed ${seed}${mode === 'pct' ? ' --pct' : ''}`
  return `ipfs-kit-concurrency simulate ${path}${how}`
}

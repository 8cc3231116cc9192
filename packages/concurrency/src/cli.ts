#!/usr/bin/env node
/** The executable `ipfs-kit-concurrency`: the streams and the exit code of this process around a command line. */
import { readFileSync } from 'node:fs'
import { parseCommandLine, usage, type Command } from './cli/arguments.ts'

/** Exit codes: everything passed, a run failed, or the command line or the scenario cannot be used. */
type ExitCode = 0 | 1 | 2

const say = (line: string) => void process.stdout.write(`${line}\n`)

async function main(): Promise<ExitCode> {
  let command: Command
  try {
    command = parseCommandLine(process.argv.slice(2), process.env)
  } catch (error) {
    process.stderr.write(`ipfs-kit-concurrency: ${(error as Error).message}\n\n${usage}\n`)
    return 2
  }
  if (command.name === 'help') say(usage)
  else if (command.name === 'version') say(version())
  else {
    try {
      const { runScenario } = await import('./cli/run-scenario.ts')
      return (await runScenario(command, say)) ? 0 : 1
    } catch (error) {
      const text = error instanceof Error ? (error.stack ?? error.message) : String(error)
      process.stderr.write(`ipfs-kit-concurrency: ${command.file} cannot be run: ${text}\n`)
      return 2
    }
  }
  return 0
}

function version(): string {
  const text = readFileSync(new URL('../package.json', import.meta.url), 'utf8')
  return (JSON.parse(text) as { version: string }).version
}

const code = await main()
// A scenario may have left real work behind, which would keep the process alive. First what was written goes out.
process.stdout.write('', () => process.stderr.write('', () => process.exit(code)))

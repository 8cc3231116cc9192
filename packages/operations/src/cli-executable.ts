/** A command line as the executable of a package: the arguments, streams, signals and exit code of this process. */
import { readFileSync } from 'node:fs'
import type { CommandStreams } from './cli-commands.ts'

/** One command line, as the system hands it to a process. */
export interface CommandLine {
  /** Arguments without node and script. */
  readonly args: readonly string[]
  readonly streams: CommandStreams
  /** Aborted with an `AbortError` by the first SIGINT or SIGTERM. */
  readonly signal: AbortSignal
  /** Folder that relative paths start from. */
  readonly cwd: string
  /** Of the package. */
  readonly version: string
}

/**
 * Runs the command line of this process, and leaves its exit code: the process ends when nothing is open any more. The
 * first SIGINT or SIGTERM cancels the command, a second one ends the process.
 *
 * @param manifest - where the package.json is whose version is shown
 * @param run - runs one command line; its answer is the exit code
 */
export async function runExecutable(
  manifest: URL,
  run: (commandLine: CommandLine) => Promise<number>,
): Promise<void> {
  const ending = new AbortController()
  for (const name of ['SIGINT', 'SIGTERM'] as const) {
    process.once(name, () => ending.abort(new DOMException(`Ended by ${name}`, 'AbortError')))
  }
  const { version } = JSON.parse(readFileSync(manifest, 'utf8')) as { version: string }
  process.exitCode = await run({
    args: process.argv.slice(2),
    streams: { stdin: process.stdin, stdout: process.stdout, stderr: process.stderr },
    signal: ending.signal,
    cwd: process.cwd(),
    version,
  })
}

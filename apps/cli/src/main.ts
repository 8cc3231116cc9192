#!/usr/bin/env node
/** The executable: the streams, signals and exit code of this process around a command line. */
import { readFileSync } from 'node:fs'
import { setFlagsFromString } from 'node:v8'
import { runCommandLine } from './program.ts'

// Content passes through as buffers outside of the heap. Without this every 64 MiB of them costs a collection of the
// whole heap, which is more work than to receive, hash and write them.
setFlagsFromString('--external-memory-accounted-in-global-limit')

/** How long a cancelled command may take to close before the process ends without it. */
const closingMs = 4500

const ending = new AbortController()
for (const name of ['SIGINT', 'SIGTERM'] as const) {
  process.once(name, () => {
    ending.abort(new DOMException(`Ended by ${name}`, 'AbortError'))
    // waits: ends the process when what has a scope hangs, so it has none, and keeps nothing alive.
    setTimeout(() => {
      process.stderr.write('error: closing took too long\n')
      process.exit(1)
    }, closingMs).unref()
  })
}

// A diagnostic report has the whole environment otherwise, and with it the secrets that references name.
if (process.report !== undefined) process.report.excludeEnv = true

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
  version: string
}
process.exitCode = await runCommandLine({
  args: process.argv.slice(2),
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
  signal: ending.signal,
  cwd: workingFolder(process.env),
  version,
})
// Standard input may be waiting for a line that nobody will read.
process.stdin.unref?.()

/**
 * pnpm runs the script `ipfs-kit` in the root of this workspace and says where the user stands. The scripts of other
 * projects mean the folder that they run in.
 */
function workingFolder(env: NodeJS.ProcessEnv): string {
  const isOurScript =
    env['npm_package_name'] === 'ipfs-kit-workspace' && env['npm_lifecycle_event'] === 'ipfs-kit'
  return (isOurScript ? env['INIT_CWD'] : undefined) ?? process.cwd()
}

#!/usr/bin/env node
/** The executable `ipfs-kit-cache`: the streams, signals and exit code of this process around a command line. */
import { readFileSync } from 'node:fs'
import { runCommandLine } from './cli-program.ts'

const ending = new AbortController()
for (const name of ['SIGINT', 'SIGTERM'] as const) {
  process.once(name, () => ending.abort(new DOMException(`Ended by ${name}`, 'AbortError')))
}

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
  version: string
}
process.exitCode = await runCommandLine({
  args: process.argv.slice(2),
  streams: { stdin: process.stdin, stdout: process.stdout, stderr: process.stderr },
  signal: ending.signal,
  cwd: process.cwd(),
  version,
})

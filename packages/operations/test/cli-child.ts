/** The program of the fixture as a process of its own. */
import { runExecutable, runProgram } from '@ipfs-kit/operations/cli'
import { createProgram } from './cli-fixture.ts'

await runExecutable(new URL('../package.json', import.meta.url), ({ args, streams, signal, cwd, version }) =>
  runProgram(createProgram(streams, { signal, cwd }).version(version), args),
)

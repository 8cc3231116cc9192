/**
 * The command line as a user who is not the super-user. A first command loads everything that the second one needs,
 * because that user may not even be allowed to read the sources. The first argument is a home for it.
 */
import { PassThrough } from 'node:stream'
import { runCommandLine } from '../../src/program.ts'

const [warm = '', ...args] = process.argv.slice(2)
const common = {
  stdin: process.stdin,
  stderr: process.stderr,
  signal: new AbortController().signal,
  cwd: process.cwd(),
  version: '0.0.0',
}
const code = await runCommandLine({
  ...common,
  args: ['status', '--home', warm],
  stdout: new PassThrough().resume(),
})
if (code !== 0) throw new Error(`The first command has failed with ${code}`)
if (process.getuid?.() === 0) {
  process.setgroups?.([])
  process.setgid?.(65_534)
  process.setuid?.(65_534)
}
process.exitCode = await runCommandLine({ ...common, args, stdout: process.stdout })

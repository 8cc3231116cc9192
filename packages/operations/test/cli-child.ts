/** The program of the fixture as a process of its own. */
import { createProgram } from './cli-fixture.ts'
import { runProgram } from '@ipfs-kit/operations/cli'

const cancel = new AbortController()
process.once('SIGINT', () => cancel.abort(new Error('SIGINT')))
process.exitCode = await runProgram(createProgram(process, { signal: cancel.signal }), process.argv.slice(2))

/** Runs a program and waits for its end. */
import { execFile } from 'node:child_process'
import { basename } from 'node:path'
/** A program ended with a code other than 0, by a signal, or passed its time. The message has the end of its output. */
export class RunError extends Error {
  name = 'RunError'
}
/** Its stdout. Rejects with RunError if it fails. */
export async function run(program, args, options) {
  // waits: checks and packs run before anything is built; `timeoutMs` ends it.
  return await new Promise((resolve, reject) => {
    const settings = {
      cwd: options.cwd,
      timeout: options.timeoutMs,
      killSignal: 'SIGKILL',
      env: { ...process.env, ...options.env },
      maxBuffer: 64 * 2 ** 20,
    }
    const child = execFile(program, [...args], settings, (error, stdout, stderr) => {
      if (error === null) {
        resolve(stdout)
        return
      }
      const end = error.killed === true ? `passed ${options.timeoutMs} ms` : `ended with ${error.code}`
      const output = `${stdout}\n${stderr}`.trim().split('\n').slice(-30).join('\n')
      reject(new RunError(`${basename(program)} ${args.join(' ')} ${end}\n${output}`, { cause: error }))
    })
    child.stdin?.end()
  })
}
//# sourceMappingURL=run.js.map

/** A process that ends no later than the one that started it, also when that is killed. */
import { spawn } from 'node:child_process'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { createEvent } from '@ipfs-kit/concurrency'

/** A running program. */
export interface BoundProcess {
  readonly pid: number
  /** Waits until it ends by itself, which is a failure: rejects with the end of its output. */
  failed(): Promise<never>
  /** SIGKILL to this process alone; resolves when it is gone. */
  kill(): Promise<void>
}

const shownBytes = 2_000

/**
 * Starts a program whose output goes to a file. The kernel kills it when the thread that started it ends (`prctl(2)`,
 * PR_SET_PDEATHSIG), so that no crash of a test leaves it behind.
 *
 * @throws Error if it cannot be started
 */
export async function startBound(
  command: string,
  args: readonly string[],
  outputPath: string,
): Promise<BoundProcess> {
  const output = openSync(outputPath, 'a')
  const child = spawn('setpriv', ['--pdeathsig', 'KILL', command, ...args], {
    stdio: ['ignore', output, output],
  })
  closeSync(output)
  const gone = createEvent()
  let failure: Error | undefined
  child.once('error', (error) => {
    failure = error
    gone.set()
  })
  child.once('exit', () => gone.set())
  if (child.pid === undefined) {
    await gone.wait()
    throw new Error(`${command} cannot be started`, { cause: failure })
  }
  return {
    pid: child.pid,
    async failed() {
      await gone.wait()
      const end = readFileSync(outputPath, 'utf8').slice(-shownBytes)
      throw new Error(`${command} has ended with ${child.exitCode ?? child.signalCode}: ${end}`)
    },
    async kill() {
      if (!gone.isSet) child.kill('SIGKILL')
      await gone.wait()
    },
  }
}

/** Real processes beside the test. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { onTestFinished } from 'vitest'

/** A process that answers in lines of JSON. */
export interface Child {
  readonly pid: number
  /** The next line of its stdout. */
  answer(): Promise<Record<string, unknown>>
  /** Tells it to go on: its stdin ends. */
  finish(): Promise<void>
  /** `kill -9`; returns when it is gone. */
  kill(): Promise<void>
}

/** Starts one of `test/processes`. It is killed at the end of the test at the latest. */
export function startChild(
  name: string,
  args: readonly string[],
  nodeOptions: readonly string[] = [],
): Child {
  const script = fileURLToPath(new URL(`./processes/${name}.ts`, import.meta.url))
  const child = spawn(process.execPath, ['--conditions=@ipfs-kit/source', ...nodeOptions, script, ...args], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const exited = once(child, 'exit')
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const { pid } = child
  if (pid === undefined) throw new Error(`${name} did not start`)
  const kill = async (): Promise<void> => {
    child.kill('SIGKILL')
    await exited
  }
  onTestFinished(kill)
  return {
    pid,
    answer: async () => {
      const line = await lines.next()
      if (line.done === true) throw new Error(`${name} ended without an answer`)
      return JSON.parse(line.value) as Record<string, unknown>
    },
    finish: async () => {
      child.stdin.end()
      await exited
    },
    kill,
  }
}

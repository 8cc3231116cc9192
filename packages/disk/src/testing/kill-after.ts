/** Processes that are killed while they work. */
import assert from 'node:assert/strict'
import { type ChildProcess, type ChildProcessByStdio, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { suspend } from '@ipfs-kit/concurrency'

/**
 * Runs Node until it has said so many lines on its standard output, and kills it as `kill -9` does. Its standard error is that of
 * this process. It is killed, too, when the scope around it is cancelled.
 *
 * @param args - what Node is started with: its own options, the path of a program, and what that is given
 * @param lines - how many; `Infinity` for a program that kills itself
 * @param atLine - what is done while it is there, after the last of these lines and before the kill
 * @returns all lines that it has said until it was gone
 * @throws AssertionError if it has ended otherwise; what `atLine` throws and the reason of a cancellation, once it is gone
 */
export async function killAfter(
  args: readonly string[],
  lines: number,
  atLine?: () => Promise<void>,
): Promise<string[]> {
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  const [said, end] = await Promise.allSettled([linesOf(child, lines, atLine), endOf(child)])
  if (said.status === 'rejected') throw said.reason
  if (end.status === 'rejected') throw end.reason
  assert.deepEqual(end.value, { code: null, signal: 'SIGKILL' })
  return said.value
}

/** What it says until it is gone; it is killed in time. */
async function linesOf(
  child: ChildProcessByStdio<null, Readable, null>,
  lines: number,
  atLine: (() => Promise<void>) | undefined,
): Promise<string[]> {
  const said: string[] = []
  for await (const line of createInterface({ input: child.stdout })) {
    said.push(line)
    if (said.length !== lines) continue
    try {
      await atLine?.()
    } finally {
      child.kill('SIGKILL')
    }
  }
  return said
}

/** Waits until it is gone. */
function endOf(child: ChildProcess): Promise<{ code: number | null; signal: NodeJS.Signals | null }> {
  return suspend(
    ({ resolve, reject }) => {
      child.once('error', reject)
      child.once('exit', (code, signal) => resolve({ code, signal }))
      return () => {
        child.kill('SIGKILL')
        return 'settles-later'
      }
    },
    { what: 'end of a process that is to be killed' },
  )
}

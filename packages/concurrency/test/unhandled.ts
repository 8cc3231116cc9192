/** Catches what the program would report as rejections that nobody handled. */
import { setImmediate as turn } from 'node:timers/promises'

/** Runs `fn`, and gives what was rejected and not handled until a turn after it. */
export async function unhandledDuring(fn: () => unknown): Promise<unknown[]> {
  const before = process.listeners('unhandledRejection')
  const found: unknown[] = []
  process.removeAllListeners('unhandledRejection')
  process.on('unhandledRejection', (error) => found.push(error))
  try {
    await fn()
    await turn()
    return found
  } finally {
    process.removeAllListeners('unhandledRejection')
    for (const listener of before) process.on('unhandledRejection', listener)
  }
}

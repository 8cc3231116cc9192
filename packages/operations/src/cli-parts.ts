/** The caller of a command line that has the parts of its operations open itself. */
import { createCaller } from './caller.ts'
import type { ConnectedCaller } from './cli-call.ts'
import type { AnyOperation } from './operation.ts'

/**
 * Calls operations on parts that are open, for the command line of one package.
 *
 * @param close - closes the parts when the command has ended
 */
export function connectParts(
  operations: readonly AnyOperation[],
  parts: Readonly<Record<string, unknown>>,
  close: () => Promise<void>,
): ConnectedCaller {
  const { signal } = new AbortController()
  return { caller: createCaller({ operations, borrow: () => ({ parts, signal, release() {} }) }), close }
}

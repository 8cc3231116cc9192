/** How a wait finds its scope. */
import { nodeOf } from './ambient.ts'
import { ScopeNode } from './scope-node.ts'
import type { Scope, WaitOptions } from './scope.ts'
import { linkSignal } from './signal-link.ts'

/** The keys of {@link WaitOptions}. */
export const waitKeys = ['scope', 'signal']

/**
 * Runs a wait that was given a signal: in a scope of its own that the signal cancels. `wait` gets the options without
 * the signal.
 */
export async function underSignal<O extends WaitOptions, T>(
  options: O,
  wait: (options: Omit<O, 'signal'> & { scope: Scope }) => Promise<T>,
): Promise<T> {
  const parent = nodeOf(options.scope)
  const { signal, ...rest } = options
  if (!(signal instanceof AbortSignal)) throw new TypeError('signal is not an AbortSignal')
  const node = new ScopeNode(parent.kernel, parent, 'scope', 'signal', undefined)
  linkSignal(node, signal)
  try {
    return await wait({ ...rest, scope: node })
  } finally {
    node.close()
  }
}

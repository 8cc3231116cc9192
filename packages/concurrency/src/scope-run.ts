/** Running a function in a scope of its own, and ending the scope when everything in it has ended. */
import { nodeOf, within } from './ambient.ts'
import { checkFunction, checkOptions, checkTime } from './checks.ts'
import type { ConcurrencyError } from './errors.ts'
import { ScopeNode, textOf, unwrapAbort, type Label } from './scope-node.ts'
import type { ScopeOptions } from './scope.ts'
import { linkSignal } from './signal-link.ts'
import { Wait } from './wait.ts'

/** How a body ended. */
export type Outcome<T> =
  | { readonly failed: false; readonly value: T }
  | { readonly failed: true; readonly error: unknown }

const known = ['name', 'shield', 'deadline', 'signal', 'scope']

/** Checks what every function that opens a scope is given. */
export function checkBody(fn: unknown, options: ScopeOptions | undefined): void {
  checkFunction(fn, 'fn')
  refuseGenerator(fn)
  checkOptions(options, known)
  if (options?.shield !== undefined && typeof options.shield !== 'boolean') {
    throw new TypeError(`shield is not a boolean but ${typeof options.shield}`)
  }
  if (options?.deadline !== undefined) checkTime(options.deadline, 'deadline')
  if (options?.signal !== undefined && !(options.signal instanceof AbortSignal)) {
    throw new TypeError('signal is not an AbortSignal')
  }
}

/** A scope does not span a `yield`: a consumer resumes a generator from whatever scope it is in. */
export function refuseGenerator(fn: unknown): void {
  const tag = (fn as { [Symbol.toStringTag]?: string })[Symbol.toStringTag]
  if (tag === 'AsyncGeneratorFunction' || tag === 'GeneratorFunction') {
    throw new TypeError(
      'a generator function cannot run in a scope: the scope would be open across its yields',
    )
  }
}

/** What a scope is called: the given name, else that of its function. */
export function labelOf(
  options: { readonly name?: string | undefined } | undefined,
  fn: { readonly name: string },
): Label {
  return options?.name ?? fn
}

/** The same as text, for those who need it at once. */
export function nameOf(
  options: { readonly name?: string | undefined } | undefined,
  fn: { readonly name: string },
): string {
  return textOf(labelOf(options, fn))
}

/** Opens a scope around `fn`. */
export function openNode(fn: { name: string }, options: ScopeOptions | undefined): ScopeNode {
  const parent = nodeOf(options?.scope)
  const node = new ScopeNode(parent.kernel, parent, 'scope', labelOf(options, fn), options)
  if (options?.signal !== undefined) linkSignal(node, options.signal)
  return node
}

/** Runs `fn` in `node`. */
export async function runBody<N extends ScopeNode, T>(
  node: N,
  fn: (node: N) => T | PromiseLike<T>,
): Promise<Outcome<T>> {
  try {
    return { failed: false, value: await within(node, fn) }
  } catch (error) {
    return { failed: true, error: unwrapAbort(node, error) }
  }
}

/**
 * Waits until every scope inside `node` has ended, and ends it in the same step, so that nothing can begin in between. Not
 * even a cancellation ends this wait: it is what ends the scopes.
 */
export async function drain(node: ScopeNode): Promise<void> {
  while (node.firstChild !== undefined) {
    const wait = new Wait<void>(node, 'inner scopes', node)
    node.drained = () => void wait.succeed()
    await wait.promise
  }
  node.close()
}

/** Cancels the scopes that the body of `node` left open, and waits for their end. */
export async function reclaim(node: ScopeNode): Promise<ConcurrencyError> {
  const wait = new Wait<ConcurrencyError>(node, 'inner scopes', node)
  node.reclaim((error) => void wait.succeed(error))
  return await wait.promise
}

/** Runs `fn` in `node`, ends the node, and gives the outcome. */
export async function runScope<T>(
  node: ScopeNode,
  fn: (scope: ScopeNode) => T | PromiseLike<T>,
): Promise<Outcome<T>> {
  let outcome = await runBody(node, fn)
  // More than once if what was left open opens another scope as it ends.
  while (node.firstChild !== undefined) {
    const error = await reclaim(node)
    if (!outcome.failed) outcome = { failed: true, error }
  }
  node.close()
  return outcome
}

/** Which scope the running code is in. */
import { host } from '#host'
import { ConcurrencyError } from './errors.ts'
import { native } from './native.ts'
import { ScopeNode } from './scope-node.ts'
import type { Scope } from './scope.ts'

/**
 * The scope of the running code. It travels in async context; where the host has none, or outside any scope, it is the
 * root of the native backend, which is never cancelled.
 */
export function currentScope(): Scope {
  return currentNode()
}

/**
 * The node of the running code. Code that outlived its scope, as the listener of an emitter that was made in it, waits
 * in the nearest open one around it, whatever became of its own.
 */
export function currentNode(): ScopeNode {
  const node = host.ambient() as ScopeNode | undefined
  if (node === undefined) return native.root
  return node.closed ? openAround(node) : node
}

/** The nearest open scope around `node`, or itself. */
export function openAround(node: ScopeNode): ScopeNode {
  let around = node
  while (around.closed && around.parent !== undefined) around = around.parent
  return around
}

/** The node of a passed scope, or of the running code if none was passed. */
export function nodeOf(scope: Scope | undefined): ScopeNode {
  if (scope === undefined) return currentNode()
  if (!(scope instanceof ScopeNode)) throw new TypeError('scope is not a scope of this package')
  if (scope.closed && !scope.cancelled) {
    throw new ConcurrencyError('CONCURRENCY_SCOPE_CLOSED', `${scope.title} has ended`)
  }
  return scope
}

/** Makes `node` the scope of the running code, for the rest of the microtask that this is called in. */
export function enter(node: ScopeNode): void {
  host.enter(node)
}

/** Runs `fn(node)` with `node` as the scope of the running code. */
export function within<N extends ScopeNode, T>(node: N, fn: (node: N) => T): T {
  return host.within(node, fn)
}

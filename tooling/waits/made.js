/** Promises made by hand whose resolver is kept: waits that end with a callback, without a scope that could end them. */
import { globalName } from './names.ts'
import { unwrap, walk } from './tree.ts'
/** Of a promise whose executor itself settles it there is nothing to say; every other one is refused. */
export function findMade(node) {
  if (node.type !== 'NewExpression' || globalName(node.callee) !== 'Promise') return []
  const [executor] = node.arguments
  if (executor !== undefined && settlesInPlace(unwrap(executor))) return []
  const problem = 'makes a promise whose resolver is kept for later'
  return [{ at: node.start, problem, remedy: 'use suspend, or an event or a channel' }]
}
/** Whether a function calls what it is given in its own body, and does nothing else with it. */
function settlesInPlace(executor) {
  if (executor.type !== 'ArrowFunctionExpression' && executor.type !== 'FunctionExpression') return false
  if (executor.async || executor.generator || executor.body === null) return false
  const resolvers = new Set(executor.params.map((one) => (one.type === 'Identifier' ? one.name : '')))
  if (resolvers.has('')) return false
  const counts = { calls: 0, names: 0 }
  count(executor.body, resolvers, counts)
  return counts.calls > 0 && counts.calls === counts.names
}
/** Counts how often the resolvers are named, and how often that is to call them, functions inside left out of the calls. */
function count(body, resolvers, counts, isInner = false) {
  walk(body, (node, { parent, key }) => {
    if (node !== body && !isInner && /Function/.test(node.type)) {
      count(node, resolvers, counts, true)
      return 'skip'
    }
    if (node.type !== 'Identifier' || !resolvers.has(node.name)) return undefined
    counts.names += 1
    if (!isInner && parent?.type === 'CallExpression' && key === 'callee') counts.calls += 1
    return undefined
  })
}
//# sourceMappingURL=made.js.map

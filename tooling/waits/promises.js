/** Promises that nobody owns (floating) and failures that nobody hears of (swallowed), as far as syntax shows them. */
import { globalName } from './names.ts'
import { memberName, unwrap, walk } from './tree.ts'
/** The functions that a file declares by name or keeps in a variable. */
export function localFunctions(program) {
  const found = new Map()
  walk(program, (node) => {
    if (node.type === 'FunctionDeclaration' && node.id !== null) found.set(node.id.name, node)
    if (node.type === 'VariableDeclarator' && node.id.type === 'Identifier' && node.init !== null) {
      found.set(node.id.name, unwrap(node.init))
    }
    return undefined
  })
  return found
}
/** What a node drops or swallows. */
export function findPromises(node, functions) {
  switch (node.type) {
    case 'UnaryExpression': {
      if (node.operator !== 'void') return []
      const dropped = unwrap(node.argument)
      if (isConstant(dropped) || dropped.type === 'AwaitExpression') return []
      if (swallowing(dropped, functions) !== undefined) return [] // Found as a call.
      return [{ at: node.start, problem: '`void` drops a result', remedy: ownOrUnvoid }]
    }
    case 'ExpressionStatement':
      return droppedBy(node.expression).flatMap((value) => {
        const call = unwrap(value.type === 'AwaitExpression' ? value.argument : value)
        if (isAllSettled(call)) return [{ at: call.start, problem: unlooked, remedy: lookAtAll }]
        if (handled(value) === undefined || swallowing(value, functions) !== undefined) return []
        const problem = `nobody awaits what ends in .${handled(value)?.name}()`
        return [{ at: value.start, problem, remedy: own }]
      })
    case 'CallExpression': {
      const found = swallowing(node, functions)
      return found === undefined ? [] : [found]
    }
    case 'TryStatement': {
      const { block, handler } = node
      if (handler === null || handler.body.body.length > 0 || !awaits(block)) return []
      const { start, end } = handler.body
      const problem = 'an empty catch block swallows the failure of an await'
      return [{ at: handler.start, problem, remedy: lookAtIt, block: { start, end } }]
    }
    default:
      return []
  }
}
/** Without the `void` the type-aware lint decides whether it is a promise. */
const ownOrUnvoid =
  'await it or spawn it in a task group or owner; a call that gives no promise stands in a block body without `void`'
const own = 'await it, or spawn the work in a task group or owner, which hears of its failure'
const unlooked = 'nobody looks at the outcomes of Promise.allSettled'
const lookAtAll = 'look at them, or wait with a task group, which fails with what fails in it'
const lookAtIt = 'take the one error that is meant by its code and throw the others'
/** The expressions whose values a statement drops. */
function droppedBy(expression) {
  const node = unwrap(expression)
  switch (node.type) {
    case 'LogicalExpression':
      return droppedBy(node.right)
    case 'ConditionalExpression':
      return [...droppedBy(node.consequent), ...droppedBy(node.alternate)]
    case 'SequenceExpression':
      return node.expressions.flatMap(droppedBy)
    default:
      return [node]
  }
}
function isAllSettled(node) {
  if (node.type !== 'CallExpression') return false
  const callee = unwrap(node.callee)
  if (callee.type !== 'MemberExpression' || memberName(callee)?.name !== 'allSettled') return false
  return globalName(callee.object) === 'Promise'
}
/** The last call of a promise chain: `then`, `catch` or `finally` with what it is given. */
function handled(node) {
  if (node.type !== 'CallExpression') return undefined
  const member = memberName(unwrap(node.callee))
  if (member === undefined || !/^(then|catch|finally)$/.test(member.name)) return undefined
  return { ...member, given: node.arguments }
}
/** The finding for a call whose handler of failures looks at nothing and does nothing. */
function swallowing(node, functions) {
  const call = handled(node)
  const handler = call?.name === 'catch' ? call.given[0] : call?.name === 'then' ? call.given[1] : undefined
  if (call === undefined || handler === undefined || !doesNothing(handler, functions)) return undefined
  return { at: call.at, problem: `the handler of .${call.name}() swallows the failure`, remedy: lookAtIt }
}
/** Whether a function has an empty body or returns the same whatever it is given. */
function doesNothing(handler, functions) {
  const inner = unwrap(handler)
  const node = inner.type === 'Identifier' ? functions.get(inner.name) : inner
  if (node === undefined) return false
  if (node.type !== 'ArrowFunctionExpression' && !isFunction(node)) return false
  if (node.body === null) return false
  if (node.body.type !== 'BlockStatement') return isConstant(node.body)
  return node.body.body.every(
    (one) =>
      one.type === 'EmptyStatement' ||
      (one.type === 'ReturnStatement' && (one.argument === null || isConstant(one.argument))),
  )
}
function isFunction(node) {
  return node.type === 'FunctionExpression' || node.type === 'FunctionDeclaration'
}
function isConstant(expression) {
  const node = unwrap(expression)
  switch (node.type) {
    case 'Literal':
      return true
    case 'Identifier':
      return node.name === 'undefined'
    case 'TemplateLiteral':
      return node.expressions.length === 0
    case 'UnaryExpression':
      return isConstant(node.argument)
    case 'ArrayExpression':
      return node.elements.every((one) => one === null || isConstant(one))
    case 'ObjectExpression':
      return node.properties.every((one) => one.type === 'Property' && isConstant(one.value))
    default:
      return false
  }
}
/** Whether a block waits, functions inside of it left out. */
function awaits(block) {
  let found = false
  walk(block, (node) => {
    if (node.type === 'ArrowFunctionExpression' || isFunction(node)) return 'skip'
    found ||=
      node.type === 'AwaitExpression' ||
      (node.type === 'ForOfStatement' && node.await) ||
      (node.type === 'VariableDeclaration' && node.kind === 'await using')
    return undefined
  })
  return found
}
//# sourceMappingURL=promises.js.map

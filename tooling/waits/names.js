/**
 * The names of the platform that wait without a scope: timers, waits for an event, and the members of `Promise` that leave
 * losers running or keep a resolver.
 */
import { literal, memberName, unwrap } from './tree.ts'
/** What stands in for each global function. */
const functions = {
  setTimeout: 'use sleep for a pause, moveOnAfter or failAfter for a limit',
  setInterval: 'use a loop around sleep in a task of a group or owner',
  setImmediate: 'use checkpoint',
}
const forCallback = 'use suspend, whose wait belongs to a scope and is undone when that is cancelled'
/** What stands in for each function of a global object, or of the class of `node:events`. */
const members = {
  Promise: {
    race: 'use race, which cancels the losers and awaits them, or run with a scope',
    any: "use race with { until: 'fulfilled' }",
    withResolvers: 'use suspend, or an event or a channel',
  },
  EventEmitter: { once: forCallback, on: 'use a channel that a listener sends to' },
  AbortSignal: { timeout: 'use failAfter or moveOnAfter and the signal of its scope' },
}
const globalObjects = new Set(['globalThis', 'global', 'window', 'self'])
const timerModules = new Set(['timers', 'node:timers', 'timers/promises', 'node:timers/promises'])
const eventModules = new Set(['events', 'node:events'])
/**
 * What a node names of these. Names are not followed: a variable, parameter or import that is called like a global timer
 * is refused as well and takes another name, while a member of any other object (`socket.setTimeout`) is free.
 */
export function findNames(node, place) {
  const module = importedModule(node)
  if (module !== undefined && timerModules.has(module)) {
    const remedy = 'use sleep, checkpoint, moveOnAfter or failAfter'
    return [{ at: node.start, problem: `imports ${module}`, remedy }]
  }
  if (module !== undefined && eventModules.has(module)) return fromEvents(node, module)
  switch (node.type) {
    case 'Identifier':
      return isReference(place) ? refused('', node.name, node.start) : []
    case 'MemberExpression': {
      const member = memberName(node)
      const owner = globalName(node.object)
      return member === undefined || owner === undefined ? [] : refused(owner, member.name, member.at)
    }
    case 'VariableDeclarator':
      return node.init === null ? [] : takenApart(node.id, node.init)
    case 'AssignmentExpression':
    case 'AssignmentPattern':
      return takenApart(node.left, node.right)
    default:
      return []
  }
}
/** The waits of `node:events`, and every way to its class or to all of it under a name that would hide them. */
function fromEvents(node, module) {
  const whole = [
    { at: node.start, problem: `takes all of ${module}`, remedy: 'name what you take, in an import' },
  ]
  if (node.type !== 'ImportDeclaration' && node.type !== 'ExportNamedDeclaration') return whole
  return node.specifiers.flatMap((one) => {
    if (one.type === 'ImportNamespaceSpecifier') return whole
    if ('importKind' in one && one.importKind === 'type') return []
    if ('exportKind' in one && one.exportKind === 'type') return []
    const name =
      one.type === 'ImportDefaultSpecifier'
        ? 'default'
        : nameOf(one.type === 'ImportSpecifier' ? one.imported : one.local)
    const local = nameOf(one.type === 'ExportSpecifier' ? one.exported : one.local)
    if (name !== 'default' && name !== 'EventEmitter') return refused('EventEmitter', name ?? '', one.start)
    const remedy = 'call it EventEmitter'
    return local === 'EventEmitter' ? [] : [{ at: one.start, problem: `calls EventEmitter ${local}`, remedy }]
  })
}
/** `const { race } = Promise`, `const { setTimeout: later } = globalThis`. */
function takenApart(pattern, from) {
  const owner = globalName(from)
  if (pattern.type !== 'ObjectPattern' || owner === undefined) return []
  return pattern.properties.flatMap((property) => {
    if (property.type !== 'Property') return []
    const { key, computed } = property
    const name = computed ? literal(key) : nameOf(key)
    return name === undefined ? [] : refused(owner, name, key.start)
  })
}
/** The finding for a member of a global object, or for a global itself if the owner is `''` or the global object. */
function refused(owner, name, at) {
  const isGlobal = owner === '' || globalObjects.has(owner)
  const table = isGlobal ? functions : members[owner]
  if (table === undefined || !Object.hasOwn(table, name)) return []
  const problem = `names ${isGlobal ? name : `${owner}.${name}`}`
  return [{ at, problem, remedy: table[name] ?? '' }]
}
/** The name that an identifier or a string stands for. */
function nameOf(node) {
  return node.type === 'Identifier' ? node.name : literal(node)
}
/** `Promise` for `Promise`, `globalThis.Promise` and `window['Promise']`; absent for what is no plain name. */
export function globalName(node) {
  const inner = unwrap(node)
  if (inner.type === 'Identifier') return inner.name
  if (inner.type !== 'MemberExpression') return undefined
  const owner = globalName(inner.object)
  return owner !== undefined && globalObjects.has(owner) ? memberName(inner)?.name : undefined
}
/** Whether an identifier here is a variable and not the name of a member, key, label or export. */
function isReference({ parent, key }) {
  switch (parent?.type) {
    case 'MemberExpression':
      return key === 'object' || parent.computed
    case 'Property':
    case 'MethodDefinition':
    case 'PropertyDefinition':
    case 'AccessorProperty':
      return key === 'value' || parent.computed
    case 'ExportSpecifier':
      return key === 'local'
    case 'ImportSpecifier':
    case 'LabeledStatement':
    case 'BreakStatement':
    case 'ContinueStatement':
    case 'MetaProperty':
      return false
    default:
      return true
  }
}
/** The module that a node loads at run time by a name that stands there. */
function importedModule(node) {
  switch (node.type) {
    case 'ImportDeclaration':
      return node.importKind === 'type' ? undefined : node.source.value
    case 'ExportNamedDeclaration':
    case 'ExportAllDeclaration':
      return node.exportKind === 'type' ? undefined : node.source?.value
    case 'ImportExpression':
      return literal(node.source)
    case 'TSExternalModuleReference':
      return literal(node.expression)
    case 'CallExpression': {
      const [first] = node.arguments
      const callee = unwrap(node.callee)
      const name = callee.type === 'Identifier' ? callee.name : memberName(callee)?.name
      return first !== undefined && (name === 'require' || name === 'getBuiltinModule')
        ? literal(first)
        : undefined
    }
    default:
      return undefined
  }
}
//# sourceMappingURL=names.js.map

/**
 * Gives each node that is there at run time to `use`, parents first. Types are left out, and what is inside of a node for
 * which `use` returns `'skip'`.
 */
export function walk(node, use, place = { key: '', statement: node.start }) {
  if (isErased(node)) return
  const here = isStatement(node) ? { ...place, statement: node.start } : place
  if (use(node, here) === 'skip') return
  for (const [key, value] of Object.entries(node)) {
    for (const child of Array.isArray(value) ? value : [value]) {
      if (isNode(child)) walk(child, use, { parent: node, key, statement: here.statement })
    }
  }
}
/** The expression inside of parentheses, `?.` chains and assertions of type. */
export function unwrap(node) {
  switch (node.type) {
    case 'ParenthesizedExpression':
    case 'ChainExpression':
    case 'TSAsExpression':
    case 'TSSatisfiesExpression':
    case 'TSNonNullExpression':
    case 'TSTypeAssertion':
    case 'TSInstantiationExpression':
      return unwrap(node.expression)
    default:
      return node
  }
}
/** The name between the dot or the brackets of a member, with its offset; absent when it is computed. */
export function memberName(node) {
  if (node.type !== 'MemberExpression' || node.property.type === 'PrivateIdentifier') return undefined
  const name = node.computed
    ? literal(node.property)
    : node.property.type === 'Identifier' && node.property.name
  return typeof name === 'string' ? { name, at: node.property.start } : undefined
}
/** The text of a string, or of a template without holes. */
export function literal(node) {
  if (node.type === 'Literal') return typeof node.value === 'string' ? node.value : undefined
  if (node.type !== 'TemplateLiteral' || node.quasis.length !== 1) return undefined
  return node.quasis[0]?.value.cooked ?? undefined
}
/** The line of an offset, counted from 1. */
export function lineAt(text, offset) {
  let line = 1
  for (let at = text.indexOf('\n'); at !== -1 && at < offset; at = text.indexOf('\n', at + 1)) line += 1
  return line
}
function isNode(value) {
  return typeof value === 'object' && value !== null && 'type' in value && typeof value.type === 'string'
}
/** Expressions and imports that TypeScript adds and that leave something at run time. */
const kept = new Set([
  'TSAsExpression',
  'TSSatisfiesExpression',
  'TSNonNullExpression',
  'TSTypeAssertion',
  'TSInstantiationExpression',
  'TSExportAssignment',
  'TSImportEqualsDeclaration',
  'TSExternalModuleReference',
])
function isErased(node) {
  return node.type.startsWith('TS') && !kept.has(node.type)
}
function isStatement(node) {
  return /(Statement|Declaration|Definition|^Property)$/.test(node.type)
}
//# sourceMappingURL=tree.js.map

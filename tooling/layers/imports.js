/** The imports of a TypeScript file, read from its syntax tree and not by pattern. */
import { parseSync } from 'vite'
/** The imports in the order of the text. Throws SyntaxError with the first message of the parser. */
export function readImports(fileName, text) {
  const { program, errors } = parseSync(fileName, text)
  const first = errors[0]
  if (first !== undefined) throw new SyntaxError(first.message)
  const sites = []
  visit(program, (node) => {
    const site = siteOf(node)
    const specifier = literal(site?.source)
    if (site === undefined || specifier === undefined) return
    sites.push({ specifier, line: lineAt(text, Number(node['start'])), kind: site.kind })
  })
  return sites
}
function siteOf(node) {
  switch (node['type']) {
    case 'ImportDeclaration':
      return { source: node['source'], kind: node['importKind'] === 'type' ? 'type' : 'value' }
    case 'ExportNamedDeclaration':
    case 'ExportAllDeclaration':
      return { source: node['source'], kind: node['exportKind'] === 'type' ? 'type' : 'value' }
    case 'ImportExpression':
      return { source: node['source'], kind: 'value' }
    case 'TSImportType':
      return { source: node['source'], kind: 'type' }
    case 'TSExternalModuleReference':
      return { source: node['expression'], kind: 'value' }
    case 'CallExpression':
      return isImportMeta(node['callee'], 'resolve')
        ? { source: firstArgument(node), kind: 'address' }
        : undefined
    case 'NewExpression':
      return isName(node['callee'], 'URL') && isImportMeta(node['arguments'][1], 'url')
        ? { source: firstArgument(node), kind: 'file' }
        : undefined
    default:
      return undefined
  }
}
function visit(value, use) {
  if (Array.isArray(value)) {
    for (const item of value) visit(item, use)
  } else if (isNode(value)) {
    use(value)
    for (const child of Object.values(value)) {
      if (typeof child === 'object' && child !== null) visit(child, use)
    }
  }
}
function isNode(value) {
  return typeof value === 'object' && value !== null && 'type' in value && typeof value.type === 'string'
}
function isName(value, name) {
  return isNode(value) && value['type'] === 'Identifier' && value['name'] === name
}
function isImportMeta(value, property) {
  return (
    isNode(value) &&
    value['type'] === 'MemberExpression' &&
    isNode(value['object']) &&
    value['object']['type'] === 'MetaProperty' &&
    isName(value['property'], property)
  )
}
function firstArgument(node) {
  return node['arguments'][0]
}
/** The text of a string, or of a template without holes. */
function literal(value) {
  if (!isNode(value)) return undefined
  if (value['type'] === 'Literal' && typeof value['value'] === 'string') return value['value']
  if (value['type'] !== 'TemplateLiteral') return undefined
  const parts = value['quasis']
  return parts.length === 1 ? parts[0]?.value.cooked : undefined
}
function lineAt(text, offset) {
  let line = 1
  for (let at = text.indexOf('\n'); at !== -1 && at < offset; at = text.indexOf('\n', at + 1)) line += 1
  return line
}
//# sourceMappingURL=imports.js.map

/** The imports of a TypeScript file, read from its syntax tree and not by pattern. */
import { parseSync } from 'vite'

/** One place where a file names another module. */
export interface ImportSite {
  /** What stands between the quotes. */
  readonly specifier: string
  /** Line, counted from 1. */
  readonly line: number
  /**
   * - `value`: `import`, `export … from`, `import()` and `import x = require()`: loaded at run time.
   * - `type`: `import type`, `export type … from` and `import('x').T`: erased. `import { type T }` is `value`, since
   *   `verbatimModuleSyntax` keeps the import itself.
   * - `address`: `import.meta.resolve('x')`.
   * - `file`: `new URL('./x', import.meta.url)`.
   */
  readonly kind: 'value' | 'type' | 'address' | 'file'
}

/** The imports in the order of the text. Throws SyntaxError with the first message of the parser. */
export function readImports(fileName: string, text: string): ImportSite[] {
  const { program, errors } = parseSync(fileName, text)
  const first = errors[0]
  if (first !== undefined) throw new SyntaxError(first.message)
  const sites: ImportSite[] = []
  visit(program, (node) => {
    const site = siteOf(node)
    const specifier = literal(site?.source)
    if (site === undefined || specifier === undefined) return
    sites.push({ specifier, line: lineAt(text, Number(node['start'])), kind: site.kind })
  })
  return sites
}

type Node = Record<string, unknown>

function siteOf(node: Node): { source: unknown; kind: ImportSite['kind'] } | undefined {
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
      return isName(node['callee'], 'URL') && isImportMeta((node['arguments'] as unknown[])[1], 'url')
        ? { source: firstArgument(node), kind: 'file' }
        : undefined
    default:
      return undefined
  }
}

function visit(value: unknown, use: (node: Node) => void): void {
  if (Array.isArray(value)) {
    for (const item of value) visit(item, use)
  } else if (isNode(value)) {
    use(value)
    for (const child of Object.values(value)) {
      if (typeof child === 'object' && child !== null) visit(child, use)
    }
  }
}

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && 'type' in value && typeof value.type === 'string'
}

function isName(value: unknown, name: string): boolean {
  return isNode(value) && value['type'] === 'Identifier' && value['name'] === name
}

function isImportMeta(value: unknown, property: string): boolean {
  return (
    isNode(value) &&
    value['type'] === 'MemberExpression' &&
    isNode(value['object']) &&
    value['object']['type'] === 'MetaProperty' &&
    isName(value['property'], property)
  )
}

function firstArgument(node: Node): unknown {
  return (node['arguments'] as unknown[])[0]
}

/** The text of a string, or of a template without holes. */
function literal(value: unknown): string | undefined {
  if (!isNode(value)) return undefined
  if (value['type'] === 'Literal' && typeof value['value'] === 'string') return value['value']
  if (value['type'] !== 'TemplateLiteral') return undefined
  const parts = value['quasis'] as { value: { cooked: string } }[]
  return parts.length === 1 ? parts[0]?.value.cooked : undefined
}

function lineAt(text: string, offset: number): number {
  let line = 1
  for (let at = text.indexOf('\n'); at !== -1 && at < offset; at = text.indexOf('\n', at + 1)) line += 1
  return line
}

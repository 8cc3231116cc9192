/** The error table of a README and the const table in `src/errors.ts` from which it is made. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
const header = '| code | kind | when | what to do |'
const columns = ['kind', 'when', 'next']
/**
 * The table that a package's `src/errors.ts` exports: the object whose name ends in `Errors`. Undefined if there is no
 * such file. Throws if the file cannot be loaded, exports no such object or more than one, or a field is missing.
 */
export async function loadErrors(folder) {
  const path = join(folder, 'src/errors.ts')
  if (!existsSync(path)) return undefined
  const module = await import(pathToFileURL(path).href)
  const tables = Object.entries(module).filter(
    ([name, value]) => name.endsWith('Errors') && typeof value === 'object' && value !== null,
  )
  const table = tables[0]?.[1]
  if (table === undefined || tables.length > 1) {
    throw new Error(
      `exports ${tables.length} objects whose name ends in "Errors" (${tables.map(([name]) => name).join(', ')})`,
    )
  }
  return Object.entries(table).map(([code, fields]) => {
    const [kind, when, next] = columns.map((column) => {
      const value = fields[column]
      if (typeof value !== 'string' || value === '') throw new Error(`${code} has no ${column}`)
      return value
    })
    return { code, kind: kind ?? '', when: when ?? '', next: next ?? '' }
  })
}
/** Compares the table in the README with the rows of the source, in both directions. */
export function checkErrorTable(file, text, rows) {
  const table = findTable(text)
  if (rows === undefined) {
    return table === undefined
      ? []
      : [
          {
            file,
            line: table.line,
            problem: 'has an error table without src/errors.ts',
            remedy: 'take it out',
          },
        ]
  }
  if (table === undefined) {
    return [
      { file, problem: 'has no error table', remedy: `write the line "${header}" and run pnpm readmes` },
    ]
  }
  const inSource = new Map(rows.map((row) => [row.code, row]))
  const inReadme = new Set(table.rows.map((row) => row.code))
  return [
    ...table.rows.flatMap((row) => compareRow(file, row, inSource.get(row.code))),
    ...rows
      .filter((row) => !inReadme.has(row.code))
      .map(({ code }) => ({
        file,
        line: table.line,
        problem: `the error table lacks ${code}`,
        remedy: 'run pnpm readmes',
      })),
  ]
}
/** The README with its error table written from the source. Without a header line it stays as it is. */
export function fillErrorTable(text, rows) {
  const table = findTable(text)
  if (table === undefined || checkErrorTable('', text, rows).length === 0) return text
  const lines = text.split('\n')
  const written = rows.map(
    (row) => `| \`${row.code}\` | ${[row.kind, row.when, row.next].map(escapeCell).join(' | ')} |`,
  )
  lines.splice(table.line - 1, table.length, header, '| --- | --- | --- | --- |', ...written)
  return lines.join('\n')
}
function findTable(text) {
  const lines = text.split('\n')
  const start = lines.findIndex((line) => readCells(line).join('|') === readCells(header).join('|'))
  if (start === -1) return undefined
  let end = start + 1
  while (lines[end]?.trimStart().startsWith('|') === true) end += 1
  const rows = lines.slice(start + 1, end).flatMap((line, index) => {
    const [code = '', kind = '', when = '', next = ''] = readCells(line)
    return /^:?-+:?$/.test(code) ? [] : [{ code, kind, when, next, line: start + 2 + index }]
  })
  return { line: start + 1, length: end - start, rows }
}
function compareRow(file, row, source) {
  const { line } = row
  if (source === undefined) {
    return [{ file, line, problem: `${row.code} is not in src/errors.ts`, remedy: 'run pnpm readmes' }]
  }
  return columns
    .filter((column) => row[column] !== plain(source[column]))
    .map((column) => ({
      file,
      line,
      problem: `${row.code}: ${column} is "${row[column]}" here and "${source[column]}" in src/errors.ts`,
      remedy: 'run pnpm readmes',
    }))
}
/** The cells of a table line, without the escapes and without the backticks around a whole cell. */
function readCells(line) {
  return line
    .trim()
    .replace(/^\|/, '')
    .replace(/(?<!\\)\|$/, '')
    .split(/(?<!\\)\|/)
    .map((cell) => plain(cell.trim().replace(/^`([^`]*)`$/, '$1')))
}
/** What Markdown shows: a backslash before punctuation is not shown. Line ends and runs of spaces are one space. */
function plain(text) {
  return text
    .replace(/\\([!-/:-@[-`{-~])/g, '$1')
    .replace(/\s+/g, ' ')
    .trim()
}
function escapeCell(text) {
  return text.replace(/\s+/g, ' ').replace(/[|<]/g, '\\$&')
}
//# sourceMappingURL=error-table.js.map

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { commandErrors, extractFailures, walkFailures } from '@ipfs-kit/operations/cli'
import { expect, test } from 'vitest'

const readme = readFileSync(join(import.meta.dirname, '../README.md'), 'utf8')

test('the table of errors of the commands equals the source', () => {
  expect(rowsUnder('| code of a command | kind | when | what to do |')).toEqual(
    Object.entries(commandErrors).map(([code, { kind, when, next }]) => [`\`${code}\``, kind, when, next]),
  )
})

test('the table of failed items equals the source', () => {
  expect(rowsUnder('| code of an item | when |')).toEqual(
    Object.entries({ ...walkFailures, ...extractFailures }).map(([code, when]) => [`\`${code}\``, when]),
  )
})

function rowsUnder(header: string): string[][] {
  const lines = readme.split('\n')
  const start = lines.findIndex((line) => cells(line).join() === cells(header).join())
  expect(start, header).toBeGreaterThan(-1)
  const after = lines.slice(start + 2)
  return after
    .slice(
      0,
      after.findIndex((line) => !line.startsWith('|')),
    )
    .map(cells)
}

function cells(line: string): string[] {
  return line
    .split('|')
    .slice(1, -1)
    .map((cell) => cell.trim())
}

import { readFile } from 'node:fs/promises'
import { transferErrors } from '@ipfs-kit/transfer'
import { expect, test } from 'vitest'

test('the table of errors in the README equals the source', async () => {
  const readme = await readFile(new URL('../README.md', import.meta.url), 'utf8')
  const rows = readme.split('\n').flatMap((line) => {
    const [, code, kind, when, next] = line.split('|').map((cell) => cell.trim())
    return code?.startsWith('`TRANSFER_') ? [[code.slice(1, -1), { kind, when, next }]] : []
  })
  const table: unknown = Object.fromEntries(rows)
  expect(table).toEqual(transferErrors)
})

import { readFile } from 'node:fs/promises'
import { storageErrors } from '@ipfs-kit/storage'
import { expect, test } from 'vitest'

test('the errors in the README are those that its sources name, and codes of the contract', async () => {
  const readme = await readFile(new URL('../README.md', import.meta.url), 'utf8')
  const table = readme.split('## Errors')[1]!.split('\n## ')[0]!
  const listed = [...table.matchAll(/^\| `(STORAGE_\w+)`/gm)].map(([, code]) => code!).sort()
  const sources = await Promise.all(
    ['told', 'listing', 'file-body', 'open-file-backend', 'opened-file-backend'].map((name) =>
      readFile(new URL(`../src/${name}.ts`, import.meta.url), 'utf8'),
    ),
  )
  const named = new Set([...sources.join('').matchAll(/'(STORAGE_\w+)'/g)].map(([, code]) => code!))
  // What the contract says of every backend is in its own README.
  for (const code of ['STORAGE_CLOSED', 'STORAGE_NOT_SUPPORTED']) named.delete(code)
  expect(listed).toEqual([...named].sort())
  expect(Object.keys(storageErrors)).toEqual(expect.arrayContaining(listed))
})

import { execFile } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'

const folder = new URL('../examples/', import.meta.url)

describe('each example runs to its end', () => {
  for (const name of readdirSync(folder)) {
    test(name, async () => {
      const args = ['--conditions=@ipfs-kit/source', fileURLToPath(new URL(name, folder))]
      await expect(promisify(execFile)(process.execPath, args)).resolves.toMatchObject({ stderr: '' })
    })
  }
})

test('the code in the README is that of the examples', async () => {
  const readme = await readFile(new URL('../README.md', import.meta.url), 'utf8')
  const fences = [...readme.matchAll(/<!-- from (examples\/\S+) -->\n+```ts\n([\s\S]*?)```/g)]
  expect(fences.length).toBeGreaterThan(0)
  for (const [, path, code] of fences) {
    expect(code).toBe(await readFile(new URL(`../${path}`, import.meta.url), 'utf8'))
  }
})

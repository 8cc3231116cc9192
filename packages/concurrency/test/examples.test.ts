import { readdirSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { runProcess } from '@ipfs-kit/concurrency/node'
import { describe, expect, test } from 'vitest'
import { compiled } from './runtime.ts'

const folder = new URL('../examples/', import.meta.url)

describe('each example runs to its end', () => {
  for (const name of readdirSync(folder).filter((one) => one.endsWith('.ts'))) {
    test.concurrent(name, async ({ expect }) => {
      const args = ['--conditions=@ipfs-kit/source', fileURLToPath(new URL(name, folder))]
      const { stderr } = await runProcess(process.execPath, args, { env: compiled })
      expect(new TextDecoder().decode(stderr)).toBe('')
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

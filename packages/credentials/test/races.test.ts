import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { openTokens, readToken } from '@ipfs-kit/credentials'
import { expect, test } from 'vitest'
import { temporaryFolder } from './folder.ts'

const script = fileURLToPath(new URL('./open-once.ts', import.meta.url))

test('processes that start at once agree on one token', async () => {
  const path = join(await temporaryFolder(), 'tokens')
  const children = Array.from({ length: 4 }, () =>
    spawn(process.execPath, ['--conditions=@ipfs-kit/source', script, path], {
      stdio: ['pipe', 'pipe', 'inherit'],
    }),
  )
  const readers = children.map(({ stdout }) => createInterface(stdout)[Symbol.asyncIterator]())
  for (const reader of readers) expect((await reader.next()).value).toBe('ready')
  const ends = children.map((child) => once(child, 'exit'))
  for (const { stdin } of children) stdin.write('go\n')
  const answers = await Promise.all(readers.map(async (reader) => String((await reader.next()).value)))
  expect(new Set(answers).size).toBe(1)
  expect(answers[0]).toMatch(/^ipfskit_\S{43} default$/)
  for (const [code] of await Promise.all(ends)) expect(code).toBe(0)
  expect(await readdir(path)).toEqual(['default'])
})

test('calls at once in one process agree on one token', async () => {
  for (let round = 0; round < 20; round++) {
    const path = join(await temporaryFolder(), 'tokens')
    const all = await Promise.all(Array.from({ length: 8 }, () => openTokens({ path })))
    const token = (await readToken(all[0]!.tokenFile))!
    for (const tokens of all) expect(tokens.verify(token)?.id).toBe('default')
    expect(await readdir(path)).toEqual(['default'])
  }
})

test('what a killed process left half-made is not taken for the token', async () => {
  const path = join(await temporaryFolder(), 'tokens')
  await mkdir(path, { mode: 0o700 })
  await writeFile(join(path, '.left.tmp'), 'ipfskit_half', { mode: 0o600 })
  const tokens = await openTokens({ path })
  expect(tokens.verify((await readToken(tokens.tokenFile))!)?.id).toBe('default')
})

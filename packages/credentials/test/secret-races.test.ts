import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdir, writeFile } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { nodeDisk } from '@ipfs-kit/disk'
import { expect, onTestFinished, test } from 'vitest'
import { withChangeLock } from '../src/change-lock.ts'
import { coded, huggingface, opened } from './store.ts'

const script = fileURLToPath(new URL('./change-secrets.ts', import.meta.url))
const hub = { name: 'hub', service: 'huggingface', fields: huggingface } as const
const files = ['credentials.age', 'credentials.key', 'credentials.lock']

async function started(path: string, ...words: string[]) {
  const child = spawn(process.execPath, ['--conditions=@ipfs-kit/source', script, path, ...words], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]()
  expect((await lines.next()).value).toBe('ready')
  return { child, lines, exit: once(child, 'exit') }
}

test('processes that change secrets at once lose none, and agree on one key', async () => {
  const { path, credentials } = await opened()
  const children = await Promise.all(['a', 'b', 'c'].map((prefix) => started(path, 'add', prefix, '8')))
  for (const { child } of children) child.stdin.write('go\n')
  for (const { exit } of children) expect(await exit).toEqual([0, null])
  const names = (await credentials.list()).map(({ name }) => name)
  expect(names).toEqual(
    ['a', 'b', 'c'].flatMap((prefix) => Array.from({ length: 8 }, (_, n) => `${prefix}${n}`)),
  )
  expect((await readdir(path)).sort()).toEqual(files)
})

test('calls at once in one process lose none', async () => {
  const { credentials } = await opened()
  await Promise.all(Array.from({ length: 8 }, (_, n) => credentials.add({ ...hub, name: `n${n}` })))
  expect(await credentials.list()).toHaveLength(8)
})

test('a process that is killed while it rotates leaves the old value or the new', async () => {
  for (let round = 0; round < 5; round += 1) {
    const { path, credentials } = await opened()
    await credentials.add(hub)
    const { child, lines, exit } = await started(path, 'rotate', 'hub')
    child.stdin.write('go\n')
    let last = -1
    while (last < round * 3) last = Number((await lines.next()).value)
    child.kill('SIGKILL')
    await exit
    for await (const line of { [Symbol.asyncIterator]: () => lines }) last = Number(line)
    const { token } = (await credentials.resolve('credential:hub', 'huggingface')).reveal()
    const value = Number(/^value-(\d+)-x{10000}$/.exec(token)?.[1])
    // What it said was done is done; the one that it was at may be.
    expect([last, last + 1]).toContain(value)
    await credentials.rotate(hub)
    expect((await readdir(path)).sort()).toEqual(files)
  }
})

test('whoever reads while another process rotates has the old value or the new one', async () => {
  const { path, credentials } = await opened()
  await credentials.add(hub)
  const { child, lines } = await started(path, 'rotate', 'hub')
  child.stdin.write('go\n')
  await lines.next()
  const seen = new Set<string>()
  for (let read = 0; read < 300; read += 1) {
    seen.add((await credentials.resolve('credential:hub', 'huggingface')).reveal().token)
  }
  for (const token of seen) expect(token).toMatch(/^value-\d+-x{10000}$/)
  expect(seen.size).toBeGreaterThan(2)
})

test('what a crash has left half-written is not read, and goes with the next change', async () => {
  const { path, credentials, file } = await opened()
  await credentials.add(hub)
  await writeFile(`${file}.tmp`, 'age-encryption.org/v1\nhalf')
  expect(await credentials.list()).toHaveLength(1)
  await credentials.add({ ...hub, name: 'other' })
  expect((await readdir(path)).sort()).toEqual(files)
})

test('a change waits for its turn, and ends with the reason of its signal', async () => {
  const { path, credentials } = await opened()
  const lock = await nodeDisk().lock(`${path}/credentials.lock`)
  const ending = new AbortController()
  const adding = credentials.add(hub, { signal: ending.signal })
  const reason = new Error('enough')
  ending.abort(reason)
  await expect(adding).rejects.toBe(reason)
  const waiting = credentials.add(hub)
  await lock.close()
  await waiting
  expect(await credentials.list()).toHaveLength(1)
})

test('a change gives up when others hold the lock for too long, and then another may try', async () => {
  const { path } = await opened()
  const file = `${path}/credentials.lock`
  const lock = await nodeDisk().lock(file)
  const change = async () => 'done'
  await expect(withChangeLock(file, { waitMs: 0 }, change)).rejects.toEqual(coded('CREDENTIALS_BUSY'))
  await lock.close()
  expect(await withChangeLock(file, { waitMs: 0 }, change)).toBe('done')
})

import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import { nodeDisk } from '@ipfs-kit/disk'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'

const child = fileURLToPath(new URL('./lock-child.ts', import.meta.url))
const args = ['--conditions=@ipfs-kit/source']
const disk = nodeDisk()
let folder: string
let path: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ipfs-kit-disk-'))
  path = `${folder}/lock`
})
afterEach(() => rm(folder, { recursive: true }))

/** Another process that takes the lock and keeps it; the word that it says about that, and what it complained of. */
async function other(): Promise<{ process: ChildProcess; word: string; complaints: () => string }> {
  const process = spawn(globalThis.process.execPath, [...args, child, path], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let complaints = ''
  process.stderr.on('data', (chunk) => (complaints += String(chunk)))
  const [word] = await once(process.stdout, 'data')
  return { process, word: String(word).trim(), complaints: () => complaints }
}

describe('a lock', () => {
  test('is refused while another process holds it, and free when that is killed', async () => {
    const { process, word, complaints } = await other()
    expect(word).toBe('held')
    await expect(disk.lock(path)).rejects.toMatchObject({ code: 'DISK_LOCKED', systemCode: 'SQLITE_BUSY' })
    process.kill('SIGKILL')
    await once(process, 'exit')
    await (await disk.lock(path)).close()
    // No warning about something experimental either.
    expect(complaints()).toBe('')
  })

  test('is refused to another process while it is held here', async () => {
    const lock = await disk.lock(path)
    const refused = await other()
    expect(refused.word).toBe('DISK_LOCKED')
    await once(refused.process, 'exit')
    await expect(disk.lock(path)).rejects.toMatchObject({ code: 'DISK_LOCKED' })
    await lock.close()
    const taken = await other()
    expect(taken.word).toBe('held')
    taken.process.kill('SIGKILL')
    await once(taken.process, 'exit')
  })

  test('is refused to another disk and another thread of the process', async () => {
    const lock = await disk.lock(path)
    await expect(nodeDisk().lock(path)).rejects.toMatchObject({ code: 'DISK_LOCKED' })
    const worker = new Worker(child, { execArgv: args, argv: [path], stdout: true })
    const [word] = await once(worker.stdout, 'data')
    expect(String(word).trim()).toBe('DISK_LOCKED')
    await once(worker, 'exit')
    const again = await other()
    expect(again.word).toBe('DISK_LOCKED')
    await once(again.process, 'exit')
    await lock.close()
  })

  test('needs a file that is a lock or new, in a folder that is there', async () => {
    await writeFile(path, 'this is the file of somebody else, '.repeat(100))
    await expect(disk.lock(path)).rejects.toMatchObject({ code: 'DISK_FAILED', systemCode: 'SQLITE_NOTADB' })
    await expect(disk.lock(folder)).rejects.toMatchObject({ code: 'DISK_FAILED', systemCode: 'EISDIR' })
    await expect(disk.lock(`${folder}/absent/lock`)).rejects.toMatchObject({ code: 'DISK_NOT_FOUND' })
  })

  test('leaves an empty file and no other', async () => {
    const lock = await disk.lock(path)
    expect(await disk.list(folder)).toEqual([{ name: 'lock', kind: 'file' }])
    await lock.close()
    expect(await disk.stat(path)).toMatchObject({ kind: 'file', size: 0 })
  })
})

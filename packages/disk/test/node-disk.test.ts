import { execFileSync } from 'node:child_process'
import { chmod, mkdtemp, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { DiskError, nodeDisk } from '@ipfs-kit/disk'
import { runMounting } from '@ipfs-kit/disk/testing'
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest'

const disk = nodeDisk()
let folder: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ipfs-kit-disk-'))
})
afterEach(() => rm(folder, { recursive: true }))

describe('the disk of the system', () => {
  test('makes files and folders for their owner alone', async () => {
    await disk.makeFolder(`${folder}/a/b`)
    await (await disk.open(`${folder}/a/b/c`, 'create')).close()
    expect((await stat(`${folder}/a`)).mode & 0o777).toBe(0o700)
    expect((await stat(`${folder}/a/b`)).mode & 0o777).toBe(0o700)
    expect((await stat(`${folder}/a/b/c`)).mode & 0o777).toBe(0o600)
  })

  test('syncs the names of the folders that it makes, and of one that is there already', async () => {
    const own = nodeDisk()
    await own.makeFolder(`${folder}/a/b`)
    expect(own.stats().syncs).toBe(3)
    await own.makeFolder(`${folder}/a/b`)
    expect(own.stats().syncs).toBe(4)
    await own.makeFolder(`${folder}/a/b/c`)
    expect(own.stats().syncs).toBe(6)
    // Folders that have no disk behind them.
    await own.makeFolder('/')
    if (process.platform === 'linux') await own.makeFolder('/proc/self')
  })

  test('after a slow write others are sent away for a while, and reads are not, nor the other way round', async () => {
    let ms = 0
    vi.spyOn(performance, 'now').mockImplementation(() => (ms += 2))
    onTestFinished(() => void vi.restoreAllMocks())
    const into = new Uint8Array(3)
    for (const first of ['write', 'read']) {
      const file = await nodeDisk().open(`${folder}/x`, 'create')
      const write = (): boolean => file.writeNow([Buffer.from('abc')], 0)
      const read = (): boolean => file.readNow(into, 0) !== undefined
      const [slow, other] = first === 'write' ? [write, read] : [read, write]
      expect([slow(), slow(), other(), other()]).toEqual([true, false, true, false])
      await file.close()
    }
  })

  test('takes the files of others, and others take its own', async () => {
    await writeFile(`${folder}/x`, 'from outside')
    const file = await disk.open(`${folder}/x`, 'write')
    await file.write([Buffer.from('in')], 5)
    await file.close()
    expect(await readFile(`${folder}/x`, 'utf8')).toBe('from intside')
  })

  test('follows links with stat and names them other in a list', async () => {
    await writeFile(`${folder}/x`, 'abc')
    await symlink(`${folder}/x`, `${folder}/link`)
    await symlink(`${folder}/absent`, `${folder}/broken`)
    await symlink('loop', `${folder}/loop`)
    expect(await disk.stat(`${folder}/link`)).toMatchObject({ kind: 'file', size: 3 })
    expect(await disk.stat(`${folder}/link`, { links: 'tell' })).toMatchObject({ kind: 'other', size: 0 })
    expect(await disk.stat(`${folder}/x`, { links: 'tell' })).toMatchObject({ kind: 'file', size: 3 })
    expect(await disk.stat(`${folder}/broken`)).toBeUndefined()
    await expect(disk.stat(`${folder}/loop`)).rejects.toMatchObject({
      code: 'DISK_FAILED',
      systemCode: 'ELOOP',
    })
    const kinds = new Map((await disk.list(folder)).map(({ name, kind }) => [name, kind]))
    expect(kinds).toEqual(
      new Map([
        ['x', 'file'],
        ['link', 'other'],
        ['broken', 'other'],
        ['loop', 'other'],
      ]),
    )
    expect(await disk.unlink(`${folder}/link`)).toBe(true)
    expect(await readFile(`${folder}/x`, 'utf8')).toBe('abc')
  })

  test.skipIf(process.platform === 'win32')(
    'opens no pipe and no device, and does not wait for one',
    async () => {
      execFileSync('mkfifo', [`${folder}/pipe`])
      for (const mode of ['read', 'write', 'create'] as const) {
        await expect(disk.open(`${folder}/pipe`, mode)).rejects.toMatchObject({ code: 'DISK_FAILED' })
      }
      expect(await disk.stat(`${folder}/pipe`)).toMatchObject({ kind: 'other', size: 0 })
      await expect(disk.open('/dev/null', 'read')).rejects.toMatchObject({ code: 'DISK_FAILED' })
      expect(disk.stats().openFiles).toBe(0)
    },
  )

  test.skipIf(process.platform !== 'linux')('does not hang where folders cannot be made', async () => {
    await expect(disk.makeFolder('/proc/absent/deep')).rejects.toBeInstanceOf(DiskError)
    await expect(disk.makeFolder('/sys/absent')).rejects.toBeInstanceOf(DiskError)
  })

  test('names the path, the code of the system and its error', async () => {
    const path = `${folder}/${'x'.repeat(300)}`
    const error = await disk.open(path, 'create').then(
      () => undefined,
      (reason: unknown) => reason,
    )
    expect(error).toMatchObject({ code: 'DISK_FAILED', systemCode: 'ENAMETOOLONG' })
    expect((error as DiskError).message).toMatch(/^Cannot open ".*xxx" \(ENAMETOOLONG\)$/)
    expect((error as DiskError).cause).toMatchObject({ code: 'ENAMETOOLONG' })
    expect((error as DiskError).message.length).toBeLessThan(300)
  })

  test('is refused where its user may not write', async (context) => {
    if (process.getuid?.() === 0) {
      context.skip('root may write everywhere')
      return
    }
    await chmod(folder, 0o500)
    try {
      await expect(disk.open(`${folder}/x`, 'create')).rejects.toMatchObject({ code: 'DISK_DENIED' })
      await expect(disk.makeFolder(`${folder}/y`)).rejects.toMatchObject({ code: 'DISK_DENIED' })
      await expect(disk.lock(`${folder}/lock`)).rejects.toMatchObject({ code: 'DISK_DENIED' })
    } finally {
      await chmod(folder, 0o700)
    }
  })

  test('takes no bytes above what a preallocation covers from others', async () => {
    const file = await disk.open(`${folder}/x`, 'create')
    await file.preallocate(3 * 1024 * 1024)
    const { blocks } = await stat(`${folder}/x`)
    // Room and no hole. File systems that compress zeros take less; the temporary folder is on none.
    expect(blocks * 512).toBeGreaterThanOrEqual(3 * 1024 * 1024)
    await file.close()
  })

  test('counts what it did', async () => {
    const own = nodeDisk()
    const file = await own.open(`${folder}/x`, 'create')
    await file.write([Buffer.from('hello')], 0)
    await file.sync()
    await own.syncFolder(folder)
    await file.read(new Uint8Array(3), 0)
    file.readNow(new Uint8Array(10), 0)
    file.writeNow([Buffer.from('hel'), Buffer.from('lo again')], 0)
    expect(file.writeNow([new Uint8Array(262_145)], 0)).toBe(false)
    expect(own.stats()).toMatchObject({
      openFiles: 1,
      reads: 1,
      promptReads: 1,
      writes: 1,
      syncs: 2,
      promptWrites: 1,
      sentAwayWrites: 1,
      readBytes: 8,
      writtenBytes: 16,
    })
    await file.close()
    expect(own.stats().openFiles).toBe(0)
    expect(Object.isFrozen(own.stats())).toBe(true)
  })
})

test('on a volume that is full, writes are refused and what was written stays', (context) => {
  const child = fileURLToPath(new URL('./full-volume-child.ts', import.meta.url))
  const run = runMounting(folder, ['--conditions=@ipfs-kit/source', child, folder])
  if (run === undefined) {
    context.skip('needs a small file system, and nothing may be mounted here')
    return
  }
  expect([run.status, run.stderr, run.stdout]).toEqual([0, '', 'all held\n'])
})

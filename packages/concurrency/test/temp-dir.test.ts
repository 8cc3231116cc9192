import { existsSync } from 'node:fs'
import { chmod, mkdir, readFile, stat, symlink, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { taskGroup } from '@ipfs-kit/concurrency'
import { runProcess, tempDir } from '@ipfs-kit/concurrency/node'
import { expect, test } from 'vitest'
import { program } from './runtime.ts'

test('makes a folder for this user alone, and removes it with its content', async () => {
  let path: string
  {
    await using folder = await tempDir({ prefix: 'some-' })
    path = folder.path
    expect(basename(path)).toMatch(/^some-.{6}$/)
    expect((await stat(path)).mode & 0o777).toBe(0o700)
    await mkdir(join(path, 'a/b'), { recursive: true })
    await writeFile(join(path, 'a/b/c'), 'c')
  }
  expect(existsSync(path)).toBe(false)
})

test('makes it in the parent that was given', async () => {
  await using outer = await tempDir()
  await using inner = await tempDir({ parent: outer.path })
  expect(dirname(inner.path)).toBe(outer.path)
})

test('removes links and not what they lead to', async () => {
  await using kept = await tempDir()
  await writeFile(join(kept.path, 'file'), 'content')
  {
    await using folder = await tempDir()
    await symlink(kept.path, join(folder.path, 'link'))
    await symlink('/nowhere', join(folder.path, 'broken'))
  }
  expect(await readFile(join(kept.path, 'file'), 'utf8')).toBe('content')
})

test('removes read-only content as a user whom the system would stop', async () => {
  await using outer = await tempDir()
  await chmod(outer.path, 0o777)
  const { stdout } = await runProcess(process.execPath, [
    '--conditions=@ipfs-kit/source',
    program('remove-read-only'),
    outer.path,
  ])
  const path = new TextDecoder().decode(stdout).trim()
  expect(dirname(path)).toBe(outer.path)
  expect(existsSync(path)).toBe(false)
})

test('is disposed of twice, at once and after', async () => {
  const folder = await tempDir()
  await Promise.all([folder[Symbol.asyncDispose](), folder[Symbol.asyncDispose]()])
  await folder[Symbol.asyncDispose]()
  expect(existsSync(folder.path)).toBe(false)
})

test('is removed whole in a scope that was cancelled', async () => {
  let path = ''
  const cancelled = taskGroup(async (group) => {
    await using folder = await tempDir()
    path = folder.path
    await writeFile(join(path, 'file'), 'content')
    group.cancel()
    throw group.reason
  })
  await expect(cancelled).rejects.toThrow(/cancelled/)
  expect(path).not.toBe('')
  expect(existsSync(path)).toBe(false)
})

test('leaves no folder behind when making it is cancelled', async () => {
  await using outer = await tempDir()
  const controller = new AbortController()
  const making = tempDir({ parent: outer.path, signal: controller.signal })
  controller.abort('a reason')
  await expect(making).rejects.toBe('a reason')
  await expect(tempDir({ parent: outer.path, signal: controller.signal })).rejects.toBe('a reason')
  const { stdout } = await runProcess('ls', ['-A', outer.path])
  expect(stdout.byteLength).toBe(0)
})

test('says what cannot be made, and refuses wrong options', async () => {
  await expect(tempDir({ parent: '/no/such/folder' })).rejects.toMatchObject({ code: 'CONCURRENCY_TEMP_DIR' })
  await expect(tempDir({ prefix: 'a/b' })).rejects.toThrow(TypeError)
  await expect(tempDir({ parent: 1 as never })).rejects.toThrow(TypeError)
  await expect(tempDir({ prefx: 'a' } as never)).rejects.toThrow(/prefix/)
})

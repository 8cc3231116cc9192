import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { cancelScope } from '@ipfs-kit/concurrency'
import { killAfter } from '@ipfs-kit/disk/testing'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ipfs-kit-disk-'))
})
afterEach(() => rm(folder, { recursive: true }))

/** A program that writes its pid into a file, says two lines, and goes on. */
const working = `
  require('node:fs').writeFileSync(process.argv[1], String(process.pid))
  process.on('exit', () => console.log('the end'))
  console.log('a')
  console.log('b')
  setInterval(() => undefined, 1000)`

async function isThere(path: string): Promise<boolean> {
  const pid = Number(await readFile(path, 'utf8'))
  try {
    return process.kill(pid, 0)
  } catch (error) {
    expect(error).toMatchObject({ code: 'ESRCH' })
    return false
  }
}

describe('a process that is killed', () => {
  test('has said what it has said, and does not come to its end', async () => {
    const path = join(folder, 'pid')
    const seen: boolean[] = []
    const said = await killAfter(['-e', working, path], 2, async () => {
      seen.push(await isThere(path))
    })
    expect(said).toEqual(['a', 'b'])
    expect(seen).toEqual([true])
    expect(await isThere(path)).toBe(false)
  })

  test('is gone, too, when what is done beside it fails', async () => {
    const path = join(folder, 'pid')
    const failure = new Error('not this time')
    const killing = killAfter(['-e', working, path], 1, () => Promise.reject(failure))
    await expect(killing).rejects.toBe(failure)
    expect(await isThere(path)).toBe(false)
  })

  test('is killed when the scope around it is cancelled', async () => {
    const path = join(folder, 'pid')
    await cancelScope(async (scope) => {
      const killing = killAfter(['-e', working, path], 1, async () => {
        scope.cancel('not any more')
        while (await isThere(path)) await new Promise(setImmediate)
      })
      await expect(killing).rejects.toMatchObject({ name: 'AbortError', message: 'not any more' })
    })
    expect(await isThere(path)).toBe(false)
  })

  test('may kill itself, and may not end otherwise', async () => {
    const program = `console.log('a'); process.kill(process.pid, 'SIGKILL')`
    expect(await killAfter(['-e', program], Infinity)).toEqual(['a'])
    await expect(killAfter(['-e', `console.log('a')`], 2)).rejects.toMatchObject({ name: 'AssertionError' })
  })
})

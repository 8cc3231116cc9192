/** What the system is asked for, as `strace` sees it. */
import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

const child = fileURLToPath(new URL('crash/strace-child.ts', import.meta.url))
const run = promisify(execFile)

test('between the last write and each answer there is an fdatasync', { timeout: 120_000 }, async () => {
  await expect(run('strace', ['-V']), 'this needs strace').resolves.toBeDefined()
  const home = await mkdtemp(join(tmpdir(), 'ipfs-kit-wal-'))
  try {
    const trace = join(home, 'trace')
    const calls = '--trace=pwrite64,write,pwritev,fdatasync'
    const node = [process.execPath, '--conditions=@ipfs-kit/source', child, join(home, 'log')]
    await run('strace', ['-f', '-y', '--seccomp-bpf', '-o', trace, calls, ...node])
    let written = 0
    let synced = 0
    let answers = 0
    /** What a sync that takes a while will have covered, by thread: its end has a line of its own. */
    const syncing = new Map<string, number>()
    for (const line of (await readFile(trace, 'utf8')).split('\n')) {
      const [thread = ''] = line.split(' ')
      if (/pwrite(64|v)\(\d+<[^>]*\.wal>/.test(line)) written += 1
      if (/fdatasync\(\d+<[^>]*\.wal>\) += 0$/.test(line)) synced = written
      if (/fdatasync\(\d+<[^>]*\.wal> <unfinished/.test(line)) syncing.set(thread, written)
      if (/fdatasync resumed>\) += 0$/.test(line)) {
        synced = syncing.get(thread) ?? synced
        syncing.delete(thread)
      }
      if (!line.includes('answered')) continue
      answers += 1
      expect(written).toBeGreaterThanOrEqual(answers)
      expect(synced, line).toBe(written)
    }
    expect(answers).toBe(20)
  } finally {
    await rm(home, { recursive: true })
  }
})

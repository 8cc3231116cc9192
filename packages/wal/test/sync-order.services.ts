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

/** Runs the child under `strace`; what it said, and the trace. */
async function traced(...options: string[]): Promise<{ said: string[]; trace: string[] }> {
  await expect(run('strace', ['-V']), 'this needs strace').resolves.toBeDefined()
  const home = await mkdtemp(join(tmpdir(), 'ipfs-kit-wal-'))
  try {
    const trace = join(home, 'trace')
    const node = [process.execPath, '--conditions=@ipfs-kit/source', child, join(home, 'log')]
    const { stdout } = await run('strace', ['-f', '-y', '-o', trace, ...options, ...node])
    return { said: stdout.trim().split('\n'), trace: (await readFile(trace, 'utf8')).split('\n') }
  } finally {
    await rm(home, { recursive: true })
  }
}

test('between the last write and each answer there is an fdatasync', async () => {
  const { trace } = await traced('--trace=pwrite64,write,pwritev,fdatasync')
  let written = 0
  let synced = 0
  let answers = 0
  /** What a sync that takes a while will have covered, by thread: its end has a line of its own. */
  const syncing = new Map<string, number>()
  for (const line of trace) {
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
})

test('after an fdatasync that failed nothing is answered any more', async () => {
  // Counted for each thread of the pool: each of them fails from some moment on.
  const { said } = await traced('--trace=fdatasync', '--inject=fdatasync:error=EIO:when=5+')
  const answered = said.filter((line) => line.startsWith('answered')).length
  expect(answered).toBeGreaterThan(0)
  expect(answered).toBeLessThan(20)
  expect(said.slice(answered)).toEqual(said.slice(answered).map(() => 'refused WAL_SYNC_FAILED'))
})

import { existsSync } from 'node:fs'
import { chmod, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ConcurrencyError, failAfter, taskGroup, TimeoutError } from '@ipfs-kit/concurrency'
import { runProcess, signals, tempDir, type ProcessFailure } from '@ipfs-kit/concurrency/node'
import { expect, test } from 'vitest'
import { lives, livingWith } from './living.ts'

const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes)
const sh = (script: string): [string, string[]] => ['sh', ['-c', script]]
const coded = (code: string) => expect.objectContaining({ name: 'ConcurrencyError', code })

/** Runs a script that ends its line of pids in the file `pids` with SIGUSR2 to us; cancels it then. */
async function cancelledWhenReady(script: string, options: { killAfterMs?: number } = {}) {
  await using folder = await tempDir()
  using ready = signals(['SIGUSR2'])
  const controller = new AbortController()
  const reason = new Error('enough')
  const running = runProcess('sh', ['-c', script], {
    cwd: folder.path,
    signal: controller.signal,
    ...options,
  })
  const ended = running.then(
    () => undefined,
    (error: unknown) => error,
  )
  await ready.next()
  const pids = (await readFile(join(folder.path, 'pids'), 'utf8')).trim().split(/\s+/).map(Number)
  const livedBefore = pids.map(lives)
  controller.abort(reason)
  const error = await ended
  const note = await readFile(join(folder.path, 'note'), 'utf8').catch(() => '')
  return { error, reason, pids, livedBefore, note }
}

test('gives exit code, stdout and stderr', async () => {
  const result = await runProcess(...sh('echo out; echo err >&2'))
  expect(result.exitCode).toBe(0)
  expect(result.signal).toBeNull()
  expect(text(result.stdout)).toBe('out\n')
  expect(text(result.stderr)).toBe('err\n')
})

test('uses no shell: arguments arrive as they are', async () => {
  const { stdout } = await runProcess('printf', ['%s|', '$HOME; echo x', '', '*'])
  expect(text(stdout)).toBe('$HOME; echo x||*|')
})

test('runs in the folder and with the environment that were given', async () => {
  await using folder = await tempDir()
  const { stdout } = await runProcess('/bin/sh', ['-c', 'pwd; echo "$A-$HOME"'], {
    cwd: folder.path,
    env: { A: 'b' },
  })
  expect(text(stdout)).toBe(`${folder.path}\nb-\n`)
})

test('writes an input and reads an output that are larger than any pipe', async () => {
  const input = new Uint8Array(3_000_000).map((_, at) => at % 251)
  const { stdout } = await runProcess('cat', [], { input })
  expect(Buffer.compare(stdout, input)).toBe(0)
})

test('does not deadlock with a process that fills stdout before it reads stdin', async () => {
  const script = 'head -c 2000000 /dev/zero; head -c 2000000 /dev/zero >&2; cat | wc -c'
  const { stdout, stderr } = await runProcess(...sh(script), { input: new Uint8Array(2_000_000) })
  expect(text(stdout.subarray(2_000_000)).trim()).toBe('2000000')
  expect(stderr.byteLength).toBe(2_000_000)
})

test('is content with a process that never reads its stdin', async () => {
  const { exitCode } = await runProcess('true', [], { input: new Uint8Array(2_000_000) })
  expect(exitCode).toBe(0)
})

test('gives a process without input a stdin that is at its end', async () => {
  const { stdout } = await runProcess('wc', ['-c'])
  expect(text(stdout).trim()).toBe('0')
})

test('rejects with exit code and the end of stderr when a process fails', async () => {
  const failing = runProcess(...sh('echo some; echo what went wrong >&2; exit 3'))
  const error = (await failing.catch((thrown: unknown) => thrown)) as ProcessFailure
  expect(error).toBeInstanceOf(ConcurrencyError)
  expect(error).toMatchObject({ code: 'CONCURRENCY_PROCESS_FAILED', exitCode: 3, signal: null })
  expect(error.message).toBe('sh ended with exit code 3: what went wrong')
  expect(text(error.stdout)).toBe('some\n')
  await expect(runProcess(...sh('kill -9 $$'))).rejects.toMatchObject({ exitCode: null, signal: 'SIGKILL' })
})

test('gives the exit code of a process that fails when check is false', async () => {
  expect(await runProcess(...sh('exit 3'), { check: false })).toMatchObject({ exitCode: 3, signal: null })
  expect(await runProcess(...sh('kill -9 $$'), { check: false })).toMatchObject({ signal: 'SIGKILL' })
})

test('names what is missing when a process cannot be started', async () => {
  await using folder = await tempDir()
  const file = join(folder.path, 'file')
  await writeFile(file, '')
  await chmod(file, 0o600)
  await expect(runProcess('no-such-command')).rejects.toThrow(coded('CONCURRENCY_PROCESS_NOT_STARTED'))
  await expect(runProcess('no-such-command', [], { input: 'x' })).rejects.toThrow(/no-such-command ENOENT/)
  await expect(runProcess(file)).rejects.toThrow(/EACCES/)
  await expect(runProcess('true', [], { cwd: join(folder.path, 'none') })).rejects.toThrow(
    /there is no folder/,
  )
})

test('kills a process whose output passes maxOutputBytes', async () => {
  await using folder = await tempDir()
  const endless = runProcess(...sh('echo $$ > pid; exec yes'), { cwd: folder.path, maxOutputBytes: 100_000 })
  await expect(endless).rejects.toThrow(coded('CONCURRENCY_PROCESS_OUTPUT_TOO_LARGE'))
  expect(lives(Number(await readFile(join(folder.path, 'pid'), 'utf8')))).toBe(false)
  const { stdout } = await runProcess('head', ['-c', '1000', '/dev/zero'], { maxOutputBytes: 1000 })
  expect(stdout.byteLength).toBe(1000)
})

test('kills the whole tree when it is cancelled, and rejects with the untouched reason', async () => {
  const script = `
    sleep 1000 & group=$!
    setsid sleep 1000 & session=$!
    (setsid sh -c 'echo $$ > orphan; exec sleep 1000' >/dev/null 2>&1 </dev/null &)
    while ! [ -s orphan ]; do :; done
    echo $$ $group $session $(cat orphan) > pids
    kill -USR2 $PPID
    wait`
  const { error, reason, pids, livedBefore } = await cancelledWhenReady(script)
  expect(error).toBe(reason)
  expect(livedBefore).toEqual([true, true, true, true])
  expect(pids.map(lives)).toEqual([false, false, false, false])
})

test('lets a process end in its own way before it is killed', async () => {
  const script = `
    sleep 1000 & sleeper=$!
    trap 'head -c 1000000 /dev/zero; echo bye > note; exit 0' TERM
    echo $$ $sleeper > pids; kill -USR2 $PPID; wait`
  const { error, reason, pids, note } = await cancelledWhenReady(script)
  expect(error).toBe(reason)
  expect(note).toBe('bye\n')
  expect(pids.map(lives)).toEqual([false, false])
})

test('kills who ignores SIGTERM after killAfterMs, also what left the group and holds no pipe', async () => {
  const script = `
    trap '' TERM
    setsid sleep 1000 >/dev/null 2>&1 & echo $$ $! > pids
    kill -USR2 $PPID
    trap 'exit 0' TERM; while :; do wait; done`
  const { error, reason, pids } = await cancelledWhenReady(script, { killAfterMs: 30 })
  expect(error).toBe(reason)
  expect(pids.map(lives)).toEqual([false, false])
})

test('kills a process that takes longer than timeoutMs', async () => {
  await using folder = await tempDir()
  const started = join(folder.path, 'started')
  const mark = `MARK_${process.pid}=1`
  const env = { ...process.env, [mark.slice(0, -2)]: '1' }
  const script = 'sleep 1000 & echo > started; wait'
  // On a busy machine the time may be over before anything runs.
  for (let timeoutMs = 30; !existsSync(started); timeoutMs *= 2) {
    const slow = runProcess(...sh(script), { cwd: folder.path, env, timeoutMs })
    await expect(slow).rejects.toBeInstanceOf(TimeoutError)
  }
  expect(livingWith(mark)).toEqual([])
})

test('is cancelled with the scope that it runs in', async () => {
  await expect(failAfter(20, () => runProcess('sleep', ['1000']))).rejects.toBeInstanceOf(TimeoutError)
  let sibling: unknown
  const group = taskGroup(async (tasks) => {
    tasks.spawn(async (task) => {
      sibling = await runProcess('sleep', ['1000']).catch((error: unknown) => error === task.reason)
    })
    await runProcess('true')
    throw new Error('the body failed')
  })
  await expect(group).rejects.toThrow('the body failed')
  expect(sibling).toBe(true)
})

test('starts nothing when it is cancelled before', async () => {
  await using folder = await tempDir()
  const signal = AbortSignal.abort('a reason')
  await expect(runProcess('touch', ['file'], { cwd: folder.path, signal })).rejects.toBe('a reason')
  await expect(readFile(join(folder.path, 'file'))).rejects.toThrow(/ENOENT/)
})

test('is not kept by what a process left behind with its pipes open', async () => {
  const { stdout } = await runProcess(...sh('sleep 1000 & echo $!'), { killAfterMs: 30 })
  expect(lives(Number(text(stdout)))).toBe(false)
})

test('leaves alone what a process left behind that holds no pipe', async () => {
  const { stdout } = await runProcess(...sh('sleep 1000 >/dev/null 2>&1 </dev/null & echo $!'))
  const pid = Number(text(stdout))
  expect(lives(pid)).toBe(true)
  process.kill(pid, 'SIGKILL')
})

test('refuses wrong arguments and options', async () => {
  await expect(runProcess('')).rejects.toThrow(TypeError)
  await expect(runProcess('a\0b')).rejects.toThrow(TypeError)
  await expect(runProcess(1 as never)).rejects.toThrow(TypeError)
  await expect(runProcess('true', 'x' as never)).rejects.toThrow(TypeError)
  await expect(runProcess('true', [1] as never)).rejects.toThrow(TypeError)
  await expect(runProcess('true', [], { timeoutMS: 1 } as never)).rejects.toThrow(/timeoutMs/)
  await expect(runProcess('true', [], { input: 1 } as never)).rejects.toThrow(TypeError)
  await expect(runProcess('true', [], { timeoutMs: -1 })).rejects.toThrow(RangeError)
  await expect(runProcess('true', [], { killAfterMs: Number.NaN })).rejects.toThrow(RangeError)
  await expect(runProcess('true', [], { maxOutputBytes: Infinity })).rejects.toThrow(RangeError)
})

import { failAfter, moveOnAfter, taskGroup, TimeoutError } from '@ipfs-kit/concurrency'
import { openProcess, runProcess, tempDir } from '@ipfs-kit/concurrency/node'
import { expect, test } from 'vitest'
import { lines, lives, nextNumbers } from './living.ts'
import { program } from './runtime.ts'

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
const coded = (code: string) => expect.objectContaining({ name: 'ConcurrencyError', code })
const tree = `
  sleep 1000 & group=$!
  setsid sleep 1000 & session=$!
  (setsid sh -c 'echo $$ > orphan; exec sleep 1000' >/dev/null 2>&1 </dev/null &)
  while ! [ -s orphan ]; do :; done
  echo $$ $group $session $(cat orphan)
  wait`

test('talks with a process over its pipes', async () => {
  await using process = await openProcess('sh', [
    '-c',
    'read a; echo "got $a"; read b; echo "then $b" >&2; exit 4',
  ])
  const [out, err] = [lines(process.stdout), lines(process.stderr)]
  const writer = process.stdin.getWriter()
  await writer.write(bytes('one\n'))
  expect((await out.next()).value).toBe('got one')
  await writer.write(bytes('two\n'))
  expect((await err.next()).value).toBe('then two')
  expect(await process.wait()).toEqual({ exitCode: 4, signal: null })
  expect((await out.next()).done).toBe(true)
})

test('carries more than a pipe holds in both directions at once', async () => {
  await using process = await openProcess('cat')
  const input = new Uint8Array(1_000_000).map((_, at) => at % 251)
  const writing = new Blob([input]).stream().pipeTo(process.stdin)
  const output = new Uint8Array(await new Response(process.stdout).arrayBuffer())
  await writing
  expect(Buffer.compare(output, input)).toBe(0)
  expect(await process.wait()).toEqual({ exitCode: 0, signal: null })
})

test('holds back a process whose output is read slowly', async () => {
  const script = 'head -c 8000000 /dev/zero; echo written >&2'
  await using process = await openProcess('sh', ['-c', script])
  let isWritten = false
  const written = lines(process.stderr)
    .next()
    .then(() => {
      isWritten = true
    })
  let read = 0
  let readWhenWritten = 0
  for await (const chunk of process.stdout) {
    if (!isWritten) readWhenWritten = read
    read += chunk.byteLength
    await new Promise((resolve) => setImmediate(resolve))
  }
  await written
  expect(read).toBe(8_000_000)
  // 64 KiB are read ahead, and the pipe holds some.
  expect(readWhenWritten).toBeGreaterThan(7_000_000)
})

test('reads what was written after the process has ended', async () => {
  await using process = await openProcess('sh', ['-c', 'head -c 50000 /dev/zero'])
  await process.wait()
  expect((await new Response(process.stdout).arrayBuffer()).byteLength).toBe(50_000)
})

test('rejects a write that nobody will read, and closes without an error', async () => {
  await using process = await openProcess('true')
  await using other = await openProcess('true')
  await Promise.all([process.wait(), other.wait()])
  const writer = process.stdin.getWriter()
  await expect(writer.write(bytes('x'))).rejects.toThrow(coded('CONCURRENCY_PROCESS_STDIN_CLOSED'))
  await other.stdin.close()
  await using wrong = await openProcess('cat')
  await expect(wrong.stdin.getWriter().write('text' as never)).rejects.toThrow(TypeError)
})

test('kills the whole tree when it is disposed of', async () => {
  await using folder = await tempDir()
  let pids: number[]
  {
    await using process = await openProcess('sh', ['-c', tree], { cwd: folder.path })
    pids = await nextNumbers(lines(process.stdout))
    expect(pids[0]).toBe(process.pid)
    expect(pids.map(lives)).toEqual([true, true, true, true])
  }
  expect(pids.map(lives)).toEqual([false, false, false, false])
})

test('is disposed of though the process writes and nobody reads', async () => {
  const process = await openProcess('yes')
  await process[Symbol.asyncDispose]()
  await process[Symbol.asyncDispose]()
  expect(lives(process.pid)).toBe(false)
  const stuck = await openProcess('sleep', ['1000'])
  const writing = stuck.stdin.getWriter().write(new Uint8Array(2_000_000))
  const failing = expect(writing).rejects.toThrow(coded('CONCURRENCY_PROCESS_STDIN_CLOSED'))
  await stuck[Symbol.asyncDispose]()
  await failing
})

test('rejects a write that it cuts off while somebody else could still read it', async () => {
  await using folder = await tempDir()
  // What is found by nothing lives on, with the pipe.
  const script = `
    exec 3<&0
    (setsid env -i sh -c 'echo $$ > other; exec sleep 1000' <&3 >/dev/null 2>&1 &)
    while ! [ -s other ]; do :; done
    cat other; exec sleep 1000`
  const cut = await openProcess('sh', ['-c', script], { cwd: folder.path })
  const [other] = await nextNumbers(lines(cut.stdout))
  try {
    const writing = cut.stdin.getWriter().write(new Uint8Array(2_000_000))
    const failing = expect(writing).rejects.toThrow(coded('CONCURRENCY_PROCESS_STDIN_CLOSED'))
    await cut[Symbol.asyncDispose]()
    await failing
    expect(lives(other!)).toBe(true)
  } finally {
    process.kill(other!, 'SIGKILL')
  }
})

test('kills once, and says how the process ended', async () => {
  await using process = await openProcess('sh', ['-c', 'echo word; exec sleep 1000'])
  const out = lines(process.stdout)
  await out.next()
  await Promise.all([process.kill(), process.kill()])
  await process.kill()
  expect(await process.wait()).toEqual({ exitCode: null, signal: 'SIGTERM' })
  expect((await out.next()).done).toBe(true)
})

test('sends SIGKILL to what ignores SIGTERM', async () => {
  await using process = await openProcess(
    'sh',
    ['-c', `trap '' TERM; echo on; while :; do sleep 1000; done`],
    {
      killAfterMs: 20,
    },
  )
  await lines(process.stdout).next()
  await process.kill()
  expect(await process.wait()).toEqual({ exitCode: null, signal: 'SIGKILL' })
})

test('its output fails, and does not end, when a deadline cuts it off', async () => {
  const endless = async (): Promise<string> => {
    await using process = await openProcess('sh', ['-c', 'while :; do echo more; sleep 0.005; done'])
    return await new Response(process.stdout).text()
  }
  await expect(failAfter(50, endless)).rejects.toBeInstanceOf(TimeoutError)
  expect(await moveOnAfter(50, endless)).toBeUndefined()
})

test('output that is read after it was disposed of fails', async () => {
  const { stdout } = await taskGroup(async () => {
    await using process = await openProcess('sh', ['-c', 'while :; do echo more; sleep 0.005; done'])
    return process
  })
  await expect(new Response(stdout).text()).rejects.toThrow()
})

test('is killed when the scope it was opened in is cancelled', async () => {
  await using folder = await tempDir()
  let pids: number[] = []
  let reason: unknown
  const group = taskGroup(async (scope) => {
    await using process = await openProcess('sh', ['-c', tree], { cwd: folder.path })
    pids = await nextNumbers(lines(process.stdout))
    scope.cancel('enough')
    reason = scope.reason
    await process.wait()
  })
  await expect(group).rejects.toThrow('enough')
  expect(reason).toMatchObject({ name: 'AbortError', source: 'explicit' })
  expect(pids.map(lives)).toEqual([false, false, false, false])
})

test('is killed when the scope it was opened in ends, or the signal is aborted', async () => {
  const left = await taskGroup(() => openProcess('sleep', ['1000']))
  const controller = new AbortController()
  const aborted = await openProcess('sleep', ['1000'], { signal: controller.signal })
  controller.abort(new Error('enough'))
  for (const process of [left, aborted]) {
    expect(await process.wait()).toEqual({ exitCode: null, signal: 'SIGTERM' })
    await process[Symbol.asyncDispose]()
    expect(lives(process.pid)).toBe(false)
  }
})

test('is not killed when a wait for its end is cancelled', async () => {
  await using process = await openProcess('sleep', ['1000'])
  await expect(failAfter(10, () => process.wait())).rejects.toBeInstanceOf(TimeoutError)
  await expect(process.wait({ signal: AbortSignal.abort('a reason') })).rejects.toBe('a reason')
  expect(lives(process.pid)).toBe(true)
})

test('rejects when it cannot be started or is cancelled before', async () => {
  await expect(openProcess('no-such-command')).rejects.toThrow(coded('CONCURRENCY_PROCESS_NOT_STARTED'))
  await expect(openProcess('true', [], { signal: AbortSignal.abort('a reason') })).rejects.toBe('a reason')
  await expect(openProcess('true', [], { scop: 1 } as never)).rejects.toThrow(/scope/)
})

test('takes its process along when the program exits', async () => {
  const { stdout } = await runProcess(process.execPath, [
    '--conditions=@ipfs-kit/source',
    program('open-and-exit'),
  ])
  const pid = Number(new TextDecoder().decode(stdout))
  expect(pid).toBeGreaterThan(1)
  // It was sent SIGKILL before the program ended; the system may end it a moment after.
  await expect.poll(() => lives(pid), { interval: 1 }).toBe(false)
})

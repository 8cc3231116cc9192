import { randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { type Ended, jsonLines, run, start } from './command.ts'
import { startServer, type TestServer } from './server.ts'
import { keptBy, keptIn, storeFiles } from './store.ts'
import { temporaryFolder, temporaryHome } from './temporary-folder.ts'

/** Enough small chunks that blocks are written before the rest has come: they are written several at once. */
const half = randomBytes(8 * 1_048_576)
const smallChunks = ['--profile', 'unixfs-v0-2015']
const nothing = { blocks: 0, bytes: 0, pins: 0 }

describe.concurrent('a command that is ended in the middle of an add', () => {
  test.each(['SIGINT', 'SIGTERM'] as const)('by %s exits 130, with nothing kept', async (signal) => {
    const home = temporaryHome()
    const adding = await startAdding(home)
    expect(storeFiles(home).some((name) => name.endsWith('.pack'))).toBe(true)
    const took = await endBy(adding, signal)
    expect(took).toMatchObject({ code: 130, signal: null })
    expect(took.seconds).toBeLessThan(5)
    expect(jsonLines(took.stderr)).toMatchObject([
      { error: { code: 'OPERATION_CANCELLED', kind: 'cancelled' } },
    ])
    expect(await keptIn(home)).toEqual(nothing)
  })

  test('by SIGINT while it has joined a server keeps nothing there either', async () => {
    const server = await startServer()
    const adding = start(['add', '-', '--json', ...smallChunks], { home: server.home, stdin: null })
    adding.stdin.write(half)
    await untilBlocks(server)
    expect(await endBy(adding, 'SIGINT')).toMatchObject({ code: 130, stdout: '' })
    await untilIdle(server)
    expect(await keptBy(server.client)).toEqual(nothing)
  })

  test('by SIGKILL pins nothing, and garbage collection takes what is left', async () => {
    const home = temporaryHome()
    const adding = await startAdding(home)
    expect(await endBy(adding, 'SIGKILL')).toMatchObject({ code: null, signal: 'SIGKILL' })
    const { stdout } = await run(['gc', '--json', '--wait', '0'], { home })
    expect(jsonLines(stdout)).toMatchObject([{ keptBlocks: 0 }])
    expect(await keptIn(home)).toEqual(nothing)
  })
})

test.concurrent('a command whose reader leaves does all the same what it was asked', async () => {
  const home = temporaryHome()
  const folder = temporaryFolder()
  for (let index = 0; index < 300; index += 1) writeFileSync(join(folder, `${index}`), `${index}`)
  const left = await run(['add', folder, '--json'], {
    home,
    launcher: ['sh', '-c', '{ "$@"; echo "exit $?" >&2; } | head -n 1', 'sh'],
  })
  expect([jsonLines(left.stdout).length, left.stderr]).toEqual([1, 'exit 0\n'])
  expect(await keptIn(home)).toMatchObject({ blocks: 301, pins: 1 })
})

describe.concurrent('a server that is ended', () => {
  test('by SIGTERM in the middle of an upload exits 0 within 5 s; nothing is pinned and the home is free', async () => {
    const server = await startServer()
    const upload = await startUpload(server)
    const took = await endBy(server.process, 'SIGTERM')
    expect(took).toMatchObject({ code: 0, signal: null })
    expect(took.seconds).toBeLessThan(5)
    expect(await upload.outcome).not.toBe(200)
    expect(await keptIn(server.home)).toEqual(nothing)
  })

  test("by SIGTERM in the middle of a command's add ends the command with exit code 5, and keeps nothing", async () => {
    const server = await startServer()
    const adding = start(['add', '-', '--json', ...smallChunks], { home: server.home, stdin: null })
    adding.stdin.write(half)
    await untilBlocks(server)
    expect(await endBy(server.process, 'SIGTERM')).toMatchObject({ code: 0 })
    const { code, stdout, stderr } = await adding.ended
    expect(stdout).toBe('')
    expect(code).toBe(5)
    expect(jsonLines(stderr)).toMatchObject([{ error: { kind: 'temporary', retryable: true } }])
    expect(await keptIn(server.home)).toEqual(nothing)
  })

  test('by SIGTERM while a client reads slowly exits 0 within 5 s', async () => {
    const server = await startServer()
    const added = await server.request('files/add', {
      method: 'POST',
      body: Buffer.alloc(30 * 1_048_576, 'y'),
      headers: { 'content-type': 'application/octet-stream' },
    })
    const cid = String(jsonLines(await added.text()).at(-1)?.['cid'])
    // Both doors have answered the head, and wait for readers that take nothing more.
    const readers = await Promise.all([
      server.request(`files/cat?cid=${cid}`),
      fetch(`${server.gatewayUrl}/ipfs/${cid}`),
    ])
    expect(readers.map(({ status }) => status)).toEqual([200, 200])
    const took = await endBy(server.process, 'SIGTERM')
    expect(took).toMatchObject({ code: 0 })
    expect(took.seconds).toBeLessThan(5)
    await Promise.allSettled(readers.map((reader) => reader.arrayBuffer()))
  })

  test('by SIGTERM before it is ready leaves the home free', async () => {
    const home = temporaryHome()
    const starting = start(['serve', '--port', '0', '--gateway-port', '0'], { home })
    starting.kill('SIGTERM')
    const { stdout } = await starting.ended
    expect(stdout).toBe('')
    expect(await keptIn(home)).toEqual(nothing)
  })
})

/** Starts an add that has stored some of its blocks and waits for more of its standard input. */
async function startAdding(home: string) {
  const small = join(temporaryFolder(), 'small')
  writeFileSync(small, 'small')
  const adding = start(['add', small, '-', '--json', ...smallChunks], { home, stdin: null })
  adding.stdin.write(half)
  await adding.line((line) => line.includes('"small"'))
  return adding
}

/** Sends half of a file by REST. `outcome` is the status of the answer, or what became of the connection. */
async function startUpload(server: TestServer): Promise<{ readonly outcome: Promise<number | string> }> {
  const upload = request(`${server.url}/api/v1/files/add?filename=half&profile=unixfs-v0-2015`, {
    method: 'POST',
    headers: { authorization: `Bearer ${server.token}`, 'content-type': 'application/octet-stream' },
  })
  const outcome = new Promise<number | string>((resolve) => {
    upload.on('response', (response) => resolve(response.resume().statusCode ?? 0))
    upload.on('error', (error) => resolve(error.message))
  })
  upload.write(half)
  await untilBlocks(server)
  return { outcome }
}

/** Asks until the upload has left something in the store. */
async function untilBlocks(server: TestServer): Promise<void> {
  while ((await server.client.call('repo.stat', {})).blocks === 0);
}

/** Asks until no other call runs. */
async function untilIdle(server: TestServer): Promise<void> {
  while ((await server.client.call('node.status', {})).runningCalls > 1);
}

async function endBy(
  command: { kill(signal: NodeJS.Signals): void; ended: Promise<Ended> },
  signal: NodeJS.Signals,
) {
  const before = performance.now()
  command.kill(signal)
  const ended = await command.ended
  return { ...ended, seconds: (performance.now() - before) / 1_000 }
}

import { request } from 'node:http'
import { randomBytes } from 'node:crypto'
import { beforeAll, describe, expect, test } from 'vitest'
import { jsonLines, run } from './command.ts'
import { startServer, type TestServer } from './server.ts'
import { type Counts, keptBy, storeFiles } from './store.ts'
import { temporaryHome } from './temporary-folder.ts'

const MiB = 1_048_576
let server: TestServer
let before: Counts
let archive: Buffer

beforeAll(async () => {
  server = await startServer()
  const added = await server.request('files/add', {
    method: 'POST',
    body: 'here before',
    headers: { 'content-type': 'application/octet-stream' },
  })
  // The answer begins before the add has ended.
  await added.text()
  before = await keptBy(server.client)
  const home = temporaryHome()
  const { stdout } = await run(['add', '-', '--json', '--profile', 'unixfs-v0-2015'], {
    home,
    stdin: randomBytes(8 * MiB),
  })
  archive = (await run(['car', 'export', String(jsonLines(stdout).at(-1)?.['cid'])], { home })).bytes
})

describe('a client that disconnects in the middle of an upload', () => {
  const form = Buffer.from(
    '--b\r\ncontent-disposition: form-data; name="file"; filename="folder/a"\r\ncontent-type: application/octet-stream\r\n\r\n',
  )
  test.each([
    {
      what: 'of one file',
      path: 'files/add?filename=a&profile=unixfs-v0-2015',
      type: 'application/octet-stream',
      head: () => Buffer.alloc(0),
    },
    {
      what: 'of a folder',
      path: 'files/add?profile=unixfs-v0-2015',
      type: 'multipart/form-data; boundary=b',
      head: () => form,
    },
  ])('$what keeps nothing and leaves no temporary data', async ({ path, type, head }) => {
    await leaveInTheMiddle(path, type, Buffer.concat([head(), randomBytes(8 * MiB)]))
    await expectAsBefore()
  })

  test('of an archive keeps nothing and leaves no temporary data', async () => {
    await leaveInTheMiddle('car/import', 'application/vnd.ipld.car', archive.subarray(0, -2 * MiB))
    await expectAsBefore()
  })

  test('is one of the calls that were cancelled', async () => {
    const cancelled = []
    for await (const call of await server.client.call('node.operations', {})) {
      if (call.code === 'OPERATION_CANCELLED') cancelled.push(call.name)
    }
    expect(cancelled.toSorted()).toEqual(['car.import', 'files.add', 'files.add'])
  })

  test('of what others have pinned takes nothing away from them', async () => {
    const content = randomBytes(8 * MiB)
    const added = await server.request('files/add?profile=unixfs-v0-2015', {
      method: 'POST',
      body: new Uint8Array(content),
      headers: { 'content-type': 'application/octet-stream' },
    })
    const cid = String(jsonLines(await added.text()).at(-1)?.['cid'])
    const { blocks } = await server.client.call('repo.stat', {})
    const leaving = begin('files/add?filename=a&profile=unixfs-v0-2015', 'application/octet-stream', content)
    await untilRunning(2)
    leaving.destroy()
    await untilRunning(1)
    expect(await server.client.call('repo.stat', {})).toMatchObject({ blocks })
    const read = await server.request(`files/cat?cid=${cid}`)
    expect(Buffer.from(await read.arrayBuffer()).equals(content)).toBe(true)
  })
})

/** Sends a body without its end; leaves when some of it is in the store. */
async function leaveInTheMiddle(path: string, type: string, start: Uint8Array): Promise<void> {
  const leaving = begin(path, type, start)
  while ((await server.client.call('repo.stat', {})).blocks === before.blocks);
  leaving.destroy()
  await untilRunning(1)
}

function begin(path: string, type: string, start: Uint8Array) {
  const upload = request(`${server.url}/api/v1/${path}`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${server.token}`,
      'content-type': type,
      'transfer-encoding': 'chunked',
    },
  })
  upload.on('error', () => {})
  upload.write(start)
  return upload
}

/** Asks until this many calls run, the asking included. */
async function untilRunning(count: number): Promise<void> {
  while ((await server.client.call('node.status', {})).runningCalls !== count);
}

async function expectAsBefore(): Promise<void> {
  expect(await keptBy(server.client)).toEqual(before)
  const other = storeFiles(server.home).filter((name) => !/^(store|lock|(kept|cache)-\d+\.pack)$/.test(name))
  expect(other).toEqual([])
}

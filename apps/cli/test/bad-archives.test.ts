import { CarIndexer } from '@ipld/car'
import { beforeAll, describe, expect, test } from 'vitest'
import { jsonLines, run } from './command.ts'
import { all, bytesOf, startServer, type TestServer } from './server.ts'
import { keptBy, keptIn } from './store.ts'
import { temporaryHome } from './temporary-folder.ts'

const nothing = { blocks: 0, bytes: 0, pins: 0 }
const kinds = [
  'cut at the border of a block',
  'cut in the middle of a block',
  'cut after its header',
  'with a block that is not what its CID says',
  'that is empty',
  'that is none',
] as const
let server: TestServer
let cid: string
let archive: Buffer
let bad: Readonly<Record<(typeof kinds)[number], Buffer>>

beforeAll(async () => {
  server = await startServer()
  const { client } = server
  const files = [
    { path: 'folder/small', content: Buffer.from('small') },
    { path: 'folder/large', content: Buffer.alloc(3_000_000, 'large') },
  ]
  const lines = await all(await client.call('files.add', {}, { body: files }))
  cid = String((lines.at(-1) as { cid?: string }).cid)
  archive = await bytesOf((await client.call('car.export', { cid })).body)
  await client.call('pins.rm', { cid })
  await client.call('repo.gc', {})

  const starts: number[] = []
  const blocks: number[] = []
  for await (const { offset, blockOffset } of await CarIndexer.fromBytes(archive)) {
    starts.push(offset)
    blocks.push(blockOffset)
  }
  const lying = Buffer.from(archive)
  const at = (blocks.at(-1) ?? 0) + 1
  lying[at] = (lying[at] ?? 0) ^ 1
  bad = {
    'cut at the border of a block': archive.subarray(0, starts.at(-1)),
    'cut in the middle of a block': archive.subarray(0, (blocks.at(-1) ?? 0) + 2),
    'cut after its header': archive.subarray(0, starts[0]),
    'with a block that is not what its CID says': lying,
    'that is empty': Buffer.alloc(0),
    'that is none': Buffer.from('this is not an archive at all'),
  }
})

/** Runs an import that is to fail. */
async function refusal(home: string, stdin: Uint8Array): Promise<unknown> {
  const { code, stdout, stderr } = await run(['car', 'import', '-', '--json'], { home, stdin })
  expect([code, stdout]).toEqual([8, ''])
  return jsonLines(stderr)
}

const invalid = [{ error: { code: 'IPFS_CAR_INVALID', message: expect.stringMatching(/./) as string } }]

describe('an archive', () => {
  test.each(kinds)('%s is refused by REST; nothing is pinned and nothing is kept', async (kind) => {
    const response = await server.request('car/import', {
      method: 'POST',
      body: new Uint8Array(bad[kind]),
      headers: { 'content-type': 'application/octet-stream' },
    })
    expect([response.status, await response.json()]).toEqual([
      422,
      expect.objectContaining({ code: 'IPFS_CAR_INVALID', kind: 'corrupt-input', retryable: false }),
    ])
    expect(await keptBy(server.client)).toEqual(nothing)
  })

  test('cut at the border of a block is refused by a command that opens the home, with exit code 8; nothing is kept', async () => {
    const home = temporaryHome()
    expect(await refusal(home, bad['cut at the border of a block'])).toMatchObject(invalid)
    expect(await keptIn(home)).toEqual(nothing)
  })

  test('with a block that is not what its CID says is refused by a command that joins, with exit code 8; nothing is kept', async () => {
    expect(await refusal(server.home, bad['with a block that is not what its CID says'])).toMatchObject(
      invalid,
    )
    expect(await keptBy(server.client)).toEqual(nothing)
  })

  test('that is whole is imported and pinned', async () => {
    const { code, stdout } = await run(['car', 'import', '--json'], { home: server.home, stdin: archive })
    expect([code, jsonLines(stdout)]).toMatchObject([0, [{ roots: [cid], blocks: expect.any(Number) }]])
    expect(await server.client.call('repo.stat', {})).toMatchObject({ pins: 1 })
  })
})

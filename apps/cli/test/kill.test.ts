import { describe, expect, test } from 'vitest'
import { jsonLines, run } from './command.ts'
import { all, bytesOf, startServer, type TestServer } from './server.ts'
import { temporaryHome } from './temporary-folder.ts'

/** Two homes at once, one for each core; together fifteen kills. */
const rounds = [8, 7]

interface Answered {
  readonly cid: string
  readonly files: ReadonlyMap<string, Buffer>
}

describe('after a kill within 5 ms of the answer', () => {
  test.concurrent.each(rounds)(
    'everything answered is there, complete and pinned: %i kills of one home',
    async (count) => {
      const home = temporaryHome()
      const answered: Answered[] = []
      // A kill that came later, because the machine was busy with something else, does not count.
      let inTime = 0
      for (let round = 0; inTime < count; round += 1) {
        const server = await startServer({ home })
        for (const one of answered.slice(-2)) await checkComplete(server, one)
        const files = contentOf(count * 100 + round)
        const { cid, delayMs } = await addAndKill(server, files)
        if (delayMs < 5) inTime += 1
        answered.push({ cid, files })
        expect(await server.process.ended).toMatchObject({ code: null, signal: 'SIGKILL' })
      }

      // The note of the killed server lies about; nobody is misled by it.
      const pins = jsonLines<{ cid: string; type: string }>(
        (await run(['pin', 'ls', '--json'], { home })).stdout,
      )
      expect(pins.toSorted(byCid)).toEqual(
        answered.map(({ cid }) => ({ cid, type: 'recursive' })).toSorted(byCid),
      )
      const collected = await run(['gc', '--json'], { home })
      expect(collected).toMatchObject({ code: 0, stderr: '' })
      const server = await startServer({ home })
      for (const one of answered) await checkComplete(server, one)
      expect(await server.stop()).toMatchObject({ code: 0 })
    },
  )
})

/** Adds a folder by REST and kills the server as soon as the last line of its answer is here. */
async function addAndKill(
  server: TestServer,
  files: Answered['files'],
): Promise<{ cid: string; delayMs: number }> {
  const form = new FormData()
  for (const [path, bytes] of files) form.append('file', new File([new Uint8Array(bytes)], path))
  const response = await server.request('files/add', { method: 'POST', body: form })
  const decoder = new TextDecoder()
  let text = ''
  for await (const piece of response.body as ReadableStream<Uint8Array>) {
    const arrivedAt = performance.now()
    text += decoder.decode(piece, { stream: true })
    if (!/"items":[^\n]*\n$/.test(text)) continue
    server.process.kill('SIGKILL')
    const delayMs = performance.now() - arrivedAt
    const summary = jsonLines<{ cid: string; items: number; failed: number }>(text).at(-1)
    expect(summary).toMatchObject({ items: files.size + 2, failed: 0 })
    return { cid: summary?.cid ?? '', delayMs }
  }
  throw new Error(`There was no summary: ${text}`)
}

async function checkComplete({ client }: TestServer, { cid, files }: Answered): Promise<void> {
  for (const [path, bytes] of files) {
    const content = await client.call('files.cat', { cid: `${cid}/${path.slice(path.indexOf('/') + 1)}` })
    expect((await bytesOf(content.body)).equals(bytes), path).toBe(true)
  }
  const pins = await all(await client.call('pins.ls', {}))
  expect(pins).toContainEqual({ cid, type: 'recursive' })
}

/** Files around the size of a chunk, of bytes that no other seed has. */
function contentOf(seed: number): Map<string, Buffer> {
  const sizes = [1, 4096, 70_000, 1_048_575, 1_048_577, 2_500_000]
  return new Map(
    sizes.map((size) => [
      `round/${size > 100_000 ? 'large/' : ''}${size}`,
      Buffer.alloc(size, `${seed}:${size}; ${seed * size}|`),
    ]),
  )
}

function byCid(a: { cid: string }, b: { cid: string }): number {
  return a.cid < b.cid ? -1 : 1
}

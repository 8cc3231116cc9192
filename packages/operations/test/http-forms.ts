/** An operation that says what files it was given, and forms to send to it. */
import { EntryReadError, operation } from '@ipfs-kit/operations'
import type { FileEntry } from '@ipfs-kit/operations'
import { expect } from 'vitest'
import { z } from 'zod'

export const sum = (bytes: Uint8Array): number =>
  bytes.reduce((total, byte) => (total * 31 + byte) % 1_000_003, 7)

/** Tells what it was given. `skip` leaves the content of large files, `left` leaves it after the first piece. */
export const list = operation<object>()({
  name: 'test.list',
  summary: 'List files.',
  parts: [],
  input: z.object({ large: z.enum(['read', 'skip', 'left']).default('read') }),
  output: z.object({
    path: z.string(),
    kind: z.enum(['whole', 'stream', 'folder', 'failed']),
    size: z.number(),
    sum: z.number(),
    failed: z.string(),
  }),
  body: 'files',
  returns: 'lines',
  effect: 'write',
  scope: 'content:write',
  doors: ['cli'],
  async *run(_parts, { large }, _context, body) {
    for await (const entry of body) yield await describeEntry(entry, large)
  },
})

export async function describeEntry({ path, content, failed }: FileEntry, large: string) {
  const line = { path, size: 0, sum: 0, failed: '' }
  if (failed !== undefined)
    return { ...line, kind: 'failed' as const, failed: `${failed.code} ${failed.message}` }
  if (content === undefined) return { ...line, kind: 'folder' as const }
  if (content instanceof Uint8Array)
    return { ...line, kind: 'whole' as const, size: content.length, sum: sum(content) }
  const pieces: Uint8Array[] = []
  try {
    if (large !== 'skip') {
      for await (const piece of content) {
        pieces.push(piece)
        if (large === 'left') break
      }
    }
  } catch (error) {
    if (!(error instanceof EntryReadError)) throw error
    return { ...line, kind: 'failed' as const, failed: `${error.code} ${error.message}` }
  }
  const bytes = large === 'read' ? Buffer.concat(pieces) : new Uint8Array()
  return { ...line, kind: 'stream' as const, size: bytes.length, sum: sum(bytes) }
}

export type Line = Awaited<ReturnType<typeof describeEntry>>

export async function linesOf(response: Response): Promise<Line[]> {
  expect(response.status, await response.clone().text()).toBe(200)
  const lines = (await response.text()).split('\n')
  expect(lines.pop()).toBe('')
  return lines.map((line) => JSON.parse(line) as Line)
}

export const formType = { 'content-type': 'multipart/form-data; boundary=edge' }

export function part(disposition: string, content: string, more = ''): string {
  return `--edge\r\ncontent-disposition: form-data; ${disposition}\r\n${more}\r\n${content}\r\n`
}

export function form(...parts: string[]): Buffer {
  return Buffer.from(`${parts.join('')}--edge--\r\n`, 'latin1')
}

export const failedField = (path: string): string =>
  part('name="failed"', JSON.stringify({ path, code: 'EIO', message: 'The disk is broken' }))

/** Bytes with every value and many line breaks, the same in each run. */
export function randomBytes(size: number): Buffer<ArrayBuffer> {
  const bytes = Buffer.alloc(size)
  let state = size + 1
  for (let at = 0; at < size; at += 1) {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648
    bytes[at] = state >>> 16
  }
  return bytes
}

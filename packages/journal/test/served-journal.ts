/** A journal on the blocks of a node, in a folder of its own, and its operations as a caller has them. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Ipfs, openIpfs } from '@ipfs-kit/ipfs'
import { type Journal, type JournalOptions, openJournal } from '@ipfs-kit/journal'
import { journalOperations } from '@ipfs-kit/journal/operations'
import { type AnyOperation, createCaller, type TableOf } from '@ipfs-kit/operations'
import { onTestFinished } from 'vitest'
import type { z } from 'zod'

/** A folder that is removed when the test has finished. */
export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'journal-operations-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  return folder
}

/** Opens a node with a journal; closes both when the test has finished. */
export async function servedJournal(options: Partial<JournalOptions> = {}) {
  const folder = await temporaryFolder()
  let journal: Journal | undefined
  const ipfs = await openIpfs({
    path: folder,
    roots: () => journal?.claims() ?? [],
  })
  onTestFinished(() => ipfs.close())
  journal = await openJournal({
    path: join(folder, 'journal'),
    blocks: ipfs.store,
    segmentBytes: 65_536,
    ...options,
  })
  const opened = journal
  onTestFinished(() => opened.close())
  return { folder, journal, ipfs, call: callOf(journal, ipfs) }
}

/** Calls the operations of a journal. */
export function callOf(journal: Journal, ipfs: Ipfs) {
  const { signal } = new AbortController()
  const caller = createCaller<TableOf<typeof journalOperations>>({
    operations: journalOperations,
    borrow: () => ({ parts: { journal, ipfs }, signal, release() {} }),
  })
  return checked(caller.call)
}

/** Calls, and holds what is answered to the schema of its operation. */
function checked<Call extends (...call: never[]) => Promise<unknown>>(call: Call): Call {
  return (async (...given: Parameters<Call>) => {
    const answer = await call(...given)
    const entries: readonly AnyOperation[] = journalOperations
    const entry = entries.find(({ name }) => name === given[0])!
    if (entry.returns === 'value') (entry.output as z.ZodType).parse(answer)
    return answer
  }) as Call
}

/** The text of an answer of bytes. */
export async function textOf({ body }: { readonly body: AsyncIterable<Uint8Array> }): Promise<string> {
  const pieces: Uint8Array[] = []
  for await (const piece of body) pieces.push(piece)
  return Buffer.concat(pieces).toString()
}

/** How an operation prints what it answers. */
export function printed(name: string, answer: unknown): string | undefined {
  const entries: readonly AnyOperation[] = journalOperations
  return (entries.find((entry) => entry.name === name)!.text as (value: unknown) => string | undefined)(
    answer,
  )
}

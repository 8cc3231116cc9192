/** The operation that makes a copy: from any copy that is whole, proven by reading back what was written. */
import type { OperationHandler } from '@ipfs-kit/wal'
import { CID } from 'multiformats/cid'
import { z } from 'zod'
import { PlacementError } from './errors.ts'
import type { Ledger } from './ledger.ts'
import { BadCopy, hashed, readCopy } from './read-copy.ts'
import { publishCopy } from './reports.ts'

/** Type of the operation. */
export const copyType = 'custom:placement-copy'

/** Its parameters: what is copied where. From where is decided when it runs. */
export interface CopyParams {
  readonly cid: string
  readonly target: string
}

/** What has become of it. */
export type CopyOutcome =
  | { readonly outcome: 'copied'; readonly source: string; readonly bytes: number }
  | { readonly outcome: 'not-needed' }

/** What a source failed with, told apart from what the target fails with. */
class SourceFailure extends Error {
  override readonly name = 'SourceFailure'
}

/** What the handler is made with. */
export interface CopyHandlerOptions {
  readonly ledger: Ledger
  /** Targets on which a copy has failed for good, and for which others stand in. */
  readonly refused: (cid: string) => readonly string[]
  /** Told when an operation is done. */
  readonly onEnd: (params: CopyParams) => void
  /** Told of content that a bad copy was found of. */
  readonly onBad: (cid: CID) => Promise<void>
}

/** Makes the handler. It may run again for a copy that it has made: it looks first whether the copy is still missing. */
export function createCopyHandler(options: CopyHandlerOptions): OperationHandler<CopyParams, CopyOutcome> {
  return {
    params: z.strictObject({ cid: z.string(), target: z.string() }),
    result: z.union([
      z.strictObject({ outcome: z.literal('copied'), source: z.string(), bytes: z.int() }),
      z.strictObject({ outcome: z.literal('not-needed') }),
    ]),
    cids: ({ cid }) => [cid],
    async run(params, { signal }) {
      const outcome = await copy(options, params, signal)
      options.onEnd(params)
      return outcome
    },
  }
}

async function copy(
  { ledger, refused, onBad }: CopyHandlerOptions,
  { cid: text, target }: CopyParams,
  signal: AbortSignal,
): Promise<CopyOutcome> {
  const cid = CID.parse(text)
  const backend = ledger.standing.backend(target)
  if (backend === undefined) {
    throw new PlacementError('PLACEMENT_UNKNOWN', `There is no backend ${JSON.stringify(target)} any more`)
  }
  const entry = ledger.catalog.get(cid)
  if (entry === undefined) return { outcome: 'not-needed' }
  const { content, copies } = entry
  const { missing, sources } = ledger.evaluator.explain(content, copies, ledger.clock(), refused(text))
  if (!missing.includes(target)) {
    // The log tries a backend that was offline with this: so it is to be tried, whether or not the copy is needed.
    if (ledger.evaluator.backends.some(({ name, state }) => name === target && state !== 'up')) {
      await backend.probe({ signal })
    }
    return { outcome: 'not-needed' }
  }
  const failures: string[] = []
  for (const source of sources.filter((name) => name !== target)) {
    try {
      const bytes = await copyFrom(ledger, cid, source, target, signal)
      return { outcome: 'copied', source, bytes }
    } catch (error) {
      signal.throwIfAborted()
      if (!(error instanceof BadCopy) && !(error instanceof SourceFailure)) throw error
      if (error instanceof BadCopy) {
        await ledger.note(cid, source, error.state)
        await onBad(cid)
      }
      failures.push(error.message)
    }
  }
  const what = failures.length === 0 ? 'no backend that is up has a copy' : failures.join('; ')
  throw new PlacementError('PLACEMENT_NO_SOURCE', `${text} could not be copied to ${target}: ${what}`)
}

/** @throws BadCopy, SourceFailure of the source; PlacementError PLACEMENT_NOT_PROVEN; what the target fails with */
async function copyFrom(
  ledger: Ledger,
  cid: CID,
  source: string,
  target: string,
  signal: AbortSignal,
): Promise<number> {
  const from = ledger.standing.backend(source)!
  const to = ledger.standing.backend(target)!
  const key = cid.toString()
  const object = await ofSource(source, () => from.get(key, { signal }))
  if (object === undefined) throw new BadCopy('lost', source)
  await to.put(key, bodyOf(object.body, cid, source), { size: object.length, signal })
  const { state, bytes } = await readCopy(to, cid, signal)
  if (state !== 'ok') {
    const found = state === 'lost' ? 'nothing' : 'other bytes'
    throw new PlacementError('PLACEMENT_NOT_PROVEN', `${target} took ${key}, and gives back ${found}`)
  }
  await ledger.note(cid, target, 'ok')
  ledger.counts.copied += 1
  ledger.counts.copiedBytes += bytes
  publishCopy(key, source, target, bytes)
  return bytes
}

async function* bodyOf(
  body: AsyncIterable<Uint8Array>,
  cid: CID,
  source: string,
): AsyncGenerator<Uint8Array, void, undefined> {
  const pieces = hashed(body, cid, source)
  try {
    for (;;) {
      const step = await ofSource(source, () => pieces.next())
      if (step.done === true) return
      yield step.value
    }
  } finally {
    await pieces.return()
  }
}

/** What the source does. Its failures are told apart, so that another one can be tried. */
async function ofSource<T>(source: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (cause) {
    if (cause instanceof BadCopy) throw cause
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new SourceFailure(`${source} fails: ${why}`, { cause })
  }
}

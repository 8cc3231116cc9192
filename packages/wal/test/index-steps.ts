/** Random histories of operations, as records, and all that can be asked of an index. */
import fc from 'fast-check'
import type { LoggedOperation, OperationState } from '../src/store/operation.ts'
import type { OperationIndex } from '../src/store/operation-index.ts'
import { encodeRecord, type WalRecord } from '../src/store/record.ts'

const states: readonly OperationState[] = [
  'queued',
  'running',
  'retrying',
  'completed',
  'failed',
  'cancelled',
]
const types = ['add', 'pin', 'custom:é'] as const
const backends = [undefined, 's3', 'hf'] as const

/** A step: which record, of which operation, counted back from the last. */
export interface Step {
  readonly kind: WalRecord['kind']
  readonly back: number
  readonly number: number
  readonly isAsked: boolean
}

export const steps = (maxLength: number): fc.Arbitrary<Step[]> =>
  fc.array(
    fc.record({
      kind: fc.oneof(
        { weight: 6, arbitrary: fc.constant<WalRecord['kind']>('add') },
        { weight: 5, arbitrary: fc.constant<WalRecord['kind']>('start') },
        { weight: 3, arbitrary: fc.constant<WalRecord['kind']>('complete') },
        {
          weight: 8,
          arbitrary: fc.constantFrom<WalRecord['kind']>(
            'open',
            'progress',
            'fail',
            'cancel',
            'release',
            'pause',
            'resume',
            'retry',
            'delete',
          ),
        },
      ),
      back: fc.nat(8),
      number: fc.nat(60),
      isAsked: fc.boolean(),
    }),
    { maxLength },
  )

/** The record of each step; the first has LSN 1, or the one that is given. */
export function recordsOf(given: readonly Step[], firstLsn = 1): WalRecord[] {
  const ids: number[] = []
  let epoch = 1
  return given.map(({ kind, back, number, isAsked }, at): WalRecord => {
    const lsn = firstLsn + at
    const time = 1000 + number
    const id = ids.at(-1 - back) ?? lsn + 5
    switch (kind) {
      case 'add': {
        const recent = ids.slice(-3).filter((_, nth) => (number >> nth) % 2 === 1)
        ids.push(lsn)
        return {
          kind,
          type: types[number % 3]!,
          params: { text: 'x'.repeat(number) },
          ...(number % 4 === 0 ? {} : { backend: backends[number % 3]! ?? 'own' }),
          priority: number % 10,
          after: isAsked ? recent : [],
          ...(isAsked && at > 0 && given[at - 1]!.kind === 'add' && { before: [1] }),
          ...(number % 5 === 0 && { key: `key ${number % 4}` }),
          ...(number % 3 === 0 && { expiresAt: 1000 + ((number * 7) % 90) }),
          ...(number % 7 === 0 && { notBefore: 1000 + ((number * 5) % 90) }),
          timeoutMs: 1000,
          maxAttempts: 1 + (number % 3),
          onInterrupted: number % 6 === 0 ? 'fail' : 'retry',
          cids: number % 4 === 0 ? [`cid ${number % 3}`, 'cid'] : [],
          createdAt: time,
        }
      }
      case 'open':
        epoch += 1
        return { kind, at: time, epoch }
      case 'start':
        return { kind, at: time, id, epoch }
      case 'progress':
        return {
          kind,
          at: time,
          id,
          progress: { stage: `stage ${number}`, bytes: number },
          results: [{ name: `${number}` }],
          checkpoint: number,
        }
      case 'fail':
        return {
          kind,
          at: time,
          id,
          failure: { code: 'E', message: `failed ${number}` },
          ...(isAsked && { retryAt: time + 20 }),
        }
      case 'complete':
        return { kind, at: time, id, ...(isAsked && { result: { number } }) }
      case 'cancel':
        return { kind, at: time, id, reason: 'not wanted' }
      case 'delete':
        return { kind, at: time, ids: ids.slice(-1 - back) }
      default:
        return { kind, at: time, id }
    }
  })
}

/** Gives an index records in batches of a size. */
export function applyAll(index: OperationIndex, records: readonly WalRecord[], size: number, from = 1): void {
  for (let at = 0; at < records.length; at += size) {
    index.apply({ firstLsn: from + at, payloads: records.slice(at, at + size).map(encodeRecord) })
  }
}

/** All that an index answers. */
export function answersOf(index: OperationIndex): unknown {
  const idsOf = (operations: readonly LoggedOperation[]) => operations.map(({ id }) => id)
  const filters = [
    {},
    ...states.map((state) => ({ states: [state] })),
    { states: ['queued', 'failed'] as const, types: ['add', 'pin'] },
    { types: ['custom:é'], paused: false },
    { backends: ['', 's3'] },
    { paused: true },
    { createdAfter: 1010, createdBefore: 1050 },
  ]
  const lanes = ['', 's3', 'hf', 'own', 'no such lane']
  const times = [1000, 1030, 1060, 2000]
  const { operations, unfinished, unfinishedBytes, recovering } = index.stats()
  return {
    applied: index.appliedLsn,
    epoch: index.epoch,
    totals: { operations, unfinished, unfinishedBytes, recovering },
    all: index.list({ limit: 1000 }),
    lists: filters.map((filter) => idsOf(index.list({ ...filter, limit: 1000 }))),
    pages: filters.map((filter) => idsOf(index.list({ ...filter, before: 20, limit: 3 }))),
    got: idsOf(index.list({ limit: 1000 })).map((id) => index.get(id)),
    missing: index.get(1_000_000),
    keys: [0, 1, 2, 3].map((nth) => index.byKey(`key ${nth}`)),
    counts: sorted(index.counts()),
    lanes: sorted(index.lanes()),
    due: lanes.flatMap((lane) =>
      times.flatMap((time) => [2, 1000].map((most) => index.due(lane, time, most))),
    ),
    nextDue: lanes.flatMap((lane) => times.map((time) => index.nextDue(lane, time))),
    expired: times.flatMap((time) => [2, 1000].map((most) => index.expired(time, most))),
    finished: filters.flatMap((filter) => [
      index.finished(filter, 1000),
      index.finished({ ...filter, finishedBefore: 1040 }, 2),
    ]),
    cids: sorted(index.retainedCids()),
  }
}

function sorted<T>(values: readonly T[]): T[] {
  return [...values].sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1))
}

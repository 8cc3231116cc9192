/** Lives of a store of operations, each of which ends in a power loss or in the death of its process. */
import assert from 'node:assert/strict'
import { taskGroup } from '@ipfs-kit/concurrency'
import { type SimDisk, simDisk } from '@ipfs-kit/disk'
import type { LoggedOperation } from '../../src/store/operation.ts'
import type { OperationStore } from '../../src/store/operation-store.ts'
import type { OperationStoreOptions } from '../../src/store/store-options.ts'
import type { WalRecord } from '../../src/store/record.ts'
import { adds, openStoreOn } from '../open-store-on.ts'
import { whole } from './world.ts'

/** What has become of an operation for certain, and what may have become of it besides. */
interface Known {
  readonly key: string | undefined
  started: number
  ended: 'completed' | 'failed' | undefined
  mayHaveEnded: boolean
}

/** Codes with which an append may end when the disk fails or the process dies. */
const allowed = new Set(['WAL_IO', 'WAL_FULL', 'WAL_SYNC_FAILED', 'WAL_CLOSED'])
const options: Partial<OperationStoreOptions> = {
  keepFinished: { count: 10_000 },
  idempotencyWindowMs: 1_000_000,
}

/** Some lives, one after the other. */
export async function liveAndCrashStore(harm?: (disk: SimDisk) => void): Promise<void> {
  const known = new Map<number, Known>()
  let disk = simDisk({ seed: whole(2 ** 31), faults: { tearing: 0.3, latencyMs: whole(2) * 3 } })
  for (let life = 0; life < 2; life += 1) {
    const store = await openAndCheck(disk, known)
    harm?.(disk)
    if (whole(4) > 0) disk.crashAt('any', 1 + whole(250))
    await live(store, known)
    const next = whole(4) === 0 ? disk.kill() : disk.crash()
    await closeDead(store)
    disk = next
    disk.setFaults({ readErrors: 0, writeErrors: 0, syncErrors: 0, capacityBytes: 1024 ** 4 })
  }
  const store = await openAndCheck(disk, known)
  await store.checkpoint()
  assert.deepEqual((await store.verify()).index.wrong, [])
  await store.close()
  await (await openAndCheck(disk, known)).close()
}

async function openAndCheck(disk: SimDisk, known: ReadonlyMap<number, Known>): Promise<OperationStore> {
  const store = await openStoreOn(disk, options)
  assert.deepEqual(store.findings, [])
  assert.deepEqual(
    store.log.findings.filter(({ kind }) => kind !== 'torn-tail'),
    [],
  )
  for (const [id, one] of known) check(id, one, store.index.get(id), store)
  return store
}

function check(id: number, known: Known, found: LoggedOperation | undefined, store: OperationStore): void {
  assert.ok(found !== undefined, `operation ${id} is lost`)
  if (known.ended !== undefined) assert.equal(found.state, known.ended)
  else if (!known.mayHaveEnded) assert.ok(['queued', 'retrying'].includes(found.state), found.state)
  assert.ok(found.attemptCount >= known.started, `an attempt of ${id} is lost`)
  if (known.key !== undefined) assert.equal(store.index.byKey(known.key)?.id, id)
}

/** Some workers at once: each promises operations, and begins and ends some of them. */
async function live(store: OperationStore, known: Map<number, Known>): Promise<void> {
  await taskGroup(async (group) => {
    for (let worker = 0; worker < 4; worker += 1) {
      group.spawn(async () => {
        for (let step = 0; step < 12; step += 1) if (!(await workOn(store, known))) return
      })
    }
    group.spawn(async () => {
      for (let step = whole(4); step > 0; step -= 1) await survives(() => store.checkpoint())
    })
  })
}

async function workOn(store: OperationStore, known: Map<number, Known>): Promise<boolean> {
  const key = whole(3) === 0 ? `key ${known.size} ${whole(1_000_000)}` : undefined
  const record = adds({ text: 'x'.repeat(whole(300)) }, key === undefined ? {} : { key })
  const lsns = await survives(() => store.append([record]))
  if (lsns === undefined) return false
  const id = lsns[0]!
  const one: Known = { key, started: 0, ended: undefined, mayHaveEnded: false }
  known.set(id, one)
  if (whole(4) === 0) return true
  if ((await survives(() => store.append([start(id, store)]))) === undefined) return false
  one.started += 1
  if (whole(4) === 0) return true
  const kind = whole(3) === 0 ? 'failed' : 'completed'
  one.mayHaveEnded = true
  if ((await survives(() => store.append([end(id, kind)]))) === undefined) return false
  one.ended = kind
  return true
}

function start(id: number, { epoch }: OperationStore): WalRecord {
  return { kind: 'start', at: 1000, id, epoch }
}

function end(id: number, kind: 'completed' | 'failed'): WalRecord {
  if (kind === 'completed') return { kind: 'complete', at: 1000, id, result: 'done' }
  return { kind: 'fail', at: 1000, id, failure: { code: 'E', message: 'no' } }
}

/** What comes of it, or `undefined` when the disk has failed. */
async function survives<T>(work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work()
  } catch (error) {
    const { code = '' } = error as { code?: string }
    assert.ok(allowed.has(code), String(error))
    return undefined
  }
}

/** Closes the store of a process that is dead: it ends, whatever it says. */
async function closeDead(store: OperationStore): Promise<void> {
  try {
    await store.close()
  } catch (error) {
    assert.ok(['WalError', 'DiskError'].includes((error as Error).name), String(error))
  }
}

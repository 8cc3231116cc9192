/** Opens a log of operations: the store, then what runs them. */
import { createOwner } from '@ipfs-kit/concurrency'
import { nodeDisk } from '@ipfs-kit/disk'
import { Appender } from './append-operations.ts'
import { BackendFollowers } from './backend-followers.ts'
import { Calls } from './calls.ts'
import { WalError } from '../errors.ts'
import { Executor } from '../executor/executor.ts'
import { Followers } from './followers.ts'
import { Ledger } from './ledger.ts'
import { openOperationStore } from '../store/open-operation-store.ts'
import type { OperationStore } from '../store/operation-store.ts'
import type { LoggedOperation } from '../store/operation.ts'
import { OpenedWal } from './opened-wal.ts'
import { publishOperation } from '../reports.ts'
import { Removal } from './removal.ts'
import { RetainedCids } from './retained-cids.ts'
import { Transitions } from './transitions.ts'
import {
  checkWalOptions,
  configOf,
  storeOptions,
  type CheckedOptions,
  type WalOptions,
} from './wal-options.ts'
import type { Wal } from './wal.ts'
import { Waits } from './waits.ts'

/**
 * Opens a log of operations, and makes it if it is not there. What a process that has ended was running is queued again, and
 * counted as an attempt; what is due begins.
 *
 * @throws TypeError, RangeError for options; WalError WAL_LOCKED if somebody has it open, and as `openLog`
 */
export async function openWal(options: WalOptions): Promise<Wal> {
  const checked = checkWalOptions(options)
  try {
    return await open(options, checked)
  } catch (error) {
    if (!(error instanceof WalError) || error.code !== 'WAL_INDEX_FAILED') throw error
    // Whoever has met a damage of the index has removed it: now it is made anew.
    return await open(options, checked)
  }
}

async function open(options: WalOptions, checked: CheckedOptions): Promise<Wal> {
  // A tool that looks leaves the configuration of who runs the operations.
  const config = checked.isOn ? configOf(options, checked) : undefined
  const store = await openOperationStore(storeOptions(options), config)
  try {
    return openOver(store, options, checked)
  } catch (error) {
    await store.close()
    throw error
  }
}

/** What runs the operations of an open store. It closes the store in the end. */
export function openOver(store: OperationStore, options: WalOptions, checked: CheckedOptions): Wal {
  const { clock, maxUnfinished, onRetained } = checked
  const calls = new Calls()
  const watch = createOwner({ name: 'times of a log of operations' })
  const waits = new Waits()
  const followers = new Followers(store.log.stats().nextLsn - 1)
  const backendFollowers = new BackendFollowers()
  const retained = new RetainedCids()
  const ledger = new Ledger(store, clock, calls, {
    changed: (change) => {
      const { operation } = change
      publishOperation(operation)
      if (mayRetainMore(operation)) onRetained(retained.of(operation.cids))
      waits.changed(operation)
      executor.changed(operation)
      // What a handler has told since is not taken back.
      const progress = operation.state === 'running' ? executor.shown(operation.id)?.progress : undefined
      followers.give(progress === undefined ? change : { ...change, operation: { ...operation, progress } })
    },
  })
  const appender = new Appender(ledger, maxUnfinished, (record) => executor.claim(record))
  const executor = new Executor({
    ...checked,
    ledger,
    appender,
    calls,
    watch,
    admission: checked,
    lookMs: 30_000,
    onBackend: (health) => backendFollowers.give(health),
    onProgress: ({ id }) => followers.show(() => executor.shown(id)),
  })
  executor.open()
  return new OpenedWal({
    checked,
    config: configOf(options, checked),
    store,
    ledger,
    appender,
    executor,
    transitions: new Transitions({ ledger, executor }),
    removal: new Removal({ ledger, disk: options.disk ?? nodeDisk(), path: options.path }),
    calls,
    watch,
    waits,
    followers,
    backendFollowers,
    retained,
  })
}

/** Whether it has CIDs that nobody else may have named: it was promised just now, perhaps begun with that, or is queued again. */
function mayRetainMore({ id, lsn, state, cids }: LoggedOperation): boolean {
  return cids.length > 0 && (lsn === id || state === 'queued')
}

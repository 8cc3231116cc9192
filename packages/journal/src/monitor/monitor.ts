/**
 * Watches a journal: figures, and alerts that are raised and cleared. It looks at most once a second, and only as long as
 * something can change: an idle journal has no timer.
 */
import { now, type Owner, sleepUntil, type Task } from '@ipfs-kit/concurrency'
import { JournalError } from '../errors.ts'
import type { TransactionStatus } from '../journal.ts'
import { publishAlert, publishChange } from '../reports.ts'
import { Alarm } from './alarm.ts'
import { Growth } from './growth.ts'
import type { Alert, AlertName, JournalFigures, JournalHealth } from './health.ts'
import type { CheckedThresholds } from './thresholds.ts'
import { Window } from './window.ts'

/** What the monitor sees of a journal when it looks. */
export interface Sight {
  readonly state: 'open' | 'failed' | 'closed'
  /** Places in which the log was found to have lost records that are in no checkpoint. */
  readonly losses: number
  readonly changes: number
  readonly changesSinceCheckpoint: number
  readonly treeBytes: number
  readonly logBytes: number
  readonly openTransactions: number
  readonly oldestTransaction: TransactionStatus | undefined
}

/** The same, with what the monitor was told. */
interface Seen extends Sight {
  readonly checkpointFailure: JournalError | undefined
}

/** What a monitor is made of. */
export interface MonitorOptions {
  readonly owner: Owner
  readonly thresholds: CheckedThresholds
  /** What is there now; cheap. */
  readonly look: () => Sight
  /** Costs a walk over what is in memory. */
  readonly memoryEntries: () => number
}

const lookEveryMs = 1000
const windowMs = 600_000
/** Fewer changes that failed, or were slow, are no alert, whatever part they are. */
const fewest = 3

export class Monitor {
  readonly #options: MonitorOptions
  readonly #alarms: ReadonlyMap<AlertName, Alarm>
  readonly #recent = new Window(windowMs, ['answered', 'slow', 'failed'])
  #growth: { readonly tree: Growth; readonly changes: Growth } | undefined
  /** Since when a change is in no checkpoint; and the same for what will be in none when the next was made. */
  #waitingSince: number | undefined
  #nextWaitingSince: number | undefined
  /** Why the last checkpoint could not be written. */
  #checkpointFailure: JournalError | undefined
  #lookedAt = Number.NEGATIVE_INFINITY
  #timer: { readonly at: number; readonly task: Task<void> } | undefined
  #isClosed = false

  constructor(options: MonitorOptions) {
    this.#options = options
    const { settleMs, ...thresholds } = options.thresholds
    const levels: Readonly<Record<AlertName, number>> = {
      'log-stopped': 0,
      'log-damaged': 0,
      'checkpoint-failing': 0,
      'checkpoint-age': thresholds.maxCheckpointAgeMs,
      'changes-since-checkpoint': thresholds.maxChangesSinceCheckpoint,
      'log-size': thresholds.maxLogBytes,
      'tree-size': thresholds.maxTreeBytes,
      'tree-growth': thresholds.maxTreeGrowthBytesPerHour,
      failures: thresholds.maxFailureShare,
      'slow-changes': thresholds.maxSlowChangeShare,
      'slow-transactions': thresholds.slowTransactionMs,
    }
    this.#alarms = new Map(
      Object.entries(levels).map(([name, level]) => [name as AlertName, new Alarm(level, settleMs)]),
    )
  }

  /** The journal can be looked at from now on. */
  begin(): void {
    const { look } = this.#options
    const { treeBytes, changes } = look()
    const at = this.#now()
    this.#growth = { tree: new Growth(treeBytes, at), changes: new Growth(changes, at) }
    this.recovered()
  }

  /** What was changed is what the log tells of, and perhaps not what was told here. */
  recovered(): void {
    this.#waitingSince = this.#options.look().changesSinceCheckpoint > 0 ? this.#now() : undefined
    this.#nextWaitingSince = this.#waitingSince
    this.touch()
  }

  close(): void {
    this.#isClosed = true
  }

  /** Times a change, and counts what comes of it. */
  async timed<T>(change: () => Promise<T>): Promise<T> {
    const from = this.#now()
    try {
      const done = await change()
      this.#answered(this.#now() - from)
      return done
    } catch (error) {
      this.failed(error)
      throw error
    }
  }

  #answered(ms: number): void {
    publishChange({ ms })
    const at = this.#now()
    this.#recent.add('answered', at)
    if (ms > this.#options.thresholds.slowChangeMs) this.#recent.add('slow', at)
    this.touch()
  }

  /** What has failed counts if it is the disk or the block store that did: callers who ask for what cannot be are no alert. */
  failed(error: unknown): void {
    if (!(error instanceof JournalError)) return
    publishChange({ code: error.code })
    if (!failureKinds.has(error.kind)) return
    this.#recent.add('failed', this.#now())
    this.touch()
  }

  /** The tree has changed. */
  changed(): void {
    this.#waitingSince ??= this.#now()
    this.#nextWaitingSince ??= this.#now()
  }

  /** What changes from now on is not in the checkpoint that is begun. */
  checkpointBegun(): void {
    this.#nextWaitingSince = undefined
  }

  checkpointMade(): void {
    this.#waitingSince = this.#nextWaitingSince
    this.#checkpointFailure = undefined
    this.touch()
  }

  checkpointFailed(failure: unknown): void {
    if (!(failure instanceof JournalError) || !failureKinds.has(failure.kind)) return
    this.#checkpointFailure = failure
    this.touch()
  }

  /** Something has happened that may be an alert, or the end of one. */
  touch(): void {
    if (this.#isClosed || this.#growth === undefined) return
    const at = this.#now()
    if (at >= this.#lookedAt + lookEveryMs) this.#look()
    else this.#lookAgain(this.#lookedAt + lookEveryMs)
  }

  health(): JournalHealth {
    const sight = this.#isClosed ? this.#see() : this.#look()
    const figures = this.#figures(sight)
    const alerts = [...this.#alarms].flatMap(([name, { isRaised }]) =>
      isRaised ? [this.#alert(name, figures, sight)] : [],
    )
    const state = sight.state !== 'open' ? 'stopped' : alerts.length > 0 ? 'degraded' : 'healthy'
    const memoryEntries = this.#options.memoryEntries()
    return Object.freeze({ state, alerts, figures: Object.freeze({ ...figures, memoryEntries }) })
  }

  #see(): Seen {
    return { ...this.#options.look(), checkpointFailure: this.#checkpointFailure }
  }

  #look(): Seen {
    const sight = this.#see()
    const at = this.#now()
    this.#lookedAt = at
    this.#growth!.tree.set(sight.treeBytes, at)
    this.#growth!.changes.set(sight.changes, at)
    const figures = this.#figures(sight)
    for (const [name, alarm] of this.#alarms) {
      const state = alarm.look(valueOf(name, figures, sight), at)
      if (state !== undefined) publishAlert({ state, ...this.#alert(name, figures, sight) })
    }
    this.#lookAgain(this.#nextLook(sight, at))
    return sight
  }

  #figures({ changes, changesSinceCheckpoint, treeBytes, logBytes, ...sight }: Sight): Figures {
    const at = this.#now()
    const { answered, slow, failed } = this.#recent.sums(at)
    const all = answered + failed
    const { tree, changes: made } = this.#growth!
    return {
      changes,
      changesWithinHour: Math.max(0, made.within(at)),
      changesSinceCheckpoint,
      checkpointAgeMs: changesSinceCheckpoint === 0 ? 0 : at - (this.#waitingSince ?? at),
      treeBytes,
      treeGrowthBytes: tree.within(at),
      logBytes,
      failureShare: failed < fewest ? 0 : failed / all,
      slowChangeShare: slow < fewest ? 0 : slow / all,
      openTransactions: sight.openTransactions,
      oldestTransactionMs: sight.oldestTransaction?.openMs ?? 0,
    }
  }

  /** When an alert may be raised or cleared without anything happening before. */
  #nextLook({ oldestTransaction, changesSinceCheckpoint }: Sight, at: number): number | undefined {
    const { maxCheckpointAgeMs, slowTransactionMs } = this.#options.thresholds
    const times: number[] = []
    for (const { clearsAt } of this.#alarms.values()) if (clearsAt !== undefined) times.push(clearsAt)
    const isRaised = (name: AlertName): boolean => this.#alarms.get(name)!.isRaised
    if (isRaised('failures') || isRaised('slow-changes')) times.push(at + this.#recent.slotMs)
    if (isRaised('tree-growth')) times.push(at + this.#growth!.tree.slotMs)
    if (changesSinceCheckpoint > 0 && !isRaised('checkpoint-age'))
      times.push((this.#waitingSince ?? at) + maxCheckpointAgeMs + 1)
    if (oldestTransaction !== undefined && !isRaised('slow-transactions'))
      times.push(at - oldestTransaction.openMs + slowTransactionMs + 1)
    return times.length === 0 ? undefined : Math.max(at + lookEveryMs, Math.min(...times))
  }

  #lookAgain(at: number | undefined): void {
    if (at === undefined || this.#isClosed || (this.#timer !== undefined && this.#timer.at <= at)) return
    this.#timer?.task.cancel()
    const work = async (): Promise<void> => {
      await sleepUntil(at)
      this.#timer = undefined
      this.#look()
    }
    this.#timer = { at, task: this.#options.owner.spawn(work, { name: 'monitor of a journal' }) }
  }

  #alert(name: AlertName, figures: Figures, sight: Seen): Alert {
    const { threshold } = this.#alarms.get(name)!
    const value = valueOf(name, figures, sight)
    return Object.freeze({ alert: name, value, threshold, message: sentences[name](value, sight) })
  }

  #now(): number {
    return now({ scope: this.#options.owner.scope })
  }
}

type Figures = Omit<JournalFigures, 'memoryEntries'>

const failureKinds: ReadonlySet<string> = new Set(['full', 'integrity', 'internal'])

function valueOf(name: AlertName, figures: Figures, { state, losses, checkpointFailure }: Seen): number {
  switch (name) {
    case 'log-stopped':
      return state === 'failed' ? 1 : 0
    case 'log-damaged':
      return losses
    case 'checkpoint-failing':
      return checkpointFailure === undefined ? 0 : 1
    case 'checkpoint-age':
      return figures.checkpointAgeMs
    case 'changes-since-checkpoint':
      return figures.changesSinceCheckpoint
    case 'log-size':
      return figures.logBytes
    case 'tree-size':
      return figures.treeBytes
    case 'tree-growth':
      return figures.treeGrowthBytes
    case 'failures':
      return figures.failureShare
    case 'slow-changes':
      return figures.slowChangeShare
    case 'slow-transactions':
      return figures.oldestTransactionMs
  }
}

const sentences: Readonly<Record<AlertName, (value: number, sight: Seen) => string>> = {
  'log-stopped': (value) => (value > 0 ? 'The log takes nothing any more' : 'The log takes changes'),
  'log-damaged': (value) =>
    value > 0
      ? 'The opening found that records of the log, or attributes, are lost: changes may be missing; see what status says of it'
      : 'The opening found nothing lost',
  'checkpoint-failing': (_, { checkpointFailure }) =>
    checkpointFailure === undefined
      ? 'Checkpoints are written'
      : `No checkpoint can be written: ${checkpointFailure.message}`,
  'checkpoint-age': (value) => `A change has been in no checkpoint for ${seconds(value)}`,
  'changes-since-checkpoint': (value) => `${value} changes are in no checkpoint`,
  'log-size': (value) => `The log has ${value} bytes`,
  'tree-size': (value) => `The tree has ${value} bytes`,
  'tree-growth': (value) => `The tree has grown by ${value} bytes within an hour`,
  failures: (value) => `${percent(value)} of the changes of ten minutes were not taken`,
  'slow-changes': (value) => `${percent(value)} of the changes of ten minutes were slow`,
  'slow-transactions': (value, { oldestTransaction }) =>
    oldestTransaction === undefined
      ? 'No transaction is open'
      : `The transaction ${oldestTransaction.name} (${oldestTransaction.id}) has been open for ${seconds(value)}`,
}

function seconds(ms: number): string {
  return `${Math.round(ms / 1000)} s`
}

function percent(share: number): string {
  return `${Math.round(share * 1000) / 10} %`
}

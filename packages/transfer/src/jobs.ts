/** Transfers as jobs of the log of operations: each goes on after a crash where it was, by its id. */
import { now } from '@ipfs-kit/concurrency'
import type { HandlerContext, Json, OperationHandler } from '@ipfs-kit/wal'
import { z } from 'zod'
import { copyOf, moveOf, syncOf } from './copy.ts'
import type { WritableEnd } from './end.ts'
import { TransferError } from './errors.ts'
import { itemResultOf } from './item-result.ts'
import { migrationOf, runMigration, type MigrateReport, type MigrateStep } from './migrate.ts'
import { emptyReport, type ItemOutcome, type TransferReport } from './outcome.ts'
import { Reached } from './reached.ts'
import type { TransferProgress } from './tally.ts'
import { runTransfer } from './transfer.ts'
import { runVerify, verifyOf } from './verify.ts'

/** An end that a job has opened. Disposing it closes what was opened for it. */
export interface OpenedEnd extends AsyncDisposable {
  readonly end: WritableEnd
}

/** Options of {@link transferJobs}. */
export interface TransferJobsOptions {
  /** Opens what is at an address. What it throws fails the attempt. */
  readonly openEnd: (address: string) => Promise<OpenedEnd>
}

/** Types of the jobs. */
export type TransferJobType =
  | 'custom:transfer-copy'
  | 'custom:transfer-sync'
  | 'custom:transfer-move'
  | 'custom:transfer-verify'
  | 'custom:transfer-migrate'

const address = z.string().min(1).max(4096)
const read = {
  from: address,
  to: address,
  include: z.array(z.string()).optional(),
  exclude: z.array(z.string()).optional(),
  concurrency: z.int().min(1).max(64).optional(),
  bytesPerSecond: z.int().min(1).optional(),
  maxFailures: z.int().min(0).max(1_000_000).optional(),
}
const send = { ...read, verify: z.enum(['written', 'read']).optional() }
const copying = { ...send, compare: z.enum(['digest', 'time', 'size']).optional() }
const copyParams = z.strictObject(copying)
const syncParams = z.strictObject({ ...copying, extras: z.enum(['keep', 'delete']).optional() })
const moveParams = z.strictObject(send)
const verifyParams = z.strictObject(read)
const migrateParams = z.strictObject({
  ...send,
  manifest: address,
  originals: z.enum(['keep', 'remove']).optional(),
})

const count = z.int().min(0)
const checkpointSchema = z.strictObject({
  step: z.enum(['copy', 'verify', 'remove']),
  through: z.string().optional(),
  except: z.array(z.string()),
  report: z.strictObject({
    ...{
      items: count,
      sent: count,
      same: count,
      deleted: count,
      removed: count,
      failed: count,
      bytes: count,
    },
    cid: z.string().optional(),
    manifest: z.strictObject({ cid: z.string(), address: z.string(), entries: count }).optional(),
  }),
})

/** Milliseconds between two checkpoints. */
const saveMs = 1000
/** Bytes of a checkpoint as JSON; a larger one is not written, and the one before stands. */
const maxCheckpointBytes = 60_000
/** As long as the log lets an attempt take: 30 days. */
const longestMs = 2_592_000_000

/**
 * Makes the handlers of transfers, for `types` of `openWal`. Parameters are addresses and the options of the calls of the same
 * names. A job of which an object has failed fails with `TRANSFER_INCOMPLETE` when all others are done; what it has done is not
 * done again by the next attempt, nor by a retry.
 *
 * @throws TypeError if `openEnd` is no function
 */
export function transferJobs({ openEnd }: TransferJobsOptions): {
  readonly [type in TransferJobType]: OperationHandler
} {
  if (typeof openEnd !== 'function') throw new TypeError('openEnd is a function')
  function handler<P extends { readonly from: string; readonly to: string }>(
    params: z.ZodType<P>,
    run: (ends: Ends, options: Omit<P, 'from' | 'to'>, job: Job) => Promise<MigrateReport>,
  ): OperationHandler<P> {
    return {
      params,
      timeoutMs: longestMs,
      async run({ from, to, ...options }, context) {
        const job = new Job(context)
        await using source = await openEnd(from)
        await using target = await openEnd(to)
        return await job.end(await run({ source: source.end, target: target.end }, options, job))
      },
    }
  }
  return {
    'custom:transfer-copy': handler(copyParams, ({ source, target }, options, job) =>
      runTransfer({ ...copyOf(source, target, { ...given(options), ...job.told }), ...job.resumed }),
    ),
    'custom:transfer-sync': handler(syncParams, ({ source, target }, options, job) =>
      runTransfer({ ...syncOf(source, target, { ...given(options), ...job.told }), ...job.resumed }),
    ),
    'custom:transfer-move': handler(moveParams, ({ source, target }, options, job) =>
      runTransfer({ ...moveOf(source, target, { ...given(options), ...job.told }), ...job.resumed }),
    ),
    'custom:transfer-verify': handler(verifyParams, ({ source, target }, options, job) =>
      runVerify({ ...verifyOf(source, target, { ...given(options), ...job.told }), ...job.resumed }),
    ),
    'custom:transfer-migrate': handler(
      migrateParams,
      async ({ source, target }, { manifest, ...options }, job) => {
        await using written = await openEnd(manifest)
        const migration = migrationOf(source, target, {
          ...given(options),
          ...job.told,
          manifest: written.end,
        })
        const { step } = job
        return await runMigration({
          ...migration,
          ...job.resumed,
          step,
          onStep: (to, report) => job.enter(to, report),
        })
      },
    ),
  }
}

/** What a job transfers between. */
interface Ends {
  readonly source: WritableEnd
  readonly target: WritableEnd
}

/** An attempt: what the attempts before have left, and what it leaves itself. */
class Job {
  readonly #context: HandlerContext
  #step: MigrateStep
  #report: MigrateReport
  #reached: Reached
  #savedAt = now()
  #mayPass = false

  constructor(context: HandlerContext) {
    this.#context = context
    const { checkpoint } = context
    const { step, report, through, except } =
      checkpoint === undefined
        ? { step: 'copy' as const, report: emptyReport, through: undefined, except: [] }
        : checkpointSchema.parse(checkpoint)
    this.#step = step
    this.#report = given(report)
    this.#reached = new Reached({ ...(through !== undefined && { through }), except })
  }

  get step(): MigrateStep {
    return this.#step
  }

  /** What a transfer tells the log. */
  get told(): { onItem: (outcome: ItemOutcome) => void; onProgress: (progress: TransferProgress) => void } {
    const { results, progress } = this.#context
    return {
      onItem: (outcome) => {
        if (outcome.failure?.retryable === true) this.#mayPass = true
        // What was there already may be a million objects: it is counted, and not told one by one.
        if (outcome.outcome !== 'same' || outcome.isRemoved) results([itemResultOf(outcome)])
      },
      onProgress: ({ stage, bytes, totalBytes, items, totalItems }) =>
        progress({ stage, bytes, totalBytes, items, totalItems }),
    }
  }

  /** Where a transfer goes on. */
  get resumed() {
    return {
      report: this.#report,
      reached: this.#reached,
      onPoint: async (report: TransferReport) => {
        this.#report = report
        if (now() - this.#savedAt >= saveMs) await this.#save()
      },
    }
  }

  async enter(step: MigrateStep, report: MigrateReport): Promise<Reached> {
    this.#step = step
    this.#report = report
    this.#reached = new Reached({ except: [] })
    await this.#save()
    return this.#reached
  }

  /** @throws TransferError `TRANSFER_INCOMPLETE` */
  async end(report: MigrateReport): Promise<Json> {
    const { failed } = report
    if (failed === 0) return { ...report } as unknown as Json
    this.#report = report
    // What a verification has refuted is to be sent again.
    if (this.#step === 'verify') await this.enter('copy', emptyReport)
    else await this.#save()
    throw new TransferError(
      'TRANSFER_INCOMPLETE',
      `${failed} of ${report.items} objects have failed; the results of the job say why`,
      { kind: this.#mayPass ? 'temporary' : 'invalid' },
    )
  }

  async #save(): Promise<void> {
    const { failed, items } = this.#report
    // Those that have failed are begun again.
    const report = { ...this.#report, items: items - failed, failed: 0 }
    const checkpoint = { step: this.#step, ...this.#reached.point, report } as unknown as Json
    this.#savedAt = now()
    if (Buffer.byteLength(JSON.stringify(checkpoint)) > maxCheckpointBytes) return
    await this.#context.save(checkpoint)
  }
}

/** The same without what is undefined, which options of ours are not given as. */
function given<T extends object>(options: T): { [key in keyof T]: Exclude<T[key], undefined> } {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as never
}

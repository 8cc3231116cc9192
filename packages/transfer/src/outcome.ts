/** What became of the objects of a transfer. */
import type { TransferError } from './errors.ts'

/** What became of one object: data, since one bad object does not end the rest. */
export interface ItemOutcome {
  readonly path: string
  readonly outcome:
    /** It was sent, and the target is proven to have it. */
    | 'sent'
    /** The target had it already, or both sides were read and have the same bytes. */
    | 'same'
    /** Only the target had it, and it was deleted there. */
    | 'deleted'
    /** It is as it was; the failure says why. */
    | 'failed'
  /** Bytes of the object, of what was sent or compared; 0 of what was deleted or has failed. */
  readonly bytes: number
  /** SHA-256 in hex, where it was computed or is known. */
  readonly sha256?: string
  /** True if it was deleted from the source after that. */
  readonly isRemoved: boolean
  readonly failure?: TransferError
}

/** What became of a transfer, counted. */
export interface TransferReport {
  /** Objects of the source. */
  readonly items: number
  readonly sent: number
  readonly same: number
  /** Deleted from the target. */
  readonly deleted: number
  /** Deleted from the source. */
  readonly removed: number
  readonly failed: number
  /** Bytes that were sent and proven. */
  readonly bytes: number
  /** CID of all that the target has got, where it has one. */
  readonly cid?: string
}

/** Nothing yet. */
export const emptyReport: TransferReport = Object.freeze({
  items: 0,
  sent: 0,
  same: 0,
  deleted: 0,
  removed: 0,
  failed: 0,
  bytes: 0,
})

/** The report with one outcome more. */
export function counted(report: TransferReport, { outcome, bytes, isRemoved }: ItemOutcome): TransferReport {
  return {
    ...report,
    [outcome]: report[outcome] + 1,
    items: report.items + (outcome === 'deleted' ? 0 : 1),
    removed: report.removed + (isRemoved ? 1 : 0),
    bytes: report.bytes + (outcome === 'sent' ? bytes : 0),
  }
}

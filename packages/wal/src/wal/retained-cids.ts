/**
 * CIDs that operations name, so that somebody keeps their blocks. An append refuses what is none. What an older version has
 * promised may name such all the same: that is left out, and told as a finding, since whoever keeps blocks could do nothing with it.
 */
import { CID } from 'multiformats/cid'
import { WalError } from '../errors.ts'
import { checkList, checkText } from '../option-checks.ts'
import { publishFinding } from '../reports.ts'
import type { StoreFinding } from '../store/operation-store.ts'
import type { OperationHandler } from './wal.ts'

/** CIDs of an operation at most. */
const maxCids = 1000
/** Characters of one: that of a block that is in its CID is longer than others. */
const maxCidLength = 1000
/** Findings at most. */
const maxFindings = 100

/**
 * The CIDs that an operation is to keep: those that its parameters name, as its handler knows, and those that come with it.
 *
 * @throws TypeError, RangeError for what is no list of texts; WalError WAL_CID_INVALID; what `cids` of the handler throws
 */
export function cidsOf(
  handler: OperationHandler,
  params: unknown,
  given: readonly string[] = [],
): readonly string[] {
  checkList(given, 'cids', maxCids)
  const named = handler.cids?.(params) ?? []
  checkList(named, 'What cids of a handler gives', Infinity)
  const all = [...new Set([...named, ...given])]
  if (all.length > maxCids) {
    throw new WalError('WAL_CID_INVALID', `The operation names ${all.length} CIDs; there may be ${maxCids}`)
  }
  for (const cid of all) {
    checkText(cid, 'A CID', maxCidLength)
    if (!isCid(cid)) throw new WalError('WAL_CID_INVALID', `${shown(cid)} is no CID`)
  }
  return all
}

/** Tells the CIDs that are kept, without those that are none. */
export class RetainedCids {
  readonly #findings = new Map<string, StoreFinding>()

  /** What was left out. */
  get findings(): readonly StoreFinding[] {
    return [...this.#findings.values()]
  }

  /** Those that are CIDs. */
  of(cids: readonly string[]): string[] {
    return cids.filter((cid) => isCid(cid) || this.#report(cid))
  }

  #report(text: string): false {
    if (this.#findings.has(text) || this.#findings.size === maxFindings) return false
    const message = `An unfinished operation names ${shown(text)}, which is no CID: nothing is retained for it`
    const finding: StoreFinding = { kind: 'cid', message }
    this.#findings.set(text, finding)
    publishFinding(finding)
    return false
  }
}

function isCid(text: string): boolean {
  try {
    CID.parse(text)
    return true
  } catch {
    return false
  }
}

function shown(text: string): string {
  return JSON.stringify(text.length > 100 ? `${text.slice(0, 100)}…` : text)
}

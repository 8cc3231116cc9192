/** The records of the log. See FORMAT.md. */
import * as dagCbor from '@ipld/dag-cbor'
import type { MetadataChange, UnixfsMetadata } from '@ipfs-kit/ipfs/unixfs'
import type { CID } from 'multiformats/cid'
import { JournalError } from './errors.ts'
import type { SampleRow } from './samples.ts'

/** One change of the tree. Paths are from the root. */
export type Step =
  /** A DAG comes to a path, in the place of what is there. */
  | {
      readonly step: 'put'
      readonly path: string
      /** Default `file`. */
      readonly kind?: 'directory' | 'symlink' | 'node'
      readonly cid: CID
      readonly dagBytes: number
      /** That it is a mount, and whether it can be changed. */
      readonly mount?: 'read-only' | 'writable'
    }
  /** An empty folder comes to a path. */
  | ({ readonly step: 'mkdir'; readonly path: string } & UnixfsMetadata)
  /** The folder at a path has other metadata. */
  | ({ readonly step: 'meta'; readonly path: string } & MetadataChange)
  | { readonly step: 'rm'; readonly path: string }
  /** What is at `from` comes to `to`, in the place of what is there. */
  | { readonly step: 'mv'; readonly from: string; readonly to: string }
  | { readonly step: 'cp'; readonly from: string; readonly to: string }
  /** Own attributes of a path; those that are null are removed. */
  | {
      readonly step: 'attributes'
      readonly path: string
      readonly attributes: Readonly<Record<string, string | null>>
    }
  /** Where the blocks of a path are to lie; null: wherever they do. */
  | { readonly step: 'tier'; readonly path: string; readonly tier: string | null }
  /** What is at a path is no mount any more. */
  | { readonly step: 'unmount'; readonly path: string }

/** Steps that change only what a path carries, and nothing of what is there. */
export type MarkStep = StepOf<'attributes' | 'unmount' | 'tier'>

export function isMarkStep(step: Step): step is MarkStep {
  return step.step === 'attributes' || step.step === 'unmount' || step.step === 'tier'
}

/** Steps of one sort. */
export type StepOf<Sort extends Step['step']> = Extract<Step, { readonly step: Sort }>

/** Steps that are done all or none. */
export interface ChangeRecord {
  /** Number of the change, one more than that before it: one that follows none was appended after one that failed. */
  readonly sequence: number
  /** Milliseconds since 1970, by the clock of who made it. */
  readonly at: number
  readonly steps: readonly Step[]
}

/** A tree that was written whole, and with which a recovery can begin. */
export interface KeptTree {
  /** Number of the last change that is in it. */
  readonly sequence: number
  /** LSN behind which the changes are that are not in it. */
  readonly lsn: number
  readonly at: number
  readonly root: CID
  readonly dagBytes: number
  /** Attributes and mounts; absent if there are none. */
  readonly marks?: CID
}

/** A tree that has a name. */
export interface NamedTree extends Omit<KeptTree, 'lsn'> {
  readonly name: string
}

/** A tree that was written, and what is kept besides: so each record tells of all. */
export interface CheckpointRecord extends KeptTree {
  /** Those before it that are kept, the newest first. */
  readonly older: readonly KeptTree[]
  readonly snapshots: readonly NamedTree[]
  /** Of this one and of some before it. */
  readonly samples: readonly SampleRow[]
}

const version = 1
/** The version, then the type: who looks for checkpoints need not decode what is none. */
const headBytes = 2
const types = { change: 1, checkpoint: 2, resume: 3 } as const

export function encodeChange(record: ChangeRecord): Uint8Array {
  return encode(types.change, record)
}

export function encodeCheckpoint(record: CheckpointRecord): Uint8Array {
  return encode(types.checkpoint, record)
}

/** Takes the place of a record whose append has failed: it may be on the disk all the same, and would be found there one day. */
export function encodeResume(record: { readonly sequence: number; readonly at: number }): Uint8Array {
  return encode(types.resume, record)
}

/** The change in a record; `undefined` if it is something else. @throws JournalError JOURNAL_FORMAT_TOO_NEW, JOURNAL_DAMAGED */
export function decodeChange(payload: Uint8Array, lsn: number): ChangeRecord | undefined {
  return decode(types.change, payload, lsn) as ChangeRecord | undefined
}

/** The checkpoint in a record; `undefined` if it is something else. @throws as {@link decodeChange} */
export function decodeCheckpoint(payload: Uint8Array, lsn: number): CheckpointRecord | undefined {
  return decode(types.checkpoint, payload, lsn) as CheckpointRecord | undefined
}

function encode(type: number, value: object): Uint8Array {
  const body = dagCbor.encode(value)
  const payload = new Uint8Array(headBytes + body.length)
  payload[0] = version
  payload[1] = type
  payload.set(body, headBytes)
  return payload
}

/** Values are as `encode` had them: the log has checked the bytes. */
function decode(wanted: number, payload: Uint8Array, lsn: number): unknown {
  const [written, type] = payload
  if (written !== undefined && written > version) {
    throw new JournalError(
      'JOURNAL_FORMAT_TOO_NEW',
      `The record ${lsn} has version ${written}; this is version ${version}`,
    )
  }
  if (written !== version || !Object.values<number | undefined>(types).includes(type)) {
    throw new JournalError('JOURNAL_DAMAGED', `The record ${lsn} is none of a journal`)
  }
  if (type !== wanted) return undefined
  try {
    return dagCbor.decode(payload.subarray(headBytes))
  } catch (cause) {
    throw new JournalError('JOURNAL_DAMAGED', `The record ${lsn} cannot be decoded`, { cause })
  }
}

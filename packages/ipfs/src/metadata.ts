/** Mode and time of UnixFS nodes: the last two fields of their data. */
import { UnixFS, type Mtime } from 'ipfs-unixfs'

/** What a file or a folder carries besides its content. */
export interface UnixfsMetadata {
  /** Permission bits. 0644 is what a file has that carries none, 0755 a folder; these are not written. */
  readonly mode?: number
  /** Seconds since the epoch, negative before it, and nanoseconds from 0 to 999,999,999. */
  readonly mtime?: Readonly<Mtime>
}

/** What becomes of metadata: they stay what they are where others are not given, and `null` takes them away. */
export interface MetadataChange {
  readonly mode?: number | null
  readonly mtime?: Readonly<Mtime> | null
}

/** @throws RangeError for metadata that UnixFS cannot hold */
export function checkMetadata({ mode, mtime }: MetadataChange): void {
  if (typeof mode === 'number' && (!Number.isInteger(mode) || mode < 0 || mode > 0o7777)) {
    throw new RangeError(`mode is a whole number from 0 to 07777 (octal), not ${mode}`)
  }
  if (mtime === undefined || mtime === null) return
  const { secs, nsecs = 0 } = mtime
  if (BigInt.asIntN(64, secs) !== secs) throw new RangeError(`mtime.secs has at most 64 bits, not ${secs}`)
  if (!Number.isInteger(nsecs) || nsecs < 0 || nsecs > 999_999_999) {
    throw new RangeError(`mtime.nsecs is a whole number from 0 to 999,999,999, not ${nsecs}`)
  }
}

/** Changes the mode of a node. Bits that nobody knows yet stay as they are, as UnixFS wants it. */
export function changeMode(unixfs: UnixFS, { mode }: MetadataChange): void {
  // Without one it has that of its type.
  if (mode !== undefined) unixfs.mode = mode ?? undefined
}

/** The time that a node has after a change. */
export function changedTime(
  { mtime: before }: { readonly mtime?: Readonly<Mtime> | undefined },
  { mtime }: MetadataChange,
): Readonly<Mtime> | undefined {
  return mtime === undefined ? before : (mtime ?? undefined)
}

/**
 * The field of the time; none for no time. It is written here: `ipfs-unixfs` (13.1.1) writes from 2^31 to below 2^32 seconds, the
 * years 2038 to 2106, as another time, and so some before the year -285,000,000.
 */
export function timeField(mtime: Readonly<Mtime> | undefined): Uint8Array {
  if (mtime === undefined) return new Uint8Array()
  const { secs, nsecs } = mtime
  // UnixFS: field 8 `mtime`; of it field 1 `Seconds`, an int64, and field 2 `FractionalNanoseconds`, a fixed32.
  const time = [0x08, ...int64(secs), ...(nsecs === undefined ? [] : [0x15, ...fixed32(nsecs)])]
  return Uint8Array.of(0x42, time.length, ...time)
}

/** What {@link UnixFS.marshal} gives of a file before its mode: field 1 type 2 (`File`), and 3 `filesize` 0. */
const bareFileBytes = 4

/**
 * The fields that a file carries after a change. `undefined` for one that needs none: it may be a raw block. Given a mode it is
 * a node, even if that mode is not written: as an add makes it.
 *
 * @param before - the UnixFS data of the file
 * @throws RangeError for metadata that UnixFS cannot hold
 */
export function fileFields(before: Uint8Array | undefined, change: MetadataChange): Uint8Array | undefined {
  checkMetadata(change)
  const { mode, mtime } = change
  if (before === undefined && typeof mode !== 'number' && (mtime ?? undefined) === undefined) return undefined
  const unixfs = before === undefined ? new UnixFS({ type: 'file' }) : UnixFS.unmarshal(before)
  changeMode(unixfs, change)
  const time = timeField(changedTime(unixfs, change))
  const bare: Partial<UnixFS> = unixfs
  bare.type = 'file'
  bare.blockSizes = []
  for (const field of ['data', 'fanout', 'hashType', 'mtime'] as const) delete bare[field]
  const modeField = unixfs.marshal().subarray(bareFileBytes)
  if (modeField.length + time.length === 0 && typeof mode !== 'number') return undefined
  return Buffer.concat([modeField, time])
}

function int64(value: bigint): number[] {
  const bytes: number[] = []
  let rest = BigInt.asUintN(64, value)
  for (; rest >= 0x80n; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80)
  return [...bytes, Number(rest)]
}

function fixed32(value: number): number[] {
  return Array.from({ length: 4 }, (_, at) => (value >>> (8 * at)) & 0xff)
}

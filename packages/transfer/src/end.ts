/** The ends of a transfer: what it needs of a place to read from it, and to write to it. */
import type { Body } from '@ipfs-kit/storage'

/** What is known of an object of an end without reading it. */
export interface EndItem {
  /** Its key below the root of the end; empty in an end that is one object. */
  readonly path: string
  /** In bytes. */
  readonly size: number
  /** Tells two values of a path apart, as `ObjectStat.version`; `undefined` if the end cannot tell. */
  readonly version: string | undefined
  /** Milliseconds since 1970; `undefined` if it is not known. */
  readonly modifiedMs: number | undefined
  /** SHA-256 of the bytes in hex; `undefined` if it is not known without reading them. */
  readonly sha256: string | undefined
  /** CID of the content; `undefined` if it is not known. */
  readonly cid: string | undefined
}

/** An object on its way out. */
export interface OpenedItem extends EndItem {
  /** All bytes, of one version. Read to its end, or left (`return()`). */
  readonly body: AsyncIterable<Uint8Array>
}

/** What an end can do, declared as literals. */
export interface EndSupports {
  readonly write: boolean
  readonly delete: boolean
  readonly list: boolean
  /** `write` with `ifAbsent`. */
  readonly conditionalPut: boolean
  /** `write` with `ifVersion`. */
  readonly conditionalReplace: boolean
  /** Bytes of UTF-8 that a path may have. 0: no path can be chosen, as where keys are CIDs. */
  readonly maxPathBytes: number
  /** Bytes that an object may have. */
  readonly maxItemBytes: number
}

/** Options of each call: its signal ends it with the reason. */
export interface EndCall {
  readonly signal: AbortSignal
}

/** An end that is read. Calls reject with errors whose `kind` is a fault of the house, as `StorageError`. */
export interface ReadableEnd {
  /** Its address, for messages and manifests. It holds no secrets. */
  readonly name: string
  /** `object`: one object, whose path is empty. `prefix`: all that is below the root. */
  readonly shape: 'object' | 'prefix'
  /** What its bytes are in, compared by identity: two ends in one place may overlap. */
  readonly place: unknown
  /** Where its objects begin in that place: a key, or the beginning of keys. */
  readonly root: string
  /** Copies in one domain fail together. */
  readonly failureDomain: string
  readonly supports: EndSupports
  /** All objects by the byte order of their paths in UTF-8 (`compareKeys` of storage); of an end of shape `prefix` only. */
  list(call: EndCall): AsyncIterable<EndItem>
  /** `undefined` if there is none. */
  stat(path: string, call: EndCall): Promise<EndItem | undefined>
  /** `undefined` if there is none. */
  open(path: string, call: EndCall): Promise<OpenedItem | undefined>
}

/** Options of {@link WritableEnd.write}: at most one condition. */
export interface EndWrite extends EndCall {
  /** Bytes that the body has. */
  readonly size: number
  /** Refuse with `STORAGE_EXISTS` if there is a value. */
  readonly ifAbsent?: boolean
  /** Refuse with `STORAGE_CONFLICT` if the value has not this version. */
  readonly ifVersion?: string
}

/** An end that is read and written. What `supports` denies is not called. */
export interface WritableEnd extends ReadableEnd {
  /** Stores an object whole, or not at all. What the body throws passes through untouched. */
  write(path: string, body: Body, options: EndWrite): Promise<EndItem>
  /** It is no error if there is none. */
  remove(path: string, call: EndCall): Promise<void>
  /**
   * Called once, when all objects are written.
   *
   * @returns what the objects are together, such as the CID of their folder, where there is such a thing
   */
  finish(call: EndCall): Promise<{ readonly cid?: string }>
}

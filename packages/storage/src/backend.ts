/** The storage backend contract: what every place that keeps bytes by key promises. */

/** What a backend can do, declared as literals. What it cannot do rejects with `STORAGE_NOT_SUPPORTED`. */
export interface Supports {
  /** `put`. */
  readonly write: boolean
  /** `delete`. */
  readonly delete: boolean
  /** `list`. */
  readonly list: boolean
  /** `get` with `offset` or `length`. */
  readonly ranges: boolean
  /** `put` with `ifAbsent`. */
  readonly conditionalPut: boolean
  /** `put` with `ifVersion`. Where it is true, every object has a version. */
  readonly conditionalReplace: boolean
  /** `any`: keys are free. `cid`: a key is the CID of its bytes, and any other key is `STORAGE_INVALID_KEY`. */
  readonly keys: 'any' | 'cid'
}

/** Bytes on their way in. An iterable is read once, and told to stop (`return()`) when the put ends before it does. */
export type Body = Uint8Array | AsyncIterable<Uint8Array>

/** Options that every call takes. */
export interface CallOptions {
  /** Cancels the call: it rejects with `signal.reason`, untouched. */
  readonly signal?: AbortSignal
}

/** Options of {@link StorageBackend.put}. */
export interface PutOptions extends CallOptions {
  /** Refuse with `STORAGE_EXISTS` if the key has a value, also one that arrived meanwhile. Default false. */
  readonly ifAbsent?: boolean
  /**
   * Refuse with `STORAGE_CONFLICT` unless the key has the value of this version, also when the body has come. Not together
   * with `ifAbsent`.
   */
  readonly ifVersion?: string
  /** Number of bytes that the body has. Room for them is taken at once; a body of another size is refused. */
  readonly size?: number
}

/** Options of {@link StorageBackend.get}. */
export interface GetOptions extends CallOptions {
  /** First byte wanted. Default 0. At or after the end it is `STORAGE_RANGE`, except 0 in an empty object. */
  readonly offset?: number
  /** Number of bytes wanted; what is past the end is cut off. Default: up to the end. */
  readonly length?: number
}

/** Options of {@link StorageBackend.list}. */
export interface ListOptions extends CallOptions {
  /** Only keys that begin with this. Default: all. */
  readonly prefix?: string
  /** Entries in a page at most, 1 to 1,000. Default 1,000. */
  readonly limit?: number
  /** The `cursor` of the page before, with the same prefix. */
  readonly cursor?: string
}

/** What is known of an object without reading it. */
export interface ObjectStat {
  readonly key: string
  /** Bytes of the whole object. */
  readonly size: number
  /**
   * Tells the values of a key apart: two that differ have different versions, and the same bytes put again may have another
   * one. It means something to this backend only. Where keys are CIDs it is the key. `undefined` if the backend cannot tell,
   * as a store that is made of several.
   */
  readonly version: string | undefined
  /** When it was put, in milliseconds since 1970 by the clock of who keeps it; `undefined` if that is not known. */
  readonly modifiedMs: number | undefined
  /**
   * SHA-256 of the whole object in hex, as it was noted when it was put; `undefined` if it is not known without reading the
   * bytes. Entries of a listing may lack what `stat` tells.
   */
  readonly sha256: string | undefined
}

/** An object on its way out. */
export interface StoredObject extends ObjectStat {
  /** First byte of the body within the object. */
  readonly offset: number
  /** Number of bytes that the body has. */
  readonly length: number
  /**
   * The bytes, of one version of the object even if it is replaced or deleted meanwhile. Read once. Read it to the end,
   * leave it (`break`, `return()`) or abort the signal: until then the backend holds what it needs for it.
   * The chunks belong to the reader.
   */
  readonly body: AsyncIterable<Uint8Array>
}

/** A part of a listing. */
export interface ListPage {
  /** In the byte order of the keys in UTF-8. */
  readonly entries: readonly ObjectStat[]
  /** Present if there may be more. It means something to this backend only. */
  readonly cursor?: string
}

/** A thing that {@link StorageBackend.probe} tries. */
export type ProbeStep = 'write' | 'read' | 'list' | 'delete'

/** What a successful probe did. */
export interface ProbeReport {
  /** In the order in which they were done. */
  readonly steps: readonly ProbeStep[]
  readonly durationMs: number
}

/**
 * A place that keeps bytes by key.
 *
 * Keys are 1 to 1,024 bytes of UTF-8 without NUL, and mean nothing: `a/../b` is not `b`. Nothing here is optional: a
 * call that the backend does not support rejects with `STORAGE_NOT_SUPPORTED`, and `supports` says so beforehand.
 * All calls reject with `STORAGE_CLOSED` after {@link close}, with `STORAGE_INVALID_KEY` for an impossible key, with a
 * RangeError for a number that is none or negative, and with `signal.reason` when cancelled. What a place that is elsewhere
 * can fail with besides (`STORAGE_UNAVAILABLE`, `STORAGE_DENIED`, …) may come of every call, and of a body while it is read.
 */
export interface StorageBackend extends AsyncDisposable {
  /** How people call it. */
  readonly name: string
  /** What fails together: copies in one domain count as one. */
  readonly failureDomain: string
  readonly supports: Supports

  /**
   * Stores a body under a key, in the place of what was there. Readers see the former value or the new one, never a
   * part. A body that fails (its error passes through untouched), is too large or is cancelled changes nothing.
   * The bytes are copied: the caller may use its buffers again once the next chunk is asked for or the put has ended.
   *
   * @returns what is known of the new value; from then on it is what `get`, `stat` and `list` show
   * @throws StorageError `STORAGE_EXISTS` (`ifAbsent`), `STORAGE_CONFLICT` (`ifVersion`), `STORAGE_FULL`,
   *   `STORAGE_SIZE_MISMATCH`
   */
  put(key: string, body: Body, options?: PutOptions): Promise<ObjectStat>

  /**
   * Reads an object, or a range of it.
   *
   * @returns undefined if there is none
   * @throws StorageError `STORAGE_RANGE`; the body with `STORAGE_CORRUPT` if other bytes come than were promised, and with
   *   `STORAGE_CHANGED` if the object changes meanwhile and the backend cannot keep the version that is read
   */
  get(key: string, options?: GetOptions): Promise<StoredObject | undefined>

  /** What is known of an object, or undefined if there is none. */
  stat(key: string, options?: CallOptions): Promise<ObjectStat | undefined>

  /** Removes an object. It is no error if there is none. */
  delete(key: string, options?: CallOptions): Promise<void>

  /**
   * Lists objects page by page. What is there from the first page to the last is listed exactly once, whatever is put
   * or deleted meanwhile. Only a page without `cursor` is the last; a page may have fewer entries than asked, even none.
   *
   * @throws StorageError `STORAGE_INVALID_CURSOR`
   */
  list(options?: ListOptions): Promise<ListPage>

  /**
   * Finds out whether the backend works by using it: where writing is supported it writes a small object, reads it back
   * and deletes it, and leaves nothing behind.
   *
   * @throws StorageError `STORAGE_PROBE_FAILED` if other bytes come back, or the error of the call that failed
   */
  probe(options?: CallOptions): Promise<ProbeReport>

  /** Ends running calls with `STORAGE_CLOSED` and frees what is held. A second call waits for the first. */
  close(): Promise<void>
}

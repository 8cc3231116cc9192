/** What a store needs of a disk: files that grow at their end, positions, syncs, and folders whose entries are synced. */

/** How a file is opened. */
export type OpenMode =
  /** To read; it must be there. */
  | 'read'
  /** To read and write; it must be there. */
  | 'write'
  /** To read and write; it is made if it is not there. */
  | 'create'
  /** To read and write; `DISK_EXISTS` if it is there. */
  | 'create-new'

/** What a path leads to. */
export interface DiskStat {
  readonly kind: 'file' | 'folder' | 'other'
  /** Bytes of a file; 0 otherwise. */
  readonly size: number
  /** When its bytes or entries were last changed, in milliseconds by the clock of the file system (since 1970), with fractions. */
  readonly modifiedMs: number
  /**
   * Tells a file with these bytes from others: it is another text when another file is there, and when the size or the time of
   * its bytes has changed. It means something to this disk only.
   */
  readonly version: string
}

/** Options of {@link Disk.stat}. */
export interface DiskStatOptions {
  /** `follow`: what a symbolic link leads to. The default. `tell`: the link itself, which is of the kind `other`. */
  readonly links?: 'follow' | 'tell'
}

/** A name in a folder. */
export interface DiskEntry {
  readonly name: string
  readonly kind: 'file' | 'folder' | 'other'
}

/** Room on the volume of a folder. */
export interface FreeSpace {
  /** Bytes that this process may still write. */
  readonly freeBytes: number
  /** Bytes of the volume. */
  readonly totalBytes: number
  /** Files that can still be made; Infinity where the file system does not count them. */
  readonly freeInodes: number
}

/**
 * An open file. Positions and sizes are in bytes. Calls may run side by side; whoever appends does it one call after the
 * other. Every call rejects with `DISK_CLOSED` after `close`, with `DISK_IO` or `DISK_FAILED` when the system refuses, and
 * with RangeError or TypeError for what is no position, size or buffer. A call that has begun goes on to its end, also if
 * the scope around it is cancelled: when it settles, its buffers are free.
 */
export interface DiskFile {
  readonly path: string
  /**
   * Writes all buffers one after the other at a position, which may be the end of the file. The buffers must not change
   * until it resolves. When it rejects (`DISK_FULL`, `DISK_IO`), any part of them may have been written.
   */
  write(buffers: readonly Uint8Array[], position: number): Promise<void>
  /**
   * The same, at once. False, and nothing is written, when the disk has lately been slow, when there is too much for that,
   * or when it is time that others get a turn: then await {@link write}. Throws what `write` rejects with.
   */
  writeNow(buffers: readonly Uint8Array[], position: number): boolean
  /** Reads into a buffer from a position until it is full or the file ends. Resolves to the number of bytes read: 0 at or after the end. */
  read(into: Uint8Array, position: number): Promise<number>
  /**
   * The same, at once. `undefined` when the disk has lately been slow to answer, when there is too much for that, or when it is
   * time that others get a turn: then await {@link read}. Throws what `read` rejects with.
   */
  readNow(into: Uint8Array, position: number): number | undefined
  /** Cuts or extends (with zeros) the file. */
  truncate(size: number): Promise<void>
  /**
   * Takes room from the end of the file up to a size, so that writes there do not fail for lack of it. The size becomes at
   * least that; what is added reads as zeros. Holes that `truncate` made below the end stay. When it rejects (`DISK_FULL`),
   * the file may have grown by a part. Counts as appending.
   */
  preallocate(size: number): Promise<void>
  /**
   * Makes everything written so far survive a power loss, size included (fdatasync). Not the name of a new file: that is for
   * `syncFolder`. A failed sync must not be retried: what was written since the last one is in an unknown state, and a later
   * sync that succeeds says nothing about it.
   */
  sync(): Promise<void>
  /**
   * The same, at once. False, and nothing is synced, when the disk has lately been slow, or when others than who waits for it
   * have use for the event loop: then await {@link sync}. Throws what `sync` rejects with. Whoever calls it again and again
   * lets the event loop turn in between.
   */
  syncNow(): boolean
  /** Bytes of the file. */
  size(): Promise<number>
  /** What is known of the open file, whatever is at its path by now. */
  stat(): Promise<DiskStat>
  /**
   * Sets the time at which its bytes were last changed, in milliseconds since 1970, with fractions as fine as the file system
   * has them. RangeError for what is no time.
   */
  setModified(ms: number): Promise<void>
  /** Idempotent. Waits for running calls. Syncs nothing. */
  close(): Promise<void>
}

/** A lock on a path, held until it is closed or its process dies. */
export interface DiskLock {
  close(): Promise<void>
}

/**
 * A disk. Paths are absolute, with `/`; others are a TypeError. A call that has begun goes on to its end, also if the scope
 * around it is cancelled.
 */
export interface Disk {
  readonly name: 'node' | 'sim'
  /**
   * Opens a file. A new one survives a power loss after `syncFolder` of its folder. What is no file is `DISK_FAILED` with
   * `EISDIR`.
   *
   * @throws DiskError `DISK_NOT_FOUND`, `DISK_EXISTS`, `DISK_FULL`, `DISK_DENIED`, `DISK_IO`, `DISK_FAILED`
   */
  open(path: string, mode: OpenMode): Promise<DiskFile>
  /**
   * Makes a folder and those above it that are missing, and syncs their names, or its own if it is there already. A folder
   * whose name cannot be synced is removed again. `DISK_EXISTS` if a file is there.
   */
  makeFolder(path: string): Promise<void>
  /**
   * Replaces `to`; those who have that open read on. Survives a power loss after `syncFolder` of both folders; until then
   * either name may be there, and never none.
   */
  rename(from: string, to: string): Promise<void>
  /** Removes a file; false if there was none. Those who have it open read on. Until `syncFolder` it may come back. */
  unlink(path: string): Promise<boolean>
  /** Removes an empty folder; false if there was none, `DISK_EXISTS` if it is not empty. */
  removeFolder(path: string): Promise<boolean>
  /** Entries of a folder in no order. `DISK_NOT_FOUND`. */
  list(path: string): Promise<readonly DiskEntry[]>
  /** What is at a path; `undefined` if there is nothing. */
  stat(path: string, options?: DiskStatOptions): Promise<DiskStat | undefined>
  /**
   * Makes the entries of a folder (files made, renamed, removed) survive a power loss. After one that failed, a later one that
   * succeeds says nothing about the names that were to be synced.
   */
  syncFolder(path: string): Promise<void>
  /** Room on the volume of an existing folder. */
  freeSpace(path: string): Promise<FreeSpace>
  /**
   * Takes the lock file at a path (made if needed) for this opener alone, also against others in this process. `DISK_LOCKED`
   * at once when it is held. Nobody may open, replace or remove that file otherwise: the lock would be lost without a word.
   */
  lock(path: string): Promise<DiskLock>
}

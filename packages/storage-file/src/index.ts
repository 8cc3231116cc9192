/**
 * A folder as a storage backend: a key like `a/b.txt` is the file `a/b.txt`, and any other key has a place as well. What is
 * put is there whole and synced or not at all, and what this backend has put is verified when it is read.
 *
 * @packageDocumentation
 */
export { openFileBackend } from './open-file-backend.ts'
export type { FileBackend, FileBackendOptions, FileBackendStats } from './open-file-backend.ts'
export { fileScheme } from './scheme.ts'

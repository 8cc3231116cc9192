/** What the operations of a log need: the part `wal`. */
import type { Wal } from '../wal.ts'

/** The smallest slice of the part that an operation takes. */
export type WalSlice<Calls extends keyof Wal> = { readonly wal: Pick<Wal, Calls> }

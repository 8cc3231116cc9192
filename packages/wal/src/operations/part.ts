/** What the operations of a log need: the part `wal`. */
import type { CallOptions } from '../log/log.ts'
import type { StoreVerifyReport } from '../store/operation-store.ts'
import type { Wal } from '../wal/wal.ts'

/** The smallest slice of the part that an operation takes. */
export type WalSlice<Calls extends keyof Wal> = { readonly wal: Pick<Wal, Calls> }

/** What a verification needs: the view of a log that is not open has no index to compare. */
export interface VerifiedWal {
  verify(
    options: CallOptions,
  ): Promise<Omit<StoreVerifyReport, 'index'> & Partial<Pick<StoreVerifyReport, 'index'>>>
}

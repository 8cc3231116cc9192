/** A journal over a node, as a kit has them: one block store for both, which retains the roots of the journal. */
import { join } from 'node:path'
import { type Ipfs, openIpfs } from '@ipfs-kit/ipfs'
import { type Journal, openJournal } from '@ipfs-kit/journal'

export interface Home extends AsyncDisposable {
  readonly ipfs: Ipfs
  readonly journal: Journal
  /** Seconds that the openings took, and of all processors for both. */
  readonly took: { readonly node: number; readonly journal: number; readonly cpu: number }
}

/** Opens it. `checkpointChanges` as the journal takes it. */
export async function openHome(path: string, checkpointChanges?: number): Promise<Home> {
  await using opening = new AsyncDisposableStack()
  let journal: Journal | undefined
  const cpuBefore = process.cpuUsage()
  const began = performance.now()
  const ipfs = opening.use(await openIpfs({ path, roots: () => journal?.claims() ?? [] }))
  const between = performance.now()
  journal = opening.use(
    await openJournal({
      path: join(path, 'journal'),
      blocks: ipfs.store,
      ...(checkpointChanges !== undefined && { checkpointChanges }),
    }),
  )
  const ended = performance.now()
  const { user, system } = process.cpuUsage(cpuBefore)
  const took = {
    node: (between - began) / 1000,
    journal: (ended - between) / 1000,
    cpu: (user + system) / 1_000_000,
  }
  const resources = opening.move()
  return { ipfs, journal, took, [Symbol.asyncDispose]: () => resources.disposeAsync() }
}

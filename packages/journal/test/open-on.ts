/** Opens journals on simulated disks, with their blocks beside them. */
import { type Blocks, openBlocks } from '@ipfs-kit/blocks'
import type { Disk } from '@ipfs-kit/disk'
import { type Journal, type JournalOptions, openJournal } from '@ipfs-kit/journal'
import { linksOf } from '@ipfs-kit/ipfs/unixfs'

/** A journal with its blocks. */
export interface Opened extends AsyncDisposable {
  readonly journal: Journal
  readonly blocks: Blocks
}

export async function openOn(disk: Disk, options: Partial<JournalOptions> = {}): Promise<Opened> {
  await using opening = new AsyncDisposableStack()
  let journal: Journal | undefined
  const blocks = opening.use(
    await openBlocks({
      path: '/blocks',
      disk,
      links: linksOf,
      claims: () => journal!.claims(),
      retained: () => journal?.roots() ?? [],
    }),
  )
  journal = opening.use(
    await openJournal({ path: '/journal', disk, blocks, segmentBytes: 65_536, ...options }),
  )
  const resources = opening.move()
  return { journal, blocks, [Symbol.asyncDispose]: () => resources.disposeAsync() }
}

/** The part of a kit that is its journal: a tree of files and folders whose blocks are the node's. */
import type { Journal } from '@ipfs-kit/journal'
import type { Config } from './config.ts'
import { hasFiles, type Home } from './home.ts'
import { createJournalTiers } from './journal-tiers.ts'
import { ipfsIfOpen, ipfsPart, journalPart } from './lending.ts'
import type { OpenNode } from './node.ts'
import type { Parts } from './parts.ts'

/** The journal of a kit. */
export interface KitJournal {
  /** Whether an opening before may have made records. */
  readonly hasRecords: boolean
  /** Opens it, unless that was tried already. The part `journal` tells what came of it. */
  open(): Promise<void>
  /**
   * What the node has to keep for it, as it is now. While the part restarts, and if it cannot be opened again, that is what it
   * was: nobody changes it then.
   *
   * @throws KitError KIT_PART_UNAVAILABLE when it could not be opened yet
   */
  claims(): Promise<ReturnType<Journal['claims']>>
}

/** What {@link createKitJournal} takes. */
export interface KitJournalOptions {
  readonly parts: Parts
  readonly home: Home
  readonly config: Config['journal']
}

/** Records are small: two segments of it are made at the first opening, and need not take longer than opening the home. */
const segmentBytes = 4 * 1024 * 1024

/**
 * Makes the journal of a kit, not open yet. A server opens it at its start if there is a tree; where there is none, and in a
 * command, the first call that needs it does.
 */
export function createKitJournal({ parts, home, config }: KitJournalOptions): KitJournal {
  const hasRecords = hasFiles(home.journal)
  let opening: Promise<unknown> | undefined
  /** The one that was opened last. */
  let last: Journal | undefined

  /** The node's as it is with each call: it restarts by itself. */
  const node = () => parts.current(ipfsPart) as OpenNode
  const store = () => node().ipfs.store
  const blocks = {
    get: async (...call: Parameters<ReturnType<typeof store>['get']>) => store().get(...call),
    lease: (...call: Parameters<ReturnType<typeof store>['lease']>) => store().lease(...call),
    // In the middle of a change: that has to go on.
    noteRetained: (...call: Parameters<ReturnType<typeof store>['noteRetained']>) =>
      ipfsIfOpen(parts)?.store.noteRetained(...call),
  }

  const tiers = createJournalTiers(() => node().cache)

  async function openPart(): Promise<Journal> {
    // As heavy as the node: who only joins a server does not pay for it.
    const { openJournal } = await import('@ipfs-kit/journal')
    last = await openJournal({ path: home.journal, blocks, tiers, segmentBytes, ...config })
    blocks.noteRetained()
    return last
  }

  async function open(): Promise<void> {
    // The part keeps why it could not be opened, and tells whoever borrows it.
    opening ??= Promise.allSettled([parts.open(journalPart, openPart)])
    await opening
  }

  return {
    hasRecords,
    open,
    async claims() {
      if (last === undefined && hasRecords) {
        await open()
        ;(await parts.borrowSettled([journalPart])).release()
      }
      return last?.claims() ?? []
    },
  }
}

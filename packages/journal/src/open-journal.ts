/** Opens a journal: checks the options, opens the log, and recovers the tree. */
import type { Blocks } from '@ipfs-kit/blocks'
import { createOwner } from '@ipfs-kit/concurrency'
import { type Disk, nodeDisk } from '@ipfs-kit/disk'
import type { CidProfile } from '@ipfs-kit/ipfs/unixfs'
import { openLog } from '@ipfs-kit/wal'
import { checkTransactionMs, mostCheckpoints, wholeNumber } from './checks.ts'
import { storeFailure } from './failure.ts'
import type { Journal } from './journal.ts'
import { checkNotWiped } from './log-damage.ts'
import { type AlertThresholds, checkThresholds } from './monitor/thresholds.ts'
import { OpenedJournal } from './opened-journal.ts'
import { recover } from './recovery.ts'
import type { JournalTiers } from './tiers/tiers.ts'
import { TreeReader } from './tree-blocks.ts'

/** Where the blocks of the tree are. They must be kept: see {@link Journal.roots}; until the journal is open nothing may be collected. */
export type TreeBlocks = Pick<Blocks, 'get' | 'lease' | 'noteRetained'>

/** Options of {@link openJournal}. */
export interface JournalOptions {
  /** Absolute path of the folder of its log. Made if it is not there. One opener at a time. */
  readonly path: string
  readonly blocks: TreeBlocks
  /** Default: the system's disk. */
  readonly disk?: Disk
  /** How files and folders become blocks. Default `unixfs-v1-2025`. */
  readonly profile?: CidProfile
  /** So many checkpoints are kept, with the log since the oldest of them, 1 to 100. Default 3. */
  readonly keepCheckpoints?: number
  /** After so many changes a checkpoint is made beside them, 1 to 1,000,000. Default 25,000. */
  readonly checkpointChanges?: number
  /** After so many bytes of them in the log as well, 65,536 (64 KiB) to 2^40. Default 64 MiB. */
  readonly checkpointBytes?: number
  /** And so many milliseconds after the first of them, 1,000 to 86,400,000. Default 300,000 (5 minutes). */
  readonly checkpointMs?: number
  /** Milliseconds after which a transaction that is still open is rolled back, 1 to 86,400,000. Default 300,000. */
  readonly transactionMs?: number
  /** Bytes of the blocks of folders that stay in memory, 0 to 4 GiB; 0: none. Default 32 MiB. */
  readonly folderMemoryBytes?: number
  /** Bytes of a segment of the log, 65,536 (64 KiB) to 64 MiB. Default 16 MiB. */
  readonly segmentBytes?: number
  /** Where blocks can lie, for `tiersOf`, `moveTo` and `pinToTier`. Default: nothing is known of it. */
  readonly tiers?: JournalTiers
  /** From where on figures are alerts. */
  readonly alerts?: AlertThresholds
  /** The clock of the wall: milliseconds since 1970. Default: `Date.now`. */
  readonly clock?: () => number
}

/**
 * Opens a journal, and recovers its tree: the last checkpoint, and the changes behind it.
 *
 * @throws TypeError, RangeError for options; JournalError JOURNAL_LOCKED, JOURNAL_FORMAT_TOO_NEW, JOURNAL_DAMAGED,
 * JOURNAL_BLOCK_MISSING, JOURNAL_FULL, JOURNAL_FAILED
 */
export async function openJournal(options: JournalOptions): Promise<Journal> {
  const { path, blocks, disk, segmentBytes, folderMemoryBytes, ...checked } = checkOptions(options)
  try {
    await using opening = new AsyncDisposableStack()
    const log = opening.use(await openLog({ path, disk, segmentBytes }))
    const reader = opening.use(new TreeReader(blocks, folderMemoryBytes))
    const recovered = await recover(log, reader.get)
    checkNotWiped(log, recovered)
    const owner = opening.use(createOwner({ name: 'journal' }))
    const resources = opening.move()
    return new OpenedJournal({ ...checked, log, blocks, reader, owner, recovered, resources })
  } catch (cause) {
    throw storeFailure(cause, `open the journal at ${path}`)
  }
}

const cidProfiles: readonly CidProfile[] = ['unixfs-v1-2025', 'unixfs-v0-2015']

const known = new Set([
  'path',
  'blocks',
  'disk',
  'profile',
  'keepCheckpoints',
  'checkpointChanges',
  'checkpointBytes',
  'checkpointMs',
  'transactionMs',
  'folderMemoryBytes',
  'segmentBytes',
  'alerts',
  'tiers',
  'clock',
])

function checkOptions(options: JournalOptions) {
  for (const key of Object.keys(options)) {
    if (!known.has(key)) throw new TypeError(`openJournal has no option ${JSON.stringify(key)}`)
  }
  const { path, blocks, profile = 'unixfs-v1-2025', clock = Date.now, transactionMs = 300_000 } = options
  if (typeof path !== 'string' || !path.startsWith('/')) throw new TypeError('path is an absolute path')
  if (!cidProfiles.includes(profile)) {
    throw new TypeError(`profile is one of ${cidProfiles.join(', ')}, not ${String(profile)}`)
  }
  if (typeof clock !== 'function') throw new TypeError('clock is a function')
  checkTransactionMs('transactionMs', transactionMs)
  return {
    path,
    blocks,
    profile,
    clock,
    keepCheckpoints: wholeNumber('keepCheckpoints', options.keepCheckpoints ?? 3, 1, mostCheckpoints),
    checkpointChanges: wholeNumber('checkpointChanges', options.checkpointChanges ?? 25_000, 1, 1_000_000),
    checkpointBytes: wholeNumber(
      'checkpointBytes',
      options.checkpointBytes ?? 64 * 1024 ** 2,
      65_536,
      2 ** 40,
    ),
    checkpointMs: wholeNumber('checkpointMs', options.checkpointMs ?? 300_000, 1000, 86_400_000),
    transactionMs,
    tiers: options.tiers,
    thresholds: checkThresholds(options.alerts),
    folderMemoryBytes: wholeNumber(
      'folderMemoryBytes',
      options.folderMemoryBytes ?? 32 * 1024 ** 2,
      0,
      2 ** 32,
    ),
    disk: options.disk ?? nodeDisk(),
    segmentBytes: wholeNumber('segmentBytes', options.segmentBytes ?? 16 * 1024 ** 2, 65_536, 64 * 1024 ** 2),
  }
}

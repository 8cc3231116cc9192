/** The part of a kit that is its log of operations. */
import type { OperationTypes, Wal } from '@ipfs-kit/wal'
import type { Config } from './config.ts'
import { nodeBackend } from './jobs.ts'

/** What the log is opened with besides its settings. */
export interface WalPartOptions {
  /** Path of its folder. */
  readonly path: string
  readonly config: Config['log']
  readonly types: OperationTypes
  /** Really looks whether the node is there; tells what it has found. */
  readonly probe: () => string
  /** A command opens it for a moment: its index is in memory, which takes no thread, and its jobs are stopped at once at its end. */
  readonly role: 'server' | 'command'
}

/** Two are written at the first opening: what a home's jobs fill in days need not take longer than opening the home. */
const segmentBytes = 4 * 1024 * 1024
/** How long running jobs of a server may go on when the log is closed. */
const drainMs = 500
/** Calls that wait for their jobs at once. */
const attachedAtOnce = 1000
/** Jobs that nobody waits for at once: more of them would take the disk from each other and from the calls. */
const detachedAtOnce = 4

/** Opens the log of a home. Throws what `openWal` throws. */
export async function openWalPart({ path, config, types, probe, role }: WalPartOptions): Promise<Wal> {
  // As heavy as the node: who only joins a server does not pay for it.
  const { openWal } = await import('@ipfs-kit/wal')
  const { mode, keepFinished, keepFinishedSeconds } = config
  return openWal({
    path,
    mode,
    segmentBytes,
    index: role === 'server' ? 'sqlite' : 'memory',
    keepFinished: { count: keepFinished, maxAgeMs: keepFinishedSeconds * 1000 },
    types,
    backends: { [nodeBackend]: { limit: detachedAtOnce, probe: async () => probe() } },
    concurrency: attachedAtOnce + detachedAtOnce,
    laneLimit: attachedAtOnce,
    drainMs: role === 'server' ? drainMs : 0,
  })
}

/** The part of a kit that is its log of operations. */
import type { AskedSubscription, OperationTypes, ServerMessage, Wal } from '@ipfs-kit/wal'
import type { Config } from './config.ts'
import { nodeBackend } from './jobs.ts'

/** What is sent to a client that follows the log over a WebSocket. */
export type WalMessage = ServerMessage

/** What such a client asks to be told of. */
export type WalTopic = AskedSubscription extends infer Asked ? Omit<Asked, 'id'> : never

/** What the log is opened with besides its settings. */
export interface WalPartOptions {
  /** Path of its folder. */
  readonly path: string
  readonly config: Config['log']
  readonly types: OperationTypes
  /** Really looks whether the node is there; tells what it has found. */
  readonly probe: () => string
  /** Told of CIDs that jobs need from now on. */
  readonly onRetained: (cids: readonly string[]) => void
  /** The jobs of a command are stopped at once at its end. */
  readonly role: 'server' | 'command'
}

/** Two are written at the first opening: what a home's jobs fill in days need not take longer than opening the home. */
const segmentBytes = 4 * 1024 * 1024
/** Finished jobs that are found in memory; to find more of them takes a thread and a file, some 40 MiB and some 100 ms at opening. */
const maxInMemory = 100_000
/** Jobs that wait or run, beyond which none is promised. */
const maxUnfinished = 100_000
/** How long running jobs of a server may go on when the log is closed. */
const drainMs = 500
/** Calls that wait for their jobs at once. */
const attachedAtOnce = 1000
/** Jobs that nobody waits for at once: more of them would take the disk from each other and from the calls. */
const detachedAtOnce = 4

/** Opens the log of a home. Throws what `openWal` throws. */
export async function openWalPart(options: WalPartOptions): Promise<Wal> {
  // As heavy as the node: who only joins a server does not pay for it.
  const { openWal } = await import('@ipfs-kit/wal')
  const { path, types, probe, onRetained, role } = options
  const { mode, keepFinished, keepFinishedSeconds } = options.config
  return openWal({
    path,
    mode,
    segmentBytes,
    maxUnfinished,
    index: keepFinished > maxInMemory ? 'sqlite' : 'memory',
    keepFinished: { count: keepFinished, maxAgeMs: keepFinishedSeconds * 1000 },
    types,
    onRetained,
    backends: { [nodeBackend]: { limit: detachedAtOnce, probe: async () => probe() } },
    concurrency: attachedAtOnce + detachedAtOnce,
    laneLimit: attachedAtOnce,
    drainMs: role === 'server' ? drainMs : 0,
  })
}

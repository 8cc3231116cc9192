/** How a journal is, as its users see it. */

/** What an alert is about. */
export type AlertName =
  | 'log-stopped'
  | 'log-damaged'
  | 'checkpoint-failing'
  | 'checkpoint-age'
  | 'changes-since-checkpoint'
  | 'log-size'
  | 'tree-size'
  | 'tree-growth'
  | 'failures'
  | 'slow-changes'
  | 'slow-transactions'

/** A figure that is, or was, above its threshold. */
export interface Alert {
  readonly alert: AlertName
  readonly value: number
  readonly threshold: number
  /** One sentence for people. */
  readonly message: string
}

/** Numbers of a journal, frozen. Times are measured by a clock that does not jump. */
export interface JournalFigures {
  /** Changes since the tree began. */
  readonly changes: number
  /** Of them, those of the last hour, since the opening at most. */
  readonly changesWithinHour: number
  readonly changesSinceCheckpoint: number
  /** Milliseconds since the first change that is in no checkpoint; 0 if all are in one. */
  readonly checkpointAgeMs: number
  /** Bytes of all blocks of the tree at its last checkpoint: each as often as something links to it. */
  readonly treeBytes: number
  /** By so much it has grown within the last hour, since the opening at most. */
  readonly treeGrowthBytes: number
  readonly logBytes: number
  /** Entries of folders that are in memory: those that have changed, and those that were looked up. */
  readonly memoryEntries: number
  /** Of the changes of the last ten minutes: the part that the disk or the block store did not take; the part that was slow. */
  readonly failureShare: number
  readonly slowChangeShare: number
  readonly openTransactions: number
  /** Milliseconds that the oldest of them has been open for; 0 without any. */
  readonly oldestTransactionMs: number
}

/** How a journal is. */
export interface JournalHealth {
  /** `degraded`: see `alerts`; `stopped`: it takes nothing any more. */
  readonly state: 'healthy' | 'degraded' | 'stopped'
  /** Those that are raised. */
  readonly alerts: readonly Alert[]
  readonly figures: JournalFigures
}

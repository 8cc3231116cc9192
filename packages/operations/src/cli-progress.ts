/** Shows the progress of a call on standard error: one live line on a terminal, otherwise a line now and then. */
import type { Outlet } from './cli-outlet.ts'
import type { Progress } from './operation.ts'

/** The display of one call. */
export interface ProgressDisplay {
  update(progress: Progress): void
  /** Takes the live line away, so that something else can be written; the next update draws it again. */
  clear(): void
  /** Ends the display: the live line goes, long work gets a last line. Idempotent. */
  end(): void
}

/** What {@link createProgressDisplay} takes. */
export interface ProgressDisplayOptions {
  readonly stderr: Outlet
  /** Milliseconds on a clock that does not jump. */
  readonly clock: () => number
}

const liveEveryMs = 100
const plainEveryMs = 5_000

/** Makes the display of one call. */
export function createProgressDisplay({ stderr, clock }: ProgressDisplayOptions): ProgressDisplay {
  const startedAt = clock()
  let stage = { name: '', startedAt, bytes: 0 }
  let last: Progress | undefined
  let shownAt = startedAt - liveEveryMs
  let plainAt = startedAt
  let drawn = false

  const line = (progress: Progress, now: number): string => {
    const seconds = (now - stage.startedAt) / 1_000
    const done = formatBytes(progress.bytes)
    return [
      progress.stage,
      progress.totalBytes === undefined ? done : `${done} / ${formatBytes(progress.totalBytes)}`,
      ...(seconds > 0 ? [`${formatBytes((progress.bytes - stage.bytes) / seconds)}/s`] : []),
      ...(progress.items === undefined ? [] : [`${progress.items} items`]),
    ].join(' ')
  }
  const clear = (): void => {
    if (drawn) stderr.push('\r\u001B[K')
    drawn = false
  }

  return {
    update(progress) {
      const now = clock()
      if (progress.stage !== stage.name)
        stage = { name: progress.stage, startedAt: now, bytes: progress.bytes }
      last = progress
      if (stderr.isTerminal) {
        if (now - shownAt < liveEveryMs) return
        shownAt = now
        stderr.push(`\r${line(progress, now).slice(0, stderr.columns - 1)}\u001B[K`)
        drawn = true
      } else if (now - plainAt >= plainEveryMs) {
        plainAt = now
        stderr.push(`${line(progress, now)}\n`)
      }
    },
    clear,
    end() {
      clear()
      const now = clock()
      if (!stderr.isTerminal && last !== undefined && now - startedAt > plainEveryMs) {
        stderr.push(`${line(last, now)}\n`)
      }
      last = undefined
    },
  }
}

/** Bytes in binary units: `12.3 MiB`. */
export function formatBytes(bytes: number): string {
  let value = bytes
  let unit = 0
  while (value >= 1_024 && unit < units.length - 1) {
    value /= 1_024
    unit += 1
  }
  return `${unit === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`
}

const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB']

/** What {@link openServer} takes. */
import type { ConfigOverrides } from '@ipfs-kit/kit'

/** Options of {@link openServer}. */
export interface ServerOptions {
  /** Path of the home. Default: `$IPFS_KIT_HOME`, else the platform's data folder. */
  readonly home?: string
  /** Use a new temporary home, which is removed at the end. Default false; contradicts `home`. */
  readonly isolated?: boolean
  /** Settings that replace those of the home's `config.toml`. */
  readonly config?: ConfigOverrides
  /** How long to wait for another process that holds the home, in milliseconds. Default 0. */
  readonly waitMs?: number
  /** Takes the lines of the log, JSON each, without line end. Default: none are written. */
  readonly log?: (line: string) => void
  /** Ends the opening; without meaning afterwards. */
  readonly signal?: AbortSignal
}

const known = ['home', 'isolated', 'config', 'waitMs', 'log', 'signal']

/** @throws TypeError for an option that nobody knows, and for two that contradict each other */
export function checkOptions(options: ServerOptions): void {
  const unknown = Object.keys(options).find((name) => !known.includes(name))
  if (unknown !== undefined)
    throw new TypeError(`openServer has no option ${unknown}; it has ${known.join(', ')}`)
  if (options.isolated === true && options.home !== undefined) {
    throw new TypeError('isolated makes a home of its own, so home cannot be given too')
  }
}

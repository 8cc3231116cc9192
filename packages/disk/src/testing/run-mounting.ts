/** Processes that have a volume of their own. */
import { spawnSync, type SpawnSyncReturns } from 'node:child_process'

/** What may mount: a process in a user namespace of its own, or one of root in a mount namespace. */
const launchers = [
  ['unshare', '-rm'],
  ['unshare', '-m'],
] as const

/**
 * Runs Node to its end as a process that may mount a `tmpfs` on a folder; the volume goes with it. Nothing else of this process goes
 * on meanwhile.
 *
 * @param folder - absolute path of an empty folder
 * @param args - what Node is started with: its own options, the path of a program, and what that is given
 * @returns how it has ended, and what it has said; `undefined` where nothing may be mounted, such as outside of Linux
 */
export function runMounting(folder: string, args: readonly string[]): SpawnSyncReturns<string> | undefined {
  const launcher = launchers.find(([program, flags]) => {
    return spawnSync(program, [flags, 'mount', '-t', 'tmpfs', 'tmpfs', folder]).status === 0
  })
  if (launcher === undefined) return undefined
  const [program, flags] = launcher
  return spawnSync(program, [flags, process.execPath, ...args], { encoding: 'utf8' })
}

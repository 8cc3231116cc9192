/** What a plain tree tells of what is at a path, for comparisons with what a journal tells. */
import type { Stat } from '@ipfs-kit/journal'
import type { PlainNode } from './plain-tree.ts'

/** All of it but CIDs and what they weigh, as one text. */
export function shownPlain({ text, mode, mtime, attributes, mount, tier }: PlainNode): string {
  return JSON.stringify({
    kind: text === undefined ? 'directory' : 'file',
    size: text?.length,
    mode: mode ?? (text === undefined ? 0o755 : 0o644),
    mtime,
    mark: attributes.get('mark'),
    mount,
    tier,
  })
}

/** The same of what a journal tells. */
export function shownStat({ kind, size, mode, mtime, attributes, mount, tier }: Stat): string {
  return JSON.stringify({
    kind,
    size,
    // That of a file in one block that carries none.
    mode: mode ?? 0o644,
    mtime: mtime && Number(mtime.secs),
    mark: attributes?.['mark'],
    mount: mount && (mount.writable ? 'writable' : 'read-only'),
    tier,
  })
}

/** What a CID would tell of it: its content with that of all below, and their modes and times. */
export function contentOf({ text, mode, mtime, entries }: PlainNode): string {
  const below = [...(entries ?? [])].toSorted(([left], [right]) => (left < right ? -1 : 1))
  const inner = below.map(([name, node]) => [name, contentOf(node)])
  return JSON.stringify([text ?? null, mode ?? null, mtime ?? null, inner])
}

/** Whether the paths of two nodes carry the same. */
export function carryTheSame(left: PlainNode, right: PlainNode): boolean {
  const of = ({ attributes, mount, mounted, tier }: PlainNode) =>
    JSON.stringify([[...attributes], mount, mounted && contentOf(mounted), tier])
  return of(left) === of(right)
}

/** Entries in plain arrays, each under a free key: what epochs and marks ask of a catalog. */
import type { Catalog, Handle } from '../src/catalog.ts'

/** Packs from this place on are kept ones, those below it cache packs. */
export const firstKept = 10

export type PlainCatalog = ReturnType<typeof plainCatalog>

/** An empty one. `perPart`: entries that one step of the sweep visits. */
export function plainCatalog(perPart = 16) {
  const entries: { key: string; pack: number; length: number; mark: number; stamp: number }[] = []
  const handles = new Map<string, Handle>()
  const catalog = {
    mark: (handle) => entries[handle]!.mark,
    setMark: (handle, mark) => {
      if (!(mark >= 0 && mark <= 3)) throw new RangeError(`mark ${mark}`)
      entries[handle]!.mark = mark
    },
    stamp: (handle) => entries[handle]!.stamp,
    setStamp: (handle, stamp) => {
      if (!(stamp >= 0 && stamp <= 255)) throw new RangeError(`stamp ${stamp}`)
      entries[handle]!.stamp = stamp
    },
    pack: (handle) => entries[handle]!.pack,
    length: (handle) => entries[handle]!.length,
    async *sweep(visit) {
      for (let at = 0; at < entries.length; at += 1) {
        visit(at, 0, 0)
        if (at % perPart === perPart - 1) yield
      }
    },
  } satisfies Pick<Catalog, 'mark' | 'setMark' | 'stamp' | 'setStamp' | 'pack' | 'length' | 'sweep'>
  return {
    ...catalog,
    keys: () => [...handles.keys()],
    find: (key: string): Handle | undefined => handles.get(key),
    /** A new entry. */
    add(key: string, pack: number, length: number, mark: number, stamp: number): Handle {
      const handle = entries.push({ key, pack, length, mark, stamp }) - 1
      handles.set(key, handle)
      return handle
    },
    move(key: string, pack: number): void {
      entries[handles.get(key)!]!.pack = pack
    },
    /** Takes an entry out; the last one takes its place, so its handle ends as well. */
    remove(key: string): void {
      const handle = handles.get(key)!
      handles.delete(key)
      const last = entries.pop()!
      if (last.key === key) return
      entries[handle] = last
      handles.set(last.key, handle)
    },
  }
}

/**
 * Maps by names that never change. One with another value shares with it what is the same: to make it costs little, however many
 * names there are. A trie over hashes of the names, with small maps at its ends.
 */

/** A map, or by the next bits of the hash the maps that it was split into. */
export type NameMap<Value> = ReadonlyMap<string, Value> | Branch<Value>

interface Branch<Value> extends ReadonlyArray<NameMap<Value> | undefined> {}

const bits = 4
const branches = 2 ** bits
/** Names of a map that is not split. */
const maxNames = 16
/** All bits of a hash. */
const maxDepth = 32 / bits

export function valueAt<Value>(map: NameMap<Value>, name: string): Value | undefined {
  if (!isBranch(map)) return map.get(name)
  let node: NameMap<Value> | undefined = map
  for (let hash = hashOf(name); isBranch(node); hash >>>= bits) node = node[hash % branches]
  return node?.get(name)
}

/** The map with another value of a name; without the name if there is none. */
export function withValue<Value>(
  map: NameMap<Value>,
  name: string,
  value: Value | undefined,
): NameMap<Value> {
  return changed(map, { name, hash: hashOf(name), value }, 0)
}

/** In no order that can be relied on. */
export function* valuesOf<Value>(map: NameMap<Value>): Generator<readonly [string, Value], void, undefined> {
  if (!isBranch(map)) yield* map
  else for (const inner of map) if (inner !== undefined) yield* valuesOf(inner)
}

function changed<Value>(
  map: NameMap<Value> | undefined,
  change: { readonly name: string; readonly hash: number; readonly value: Value | undefined },
  depth: number,
): NameMap<Value> {
  if (!isBranch(map)) {
    if (map !== undefined && map.size >= maxNames && depth < maxDepth) {
      return changed(split(map, depth), change, depth)
    }
    const leaf = new Map(map)
    if (change.value === undefined) leaf.delete(change.name)
    else leaf.set(change.name, change.value)
    return leaf
  }
  const at = (change.hash >>> (depth * bits)) % branches
  return map.with(at, changed(map[at], change, depth + 1))
}

function split<Value>(map: ReadonlyMap<string, Value>, depth: number): Branch<Value> {
  const parts = Array.from({ length: branches }, () => new Map<string, Value>())
  for (const [name, value] of map) parts[(hashOf(name) >>> (depth * bits)) % branches]!.set(name, value)
  return parts
}

function isBranch<Value>(map: NameMap<Value> | undefined): map is Branch<Value> {
  return Array.isArray(map)
}

/** FNV-1a, of 32 bits. */
function hashOf(name: string): number {
  let hash = 0x811c9dc5
  for (let at = 0; at < name.length; at += 1) hash = Math.imul(hash ^ name.charCodeAt(at), 0x01000193)
  return hash >>> 0
}

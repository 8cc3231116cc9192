/** Deletes what is under a key, and says so in the packs. */
import type { WaitOptions } from '@ipfs-kit/concurrency'
import type { Stream } from './blocks.ts'
import { none } from './catalog.ts'
import { BlocksError } from './errors.ts'
import { frameKinds } from './frame.ts'
import type { Batch, Pack } from './pack.ts'
import type { Key, Store } from './store.ts'
import { TakenRoom } from './taken-room.ts'

/**
 * Removes what is under a key, unless a lease holds it. Whether it was removed. A record may be in a pack that is being
 * evicted although nothing leads there any more: its deletion is written down, as it would be back if the file stayed.
 *
 * @throws BlocksError BLOCKS_FULL
 */
export async function deleteKey(store: Store, key: Key, options?: WaitOptions): Promise<boolean> {
  store.check(options)
  const { catalog, epochs, room } = store.parts
  const taken = new TakenRoom(room)
  try {
    for (;;) {
      const version = store.version(key)
      const place = store.lookup.mayBeThere(key) ? await store.lookup.locate(key) : undefined
      if (place === undefined && !mayComeBack(store, key)) return false
      if (taken.bytes === 0) await takeForDeletion(store, taken, key, options)
      if (place === undefined) {
        // What was put meanwhile is not to be deleted.
        if (store.version(key) !== version) continue
        await writeDeletion(store, key, taken, options)
        return false
      }
      const located = catalog.locate(key.high, key.low, place.pack.slot, place.offset)
      const handle = typeof located === 'number' ? located : await located
      // It moved meanwhile.
      if (!catalog.has(handle)) continue
      if (epochs.isHeld(handle)) return false
      store.check(options)
      store.forget(handle, place, key.low)
      await writeDeletion(store, key, taken, options)
      return true
    }
  } finally {
    taken.giveRest()
  }
}

/**
 * Says again in the stream `kept` that a key's frames are deleted, because the pack that says so is removed, and older ones
 * may hold such frames. Not if the key was put again and stays: that stands for what is older, and the result is `undefined`.
 */
export async function copyDeletion(store: Store, key: Key, from: Pack): Promise<Batch | undefined> {
  const { catalog, epochs } = store.parts
  for (;;) {
    const version = store.version(key)
    const present = await store.lookup.locate(key)
    const located =
      present === undefined ? none : catalog.locate(key.high, key.low, present.pack.slot, present.offset)
    const handle = typeof located === 'number' ? located : await located
    // A frame that was appended meanwhile must not be deleted by what is appended now.
    if (store.version(key) !== version) continue
    const stays = present?.pack.stream === 'kept' && (present.pack !== from || epochs.isLive(handle))
    return stays ? undefined : store.takeAndAppendGone('kept', key).batch
  }
}

function mayComeBack({ parts }: Store, { kind }: Key): boolean {
  return kind === frameKinds.record && parts.packs.some((pack) => pack?.isEmptying === true)
}

/** Writes a deletion down in each stream. */
async function writeDeletion(
  store: Store,
  key: Key,
  taken: TakenRoom,
  options: WaitOptions | undefined,
): Promise<void> {
  // A copy that nothing leads to may lie in the other stream: it would come back at the next opening.
  const wanted: readonly Stream[] = key.kind === frameKinds.record ? ['cache'] : ['kept', 'cache']
  const { packs, leastStrangeId } = store.parts
  const gone = wanted
    .filter(
      (stream) =>
        packs.some((pack) => pack?.stream === stream) || (stream === 'kept' && leastStrangeId < Infinity),
    )
    .map((stream) => store.appendGone(stream, key))
  for (const { room } of gone) taken.bytes -= room
  taken.giveRest()
  store.parts.onAppended()
  for (const { batch } of gone) {
    await batch.written.wait({ signal: options?.signal })
    if (batch.failure !== undefined) throw batch.failure
  }
}

/** Takes the room that writing down a deletion needs: of the reserve if need be, but leaves a part of that for compaction. */
async function takeForDeletion(
  store: Store,
  taken: TakenRoom,
  key: Key,
  options: WaitOptions | undefined,
): Promise<void> {
  const { room } = store.parts
  const bytes = 2 * store.roomFor(key.bytes.length, 0)
  if (!room.take(bytes) && !room.takeReserve(bytes, 0.5)) {
    try {
      await room.wait(bytes, false, { signal: options?.signal })
    } catch (error) {
      const isFull = error instanceof BlocksError && error.code === 'BLOCKS_FULL'
      // Without a deletion there would never be room.
      if (!isFull || !room.takeReserve(bytes)) throw error
    }
  }
  taken.bytes = bytes
}

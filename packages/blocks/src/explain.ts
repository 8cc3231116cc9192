/** Why a block is here, or not. */
import type { CID } from 'multiformats/cid'
import type { Explanation } from './blocks.ts'
import { entryFlags, type Handle, none } from './catalog.ts'
import { identityCode } from './digest.ts'
import { frameBytes } from './frame.ts'
import type { Place } from './frame-reader.ts'
import type { Store } from './store.ts'

/** What the store knows of a block. Its bytes are not read. @throws BlocksError BLOCKS_IO */
export async function explainBlock(store: Store, cid: CID): Promise<Explanation> {
  if (cid.multihash.code === identityCode) {
    return {
      cid,
      state: 'inline',
      size: cid.multihash.digest.length,
      why: 'The CID holds its bytes itself, so nothing is stored.',
    }
  }
  const key = store.blockKey(cid)
  const { catalog } = store.parts
  for (;;) {
    const place = await store.lookup.locate(key)
    if (place === undefined) {
      return {
        cid,
        state: 'absent',
        why: 'The block is not here: it was never put, or it was deleted or evicted since.',
      }
    }
    const located = catalog.locate(key.high, key.low, place.pack.slot, place.offset)
    const handle = typeof located === 'number' ? located : await located
    // It moved since it was found.
    if (handle === none) continue
    return { cid, ...about(store, place, handle, key.bytes.length) }
  }
}

function about(store: Store, place: Place, handle: Handle, keyBytes: number): Omit<Explanation, 'cid'> {
  const { pack, offset, payloadBytes } = place
  const { stream } = pack
  // A cache pack is never synced, so nothing vouches for it.
  const synced = stream === 'kept' && pack.syncedEnd >= offset + frameBytes(keyBytes, payloadBytes)
  const known = { size: payloadBytes, pack: pack.id, offset, synced, claim: claimOf(store, handle) }
  const where = `at byte ${offset} of ${stream} pack ${pack.id}`
  if ((store.parts.catalog.flags(handle) & entryFlags.damaged) !== 0) {
    return {
      ...known,
      state: 'damaged',
      why: `The bytes ${where} are not those of the block: it is not answered until it is put again.`,
    }
  }
  if (stream === 'kept') return { ...known, state: 'kept', why: `It lies ${where}; ${fate[known.claim]}.` }
  const packsBefore = store.parts.packs.filter(
    (other) => other?.stream === 'cache' && other.state !== 'gone' && other.id < pack.id,
  ).length
  const order =
    packsBefore === 0
      ? 'that pack is dropped next when room is needed'
      : `${packsBefore} older packs are dropped before that one when room is needed`
  const stays = store.retention.has(handle)
    ? ', and it moves to a kept pack then, since a claim retains it'
    : known.claim === 'leased'
      ? ', and an open lease holds it'
      : ''
  return { ...known, state: 'cache', packsBefore, why: `It lies ${where}; ${order}${stays}.` }
}

type ClaimState = NonNullable<Explanation['claim']>

const fate: Readonly<Record<ClaimState, string>> = {
  leased: 'an open lease holds it',
  marked: 'the last complete mark reached it from a claim, or a lease has touched it since',
  unclaimed:
    'the last complete mark reached it from no claim, and it goes when its pack is compacted or collected',
  unknown: 'there was no complete mark since the store was opened, and until then nothing of it goes',
}

function claimOf({ parts: { epochs } }: Store, handle: Handle): ClaimState {
  if (epochs.isHeld(handle)) return 'leased'
  if (epochs.epoch === 0) return 'unknown'
  return epochs.isMarked(handle) ? 'marked' : 'unclaimed'
}

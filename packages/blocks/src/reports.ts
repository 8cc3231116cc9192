/** What the store tells those who listen: small objects on `node:diagnostics_channel`, made only when somebody does. */
import { channel } from 'node:diagnostics_channel'
import { CID } from 'multiformats/cid'
import { code as rawCode } from 'multiformats/codecs/raw'
import { decode } from 'multiformats/hashes/digest'
import { frameKinds } from './frame.ts'
import type { Place } from './frame-reader.ts'
import type { Finding } from './recovery.ts'
import type { Key } from './store.ts'

const damageChannel = channel('blocks:damage')
const findingChannel = channel('blocks:finding')
const evictChannel = channel('blocks:evict')
const compactChannel = channel('blocks:compact')
const markChannel = channel('blocks:mark')

/** `blocks:damage`: a read found a frame that does not hold what it should. */
export function publishDamage(key: Key, { pack, offset, payloadBytes }: Place): void {
  if (!damageChannel.hasSubscribers) return
  damageChannel.publish({ ...nameOf(key), pack: pack.id, offset, bytes: payloadBytes })
}

/** `blocks:finding`: opening found something that is not as a clean close leaves it. */
export function publishFinding(finding: Finding): void {
  if (findingChannel.hasSubscribers) findingChannel.publish(finding)
}

/** `blocks:evict`: a cache pack was dropped. */
export function publishEviction(event: {
  readonly pack: number
  readonly bytes: number
  readonly readmittedBytes: number
}): void {
  if (evictChannel.hasSubscribers) evictChannel.publish(event)
}

/** `blocks:compact`: a kept pack was rewritten. */
export function publishCompaction(event: {
  readonly pack: number
  readonly bytes: number
  readonly copiedBytes: number
}): void {
  if (compactChannel.hasSubscribers) compactChannel.publish(event)
}

/** `blocks:mark`: a mark was completed. */
export function publishMark(event: {
  readonly epoch: number
  readonly liveBlocks: number
  readonly deadBlocks: number
}): void {
  if (markChannel.hasSubscribers) markChannel.publish(event)
}

/** The CID by which a block is known where only its multihash is. */
export function cidOfKey(key: Uint8Array): CID {
  return CID.createV1(rawCode, decode(key))
}

function nameOf(key: Key): { readonly cid: string } | { readonly record: true } {
  return key.kind === frameKinds.block ? { cid: cidOfKey(key.bytes).toString() } : { record: true }
}

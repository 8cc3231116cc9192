/** Reads and checks all packs at a bounded rate. */
import type { Damage, PackVerified, VerifyOptions, VerifyReport } from './blocks.ts'
import { diskFailure } from './disk-failure.ts'
import { frameKinds } from './frame.ts'
import type { Pack } from './pack.ts'
import { PacedFile, PackGone, ReadPace } from './paced-file.ts'
import { cidOfKey } from './reports.ts'
import type { Store } from './store.ts'
import { keyOfFrame } from './store-key.ts'
import { type PackDamage, verifyPack } from './verify-pack.ts'

const usualBytesPerSecond = 67_108_864
/** Damages that a report names. */
const namedDamages = 1000

/**
 * Checks the packs that are there when it begins, the oldest first; those that are removed meanwhile are left out. What
 * is damaged and would be answered otherwise is a miss from then on, unless the disk only failed to read it.
 */
export class Verification {
  readonly #store: Store
  readonly #options: VerifyOptions
  readonly #pace: ReadPace
  readonly #wanted: readonly Pack[]
  #at = 0
  #checked = 0
  #blocks = 0
  #bytes = 0

  /** @throws RangeError for `bytesPerSecond` */
  constructor(store: Store, options: VerifyOptions) {
    const { bytesPerSecond = usualBytesPerSecond, afterPack = 0, signal } = options
    if (!(bytesPerSecond > 0)) throw new RangeError(`bytesPerSecond is more than 0, not ${bytesPerSecond}`)
    this.#store = store
    this.#options = options
    this.#pace = new ReadPace(bytesPerSecond, { ...(signal === undefined ? {} : { signal }) })
    // A pack whose first bytes are still on their way has nothing to be checked.
    this.#wanted = store.parts.packs
      .filter((pack) => pack !== undefined)
      .filter((pack) => pack.writtenEnd > 0 && pack.id > afterPack)
      .sort((left, right) => left.id - right.id)
  }

  /**
   * The next pack, checked; `undefined` if there is none.
   *
   * @throws BlocksError BLOCKS_IO, BLOCKS_CLOSED; the reason of the signal
   */
  async next(): Promise<PackVerified | undefined> {
    for (let pack = this.#wanted[this.#at]; pack !== undefined; pack = this.#wanted[this.#at]) {
      this.#at += 1
      const verified = await this.#verify(pack)
      if (verified !== undefined) return verified
    }
    return undefined
  }

  async #verify(pack: Pack): Promise<PackVerified | undefined> {
    const store = this.#store
    const { folder, tagger } = store.parts
    const before = { blocks: this.#blocks, bytes: this.#bytes }
    store.check(this.#options)
    const file = new PacedFile(folder, pack, this.#pace, (read) => {
      store.check(this.#options)
      this.#bytes += read
      this.#tell()
    })
    const found = await damagesOf(pack, () => verifyPack(pack, file, tagger, () => (this.#blocks += 1)))
    for (const damage of found ?? []) await report(store, pack, file, damage)
    if (found !== undefined) this.#checked += 1
    this.#tell()
    if (found === undefined) return undefined
    return {
      pack: pack.id,
      blocks: this.#blocks - before.blocks,
      bytes: this.#bytes - before.bytes,
      damages: found.slice(0, namedDamages).map((damage) => named(pack, damage)),
      damagedBlocks: found.length,
    }
  }

  #tell(): void {
    this.#options.onProgress?.({
      packs: this.#checked,
      ofPacks: this.#wanted.length,
      bytes: this.#bytes,
      blocks: this.#blocks,
    })
  }
}

/** The sum of what packs have. */
export async function sumOfPacks(packs: AsyncIterable<PackVerified>): Promise<VerifyReport> {
  const damages: Damage[] = []
  const sum = { packs: 0, blocks: 0, bytes: 0, damagedBlocks: 0 }
  for await (const pack of packs) {
    sum.packs += 1
    sum.blocks += pack.blocks
    sum.bytes += pack.bytes
    sum.damagedBlocks += pack.damagedBlocks
    damages.push(...pack.damages.slice(0, namedDamages - damages.length))
  }
  return { ...sum, damages }
}

/** `undefined` if the pack was removed meanwhile. */
async function damagesOf(
  pack: Pack,
  verify: () => Promise<readonly PackDamage[]>,
): Promise<readonly PackDamage[] | undefined> {
  try {
    return await verify()
  } catch (cause) {
    if (cause instanceof PackGone) return undefined
    throw diskFailure(cause, `verify ${pack.path}`)
  }
}

/** Bytes that the disk failed to read this time may be read the next time. */
async function report(
  store: Store,
  pack: Pack,
  file: PacedFile,
  { entry, offset, bytes }: PackDamage,
): Promise<void> {
  if (entry === undefined || (entry.kind !== frameKinds.block && entry.kind !== frameKinds.record)) return
  if (file.unreadable.overlaps({ offset, bytes })) return
  await store.reportDamage(keyOfFrame(entry, entry.key), { pack, offset, payloadBytes: entry.payloadBytes })
}

function named(pack: Pack, { offset, bytes, problem, entry }: PackDamage): Damage {
  const isBlock = entry?.kind === frameKinds.block
  return { pack: pack.id, offset, bytes, ...(isBlock ? { cid: cidOfKey(entry.key) } : {}), problem }
}

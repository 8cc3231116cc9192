/** Reads and checks all packs at a bounded rate. */
import type { Damage, VerifyOptions, VerifyReport } from './blocks.ts'
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
 *
 * @throws RangeError for `bytesPerSecond`; BlocksError BLOCKS_IO, BLOCKS_CLOSED; the reason of the signal
 */
export async function verifyPacks(store: Store, options: VerifyOptions = {}): Promise<VerifyReport> {
  const { bytesPerSecond = usualBytesPerSecond, onProgress, signal } = options
  if (!(bytesPerSecond > 0)) throw new RangeError(`bytesPerSecond is more than 0, not ${bytesPerSecond}`)
  const { folder, packs, tagger } = store.parts
  const pace = new ReadPace(bytesPerSecond, { ...(signal === undefined ? {} : { signal }) })
  // A pack whose first bytes are still on their way has nothing to be checked.
  const wanted = packs
    .filter((pack) => pack !== undefined)
    .filter((pack) => pack.writtenEnd > 0)
    .sort((left, right) => left.id - right.id)
  const damages: Damage[] = []
  let checked = 0
  let blocks = 0
  let bytes = 0
  let damagedBlocks = 0
  const tell = (): void => onProgress?.({ packs: checked, ofPacks: wanted.length, bytes, blocks })
  for (const pack of wanted) {
    store.check(options)
    const file = new PacedFile(folder, pack, pace, (read) => {
      store.check(options)
      bytes += read
      tell()
    })
    const found = await damagesOf(pack, () => verifyPack(pack, file, tagger, () => (blocks += 1)))
    for (const damage of found ?? []) {
      damagedBlocks += 1
      if (damages.length < namedDamages) damages.push(named(pack, damage))
      await report(store, pack, file, damage)
    }
    if (found !== undefined) checked += 1
    tell()
  }
  return { packs: checked, blocks, bytes, damages, damagedBlocks }
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

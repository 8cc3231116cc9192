/** Gives a pack its footer, and takes it away again when the pack is to take frames. */
import { checkpoint } from '@ipfs-kit/concurrency'
import { DiskError } from '@ipfs-kit/disk'
import { encodeFooter, footerBytes, readRows } from './footer.ts'
import { checkKeys, readKeys } from './footer-keys.ts'
import { type Pack, physicalBytes } from './pack.ts'
import type { PackFolder } from './pack-folder.ts'
import { PackTable } from './pack-table.ts'
import { placeKind, placeOffset } from './place.ts'
import { tryTwice } from './read-around.ts'

/** Packs with more frames than this do not take any more after they were closed: their table would be dear to load. */
const maxResumedFrames = 131_072
/** More than any row. */
const rowRange = 2 ** 24

/**
 * Writes the footer of a pack whose frames are all in its file (or never will be). A footer that cannot be written costs
 * a scan at the next opening, and nothing else: the table stays. Resolves to the room that the pack needs no more.
 */
export async function sealPack(folder: PackFolder, storeId: Uint8Array, pack: Pack): Promise<number> {
  const table = pack.table!
  // What follows a failed write never came into the file.
  if (pack.writtenEnd < pack.dataEnd) {
    let count = table.count
    while (count > 0 && table.at(count - 1).offset >= pack.writtenEnd) count -= 1
    table.truncate(count)
    pack.dataEnd = pack.writtenEnd
  }
  pack.state = 'sealed'
  let room = physicalBytes(pack.dataEnd)
  pack.acquire()
  try {
    const file = await folder.file(pack)
    const { footer, buffers } = await encodeFooter(table, {
      id: pack.id,
      salt: pack.salt,
      storeId,
      dataEnd: pack.dataEnd,
    })
    // What lies behind the frames would hide the footer from the next opening: it looks at the end.
    if (pack.hasTail || pack.failure !== undefined) await file.truncate(pack.dataEnd)
    pack.hasTail = true
    await file.write(buffers, pack.dataEnd)
    pack.footer = footer
    pack.table = undefined
    room = physicalBytes(pack.dataEnd + footerBytes(footer))
  } catch (error) {
    if (!(error instanceof DiskError)) throw error
    // The room of the footer stays taken: parts of it may be in the file.
    return 0
  } finally {
    pack.release()
  }
  const rest = pack.room - room
  pack.room = room
  return rest
}

/** Loads rows and keys of a sealed pack, so that frames can follow. False if there are too many of them, or they cannot be read. */
export async function unsealPack(folder: PackFolder, pack: Pack): Promise<boolean> {
  const footer = pack.footer!
  if (footer.count > maxResumedFrames) return false
  const file = await folder.file(pack)
  if (!(await checkKeys(file, footer))) return false
  const found = await tryTwice(async () => {
    const rows = await readRows(file, footer, 0, footer.count)
    const keys: Buffer[] = []
    for await (const batch of readKeys(file, footer)) keys.push(...batch.keys)
    return { numbers: rows.numbers, keys }
  })
  if (found === undefined) return false
  const { numbers, keys } = found
  // Offset and row in one number: sorting numbers takes a tenth of the time that sorting with a function does.
  const order = Float64Array.from(
    { length: footer.count },
    (_, row) => placeOffset(numbers[row * 4 + 2]!) * rowRange + row,
  )
  order.sort()
  const table = new PackTable()
  for (const [index, number] of order.entries()) {
    if (index % 4096 === 4095) await checkpoint()
    const row = number % rowRange
    const at = row * 4
    const place = numbers[at + 2]!
    table.add(
      numbers[at]!,
      numbers[at + 1]!,
      placeOffset(place),
      numbers[at + 3]!,
      placeKind(place),
      keys[row]!,
    )
  }
  pack.table = table
  pack.state = 'open'
  return true
}

/** The folder of the packs: their names, their open files (a bounded number), their making and removing. */
import { type Disk, DiskError, type DiskFile } from '@ipfs-kit/disk'
import type { Stream } from './blocks.ts'
import { BlocksError } from './errors.ts'
import { type Pack, physicalBytes } from './pack.ts'
import { encodePackHeader, maxPackId, packHeaderBytes } from './pack-header.ts'

/** Files open at once at most, but for those that are being read or written. */
const maxOpenFiles = 256

/** The name of a pack's file. */
export function packName(stream: Stream, id: number): string {
  return `${stream}-${String(id).padStart(8, '0')}.pack`
}

/** Stream and id by the name of a file; `undefined` for a file that is none of ours. */
export function parsePackName(name: string): { readonly stream: Stream; readonly id: number } | undefined {
  const found = /^(kept|cache)-(\d{8,15})\.pack$/.exec(name)
  const id = Number(found?.[2])
  return found === null || id > maxPackId ? undefined : { stream: found[1] as Stream, id }
}

/** The files of the packs. */
export class PackFolder {
  readonly disk: Disk
  readonly path: string
  readonly #storeId: Uint8Array
  /** Packs with an open file, the least recently used first. */
  readonly #open = new Set<Pack>()
  readonly #opening = new Map<Pack, Promise<DiskFile>>()
  #closed = false

  constructor(disk: Disk, path: string, storeId: Uint8Array) {
    this.disk = disk
    this.path = path
    this.#storeId = storeId
  }

  pathOf(stream: Stream, id: number): string {
    return `${this.path}/${packName(stream, id)}`
  }

  /** The open file of a pack; a new pack gets its file and header. */
  file(pack: Pack): Promise<DiskFile> | DiskFile {
    const { file } = pack
    if (file !== undefined) {
      this.#open.delete(pack)
      this.#open.add(pack)
      return file
    }
    if (this.#closed) throw new BlocksError('BLOCKS_CLOSED', 'The store is closed')
    if (pack.state === 'gone') throw new BlocksError('BLOCKS_CLOSED', `The pack ${pack.id} was removed`)
    let opening = this.#opening.get(pack)
    if (opening === undefined) {
      opening = this.#openFile(pack).finally(() => this.#opening.delete(pack))
      this.#opening.set(pack, opening)
    }
    return opening
  }

  /** Takes over the file of a pack that was opened at the start. */
  adopt(pack: Pack, file: DiskFile): void {
    pack.file = file
    this.#open.add(pack)
  }

  /** Makes the entries of the folder survive a power loss. */
  async sync(): Promise<void> {
    await this.disk.syncFolder(this.path)
  }

  /** The file of a pack that is to be removed, cut to nothing. @throws DiskError */
  async emptied(pack: Pack): Promise<DiskFile> {
    const file = pack.file ?? (await this.disk.open(pack.path, 'write'))
    this.adopt(pack, file)
    await file.truncate(0)
    return file
  }

  /** Closes and removes a pack's file. */
  async remove(pack: Pack): Promise<void> {
    await this.#close(pack)
    await this.disk.unlink(pack.path)
  }

  async close(): Promise<void> {
    this.#closed = true
    for (const pack of [...this.#open]) await this.#close(pack)
  }

  /** Closes the files that have not been used for the longest time. */
  async trim(): Promise<void> {
    for (const pack of this.#open) {
      if (this.#open.size <= maxOpenFiles) return
      if (pack.readers === 0 && pack.state === 'sealed') await this.#close(pack)
    }
  }

  async #close(pack: Pack): Promise<void> {
    const { file } = pack
    pack.file = undefined
    this.#open.delete(pack)
    await file?.close()
  }

  /** Removes a file that got no header. One that stays takes room until the next opening looks at it. */
  async #removeBegun(pack: Pack, file: DiskFile): Promise<void> {
    pack.leftBytes = physicalBytes(packHeaderBytes)
    try {
      await file.close()
      await this.disk.unlink(pack.path)
      pack.leftBytes = 0
    } catch (error) {
      // Whoever puts is told of the write that failed before.
      if (!(error instanceof DiskError)) throw error
    }
  }

  async #openFile(pack: Pack): Promise<DiskFile> {
    const isNew = pack.writtenEnd === 0
    const file = await this.disk.open(pack.path, isNew ? 'create-new' : 'write')
    if (isNew) {
      try {
        await file.write(
          [encodePackHeader({ stream: pack.stream, id: pack.id, salt: pack.salt, storeId: this.#storeId })],
          0,
        )
      } catch (error) {
        await this.#removeBegun(pack, file)
        throw error
      }
      pack.writtenEnd = packHeaderBytes
    }
    this.adopt(pack, file)
    await this.trim()
    return file
  }
}

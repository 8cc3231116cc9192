/** Adds files and folders: chunk, hash and store them under a lease, pin the root, answer. */
import type { Owner } from '@ipfs-kit/concurrency'
import type { CID } from 'multiformats/cid'
import { importFiles, importFolders } from './add-import.ts'
import { Intake } from './add-intake.ts'
import { AddWrites } from './add-writes.ts'
import type { BlockStore } from './block-store.ts'
import type { Calls } from './calls.ts'
import { IpfsError } from './errors.ts'
import { FileBlocks } from './file-blocks.ts'
import { fileShape } from './file-shape.ts'
import { FolderTree } from './folder-tree.ts'
import type { AddOptions, Files } from './ipfs.ts'
import { checkMetadata, type PinRecords } from './pins.ts'

/** Makes {@link Files.add}. */
export function createAdd(parts: {
  readonly records: PinRecords
  readonly blocks: BlockStore
  readonly calls: Calls
  readonly owner: Owner
}): Files['add'] {
  const { records, blocks, calls, owner } = parts
  return (entries, options = {}) => {
    const { pin, metadata, ...shape } = check(options)
    return calls.stream(options, async function* (caller) {
      const lease = blocks.lease('add', pin ? 'kept' : 'cache')
      // Ends what reads side by side when the add is over before they are.
      const over = new AbortController()
      const signal = AbortSignal.any([caller, over.signal])
      try {
        await using writes = new AddWrites((cid, block) => lease.put(cid, block), signal)
        const { profile, chunkBytes, wrap } = shape
        const tree = new FolderTree(profile)
        const intake = new Intake(entries, tree, signal, options.onProgress)
        const files = new FileBlocks({ profile, chunkBytes, writes, owner })
        let root: CID | undefined
        for (const items of [
          importFiles({ intake, tree, files, writes, signal, over, owner }),
          importFolders({ intake, tree, writes, profile, wrap }),
        ]) {
          for await (const item of items) {
            for (const failure of intake.takeFailures()) yield failure
            root = item.cid
            yield item
          }
        }
        for (const failure of intake.takeFailures()) yield failure
        caller.throwIfAborted()
        if (intake.added === 0 && intake.failed === 0)
          throw new IpfsError('IPFS_NOTHING_ADDED', 'There was nothing to add')
        if (root !== undefined && pin) {
          await lease.flush({ signal: caller })
          records.record([root], Number.POSITIVE_INFINITY, metadata)
        }
        yield intake.summary(root)
      } finally {
        lease.close()
      }
    })
  }
}

/** The options with their defaults. @throws TypeError, RangeError */
function check(options: AddOptions) {
  const { wrap = false, pin = true, name } = options
  const { profile, chunkBytes } = fileShape(options)
  return { profile, chunkBytes, wrap, pin, metadata: checkMetadata(name === undefined ? {} : { name }) }
}

/** Adds files and folders: chunk, hash and store them under a lease, pin the root, answer. */
import type { Owner } from '@ipfs-kit/concurrency'
import type { CID } from 'multiformats/cid'
import { importEntries } from './add-import.ts'
import { Intake } from './add-intake.ts'
import type { Calls } from './calls.ts'
import { IpfsError } from './errors.ts'
import type { AddOptions, CidProfile, Files } from './ipfs.ts'
import { checkMetadata, type PinRecords } from './pins.ts'
import type { Retention } from './retention.ts'

const chunkBytesOf: Readonly<Record<CidProfile, number>> = {
  'unixfs-v1-2025': 1_048_576,
  'unixfs-v0-2015': 262_144,
}

/** Makes {@link Files.add}. */
export function createAdd(parts: {
  readonly records: PinRecords
  readonly retention: Retention
  readonly calls: Calls
  readonly owner: Owner
}): Files['add'] {
  const { records, retention, calls, owner } = parts
  return (entries, options = {}) => {
    const { pin, metadata, ...shape } = check(options)
    return calls.stream(options, async function* (caller) {
      const lease = retention.lease()
      // Ends what reads side by side when the add is over before they are.
      const over = new AbortController()
      const signal = AbortSignal.any([caller, over.signal])
      try {
        const intake = new Intake(entries, signal, options.onProgress)
        let root: CID | undefined
        for await (const item of importEntries(intake, lease, { ...shape, signal, over, owner })) {
          yield* intake.takeFailures()
          root = item.cid
          if (item.listed) yield { path: item.path, cid: item.cid, bytes: item.bytes }
        }
        yield* intake.takeFailures()
        caller.throwIfAborted()
        if (intake.added === 0 && intake.failed === 0)
          throw new IpfsError('IPFS_NOTHING_ADDED', 'There was nothing to add')
        if (root !== undefined) {
          if (pin) records.record([root], Number.POSITIVE_INFINITY, metadata)
          lease.release()
        }
        yield intake.summary(root)
      } finally {
        await lease.abandon()
      }
    })
  }
}

/** The options with their defaults. @throws TypeError, RangeError */
function check(options: AddOptions) {
  const { profile = 'unixfs-v1-2025', wrap = false, pin = true, name } = options
  if (!Object.hasOwn(chunkBytesOf, profile)) {
    throw new TypeError(
      `profile is one of ${Object.keys(chunkBytesOf).join(', ')}, not ${JSON.stringify(profile)}`,
    )
  }
  const { chunkBytes = chunkBytesOf[profile] } = options
  if (!Number.isSafeInteger(chunkBytes) || chunkBytes < 1 || chunkBytes > 1_048_576) {
    throw new RangeError(`chunkBytes is a whole number from 1 to 1,048,576, not ${chunkBytes}`)
  }
  return { profile, chunkBytes, wrap, pin, metadata: checkMetadata(name === undefined ? {} : { name }) }
}

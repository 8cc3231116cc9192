/** The probe of a tiered store whose keys are CIDs: puts a block that nobody has, reads it back and deletes it. */
import { randomBytes } from 'node:crypto'
import { digestOf } from '@ipfs-kit/blocks'
import { moveOnAfter, now, run } from '@ipfs-kit/concurrency'
import {
  type CallOptions,
  type ProbeReport,
  type ProbeStep,
  type StorageBackend,
  StorageError,
} from '@ipfs-kit/storage'
import { CID } from 'multiformats/cid'
import { code as rawCode } from 'multiformats/codecs/raw'
import { create } from 'multiformats/hashes/digest'

const sha256Code = 0x12
/** How long a probe that has failed waits until its block is deleted. */
const cleanupMs = 5000

/** @throws StorageError STORAGE_PROBE_FAILED, or the error of the call that failed */
export async function probeByBlock(
  backend: Pick<StorageBackend, 'name' | 'supports' | 'put' | 'get' | 'stat' | 'delete'>,
  options: CallOptions,
): Promise<ProbeReport> {
  const started = now()
  const steps: ProbeStep[] = []
  const bytes = randomBytes(256)
  const key = CID.createV1(rawCode, create(sha256Code, await digestOf(bytes))).toString()
  if (!backend.supports.write) {
    await backend.stat(key, options)
    return { steps: ['read'], durationMs: now() - started }
  }
  try {
    await backend.put(key, bytes, options)
    steps.push('write')
    const found = await backend.get(key, options)
    const pieces: Uint8Array[] = []
    if (found !== undefined) for await (const piece of found.body) pieces.push(piece)
    if (!bytes.equals(Buffer.concat(pieces)))
      throw new StorageError('STORAGE_PROBE_FAILED', `${backend.name} does not give back what it took`)
    steps.push('read')
  } catch (error) {
    if (backend.supports.delete) await removeAfterFailure(backend, key)
    throw error
  }
  if (backend.supports.delete) {
    await backend.delete(key, options)
    if ((await backend.stat(key, options)) !== undefined)
      throw new StorageError('STORAGE_PROBE_FAILED', `${backend.name} still has what it deleted`)
    steps.push('delete')
  }
  return { steps, durationMs: now() - started }
}

/** The block goes also when the probe was cancelled. */
async function removeAfterFailure(backend: Pick<StorageBackend, 'delete'>, key: string): Promise<void> {
  try {
    await moveOnAfter(cleanupMs, (scope) => run(backend.delete(key, { signal: scope.signal })), {
      shield: true,
    })
  } catch {
    // waits: the first failure is the one that the probe has to tell, also if this fails as well
  }
}

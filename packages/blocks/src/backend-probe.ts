/** The probe of a backend whose keys are CIDs: puts a block that nobody has, reads it back, lists it and deletes it. */
import { randomBytes } from 'node:crypto'
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
import { digestOf } from './digest.ts'

const probeBytes = 256
const sha256Code = 0x12
/** How long a probe that has failed waits until its block is deleted. */
const cleanupMs = 5000

/** @throws StorageError STORAGE_PROBE_FAILED, or the error of the call that failed; the block is deleted then too, within 5 seconds */
export async function probeBackend(
  backend: Pick<StorageBackend, 'name' | 'put' | 'get' | 'list' | 'stat' | 'delete'>,
  options: CallOptions,
): Promise<ProbeReport> {
  const started = now()
  const steps: ProbeStep[] = []
  const bytes = randomBytes(probeBytes)
  const key = CID.createV1(rawCode, create(sha256Code, await digestOf(bytes))).toString()
  try {
    await backend.put(key, bytes, options)
    steps.push('write')
    const found = await backend.get(key, options)
    if (found === undefined) throw failed(backend.name, 'does not have a block that it has just taken')
    const chunks: Uint8Array[] = []
    for await (const chunk of found.body) chunks.push(chunk)
    if (!bytes.equals(Buffer.concat(chunks))) throw failed(backend.name, 'gave back other bytes than it took')
    steps.push('read')
    const { entries } = await backend.list({ ...options, prefix: key })
    if (!entries.some((entry) => entry.key === key)) {
      throw failed(backend.name, 'does not list what it took')
    }
    steps.push('list')
  } catch (error) {
    if (steps.length > 0) await removeAfterFailure(backend, key)
    throw error
  }
  await backend.delete(key, options)
  if ((await backend.stat(key, options)) !== undefined) {
    throw failed(backend.name, 'still has what it deleted')
  }
  steps.push('delete')
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

function failed(name: string, what: string): StorageError {
  return new StorageError('STORAGE_PROBE_FAILED', `The backend ${JSON.stringify(name)} ${what}`)
}

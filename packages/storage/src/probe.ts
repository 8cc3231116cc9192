/** The probe of a backend in terms of its own calls. */
import { randomBytes, randomUUID } from 'node:crypto'
import { moveOnAfter, now, run } from '@ipfs-kit/concurrency'
import type { CallOptions, ProbeReport, ProbeStep, StorageBackend } from './backend.ts'
import { StorageError } from './errors.ts'

const probeBytes = 256
/** How long a probe that has failed waits until its object is deleted. */
const cleanupMs = 5_000

/** Options of {@link probeByRoundTrip}. */
export interface RoundTripOptions extends CallOptions {
  /** The key of some bytes. Needed where `supports.keys` is `cid`. Default: a key that nobody has, whatever they are. */
  readonly keyOf?: (bytes: Uint8Array) => string | Promise<string>
}

/**
 * Tries a backend out: writes a small object of random bytes under a key of its own, reads it back, lists it and deletes
 * it, as far as the backend supports that. Without writing, it asks for an object that is not there. For backends to
 * use in their `probe()`.
 *
 * @throws StorageError `STORAGE_PROBE_FAILED` if the backend does not give back what it took, or the error of the call
 *   that failed; what is there of the object is deleted then too, if that is possible within 5 seconds
 */
export async function probeByRoundTrip(
  backend: Pick<StorageBackend, 'name' | 'supports' | 'put' | 'get' | 'list' | 'delete' | 'stat'>,
  { keyOf = () => `.ipfs-kit-probe-${randomUUID()}`, ...options }: RoundTripOptions = {},
): Promise<ProbeReport> {
  options.signal?.throwIfAborted()
  const started = now()
  const steps: ProbeStep[] = []
  const bytes = randomBytes(probeBytes)
  const key = await keyOf(bytes)
  if (!backend.supports.write) {
    await backend.stat(key, options)
    steps.push('read')
    return report(steps, started)
  }
  try {
    await backend.put(key, bytes, options)
    steps.push('write')
    const found = await backend.get(key, options)
    if (found === undefined) throw failed(backend.name, 'does not have an object that it has just taken')
    const chunks: Uint8Array[] = []
    for await (const chunk of found.body) chunks.push(chunk)
    if (!bytes.equals(Buffer.concat(chunks))) throw failed(backend.name, 'gave back other bytes than it took')
    steps.push('read')
    if (backend.supports.list) {
      const page = await backend.list({ ...options, prefix: key })
      if (!page.entries.some((entry) => entry.key === key))
        throw failed(backend.name, 'does not list what it took')
      steps.push('list')
    }
  } catch (error) {
    if (backend.supports.delete) await removeAfterFailure(backend, key)
    throw error
  }
  if (backend.supports.delete) {
    await backend.delete(key, options)
    if ((await backend.stat(key, options)) !== undefined)
      throw failed(backend.name, 'still has what it deleted')
    steps.push('delete')
  }
  return report(steps, started)
}

/**
 * What was written goes even when the probe was cancelled, and a put that has failed may have left something where a
 * backend is made of several; but nobody waits for a backend that hangs.
 */
async function removeAfterFailure(backend: Pick<StorageBackend, 'delete'>, key: string): Promise<void> {
  try {
    await moveOnAfter(cleanupMs, (scope) => run(backend.delete(key, { signal: scope.signal })), {
      shield: true,
    })
  } catch {
    // waits: the first failure is the one that the probe has to tell, also if this fails as well
  }
}

function report(steps: readonly ProbeStep[], started: number): ProbeReport {
  return { steps, durationMs: now() - started }
}

function failed(name: string, what: string): StorageError {
  return new StorageError('STORAGE_PROBE_FAILED', `The backend ${JSON.stringify(name)} ${what}`)
}

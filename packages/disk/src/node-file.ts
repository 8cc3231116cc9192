/** An open file of the system. */
import { close, fdatasync, fdatasyncSync, fstat, ftruncate, futimes } from 'node:fs'
import type { BigIntStats } from 'node:fs'
import { checkBuffer, checkBuffers, checkBytes, checkTime } from './checks.ts'
import type { DiskFile, DiskStat } from './disk.ts'
import { readAllNow, readOnce, writeAllNow, writeOnce, writeRest } from './node-io.ts'
import type { PromptCalls } from './prompt-calls.ts'
import type { PromptSyncs } from './prompt-syncs.ts'
import { told } from './node-stat.ts'
import { createRunningCalls } from './running-calls.ts'
import { systemCall } from './system-call.ts'
import { refused } from './system-error.ts'

/** Zeros are written in pieces of this size. */
const zeroBytes = 1024 * 1024

let zeros: Uint8Array | undefined

/** What a disk counts. */
export interface NodeCounts {
  openFiles: number
  reads: number
  promptReads: number
  writes: number
  promptWrites: number
  syncs: number
  promptSyncs: number
  readBytes: number
  writtenBytes: number
}

/** What a file needs of its disk. */
export interface NodeFileOptions {
  readonly path: string
  readonly fd: number
  readonly prompt: {
    readonly reads: PromptCalls
    readonly writes: PromptCalls
    readonly syncs: PromptSyncs
  }
  readonly counts: NodeCounts
}

export function createNodeFile({ path, fd, prompt, counts }: NodeFileOptions): DiskFile {
  const calls = createRunningCalls(path)
  /** What the system refuses in `work` names the path. */
  const run = <T>(doing: string, work: () => Promise<T>): Promise<T> =>
    calls.run(async () => {
      try {
        return await work()
      } catch (error) {
        throw refused(doing, path, error)
      }
    })
  const look = async (): Promise<DiskStat> =>
    told(await systemCall<BigIntStats>((done) => fstat(fd, { bigint: true }, done)))
  /** Whether the next sync was to be done at once. */
  let isRefused = false
  counts.openFiles += 1
  return {
    path,
    // These are called most: each is one function around one call of the system, mostly.
    async write(buffers, position) {
      const bytes = checkBuffers(buffers, position)
      calls.enter()
      try {
        counts.writes += 1
        if (bytes > 0) {
          const written = await writeOnce(fd, buffers, position)
          if (written < bytes) await writeRest(fd, buffers, position, written)
        }
        counts.writtenBytes += bytes
      } catch (error) {
        throw refused('write', path, error)
      } finally {
        calls.leave()
      }
    },
    writeNow(buffers, position) {
      const bytes = checkBuffers(buffers, position)
      calls.check()
      if (!prompt.writes.allowed(bytes)) return false
      const began = performance.now()
      try {
        writeAllNow(fd, buffers, position)
        counts.writtenBytes += bytes
        return true
      } catch (error) {
        throw refused('write', path, error)
      } finally {
        counts.promptWrites += 1
        prompt.writes.took(performance.now() - began)
      }
    },
    async read(into, position) {
      checkBuffer(into)
      checkBytes(position, 'position')
      calls.enter()
      try {
        counts.reads += 1
        let filled = 0
        while (filled < into.byteLength) {
          const got = await readOnce(fd, into, filled, position)
          if (got === 0) break
          filled += got
        }
        counts.readBytes += filled
        return filled
      } catch (error) {
        throw refused('read', path, error)
      } finally {
        calls.leave()
      }
    },
    readNow(into, position) {
      checkBuffer(into)
      checkBytes(position, 'position')
      calls.check()
      if (!prompt.reads.allowed(into.byteLength)) return undefined
      const began = performance.now()
      try {
        const length = readAllNow(fd, into, position)
        counts.readBytes += length
        return length
      } catch (error) {
        throw refused('read', path, error)
      } finally {
        counts.promptReads += 1
        prompt.reads.took(performance.now() - began)
      }
    },
    async truncate(size) {
      checkBytes(size, 'size')
      await run('truncate', () =>
        systemCall<void>((done) => ftruncate(fd, size, (error) => done(error, undefined))),
      )
    },
    async preallocate(size) {
      checkBytes(size, 'size')
      await run('preallocate', async () => {
        zeros ??= new Uint8Array(zeroBytes)
        for (let { size: at } = await look(); at < size; at += zeroBytes) {
          await writeRest(fd, [zeros.subarray(0, Math.min(zeroBytes, size - at))], at, 0)
        }
      })
    },
    async sync() {
      await run('sync', async () => {
        counts.syncs += 1
        // Others may have more to write: how long they take says nothing of those that were to be done at once.
        const began = isRefused ? prompt.syncs.began() : undefined
        isRefused = false
        await systemCall<void>((done) => fdatasync(fd, (error) => done(error, undefined)))
        if (began !== undefined) prompt.syncs.ended(began)
      })
    },
    syncNow() {
      calls.check()
      if (!prompt.syncs.allowed()) {
        isRefused = true
        return false
      }
      const began = performance.now()
      try {
        fdatasyncSync(fd)
        return true
      } catch (error) {
        throw refused('sync', path, error)
      } finally {
        counts.promptSyncs += 1
        prompt.syncs.took(performance.now() - began)
      }
    },
    async size() {
      const { size } = await run('look at', look)
      return size
    },
    async stat() {
      return run('look at', look)
    },
    async setModified(ms) {
      checkTime(ms)
      const seconds = ms / 1000
      await run('set the time of', () =>
        systemCall<void>((done) => futimes(fd, seconds, seconds, (error) => done(error, undefined))),
      )
    },
    async close() {
      await calls.end(async () => {
        counts.openFiles -= 1
        try {
          await systemCall<void>((done) => close(fd, (error) => done(error ?? null, undefined)))
        } catch (error) {
          throw refused('close', path, error)
        }
      })
    },
  }
}

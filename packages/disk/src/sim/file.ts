/** An open file of a simulated disk. */
import { now } from '@ipfs-kit/concurrency'
import { checkBuffer, checkBuffers, checkBytes, checkTime } from '../checks.ts'
import type { DiskFile } from '../disk.ts'
import { createRunningCalls } from '../running-calls.ts'
import { refusedWith } from '../system-error.ts'
import type { PowerLoss } from './power-loss.ts'
import { pageBytes } from './pages.ts'
import type { SimProcess } from './process.ts'
import { statOf } from './tree.ts'
import type { FileNode } from './tree.ts'

/** Opens a file for a process. */
export function openSimFile(process: SimProcess, node: FileNode, path: string, writable: boolean): DiskFile {
  const { medium, random } = process
  const calls = createRunningCalls(path)
  node.handles += 1
  process.openFiles += 1

  const checkWritable = (doing: string): void => {
    if (!writable) throw refusedWith('EBADF', doing, path)
  }
  const change = (what: () => void): void => {
    node.changes += 1
    node.modifiedMs = now()
    medium.change(node.content, what)
  }
  const freePages = (): number =>
    Math.max(0, Math.floor(process.faults.capacityBytes / pageBytes) - medium.usedPages)
  const readInto = (into: Uint8Array, position: number): number => {
    const { cached, bad } = node.content
    const length = cached.read(into, position)
    if (bad.isAmong(position, length)) throw refusedWith('EIO', 'read', path)
    process.bytesRead += length
    return length
  }
  /** Writes the bytes from `from` to `to` of all the buffers together; stops at the first that finds no room. */
  const writePart = (buffers: readonly Uint8Array[], position: number, from: number, to: number): void => {
    const { content } = node
    let begin = 0
    for (const buffer of buffers) {
      const part = buffer.subarray(Math.max(0, from - begin), Math.max(0, to - begin))
      const at = position + Math.max(begin, from)
      begin += buffer.byteLength
      if (part.byteLength === 0) continue
      const fits = content.cached.fitting(at, part.byteLength, freePages())
      change(() => content.write(part.subarray(0, fits), at))
      process.bytesWritten += fits
      if (fits < part.byteLength) throw refusedWith('ENOSPC', 'write', path)
    }
  }
  const loss = (): PowerLoss => ({ random, tearing: process.faults.tearing, count: () => undefined })

  return {
    path,
    async write(buffers, position) {
      const bytes = checkBuffers(buffers, position)
      await calls.run(async () => {
        process.check(path)
        checkWritable('write')
        let done = 0
        do {
          const from = done
          const short = random.chance(process.faults.shortWrites)
          const to = short ? Math.min(bytes, from + random.below(bytes - from) + 1) : bytes
          await process.operate(
            'write',
            path,
            () => writePart(buffers, position, from, to),
            () => writePart(buffers, position, from, from + random.below(to - from + 1)),
          )
          done = to
        } while (done < bytes)
      })
    },
    writeNow(buffers, position) {
      const bytes = checkBuffers(buffers, position)
      calls.check()
      process.check(path)
      checkWritable('write')
      if (random.chance(process.faults.slowWrites)) return false
      process.operateNow(
        'write',
        path,
        () => writePart(buffers, position, 0, bytes),
        () => writePart(buffers, position, 0, random.below(bytes + 1)),
      )
      return true
    },
    async read(into, position) {
      checkBuffer(into)
      checkBytes(position, 'position')
      return calls.run(() => process.operate('read', path, () => readInto(into, position)))
    },
    readNow(into, position) {
      checkBuffer(into)
      checkBytes(position, 'position')
      calls.check()
      process.check(path)
      if (random.chance(process.faults.slowReads)) return undefined
      return process.operateNow('read', path, () => readInto(into, position))
    },
    async truncate(size) {
      checkBytes(size, 'size')
      await calls.run(async () => {
        process.check(path)
        checkWritable('truncate')
        const resize = (): void => change(() => node.content.resize(size))
        await process.operate('truncate', path, resize, () => {
          if (random.chance(0.5)) resize()
        })
      })
    },
    async preallocate(size) {
      checkBytes(size, 'size')
      await calls.run(async () => {
        process.check(path)
        checkWritable('preallocate')
        const take = (most: number): void => {
          const { cached } = node.content
          if (most <= cached.size) return
          const fits = cached.size + cached.fitting(cached.size, most - cached.size, freePages())
          change(() => node.content.take(Math.min(most, fits)))
          if (fits < most) throw refusedWith('ENOSPC', 'preallocate', path)
        }
        await process.operate(
          'preallocate',
          path,
          () => take(size),
          () => take(Math.floor(random.fraction() * size)),
        )
      })
    },
    async sync() {
      await calls.run(() =>
        process.operate(
          'sync',
          path,
          () => node.content.sync(),
          () => node.content.failSync(loss()),
        ),
      )
    },
    syncNow() {
      calls.check()
      process.check(path)
      if (random.chance(process.faults.slowSyncs)) return false
      process.operateNow(
        'sync',
        path,
        () => node.content.sync(),
        () => node.content.failSync(loss()),
      )
      return true
    },
    async size() {
      return calls.run(() => process.operate('size', path, () => node.content.cached.size))
    },
    async stat() {
      return calls.run(() => process.operate('stat', path, () => statOf(node)))
    },
    async setModified(ms) {
      checkTime(ms)
      await calls.run(() =>
        process.operate('setModified', path, () => {
          node.changes += 1
          node.modifiedMs = ms
        }),
      )
    },
    async close() {
      await calls.end(async () => {
        if (process.dead) return
        process.openFiles -= 1
        node.handles -= 1
        medium.released(node)
      })
    },
  }
}

/** Reading and writing of the system by descriptor, in pieces that it takes. */
import { read, readSync, write, writeSync, writev, writevSync } from 'node:fs'
import { systemCall } from './system-call.ts'

/** The most that one call of the system is given; Linux takes 2 GiB less a page. */
const callBytes = 1024 ** 3
/** Buffers of one call: what POSIX systems take at once (IOV_MAX of Linux, macOS and the BSDs). */
const callBuffers = 1024

/** Gives the buffers to the system, or as many as it takes at once; gives the number of bytes that it took. */
export function writeOnce(fd: number, buffers: readonly Uint8Array[], position: number): Promise<number> {
  const part = firstOf(buffers)
  return systemCall<number>((done) => {
    if (part.length === 1) write(fd, part[0]!, 0, part[0]!.byteLength, position, done)
    else writev(fd, part, position, done)
  })
}

/** Writes what is left after the first bytes, however little the system takes at once. */
export async function writeRest(
  fd: number,
  buffers: readonly Uint8Array[],
  position: number,
  written: number,
): Promise<void> {
  let at = position + written
  let rest = without(buffers, written)
  while (rest.length > 0) {
    const more = await writeOnce(fd, rest, at)
    if (more === 0) throw tookNothing()
    at += more
    rest = without(rest, more)
  }
}

/** As many of the buffers as one call takes; at least one that is not empty, where there is one. */
function firstOf(buffers: readonly Uint8Array[]): Uint8Array[] {
  let bytes = 0
  const part: Uint8Array[] = []
  for (const buffer of buffers) {
    if (buffer.byteLength === 0) continue
    if (bytes === 0 && buffer.byteLength > callBytes) return [buffer.subarray(0, callBytes)]
    bytes += buffer.byteLength
    if (bytes > callBytes || part.length === callBuffers) break
    part.push(buffer)
  }
  return part
}

/** The buffers without their first bytes. */
function without(buffers: readonly Uint8Array[], bytes: number): Uint8Array[] {
  let left = bytes
  let index = 0
  while (index < buffers.length && left >= buffers[index]!.byteLength) left -= buffers[index++]!.byteLength
  const rest = buffers.slice(index)
  if (left > 0) rest[0] = rest[0]!.subarray(left)
  return rest
}

/** Reads what the system gives at once into the part of a buffer that is not filled. */
export function readOnce(fd: number, into: Uint8Array, filled: number, position: number): Promise<number> {
  const length = Math.min(callBytes, into.byteLength - filled)
  return systemCall<number>((done) => read(fd, into, filled, length, position + filled, done))
}

/** Writes all buffers at once, in the order in which they are. */
export function writeAllNow(fd: number, buffers: readonly Uint8Array[], position: number): void {
  let at = position
  for (let rest = without(buffers, 0); rest.length > 0;) {
    const part = firstOf(rest)
    const taken =
      part.length === 1 ? writeSync(fd, part[0]!, 0, part[0]!.byteLength, at) : writevSync(fd, part, at)
    if (taken === 0) throw tookNothing()
    at += taken
    rest = without(rest, taken)
  }
}

/** Else whoever writes on would do so for ever. */
function tookNothing(): Error {
  return Object.assign(new Error('The system took nothing'), { code: 'EIO' })
}

/** Fills the buffer, or reaches the end of the file, at once. */
export function readAllNow(fd: number, into: Uint8Array, position: number): number {
  let filled = 0
  while (filled < into.byteLength) {
    const got = readSync(fd, into, filled, into.byteLength - filled, position + filled)
    if (got === 0) break
    filled += got
  }
  return filled
}

/** Checks of what callers pass, before anything is done. */
import type { OpenMode } from './disk.ts'

const modes: readonly OpenMode[] = ['read', 'write', 'create', 'create-new']

/** @throws TypeError unless it is an absolute path with `/` and without NUL. */
export function checkPath(path: unknown): asserts path is string {
  if (typeof path !== 'string') throw new TypeError(`A path is a string, and not ${describe(path)}`)
  if (path.includes('\0')) throw new TypeError(`The path ${shown(path)} has a NUL in it`)
  const absolute = path.startsWith('/') || (process.platform === 'win32' && /^[A-Za-z]:[/\\]/.test(path))
  if (!absolute) throw new TypeError(`The path ${shown(path)} is not absolute`)
}

/** @throws TypeError unless it is one of the modes. */
export function checkMode(mode: unknown): asserts mode is OpenMode {
  if (!modes.includes(mode as OpenMode)) {
    throw new TypeError(`A mode is one of ${modes.join(', ')}, and not ${describe(mode)}`)
  }
}

/** @throws RangeError unless it is a whole number of bytes, 0 or more. */
export function checkBytes(bytes: unknown, name: string): asserts bytes is number {
  if (!Number.isSafeInteger(bytes) || (bytes as number) < 0) {
    throw new RangeError(`The ${name} is a whole number of bytes, 0 or more, and not ${describe(bytes)}`)
  }
}

/** @throws RangeError unless it is a time in milliseconds since 1970. */
export function checkTime(ms: unknown): asserts ms is number {
  if (typeof ms !== 'number' || !(ms >= 0 && ms <= 8.64e15)) {
    throw new RangeError(`A time is a number of milliseconds since 1970, and not ${describe(ms)}`)
  }
}

/** @throws TypeError unless it is one of the ways to look at links. */
export function checkLinks(links: unknown): asserts links is 'follow' | 'tell' {
  if (links !== 'follow' && links !== 'tell') {
    throw new TypeError(`links is follow or tell, and not ${describe(links)}`)
  }
}

/** @throws TypeError unless it is a Uint8Array. */
export function checkBuffer(buffer: unknown): asserts buffer is Uint8Array {
  if (!(buffer instanceof Uint8Array)) {
    throw new TypeError(`A buffer is a Uint8Array, and not ${describe(buffer)}`)
  }
}

/**
 * The bytes of all buffers together.
 *
 * @throws TypeError, or RangeError where they would reach past the last position that is a safe integer
 */
export function checkBuffers(buffers: readonly Uint8Array[], position: number): number {
  if (!Array.isArray(buffers)) throw new TypeError(`Buffers are an array, and not ${describe(buffers)}`)
  checkBytes(position, 'position')
  let bytes = 0
  for (const buffer of buffers) {
    checkBuffer(buffer)
    bytes += buffer.byteLength
  }
  checkBytes(position + bytes, 'end')
  return bytes
}

/** A path for a message: cut, if it is long. */
export function shown(path: string): string {
  const cut = path.length > 200 ? `${path.slice(0, 100)}…${path.slice(-99)}` : path
  return JSON.stringify(cut)
}

function describe(value: unknown): string {
  return typeof value === 'number' || value === null || value === undefined ? String(value) : typeof value
}

/** Headers of a tar archive (POSIX.1-2017, pax interchange format): ustar, with a pax header before it for what does not fit. */

/** An entry of an archive. */
export interface TarEntry {
  /** Path with `/` between names. */
  readonly path: string
  readonly type: 'file' | 'directory' | 'symlink'
  /** Permission bits. */
  readonly mode: number
  /** Seconds since the epoch. */
  readonly mtimeSeconds: number
  /** Bytes that follow. Default 0. */
  readonly size?: number
  /** Target of a symbolic link. */
  readonly target?: string
}

const blockBytes = 512
const flags = { file: '0', directory: '5', symlink: '2' } as const
const encoder = new TextEncoder()

/** The header of an entry, in whole blocks of 512 bytes. */
export function tarHeader(entry: TarEntry): Uint8Array {
  const { mode, mtimeSeconds, size = 0, target = '' } = entry
  const path = entry.type === 'directory' ? `${entry.path}/` : entry.path
  const records = [
    ...(fitsText(path) ? [] : [record('path', path)]),
    ...(fitsText(target) ? [] : [record('linkpath', target)]),
    ...(fitsNumber(size) ? [] : [record('size', String(size))]),
    ...(fitsNumber(mtimeSeconds) ? [] : [record('mtime', String(mtimeSeconds))]),
  ]
  const own = ustar({ path, target, mode, size, mtimeSeconds, flag: flags[entry.type] })
  if (records.length === 0) return own
  const pax = Buffer.concat(records)
  const paxHeader = ustar({
    path: 'pax_header',
    target: '',
    mode: 0o644,
    size: pax.length,
    mtimeSeconds: 0,
    flag: 'x',
  })
  return Buffer.concat([paxHeader, pax, tarPadding(pax.length), own])
}

/** The zeros between the end of some bytes and the end of their last block. */
export function tarPadding(size: number): Uint8Array {
  return new Uint8Array((blockBytes - (size % blockBytes)) % blockBytes)
}

/** The two blocks of zeros at the end of an archive. */
export const tarEnd: Uint8Array = new Uint8Array(2 * blockBytes)

interface Ustar {
  readonly path: string
  readonly target: string
  readonly mode: number
  readonly size: number
  readonly mtimeSeconds: number
  readonly flag: string
}

function ustar({ path, target, mode, size, mtimeSeconds, flag }: Ustar): Uint8Array {
  const block = new Uint8Array(blockBytes)
  writeText(block, 0, 100, path)
  writeOctal(block, 100, 8, mode & 0o7777)
  writeOctal(block, 108, 8, 0)
  writeOctal(block, 116, 8, 0)
  writeOctal(block, 124, 12, fitsNumber(size) ? size : 0)
  writeOctal(block, 136, 12, fitsNumber(mtimeSeconds) ? mtimeSeconds : 0)
  // The checksum is taken over the block with spaces in its own place.
  block.fill(0x20, 148, 156)
  writeText(block, 156, 1, flag)
  writeText(block, 157, 100, target)
  writeText(block, 257, 8, 'ustar\x0000')
  writeOctal(block, 329, 8, 0)
  writeOctal(block, 337, 8, 0)
  const sum = block.reduce((total, byte) => total + byte, 0)
  writeText(block, 148, 8, `${sum.toString(8).padStart(6, '0')}\0 `)
  return block
}

/** Only ASCII goes into a ustar field: readers disagree about the encoding of anything else. */
function fitsText(text: string): boolean {
  const bytes = Buffer.byteLength(text)
  return bytes <= 100 && bytes === text.length
}

/** Eleven octal digits. */
function fitsNumber(value: number): boolean {
  return Number.isInteger(value) && value >= 0 && value < 8 ** 11
}

function writeText(block: Uint8Array, at: number, length: number, text: string): void {
  encoder.encodeInto(text, block.subarray(at, at + length))
}

function writeOctal(block: Uint8Array, at: number, length: number, value: number): void {
  writeText(block, at, length, value.toString(8).padStart(length - 1, '0'))
}

/** A pax record: its own length in decimal digits, a key and a value. */
function record(key: string, value: string): Uint8Array {
  const rest = encoder.encode(` ${key}=${value}\n`)
  let length = rest.length
  while (length !== rest.length + String(length).length) length = rest.length + String(length).length
  return Buffer.concat([encoder.encode(String(length)), rest])
}

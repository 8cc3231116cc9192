/** The outcome of an object, as short as the log wants it. */
import type { ItemResult } from '@ipfs-kit/wal'
import type { ItemOutcome } from './outcome.ts'

/** Bytes of a path and of a message, as JSON. */
const textBytes = 1000

/** What is written of an outcome: of a long path the end, which tells one from another, of a message the beginning. */
export function itemResultOf({ path, outcome, bytes, sha256, isRemoved, failure }: ItemOutcome): ItemResult {
  const name = path === '' ? '.' : cut(path, (length) => `…${path.slice(-length)}`)
  if (failure !== undefined) {
    const { code, message } = failure
    return { name, failure: { code, message: cut(message, (length) => `${message.slice(0, length)}…`) } }
  }
  return { name, result: { outcome, bytes, ...(sha256 !== undefined && { sha256 }), isRemoved } }
}

/** The text, or so much of it as fits. */
function cut(text: string, part: (length: number) => string): string {
  let short = text
  for (let length = textBytes; Buffer.byteLength(JSON.stringify(short)) > textBytes;) {
    length = Math.floor(length / 2)
    short = part(length)
  }
  return short
}

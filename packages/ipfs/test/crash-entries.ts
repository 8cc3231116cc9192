/** What the process that dies adds: a file of three chunks in a folder. */
import type { AddEntry } from '@ipfs-kit/ipfs'
import { pattern } from './opened.ts'

export function crashEntries(): AddEntry[] {
  return [{ path: 'd/a', content: pattern(40, 1) }]
}

/** What lies in a folder, for comparing. */
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'

/** SHA-256 of some bytes, in hex. */
export function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}

/** Relative path to SHA-256 of every file in a folder; a folder stands there with a slash and `''`. */
export function contentOf(folder: string): Record<string, string> {
  const found: Record<string, string> = {}
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name)
    if (entry.isDirectory()) found[`${relative(folder, path)}/`] = ''
    else found[relative(folder, path)] = sha256(readFileSync(path))
  }
  return found
}

/** Finds a Chromium on this machine. */
import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'

/** Names under which systems have it. */
const names = ['chromium', 'chromium-browser', 'google-chrome']

/** The path of the browser: that of IPFS_KIT_CHROMIUM, else the first of its names on the path. */
export function findChromium(): string {
  const given = process.env['IPFS_KIT_CHROMIUM']
  if (given !== undefined && given !== '') return given
  const folders = (process.env['PATH'] ?? '').split(delimiter)
  const found = names.flatMap((name) => folders.map((folder) => join(folder, name))).find(isProgram)
  if (found !== undefined) return found
  throw new Error(
    `no Chromium here (${names.join(', ')}): install the Debian package chromium, or set IPFS_KIT_CHROMIUM to its path`,
  )
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

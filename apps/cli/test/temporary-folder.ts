/** Folders that live as long as the tests of one file. */
import { mkdtempSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const folders: string[] = []

/** Makes an empty folder, which is removed after the tests of the file. */
export function temporaryFolder(): string {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'ipfs-kit-cli-')))
  folders.push(folder)
  return folder
}

/** A path for a home; nothing is there yet. */
export function temporaryHome(): string {
  return join(temporaryFolder(), 'home')
}

/** Removes the folders of a file whose tests are over. */
export function removeFolders(): void {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
}

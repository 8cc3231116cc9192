/** A folder for one test. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'

/** The path of a home that does not exist yet, in a folder that goes with the test. */
export async function temporaryHome(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'ipfs-kit-test-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  return join(folder, 'home')
}

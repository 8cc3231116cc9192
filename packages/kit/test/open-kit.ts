/** A kit for one test. */
import { type Kit, type KitOptions, openKit } from '@ipfs-kit/kit'
import { onTestFinished } from 'vitest'
import { temporaryHome } from './temporary-home.ts'

/** Opens a kit in a temporary home; both go with the test. */
export async function openTemporaryKit(options: Partial<KitOptions> = {}): Promise<Kit> {
  const kit = await openKit({ home: await temporaryHome(), role: 'command', ...options })
  onTestFinished(() => kit.close())
  return kit
}

/** Adds one file by `files.add`; answers the CID of the root. */
export async function addFile(kit: Kit, path: string, content: Uint8Array | string): Promise<string> {
  return addFiles(kit, { [path]: content })
}

/** Adds files by their paths; answers the CID of the root. */
export async function addFiles(kit: Kit, files: Record<string, Uint8Array | string>): Promise<string> {
  const body = Object.entries(files).map(([path, content]) => ({ path, content: Buffer.from(content) }))
  let cid: string | undefined
  for await (const item of await kit.call('files.add', {}, { body })) if ('items' in item) cid = item.cid
  if (cid === undefined) throw new Error('Nothing was added')
  return cid
}

/** What is in a store: asked of a server or of a home, and looked for in the pack files. */
import { closeSync, openSync, readdirSync, readFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import type { Client } from '@ipfs-kit/client'
import { type Kit, type KitTable, openKit } from '@ipfs-kit/kit'

/** Blocks, their bytes, and pins. */
export interface Counts {
  readonly blocks: number
  readonly bytes: number
  readonly pins: number
}

/** What a server keeps: what is left when garbage was collected. */
export async function keptBy(client: Pick<Client<KitTable>, 'call'>): Promise<Counts> {
  await client.call('repo.gc', {})
  const { blocks, bytes, pins } = await client.call('repo.stat', {})
  return { blocks, bytes, pins }
}

/** What a home keeps that nobody has open, looked at from here; why not, if it could not be opened at once. */
export async function keptIn(home: string): Promise<Counts | string> {
  let kit: Kit
  try {
    kit = await openKit({ home, role: 'command', waitMs: 0 })
  } catch (error) {
    return String(error)
  }
  try {
    return await keptBy(kit)
  } finally {
    await kit.close()
  }
}

/** The counts of an answer of `repo stat`. */
export function countsOf({ blocks, bytes, pins }: Record<string, unknown>): Counts {
  return { blocks, bytes, pins } as Counts
}

/** Names of all files of the block store. */
export function storeFiles(home: string): string[] {
  return readdirSync(join(home, 'blocks'), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ name }) => name)
}

/** Writes over the beginning of a content where a pack file holds it. */
export function damage(home: string, content: string): void {
  for (const name of storeFiles(home)) {
    const file = join(home, 'blocks', name)
    const at = readFileSync(file).indexOf(content)
    if (at === -1) continue
    const handle = openSync(file, 'r+')
    writeSync(handle, 'xxx', at)
    closeSync(handle)
    return
  }
  throw new Error('No pack file holds it')
}

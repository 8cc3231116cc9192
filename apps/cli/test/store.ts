/** What is in a store: asked of a server or of a home, and looked for in the pack files. */
import { closeSync, openSync, readdirSync, readFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import type { Client } from '@ipfs-kit/client'
import type { KitTable } from '@ipfs-kit/kit'
import { jsonLines, run } from './command.ts'

/** Blocks, their bytes, and pins. */
export interface Counts {
  readonly blocks: number
  readonly bytes: number
  readonly pins: number
}

/** What a server keeps: what is left when garbage was collected. */
export async function keptBy(client: Client<KitTable>): Promise<Counts> {
  await client.call('repo.gc', {})
  const { blocks, bytes, pins } = await client.call('repo.stat', {})
  return { blocks, bytes, pins }
}

/** What a home keeps that nobody has open; what a command said if it could not be opened at once. */
export async function keptIn(home: string): Promise<Counts | string> {
  const gc = await run(['gc', '--json', '--wait', '0'], { home })
  if (gc.code !== 0) return gc.stderr
  const { stdout, stderr } = await run(['repo', 'stat', '--json', '--wait', '0'], { home })
  const [stat] = jsonLines(stdout)
  return stat === undefined ? stderr : countsOf(stat)
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

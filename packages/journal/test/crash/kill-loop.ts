/** Processes that change a journal until they are killed, and who knows from outside what has to be there. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { openBlocks } from '@ipfs-kit/blocks'
import { killAfter } from '@ipfs-kit/disk/testing'
import { linksOf } from '@ipfs-kit/ipfs/unixfs'
import { exporter } from 'ipfs-unixfs-exporter'
import { CID } from 'multiformats/cid'
import { expect } from 'vitest'
import { fullRow, type PlainOp, PlainTree } from '../plain-tree.ts'
import { briefRow, lineEnd, type Said } from './kill-lines.ts'

/** Somebody in the child, with a folder that nobody else changes. */
interface Writer {
  /** After all that was answered. */
  tree: PlainTree
  /** What was begun, and was not answered. */
  begun: readonly PlainOp[] | undefined
}

const child = fileURLToPath(new URL('kill-child.ts', import.meta.url))

/**
 * Kills so many processes on one journal. After each what is there is all that was answered, with what was under way or without it.
 * At the end the tree is looked at without the journal.
 */
export async function killInALoop(rounds: number): Promise<void> {
  const home = await mkdtemp(join(tmpdir(), 'ipfs-kit-journal-'))
  const writers = new Map<string, Writer>()
  let answered = 0
  try {
    for (let round = 1; round <= rounds; round += 1) {
      for (const line of await saidBy([home, `${round}`], 2 + Math.floor(Math.random() * 300))) {
        answered += note(writers, line)
      }
    }
    await checkFromOutside(home, writers)
    expect(answered).toBeGreaterThan(rounds * 20)
  } finally {
    await rm(home, { recursive: true })
  }
}

async function saidBy(args: readonly string[], lines: number): Promise<Said[]> {
  const said = await killAfter(['--conditions=@ipfs-kit/source', child, ...args], lines)
  // The last one may have been cut by the kill: then it was not said.
  if (!said.at(-1)!.endsWith(lineEnd)) said.pop()
  return said.map((line) => JSON.parse(line.slice(0, -lineEnd.length)) as Said)
}

/** Notes what a child has said. How many changes it tells of as answered. */
function note(writers: Map<string, Writer>, line: Said): number {
  if ('rows' in line) {
    checkFound(writers, line)
    return 0
  }
  if ('root' in line) return 0
  const writer = writers.get(line.folder) ?? { tree: new PlainTree(), begun: undefined }
  writers.set(line.folder, writer)
  if ('begins' in line) {
    writer.begun = line.begins
    return 0
  }
  const { tree, codes } = after(writer.tree, writer.begun!)
  expect(line.answers, JSON.stringify(writer.begun)).toEqual(codes)
  writer.tree = tree
  writer.begun = undefined
  return 1
}

/** Its tree after changes that are done all or none, and the codes with which they are refused. */
function after(before: PlainTree, ops: readonly PlainOp[]) {
  let tree = before
  const codes = ops.map((op) => {
    const tried = tree.tried(op)
    if (!(tried instanceof PlainTree)) return tried
    tree = tried
    return null
  })
  return { tree, codes }
}

/** What is there is what was answered, and what was under way is there whole, or not at all. */
function checkFound(writers: Map<string, Writer>, { rows, harms }: Extract<Said, { harms: number }>): void {
  expect(harms).toBe(0)
  const all = new Map(rows)
  for (const [folder, writer] of writers) {
    const found = below(all, folder)
    const maybe = writer.begun && after(writer.tree, writer.begun).tree
    writer.begun = undefined
    if (maybe !== undefined && isSame(found, rowsOf(maybe, folder))) writer.tree = maybe
    else expect(found).toEqual(rowsOf(writer.tree, folder))
  }
}

/** Looks at the tree by its CID, with the ecosystem's exporter. Attributes and mounts are no part of it. */
async function checkFromOutside(home: string, writers: Map<string, Writer>): Promise<void> {
  const said = await saidBy([home, '0', 'write'], Number.POSITIVE_INFINITY)
  for (const line of said) note(writers, line)
  const root = said.flatMap((line) => ('root' in line ? [line.root] : []))[0]!
  await using blocks = await openBlocks({ path: join(home, 'blocks'), claims: () => [], links: linksOf })
  const store = {
    async *get(cid: CID) {
      const bytes = await blocks.get(cid)
      if (bytes === undefined) throw new Error(`The block ${cid} is lost`)
      yield bytes
    },
  }
  const found = new Map<string, string>()
  const visit = async (path: string, cid: CID): Promise<void> => {
    const entry = await exporter(cid, store)
    if (entry.type !== 'directory' && entry.type !== 'file' && entry.type !== 'raw') {
      throw new Error(`${path} is a ${entry.type}`)
    }
    const unixfs = entry.type === 'raw' ? undefined : entry.unixfs
    const text = entry.type === 'directory' ? undefined : await textOf(entry.content())
    const mtime = unixfs?.mtime && Number(unixfs.mtime.secs)
    const row = { text, mark: undefined, mode: unixfs?.mode, mtime, mount: undefined }
    found.set(path, briefRow(fullRow(row)))
    if (entry.type !== 'directory') return
    for await (const { name, cid: inner } of entry.entries()) {
      await visit(`${path === '/' ? '' : path}/${name}`, inner)
    }
  }
  await visit('/', CID.parse(root))
  for (const [folder, { tree }] of writers) {
    expect(below(found, folder)).toEqual(rowsOf(tree.withoutMarks(), folder))
  }
}

async function textOf(content: AsyncIterable<Uint8Array>): Promise<string> {
  const pieces: Uint8Array[] = []
  for await (const piece of content) pieces.push(piece)
  return Buffer.concat(pieces).toString()
}

function rowsOf(tree: PlainTree, folder: string): Map<string, string> {
  return below(new Map(Array.from(tree.fullRows(), ([path, row]) => [path, briefRow(row)] as const)), folder)
}

function below(rows: ReadonlyMap<string, string>, folder: string): Map<string, string> {
  return new Map([...rows].filter(([path]) => path === folder || path.startsWith(`${folder}/`)))
}

function isSame(left: ReadonlyMap<string, string>, right: ReadonlyMap<string, string>): boolean {
  return left.size === right.size && [...left].every(([path, row]) => right.get(path) === row)
}

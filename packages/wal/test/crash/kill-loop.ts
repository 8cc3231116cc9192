/** A process that appends until it is killed, and who knows from outside what it was told. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { killAfter } from '@ipfs-kit/disk/testing'
import { openLog } from '@ipfs-kit/wal'
import { expect } from 'vitest'
import { contentOf } from '../open-on.ts'

const child = fileURLToPath(new URL('kill-child.ts', import.meta.url))

/** Lets a process append until it has said so many lines, and kills it. What it said. */
export function killAppender(
  path: string,
  lines: number,
  round: number,
  atLine?: () => Promise<void>,
): Promise<string[]> {
  return killAfter(['--conditions=@ipfs-kit/source', child, path, `${round}`], lines, atLine)
}

/** Kills so many processes on one log, and looks after each: what was answered is there. */
export async function killInALoop(rounds: number): Promise<void> {
  const home = await mkdtemp(join(tmpdir(), 'ipfs-kit-wal-'))
  const path = join(home, 'log')
  const said = new Map<number, string>()
  try {
    for (let round = 0; round < rounds; round += 1) {
      for (const line of await killAppender(path, 1 + Math.floor(Math.random() * 1500), round)) {
        const [lsn, text = ''] = line.split(' ')
        if (lsn === 'open') expect(text).toBe('0')
        else if (text !== '') said.set(Number(lsn), text)
      }
      if (said.size > 0) await check(path, said)
    }
    expect(said.size).toBeGreaterThan(1000)
  } finally {
    await rm(home, { recursive: true })
  }
}

/** What was said is there, but for what was dropped since; each once. */
async function check(path: string, said: ReadonlyMap<number, string>): Promise<void> {
  await using log = await openLog({ path, segmentBytes: 65_536 })
  expect(log.findings.filter(({ kind }) => kind !== 'torn-tail')).toEqual([])
  const found = await contentOf(log)
  const { firstLsn, nextLsn } = log.stats()
  expect(found.size).toBe(nextLsn - firstLsn)
  const newest = [...said.keys()].reduce((most, lsn) => Math.max(most, lsn), 0)
  expect(firstLsn).toBeLessThan(newest)
  for (const [lsn, text] of said) {
    if (lsn >= firstLsn && found.get(lsn)?.replace(/-+$/, '') !== text)
      throw new Error(`LSN ${lsn}, ${text}, is lost`)
  }
  const own = [...found.values()].filter((text) => !text.includes('dropper'))
  expect(new Set(own).size).toBe(own.length)
}

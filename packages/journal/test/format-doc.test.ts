import { readFile } from 'node:fs/promises'
import { decode } from '@ipld/dag-cbor'
import { simDisk } from '@ipfs-kit/disk'
import { openLog } from '@ipfs-kit/wal'
import { expect, test } from 'vitest'
import { openOn } from './open-on.ts'

test('the example of FORMAT.md is what a journal writes', async () => {
  const doc = await readFile(new URL('../FORMAT.md', import.meta.url), 'utf8')
  const example = Buffer.from(/```\n([\da-f\s]+)```/.exec(doc)![1]!.replaceAll(/\s/g, ''), 'hex')
  expect([example[0], example[1]]).toEqual([1, 1])
  const change = { sequence: 1, at: 1_700_000_000_000, steps: [{ step: 'mkdir', path: '/a' }] }
  expect(decode(example.subarray(2))).toEqual(change)

  const disk = simDisk({ seed: 1 })
  {
    await using opened = await openOn(disk, { clock: () => change.at })
    await opened.journal.mkdir('/a')
  }
  await using log = await openLog({ path: '/journal', disk })
  const records: string[] = []
  for await (const { payloads } of log.read()) {
    records.push(...payloads.map((payload) => Buffer.from(payload).toString('hex')))
  }
  expect(records).toEqual([example.toString('hex')])
})

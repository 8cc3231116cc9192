import type { AddEntry } from '@ipfs-kit/ipfs'
import { createOwner } from '@ipfs-kit/concurrency'
import { expect, it } from 'vitest'
import { importFiles } from '../src/add-import.ts'
import { Intake } from '../src/add-intake.ts'
import { AddWrites } from '../src/add-writes.ts'
import { FileBlocks } from '../src/file-blocks.ts'
import { FolderTree } from '../src/folder-tree.ts'
import { drain, pattern } from './opened.ts'

const profile = 'unixfs-v1-2025'

it('leaves others their turns while small files in hand go into a store that never waits', async () => {
  const content = pattern(4096)
  function* entries(): Generator<AddEntry> {
    for (let at = 0; at < 20_000; at += 1) yield { path: `d/${at}`, content }
  }
  const over = new AbortController()
  const { signal } = over
  const owner = createOwner({ name: 'test' })
  const writes = new AddWrites(async () => {}, signal)
  const tree = new FolderTree(profile)
  const intake = new Intake(entries(), tree, signal, undefined)
  const files = new FileBlocks({ profile, chunkBytes: 1_048_576, writes, owner })
  let turns = 0
  const count = (): void => {
    turns += 1
    next = setImmediate(count)
  }
  let next = setImmediate(count)
  await drain(importFiles({ intake, tree, files, writes, signal, over, owner }))
  clearImmediate(next)
  expect(intake.added).toBe(20_000)
  expect(turns).toBeGreaterThan(5)
  await owner.close()
})

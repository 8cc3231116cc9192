import { openIpfs, type Ipfs, type MigrationProgress } from '@ipfs-kit/ipfs'
import { expect, it, onTestFinished } from 'vitest'
import { oldHome } from './old-home.ts'
import { rejection } from './opened.ts'

/** A node that moves the blocks of an older version when it is run. */
async function openedOld(path: string): Promise<Ipfs> {
  const ipfs = await openIpfs({ path, migrates: 'when-run' })
  onTestFinished(() => ipfs.close())
  return ipfs
}

/** Leaves the move as soon as it tells of something. */
async function runABit(ipfs: Ipfs): Promise<void> {
  const controller = new AbortController()
  const reason = new Error('enough')
  const onProgress = (): void => controller.abort(reason)
  expect(await rejection(ipfs.migration!.run({ signal: controller.signal, onProgress }))).toBe(reason)
}

it('moves while it is run, stops when it is left, and goes on when it is run again', async () => {
  const { path, blocks } = await oldHome()
  const ipfs = await openedOld(path)
  expect(ipfs.stats().migration).toMatchObject({ state: 'stopped', blocks: 0 })
  await runABit(ipfs)
  expect(ipfs.stats().migration).toMatchObject({ state: 'stopped' })
  expect(ipfs.stats().migration).not.toHaveProperty('error')
  const told: MigrationProgress[] = []
  const progress = await ipfs.migration!.run({ onProgress: (one) => told.push(one) })
  expect(progress).toMatchObject({ state: 'done', blocks: blocks.length, ofBlocks: blocks.length })
  expect(told.at(-1)).toEqual(progress)
  expect(await ipfs.migration!.run()).toEqual(progress)
})

it('refuses a collection while nobody runs it, and collects after it', async () => {
  const { path, blocks } = await oldHome()
  const ipfs = await openedOld(path)
  expect(await rejection(ipfs.repo.gc())).toMatchObject({
    code: 'IPFS_NOT_MIGRATED',
    message: expect.stringContaining('is paused'),
  })
  await runABit(ipfs)
  expect(await rejection(ipfs.repo.gc())).toMatchObject({ code: 'IPFS_NOT_MIGRATED' })
  const running = ipfs.migration!.run()
  expect(await ipfs.repo.gc()).toMatchObject({ removedBlocks: 0, keptBlocks: blocks.length })
  await running
})

it('goes on for the others when one of those who run it leaves', async () => {
  const { path, blocks } = await oldHome()
  const ipfs = await openedOld(path)
  const [, progress] = await Promise.all([runABit(ipfs), ipfs.migration!.run(), runABit(ipfs)])
  expect(progress).toMatchObject({ state: 'done', blocks: blocks.length })
})

it('tells those who run it that the node was closed', async () => {
  const { path } = await oldHome()
  const ipfs = await openedOld(path)
  const running = rejection(ipfs.migration!.run())
  await ipfs.close()
  expect(await running).toMatchObject({ code: 'IPFS_CLOSED' })
  expect(await rejection(ipfs.migration!.run())).toMatchObject({ code: 'IPFS_CLOSED' })
})

it('refuses a time to move that it does not know', async () => {
  const { path } = await oldHome(3)
  await expect(openIpfs({ path, migrates: 'never' as 'when-run' })).rejects.toThrow(TypeError)
})

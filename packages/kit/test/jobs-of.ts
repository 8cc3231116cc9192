/** What tests ask of jobs. */
import type { Kit } from '@ipfs-kit/kit'
import { expect } from 'vitest'
import { collect } from './collect.ts'

/** A job as `jobs.list` has it. */
export type Job = Awaited<ReturnType<typeof jobsOf>>[number]

/** All jobs, the newest first. */
export async function jobsOf(kit: Kit) {
  return (await kit.call('jobs.list', {})).jobs
}

/** The newest job that is such a one, when there is one. */
export async function jobOf(kit: Kit, isSuch: (job: Job) => boolean): Promise<Job> {
  let found: Job | undefined
  await expect
    .poll(async () => (found = (await jobsOf(kit)).find(isSuch)), { interval: 5, timeout: 60_000 })
    .toBeDefined()
  return found!
}

/** A verification that would take for ever, as one call. */
export async function slowVerify(
  kit: Kit,
  options: { readonly signal?: AbortSignal } = {},
): Promise<unknown> {
  return collect(await kit.call('store.verify', { bytesPerSecond: 1 }, options))
}
